"""Tests of a run of the face network: it learns, resumes exactly, and exports a file."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.cli.main import main  # noqa: E402
from fer_core.errors import DatasetError  # noqa: E402
from fer_core.models.emotion import compact  # noqa: E402
from fer_core.models.landmarks.face import SHIPPED_WEIGHTS, FaceModel  # noqa: E402
from fer_core.paths import ROOT  # noqa: E402
from fer_core.schema.action_units import MOVEMENTS  # noqa: E402
from fer_core.training.checkpoints import save_network  # noqa: E402
from fer_core.training.expression.export import PARITY  # noqa: E402
from fer_core.training.landmarks import export as exporter  # noqa: E402
from fer_core.training.landmarks import run as runs  # noqa: E402
from fer_core.training.landmarks import train as training  # noqa: E402
from fer_core.training.landmarks.augment import MIRROR  # noqa: E402
from fer_core.training.landmarks.batches import Batches, Taught, Training  # noqa: E402
from fer_core.training.landmarks.data import read_taught_faces  # noqa: E402
from fer_core.training.landmarks.evaluate import movement_correlations  # noqa: E402
from fer_core.training.landmarks.head import fit_mesh, fit_movements  # noqa: E402
from fer_core.training.landmarks.losses import movement_loss, wing  # noqa: E402
from fer_core.training.landmarks.negatives import Strangers  # noqa: E402
from fer_core.training.landmarks.network import Expectation, FaceNet  # noqa: E402
from fer_core.training.landmarks.state import (  # noqa: E402
    Settings,
    State,
    load_network,
    new_state,
    resume,
)
from fer_core.training.landmarks.train import (  # noqa: E402
    learning_rate,
    predict,
    train,
    validate,
)
from tests.training.runs import (  # noqa: E402
    assert_refused,
    assert_same_weights,
    hide_pytorch,
    replaced_only_if_equal,
    stopped_after_an_epoch,
)

TINY = Settings(
    epochs=2, alone=8, alone_epochs=2, steps=4, taught=4, marked=4, negatives=2, strangers=1
)


@pytest.fixture(autouse=True)
def _few_negatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "NEGATIVES", 6)


def go(folder: Path, out: Path, settings: Settings, state: State | None = None) -> State:
    data = runs.read(folder, settings.seed)
    state = state or new_state(settings)
    train(state, runs.training(data), runs.held_out(data, runs.VALIDATION, settings.seed), out)
    return state


def command(data: Path, out: Path, *more: str) -> Result:
    args = ["train-landmarks", "--data", str(data), "--out", str(out), *more]
    return CliRunner().invoke(main, args)


def test_a_run_learns(faces_folder: Path, tmp_path: Path) -> None:
    settings = replace(TINY, epochs=4, steps=16, average_decay=0.5, learning_rate=3e-3)
    settings = replace(settings, taught=16)  # correlation, in the loss, means little over four
    data = runs.read(faces_folder, settings.seed)
    held_out = runs.held_out(data, runs.VALIDATION, settings.seed)
    state = new_state(settings)
    before = validate(state.average, held_out)
    train(state, runs.training(data), held_out, tmp_path)
    errors = [row["validation_nme_percent"] for row in state.history]
    assert min(errors) < 0.6 * before["validation_nme_percent"]
    first, last = state.history[0], state.history[-1]
    for loss, share in (("wing", 0.7), ("iris_wing", 0.7), ("movement_loss", 0.9)):
        assert last[f"train_{loss}"] < share * first[f"train_{loss}"], loss
    log = (tmp_path / "log.csv").read_text("utf-8").splitlines()
    assert len(log) == 5
    assert (tmp_path / "curves.png").is_file()
    best = validate(load_network(tmp_path / "best.pt"), held_out)
    assert min(abs(best["validation_nme_percent"] - error) for error in errors) < 1e-3


def test_a_run_that_was_stopped_goes_on_exactly(faces_folder: Path, tmp_path: Path) -> None:
    whole = go(faces_folder, tmp_path / "whole", TINY)
    with stopped_after_an_epoch(training):
        go(faces_folder, tmp_path / "stopped", TINY)
    begun = resume(tmp_path / "stopped" / "last.pt", TINY)
    assert begun.epoch == 1
    again = go(faces_folder, tmp_path / "stopped", TINY, begun)
    assert again.epoch == whole.epoch == 2
    assert_same_weights(whole, again)


def test_a_checkpoint_of_other_settings_or_none(faces_folder: Path, tmp_path: Path) -> None:
    go(faces_folder, tmp_path, replace(TINY, epochs=1))
    assert resume(tmp_path / "last.pt", replace(TINY, epochs=9, minutes=1.0)).epoch == 1
    with pytest.raises(DatasetError, match="other settings"):
        resume(tmp_path / "last.pt", replace(TINY, seed=1))
    with pytest.raises(DatasetError, match="not a checkpoint of this program"):
        resume(tmp_path / "best.pt", TINY)
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    with pytest.raises(DatasetError, match="not a checkpoint that can be read"):
        load_network(tmp_path / "broken.pt")


def test_the_learning_rate_warms_up_and_falls() -> None:
    settings = Settings(epochs=10, learning_rate=1.0, warm_share=0.1)
    rates = [learning_rate(settings, done) for done in (0.0, 0.05, 0.1, 0.5, 1.0)]
    assert rates[0] < 0.02 < rates[1] < rates[2]
    assert rates[3] == pytest.approx(0.5)
    assert rates[4] == pytest.approx(0.0)


def test_wing_is_continuous_and_linear_for_large_errors() -> None:
    def loss(error: float) -> float:
        return float(wing(torch.full((1, 68, 2), error / 100.0), torch.zeros(1, 68, 2)))

    assert loss(0.0) == 0.0
    assert loss(3.999) == pytest.approx(loss(4.001), abs=0.01)
    assert loss(30.0) - loss(20.0) == pytest.approx(10.0, rel=1e-4)
    assert loss(1.0) > 0.3 * loss(3.0)  # small errors count more than their size


def test_the_expectation_of_a_sharp_map_is_its_cell() -> None:
    maps = torch.full((1, 1, 20, 20), -1e3)
    maps[0, 0, 14, 4] = 1e3
    x, y = Expectation(20)(maps)[0, 0].tolist()
    assert x == pytest.approx(0.5 + 1.3 * (4.5 / 20 - 0.5))
    assert y == pytest.approx(0.5 + 1.3 * (14.5 / 20 - 0.5))
    assert Expectation(20)(torch.zeros(1, 1, 20, 20))[0, 0].tolist() == pytest.approx(
        [0.5] * 2, abs=1e-5
    )


CROPS = np.random.default_rng(0).integers(0, 256, (9, 80, 80), dtype=np.uint8)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[FaceNet, Path]:
    """A network and its file, for all who look at it: an export takes five seconds of a core."""
    torch.manual_seed(0)
    network = FaceNet()
    with torch.no_grad():
        network(torch.from_numpy(CROPS)[:, None].float())  # batch statistics of their own
    path = tmp_path_factory.mktemp("export") / "x.onnx"
    with replaced_only_if_equal(exporter, path):
        assert exporter.export(network, CROPS, path) <= PARITY
    return network, path


def test_the_file_says_what_the_network_says(exported: tuple[FaceNet, Path]) -> None:
    (network, path), crops = exported, CROPS
    got, expected = FaceModel(path).predict(crops), predict(network, crops)
    for name in ("points", "irises"):  # half-precision weights
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=2e-3)
    for name in ("presence", "movements"):
        np.testing.assert_allclose(getattr(got, name), getattr(expected, name), atol=5e-3)
    one = FaceModel(path).predict(crops[:1])
    assert [one.points.shape, one.presence.shape] == [(1, 68, 2), (1,)]
    assert [one.movements.shape, one.irises.shape] == [(1, 52), (1, 2, 2)]


def test_the_file_does_not_tell_where_it_was_made() -> None:
    content = SHIPPED_WEIGHTS.read_bytes()
    assert str(ROOT).encode() not in content
    assert b".py" not in content


def test_weights_can_be_read_back(tmp_path: Path) -> None:
    network = FaceNet()
    save_network(network, tmp_path / "x.pt")
    crops = np.zeros((1, 80, 80), np.uint8)
    again = predict(load_network(tmp_path / "x.pt"), crops)
    np.testing.assert_array_equal(again.movements, predict(network, crops).movements)


def test_a_run_begins_with_the_weights_of_an_earlier_network(
    exported: tuple[FaceNet, Path],
) -> None:
    (earlier, path), crops = exported, CROPS
    begun = new_state(TINY, path)
    for got in (predict(begun.network, crops), predict(begun.average, crops)):
        np.testing.assert_allclose(got.points, predict(earlier, crops).points, atol=2e-3)
        np.testing.assert_allclose(got.movements, predict(earlier, crops).movements, atol=5e-3)


def test_what_is_no_earlier_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(DatasetError, match="not an ONNX file that can be read"):
        new_state(TINY, tmp_path / "broken.onnx")
    with pytest.raises(DatasetError, match="no weights of a face network"):
        new_state(TINY, compact.SHIPPED_WEIGHTS)


def test_movements_can_be_learned_alone() -> None:
    """Bright crops smile, dark ones do not; points and presence stay as they were."""
    network = new_state(TINY).network
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 256, (64, 80, 80), dtype=np.uint8)
    crops[::2, 30:] //= 8
    moved = np.zeros((64, 52), np.float32)
    moved[1::2, MOVEMENTS.index("mouthSmileLeft")] = 0.8
    training.set_scale(network, moved)
    before = predict(network, crops)
    first, last = (fit_movements(network, crops, moved, epochs, seed=0) for epochs in (1, 30))
    assert last < 0.3 * first
    after = predict(network, crops)
    np.testing.assert_array_equal(after.points, before.points)
    assert movement_correlations(after.movements, moved)["mouthSmileLeft"] > 0.9


def test_the_mesh_can_be_learned_alone() -> None:
    """A bright spot is where all its points are; points and presence stay as they were."""
    network = new_state(TINY).network
    rng = np.random.default_rng(0)
    crops = rng.integers(0, 60, (96, 80, 80), dtype=np.uint8)
    corners = rng.integers(15, 55, (96, 2))
    for crop, (x, y) in zip(crops, corners, strict=True):
        crop[y : y + 10, x : x + 10] = 255
    mesh = np.tile(((corners + 5.0) / 80.0).astype(np.float32)[:, None], (1, 146, 1))
    before = predict(network, crops)

    def error() -> float:
        with torch.no_grad():
            found = network.eval().look(torch.from_numpy(crops)[:, None].float())[2].mesh
        return float((found - torch.from_numpy(mesh)).abs().mean())

    in_the_middle = error()
    fit_mesh(network, crops, mesh, seed=0)
    assert error() < 0.6 * in_the_middle
    after = predict(network, crops)
    np.testing.assert_array_equal(after.points, before.points)
    np.testing.assert_array_equal(after.presence, before.presence)


@pytest.mark.parametrize("better", [True, False])
def test_movements_learned_at_the_end_are_kept_if_they_are_better(
    faces_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: bool
) -> None:
    data = runs.read(faces_folder, TINY.seed)
    chosen_on = runs.held_out(data, runs.VALIDATION, TINY.seed)
    network = new_state(TINY).network
    save_network(network, tmp_path / "best.pt")
    correlations = iter([0.5, 0.6 if better else 0.4])
    monkeypatch.setattr(
        runs, "validate", lambda *_: {"validation_movement_correlation": next(correlations)}
    )
    kept = runs.finished(tmp_path / "best.pt", runs.training(data).taught, chosen_on, TINY)
    assert torch.equal(kept.movements.read.bias, network.movements.read.bias) != better


def test_the_loss_of_movements_is_least_where_they_are_right_or_in_step() -> None:
    network = new_state(TINY).network
    movements = np.random.default_rng(0).uniform(0.0, 1.0, (40, 52)).astype(np.float32)
    movements[:, 1] = 0.0  # hardly happens
    training.set_scale(network, movements)
    truth = torch.from_numpy(movements)
    right = (truth.sqrt() - network.movement_mean) / network.movement_scale

    def loss(told: Any) -> float:
        return float(movement_loss(network, told, truth))

    assert loss(right) == pytest.approx(0.0, abs=1e-3)
    halved, shuffled = 0.5 * right, right.roll(1, dims=0)
    assert 0.01 < loss(halved) < 0.2 < 1.0 < loss(shuffled)
    nothing = torch.zeros_like(right, requires_grad=True)
    movement_loss(network, nothing, truth).backward()
    assert nothing.grad is not None
    assert torch.isfinite(nothing.grad).all()


def one_face(order: np.ndarray, points: np.ndarray, moved: np.ndarray) -> Training:
    grey = np.zeros((64, 64), np.uint8)
    return Training(
        [grey],
        points[:, :68],
        Taught([grey], points, moved, order),
        Strangers([grey], points[:, :68], [], []),
    )


def test_movements_are_turned_over_with_their_face() -> None:
    """A crop and its mirror image teach the same smile, once on the left and once on the right."""
    moved = np.zeros((1, 52), np.float32)
    moved[0, MOVEMENTS.index("mouthSmileLeft")] = 1.0
    points = np.random.default_rng(0).uniform(16, 48, (1, 70, 2)).astype(np.float32)
    data = one_face(MIRROR, points, moved)
    batch = Batches(data, replace(TINY, taught=32), epoch=0, progress=0.0)[0]
    sides = [MOVEMENTS.index(f"mouthSmile{side}") for side in ("Left", "Right")]
    shown = batch.movements[:, sides]
    assert batch.movements.sum() == 32
    assert 8 < shown[:, 0].sum() < 24


def test_the_mesh_is_turned_over_with_its_face() -> None:
    """Two points beside the first and the last point of the jaw stay beside them."""
    points = np.random.default_rng(0).uniform(16, 48, (1, 72, 2)).astype(np.float32)
    points[0, 70], points[0, 71] = points[0, 0], points[0, 16]
    order = np.array([*MIRROR, 71, 70])
    data = one_face(order, points, np.zeros((1, 52), np.float32))
    batch = Batches(data, replace(TINY, taught=16), epoch=0, progress=0.0)[0]
    np.testing.assert_allclose(batch.mesh, batch.points[:16, [0, 16]], atol=1e-6)


def test_batches_grow_and_their_learning_rate_with_the_root() -> None:
    points = np.random.default_rng(0).uniform(16, 48, (1, 70, 2)).astype(np.float32)
    data = one_face(MIRROR, points, np.zeros((1, 52), np.float32))
    one, four = (
        Batches(data, replace(TINY, batch_scale=scale), epoch=0, progress=0.0)[0]
        for scale in (1, 4)
    )
    assert [len(one.crops), len(four.crops)] == [11, 44]
    assert [len(four.points), len(four.movements), four.present.sum()] == [32, 16, 36.0]
    rates = [learning_rate(replace(TINY, batch_scale=scale), 0.5) for scale in (1, 4)]
    assert rates[1] == pytest.approx(2.0 * rates[0])


def test_a_run_learns_the_mesh(faces_folder: Path, tmp_path: Path) -> None:
    """Its 146 points are copies of the corners of the mouth, sides exchanged in a mirrored face."""
    taught = read_taught_faces(faces_folder / "movements", faces_folder / "movements.csv")
    corners = np.tile(taught.faces.points[:, [48, 54]], (1, 73, 1))
    mirrored = np.arange(146) ^ 1
    np.savez(faces_folder / "mesh.npz", points=corners, mirrored=mirrored)
    settings = replace(TINY, epochs=4, steps=16, learning_rate=3e-3)
    state = go(faces_folder, tmp_path, settings)
    losses = [row["train_mesh_wing"] for row in state.history]
    assert losses[-1] < 0.7 * losses[0]


def test_the_command_ends_with_a_network_and_its_card(
    faces_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = asdict(TINY)
    del tiny["epochs"], tiny["minutes"], tiny["seed"]  # which the command sets
    monkeypatch.setattr("fer_core.training.landmarks.state.Settings", partial(Settings, **tiny))
    out = tmp_path / "run"
    result = command(faces_folder, out, "--epochs", "1", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert "face.onnx" in result.stdout
    read = FaceModel(out / "face.onnx").predict(np.zeros((1, 80, 80), np.uint8))
    assert np.isfinite(read.points).all()
    assert np.isfinite(read.movements).all()
    card = (out / "face.md").read_text("utf-8")
    assert "--epochs 1 --seed 3" in card
    assert "| jawOpen | " in card
    for picture in ("curves", "example"):
        assert f"face_{picture}.png" in card
        assert (out / f"face_{picture}.png").is_file()

    other = command(faces_folder, out, "--epochs", "1", "--seed", "4")
    assert other.exit_code == 2
    assert "other settings" in other.stderr
    shutil.copytree(faces_folder / "images", faces_folder / "alarms")
    larger = command(faces_folder, out, "--epochs", "1", "--seed", "3")
    assert larger.exit_code == 2
    assert "other data" in larger.stderr


@pytest.mark.parametrize("missing", ["images", "landmarks.csv", "movements", "movements.csv"])
def test_missing_data_writes_nothing(faces_folder: Path, tmp_path: Path, missing: str) -> None:
    (faces_folder / missing).rename(tmp_path / "elsewhere")
    result = command(faces_folder, tmp_path / "run")
    assert_refused(result, missing, tmp_path / "run")


def test_without_pytorch_the_command_says_what_to_install(
    faces_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_pytorch(monkeypatch)
    result = command(faces_folder, tmp_path / "run")
    assert_refused(result, "requirements-train.txt", tmp_path / "run")
