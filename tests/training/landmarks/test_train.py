"""Tests of a run of the landmark network: it learns, resumes exactly, and exports a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.cli.main import main  # noqa: E402
from fer_core.errors import DatasetError  # noqa: E402
from fer_core.models.landmarks.landmarks68 import SHIPPED_WEIGHTS, Landmarks68Model  # noqa: E402
from fer_core.paths import ROOT  # noqa: E402
from fer_core.training.checkpoints import save_network  # noqa: E402
from fer_core.training.expression.export import PARITY  # noqa: E402
from fer_core.training.landmarks import export as exporter  # noqa: E402
from fer_core.training.landmarks import run as runs  # noqa: E402
from fer_core.training.landmarks import train as training  # noqa: E402
from fer_core.training.landmarks.network import Landmarks68Net, expectation  # noqa: E402
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
    wing,
)
from tests.training.runs import (  # noqa: E402
    assert_refused,
    assert_same_weights,
    hide_pytorch,
    stopped_after_an_epoch,
)

TINY = Settings(epochs=2, batch=4, negatives=2, strangers=1)


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
    settings = replace(TINY, epochs=3, average_decay=0.5)
    data = runs.read(faces_folder, settings.seed)
    held_out = runs.held_out(data, runs.VALIDATION, settings.seed)
    once = runs.training(data)
    # Each face several times an epoch: what follows an epoch takes longer than its steps.
    often = replace(once, pictures=4 * once.pictures, points=np.tile(once.points, (4, 1, 1)))
    state = new_state(settings)
    before = validate(state.average, held_out)
    train(state, often, held_out, tmp_path)
    errors = [row["validation_nme_percent"] for row in state.history]
    assert min(errors) < 0.6 * before["validation_nme_percent"]
    assert state.history[-1]["train_wing"] < 0.6 * state.history[0]["train_wing"]
    log = (tmp_path / "log.csv").read_text("utf-8").splitlines()
    assert len(log) == 4
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
    assert resume(tmp_path / "last.pt", replace(TINY, epochs=9)).epoch == 1
    with pytest.raises(DatasetError, match="other settings"):
        resume(tmp_path / "last.pt", replace(TINY, seed=1))
    with pytest.raises(DatasetError, match="not a checkpoint of this program"):
        resume(tmp_path / "best.pt", TINY)
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    with pytest.raises(DatasetError, match="not a checkpoint that can be read"):
        load_network(tmp_path / "broken.pt")


def test_the_learning_rate_warms_up_and_falls() -> None:
    settings = Settings(epochs=10, learning_rate=1.0)
    rates = [learning_rate(settings, epoch) for epoch in (0.0, 0.5, 1.0, 5.0, 10.0)]
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
    x, y = expectation(maps)[0, 0].tolist()
    assert x == pytest.approx(0.5 + 1.3 * (4.5 / 20 - 0.5))
    assert y == pytest.approx(0.5 + 1.3 * (14.5 / 20 - 0.5))
    assert expectation(torch.zeros(1, 1, 20, 20))[0, 0].tolist() == pytest.approx([0.5, 0.5])


def test_the_file_says_what_the_network_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Landmarks68Net()
    crops = np.random.default_rng(0).integers(0, 256, (9, 80, 80), dtype=np.uint8)
    with torch.no_grad():
        network(torch.from_numpy(crops)[:, None].float())  # batch statistics of their own
    path = tmp_path / "x.onnx"
    assert exporter.export(network, crops, path) <= PARITY
    points, presence = Landmarks68Model(path).predict(crops)
    expected, logits = predict(network, crops)
    np.testing.assert_allclose(points, expected, atol=2e-3)  # half-precision weights
    np.testing.assert_allclose(presence, 1.0 / (1.0 + np.exp(-logits)), atol=5e-3)
    assert Landmarks68Model(path).predict(crops[:1])[0].shape == (1, 68, 2)


def test_the_file_does_not_tell_where_it_was_made() -> None:
    content = SHIPPED_WEIGHTS.read_bytes()
    assert str(ROOT).encode() not in content
    assert b".py" not in content


def test_a_file_that_differs_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(b"the old one")
    monkeypatch.setattr("fer_core.training.expression.export.PARITY", -1.0)
    with pytest.raises(RuntimeError, match="differ by"):
        exporter.export(Landmarks68Net(), np.zeros((2, 80, 80), np.uint8), path)
    assert path.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["x.onnx"]


def test_weights_can_be_read_back(tmp_path: Path) -> None:
    network = Landmarks68Net()
    save_network(network, tmp_path / "x.pt")
    crops = np.zeros((1, 80, 80), np.uint8)
    again = predict(load_network(tmp_path / "x.pt"), crops)
    np.testing.assert_array_equal(again[0], predict(network, crops)[0])


def test_the_command_ends_with_a_network_and_its_card(faces_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = command(faces_folder, out, "--epochs", "1", "--seed", "3")
    assert result.exit_code == 0, result.output
    assert "landmarks68.onnx" in result.stdout
    points, _ = Landmarks68Model(out / "landmarks68.onnx").predict(np.zeros((1, 80, 80), np.uint8))
    assert np.isfinite(points).all()
    card = (out / "landmarks68.md").read_text("utf-8")
    assert "--epochs 1 --seed 3" in card
    for picture in ("curves", "example"):
        assert f"landmarks68_{picture}.png" in card
        assert (out / f"landmarks68_{picture}.png").is_file()

    other = command(faces_folder, out, "--epochs", "1", "--seed", "4")
    assert other.exit_code == 2
    assert "other settings" in other.stderr


@pytest.mark.parametrize("missing", ["images", "landmarks.csv"])
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
