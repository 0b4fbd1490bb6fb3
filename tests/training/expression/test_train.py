"""Tests of the training loop: it learns, resumes at any epoch, and refuses other runs."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.errors import DatasetError  # noqa: E402
from fer_core.training.device import parameter_count  # noqa: E402
from fer_core.training.expression.batches import Batches, Part  # noqa: E402
from fer_core.training.expression.network import (  # noqa: E402
    CompactNet,
    recompute_statistics,
    standardise,
)
from fer_core.training.expression.sources import Source, ValidationSet  # noqa: E402
from fer_core.training.expression.state import (  # noqa: E402
    Settings,
    State,
    load_network,
    new_state,
    resume,
    save_network,
)
from fer_core.training.expression.targets import FER2013, FOREIGN, SHOWN, one_hot  # noqa: E402
from fer_core.training.expression.train import (  # noqa: E402
    head_loss,
    learning_rate,
    loss_of,
    predict_logits,
    train,
)
from fer_core.training.run_state import digest, save_checkpoint  # noqa: E402
from tests.training.expression.conftest import face  # noqa: E402

CLASSES = {"head": ["a", "b", "c", "d", "e", "f", "g"]}
TINY = (8, 8, 8, 8)
QUICK = Settings(epochs=2, batch=7, learning_rate=0.02, channels=TINY, side=48, seed=3)
Faces = tuple[Source, ValidationSet]


@pytest.fixture(scope="module")
def faces() -> Faces:
    labels = np.arange(14) % 7
    tiles = np.stack([face(i, 1) for i in range(14)])
    return (
        Source("bars", tiles, {"head": one_hot(labels, 7)}),
        ValidationSet("bars", tiles, "head", labels, np.zeros(7, np.float32)),
    )


def go(state: State, faces: Faces, out: Path) -> None:
    train(state, faces[:1], faces[1:], out)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, faces: Faces) -> Path:
    out = tmp_path_factory.mktemp("run")
    go(new_state(CLASSES, QUICK), faces, out)
    return out


def test_a_run_leaves_checkpoints_a_log_and_a_picture(finished: Path) -> None:
    with (finished / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert {"train_loss", "bars_accuracy", "bars_macro_recall", "bars_loss"} <= set(rows[0])
    assert (finished / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert not list(finished.glob("*.partial"))
    network, classes = load_network(finished / "best.pt")
    assert classes == CLASSES
    assert not network.training


def test_a_stopped_run_goes_on_as_if_it_had_not_been(
    tmp_path: Path, faces: Faces, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fer_core.training.expression.train as loop

    validate = loop.validate

    def killed(network: object, validation_sets: list[ValidationSet]) -> dict[str, float]:
        if (tmp_path / "last.pt").exists():
            raise KeyboardInterrupt
        return validate(network, validation_sets)

    monkeypatch.setattr(loop, "validate", killed)
    with pytest.raises(KeyboardInterrupt):
        go(new_state(CLASSES, QUICK), faces, tmp_path)
    monkeypatch.undo()

    state = resume(tmp_path / "last.pt", CLASSES, QUICK)
    assert state.epoch == 1
    go(state, faces, tmp_path)

    whole = torch.load(finished / "last.pt", weights_only=True)
    pieced = torch.load(tmp_path / "last.pt", weights_only=True)
    for part in ("network", "average"):
        for name, value in whole[part].items():
            assert torch.equal(value, pieced[part][name]), name
    for mine, theirs in zip(
        whole["optimizer"]["state"].values(), pieced["optimizer"]["state"].values(), strict=True
    ):
        assert torch.equal(mine["momentum_buffer"], theirs["momentum_buffer"])
    timeless = [{k: v for k, v in row.items() if k != "seconds"} for row in whole["history"]]
    assert timeless == [{k: v for k, v in r.items() if k != "seconds"} for r in pieced["history"]]


def test_a_finished_run_can_be_made_longer(finished: Path) -> None:
    assert resume(finished / "last.pt", CLASSES, replace(QUICK, epochs=9)).epoch == 2


@pytest.mark.parametrize(
    ("classes", "settings"),
    [
        ({"head": ["a", "b"]}, QUICK),
        (CLASSES, replace(QUICK, seed=4)),
        (CLASSES, replace(QUICK, channels=(16, 8, 8, 8))),
        (CLASSES, replace(QUICK, side=64)),
    ],
    ids=["classes", "seed", "channels", "side"],
)
def test_a_checkpoint_of_another_run_is_refused(
    finished: Path, classes: dict[str, list[str]], settings: Settings
) -> None:
    with pytest.raises(DatasetError, match="other classes or settings"):
        resume(finished / "last.pt", classes, settings)


def test_a_checkpoint_of_other_data_or_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    """The faces that are held out now may be among those it has learned from."""
    last, data = tmp_path / "last.pt", digest(np.arange(3), ["a"])
    save_checkpoint(new_state(CLASSES, QUICK, data=data), last)
    assert resume(last, CLASSES, QUICK, data).data == data
    for other in (digest(np.arange(4), ["a"]), digest(np.arange(3), ["b"])):
        with pytest.raises(DatasetError, match="other data, or of an earlier version"):
            resume(last, CLASSES, QUICK, other)
    content = torch.load(last, weights_only=True)
    del content["data"]
    torch.save(content, last)
    with pytest.raises(DatasetError, match="other data, or of an earlier version"):
        resume(last, CLASSES, QUICK, data)


@pytest.mark.parametrize("side", [64, 80])
def test_the_side_is_read_back(tmp_path: Path, side: int) -> None:
    settings = replace(QUICK, side=side)
    state = new_state(CLASSES, settings)
    save_checkpoint(state, tmp_path / "last.pt")
    assert resume(tmp_path / "last.pt", CLASSES, settings).average.side == side
    save_network(state.average, CLASSES, tmp_path / "best.pt")
    assert load_network(tmp_path / "best.pt")[0].side == side


def test_a_checkpoint_that_notes_no_side_did_not_enlarge(tmp_path: Path) -> None:
    state = new_state(CLASSES, QUICK)
    save_checkpoint(state, tmp_path / "last.pt")
    save_network(state.average, CLASSES, tmp_path / "best.pt")
    for name in ("last.pt", "best.pt"):
        content = torch.load(tmp_path / name, weights_only=True)
        (content["settings"] if name == "last.pt" else content).pop("side")
        torch.save(content, tmp_path / name)
    assert resume(tmp_path / "last.pt", CLASSES, QUICK).network.side == 48
    assert load_network(tmp_path / "best.pt")[0].side == 48


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a checkpoint that can be read"),
        (b"no checkpoint", "not a checkpoint that can be read"),
        (None, "is not a checkpoint that can be read"),
        ({"weights": 1}, "not a checkpoint of this program"),
        ({"classes": CLASSES, "network": {"x": torch.zeros(1)}}, "of another network"),
    ],
    ids=["empty", "text", "missing", "other", "network"],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: object, sentence: str) -> None:
    path = tmp_path / "x.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DatasetError, match=sentence):
        load_network(path)


def test_it_learns(faces: Faces) -> None:
    torch.manual_seed(0)
    network = CompactNet({"head": 7}, dropout=0.0, channels=TINY, side=48)
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    batch = Batches(faces[:1], 14, 48).epoch(torch.Generator().manual_seed(0), strength=0.0)
    tiles, parts = next(batch)
    losses = []
    for _ in range(12):
        loss = loss_of(network(tiles), parts, {}, 0.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]


def test_a_tile_without_a_target_teaches_nothing() -> None:
    logits = {"head": torch.tensor([[1.0, 0.0], [5.0, -5.0]])}
    target = {"head": torch.tensor([[1.0, 0.0], [0.0, 0.0]])}
    both = loss_of(logits, [Part(slice(0, 2), target, None)], {}, 0.0)
    assert float(both) == pytest.approx(np.log(1 + np.exp(-1)))


def test_a_prior_that_explains_the_labels_leaves_nothing_to_learn() -> None:
    """Of faces that all look alike, 90 % in one class, the logits learn no difference."""
    share = torch.tensor([[0.9, 0.1]])
    for prior, expected in ((share.log()[0], 0.0), (None, np.log(9.0))):
        logits = torch.zeros(1, 2, requires_grad=True)
        optimizer = torch.optim.SGD([logits], 1.0)
        for _ in range(200):
            loss, count = head_loss(logits, share, prior, None, 0.0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert float(count) == 1.0
        assert float(logits.detach()[0] @ torch.tensor([1.0, -1.0])) == pytest.approx(
            expected, abs=0.05
        )


def test_the_heads_of_a_batch_learn_from_their_own_part() -> None:
    """FER2013's head sees only its tiles, and a foreign network's head counts less."""
    logits = {
        name: torch.zeros(3, 7, requires_grad=True) for name in (SHOWN, FER2013, FOREIGN + "0")
    }
    first = torch.eye(7)[:2]
    parts = [
        Part(slice(0, 2), {SHOWN: first, FER2013: first}, None),
        Part(slice(2, 3), {SHOWN: first[:1], FOREIGN + "0": first[:1]}, None),
    ]
    loss_of(logits, parts, {}, 0.0).backward()
    pushed = {name: z.grad.abs().sum(dim=1).tolist() for name, z in logits.items()}
    one = 2.0 * 6.0 / 7.0  # of the gradient of one cross-entropy of seven equal shares
    assert pushed[SHOWN] == pytest.approx([one / 3] * 3)
    assert pushed[FER2013] == pytest.approx([0.6 * one / 2] * 2 + [0.0])
    assert pushed[FOREIGN + "0"] == pytest.approx([0.0, 0.0, 0.15 * one])


def test_learning_rate_warms_up_holds_and_falls() -> None:
    settings = Settings(epochs=10, learning_rate=1.0, decay_share=0.5)
    assert learning_rate(settings, 0.0) < 0.05
    assert learning_rate(settings, 1.0) == learning_rate(settings, 5.0) == 1.0
    assert learning_rate(settings, 7.5) == pytest.approx(0.5)
    assert learning_rate(settings, 10.0) == pytest.approx(0.0)


def test_the_network_is_small_and_ignores_light() -> None:
    network = CompactNet({"ferplus": 7, "fer2013": 7}).eval()
    assert parameter_count(network) < 2_000_000
    tiles = torch.rand(3, 1, 48, 48) * 100.0
    torch.testing.assert_close(
        standardise(tiles), standardise(tiles * 1.5 + 50.0), atol=1e-4, rtol=0
    )
    assert torch.isfinite(standardise(torch.full((1, 1, 48, 48), 7.0))).all()


def test_logits_do_not_depend_on_the_batch() -> None:
    network = CompactNet({"head": 7})
    tiles = np.stack([face(i, 0) for i in range(3)])
    together = predict_logits(network, tiles)["head"]
    alone = predict_logits(network, tiles[2:])["head"]
    np.testing.assert_allclose(together[2:], alone, atol=1e-5)


def test_statistics_are_renewed_from_the_faces_alone() -> None:
    network = CompactNet({"head": 7}, channels=TINY, side=48)
    with torch.no_grad():
        network.train()(255.0 * torch.rand(8, 1, 48, 48))  # statistics of something else
    weights = {name: value.clone() for name, value in network.named_parameters()}
    faces = torch.from_numpy(np.stack([face(i, 1) for i in range(14)]))[:, None].float()
    recompute_statistics(network, faces.split(7))
    assert not any(module.training for module in network.modules())
    for name, value in network.named_parameters():
        assert torch.equal(value, weights[name]), name
    convolution, norm = network.stem[0], network.stem[1]
    assert norm.momentum == 0.1
    with torch.no_grad():
        maps = convolution(standardise(faces))
    torch.testing.assert_close(norm.running_mean, maps.mean(dim=(0, 2, 3)), atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(norm.running_var, maps.var(dim=(0, 2, 3)), atol=1e-2, rtol=1e-2)
