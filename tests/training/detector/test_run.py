"""Tests of a training run of the detector: it learns, resumes exactly, and exports a file."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

from fer_core.cli.main import main  # noqa: E402
from fer_core.errors import DatasetError, WeightsCorrupt  # noqa: E402
from fer_core.models.detectors.haar import HaarDetector  # noqa: E402
from fer_core.models.detectors.scout import (  # noqa: E402
    STRIDES,
    ScoutDetector,
    as_plane,
    suppress,
)
from fer_core.models.landmarks.face import SHIPPED_WEIGHTS  # noqa: E402
from fer_core.training.checkpoints import save_network  # noqa: E402
from fer_core.training.detector import train as training  # noqa: E402
from fer_core.training.detector.alarms import write_alarms  # noqa: E402
from fer_core.training.detector.backgrounds import read_backgrounds  # noqa: E402
from fer_core.training.detector.data import read_face_tiles, split_by_person  # noqa: E402
from fer_core.training.detector.export import PARITY, Exported  # noqa: E402
from fer_core.training.detector.losses import Target, assign, eiou, losses  # noqa: E402
from fer_core.training.detector.network import DetectorNet, cells, decode, fused  # noqa: E402
from fer_core.training.detector.plan import FACE, IGNORED, plan  # noqa: E402
from fer_core.training.detector.render import Renderer  # noqa: E402
from fer_core.training.detector.run import digest_of  # noqa: E402
from fer_core.training.detector.state import (  # noqa: E402
    Settings,
    State,
    load_network,
    new_state,
    resume,
)
from fer_core.training.detector.train import (  # noqa: E402
    Material,
    TrainingFailed,
    held_out_scenes,
    learning_rate,
    predict,
    train,
    validate,
)
from fer_core.training.expression.export import rounded_to_half  # noqa: E402
from fer_core.training.run_state import save_checkpoint  # noqa: E402
from tests.training.detector.conftest import (  # noqa: E402
    CentralPoints,
    write_backgrounds,
    write_sheet,
)
from tests.training.runs import (  # noqa: E402
    assert_refused,
    assert_same_weights,
    hide_pytorch,
    stopped_after_an_epoch,
)

TINY = Settings(
    epochs=2, steps=2, pixels=2 * 96 * 96, shapes=((96, 96, 1.0), (96, 128, 1.0)), held_out=3
)


@pytest.fixture
def material(tiles_folder: Path, backgrounds_folder: Path) -> tuple[Material, Material]:
    tiles = split_by_person(read_face_tiles(tiles_folder, CentralPoints()), 0)
    backgrounds = read_backgrounds(backgrounds_folder, HaarDetector())
    return Material(tiles[0], backgrounds[1:]), Material(tiles[1], backgrounds[:1])


def go(
    material: tuple[Material, Material], out: Path, settings: Settings, state: State | None = None
) -> State:
    state = state or new_state(settings)
    train(state, material[0], held_out_scenes(material[1], settings), out)
    return state


def command(data: Path, backgrounds: Path, out: Path, *more: str) -> Result:
    args = ["train-detector", "--data", data, "--backgrounds", backgrounds, "--out", out, *more]
    return CliRunner().invoke(main, list(map(str, args)))


def test_a_few_steps_lower_the_losses(material: tuple[Material, Material]) -> None:
    settings = replace(TINY, warm_share=0.0)
    state = new_state(settings)
    scenes = training._Batches(material[0], settings)[5]
    assert (scenes.labels.kinds == FACE).any()
    steps = [training._step(state, scenes) for _ in range(16)]
    learned = [each for each in steps if each is not None]
    assert len(learned) == 16
    first, last = np.mean(learned[:2], axis=0), np.mean(learned[-2:], axis=0)
    assert (last < 0.8 * first).all()


def test_a_run_leaves_a_log_its_curves_and_the_best_network(
    material: tuple[Material, Material], tmp_path: Path
) -> None:
    state = go(material, tmp_path, TINY)
    assert [row["epoch"] for row in state.history] == [1.0, 2.0]
    assert len((tmp_path / "log.csv").read_text("utf-8").splitlines()) == 3
    assert (tmp_path / "curves.png").is_file()
    _, best = validate(load_network(tmp_path / "best.pt"), held_out_scenes(material[1], TINY))
    assert any((best.recall or 0.0) == row["validation_recall"] for row in state.history)


def test_a_run_that_was_stopped_goes_on_exactly(
    material: tuple[Material, Material], tmp_path: Path
) -> None:
    whole = go(material, tmp_path / "whole", TINY)
    with stopped_after_an_epoch(training):
        go(material, tmp_path / "stopped", TINY)
    begun = resume(tmp_path / "stopped" / "last.pt", TINY)
    assert begun.step == 2
    again = go(material, tmp_path / "stopped", TINY, begun)
    assert again.step == whole.step == 4
    assert_same_weights(whole, again)


def test_a_checkpoint_of_other_settings_or_none(
    material: tuple[Material, Material], tmp_path: Path
) -> None:
    go(material, tmp_path, replace(TINY, epochs=1))
    for longer in (replace(TINY, epochs=9), replace(TINY, minutes=3.0)):
        assert resume(tmp_path / "last.pt", longer).settings == longer
    # On another computer the batches stay as large as they were.
    assert resume(tmp_path / "last.pt", replace(TINY, pixels=9)).settings.pixels == TINY.pixels
    with pytest.raises(DatasetError, match="other settings"):
        resume(tmp_path / "last.pt", replace(TINY, seed=1))
    with pytest.raises(DatasetError, match="not a checkpoint of this program"):
        resume(tmp_path / "best.pt", TINY)
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    with pytest.raises(DatasetError, match="not a checkpoint that can be read"):
        load_network(tmp_path / "broken.pt")


def test_a_checkpoint_of_other_data(material: tuple[Material, Material], tmp_path: Path) -> None:
    learned, held_out = material
    data = digest_of(learned, held_out)
    save_checkpoint(new_state(TINY, data), tmp_path / "last.pt")
    assert resume(tmp_path / "last.pt", TINY, data).data == data
    fewer = replace(learned, tiles=learned.tiles.subset(np.arange(1, len(learned.tiles))))
    darker = replace(held_out, backgrounds=held_out.backgrounds // 2)
    for other in ((fewer, held_out), (learned, darker), (held_out, learned)):
        with pytest.raises(DatasetError, match="other data"):
            resume(tmp_path / "last.pt", TINY, digest_of(*other))


def test_a_run_of_minutes_ends_by_the_clock() -> None:
    state = new_state(replace(TINY, minutes=2.0, learning_rate=1.0))
    rates = []
    for seconds in (0.0, 2.4, 4.8, 62.4, 120.0):
        state.seconds = seconds
        rates.append(learning_rate(state))
    assert rates == pytest.approx([0.001, 0.5, 1.0, 0.501, 0.002], abs=1e-3)
    assert state.progress == 1.0


def test_steps_that_are_not_finite_are_skipped_and_said(
    material: tuple[Material, Material],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = training._Batches.__getitem__

    def spoil(self: training._Batches, step: int) -> training._Batch:
        batch = whole(self, step)
        spoilt_pictures: Any = np.full(batch.pictures.shape, np.nan)  # no uint8 is not a number
        return replace(batch, pictures=spoilt_pictures) if step in spoilt else batch

    monkeypatch.setattr(training._Batches, "__getitem__", spoil)
    spoilt = [1]
    state = go(material, tmp_path / "one", TINY)
    assert "Step 1 skipped" in capsys.readouterr().err
    assert state.history[0]["skipped_steps"] == 1
    for value in (*state.network.state_dict().values(), *state.average.state_dict().values()):
        assert torch.isfinite(value).all()
    spoilt = list(range(99))
    with pytest.raises(TrainingFailed, match="10 times in an epoch"):
        go(material, tmp_path / "all", replace(TINY, steps=30, held_out=0))


def test_labels_are_where_the_faces_are(material: tuple[Material, Material]) -> None:
    """A white tile, pasted on black, is white within its box and black well outside all boxes."""
    tiles = material[0].tiles
    white = replace(tiles, pictures=np.full_like(tiles.pictures, 255))
    renderer = Renderer(white.pictures, np.zeros((1, 512, 512), np.uint8))
    rng = np.random.default_rng(0)
    inside, seen = [], 0
    for seed in range(6):
        made = plan(rng, white, 1, (160, 160), 4)
        for name in ("hair", "neck", "torso", "cover1_on", "cover2_on", "bias"):
            made.people[name][:] = 0.0
        for name, value in {"gain": 1.0, "gamma": 1.0, "contrast": 1.0, "detail": 0.0}.items():
            made.scenes[name][:] = value
        for name in ("tone", "lift", "light", "noise", "dark_noise", "jpeg", "blur_x", "blur_y"):
            made.scenes[name][:] = 0.0
        pictures = renderer.draw(made, seed)
        assert pictures.shape == (4, 160, 160)
        for i, picture in enumerate(pictures):
            boxes, ignored = made.labels.of_scene(i)
            for left, top, right, bottom in boxes[~ignored]:
                middle = picture[int(top + bottom) // 2, int(left + right) // 2]
                inside.append(middle > 100)
                seen += 1
            if not len(made.labels.of_scene(i)[0]) and not (made.people["scene"] == i).any():
                assert picture.max() <= 1
    assert seen > 30
    assert np.mean(inside) > 0.95


def test_the_same_step_gives_the_same_scenes(material: tuple[Material, Material]) -> None:
    one, again, other = (training._Batches(material[0], TINY)[step] for step in (3, 3, 4))
    np.testing.assert_array_equal(one.pictures, again.pictures)
    np.testing.assert_array_equal(one.labels.boxes, again.labels.boxes)
    assert not np.array_equal(one.pictures, other.pictures)
    assert one.pictures.std() > 1.0


def test_cells_and_boxes_are_in_pixels() -> None:
    maps = [torch.zeros(1, 15, 64 // s, 96 // s) for s in (8, 16, 32)]
    maps[1][0, :5, 2, 3] = torch.tensor([2.0, 0.5, 0.25, 1.0, 0.0])
    maps[1][0, 5:7, 2, 3] = torch.tensor([1.0, -1.0])
    logits, boxes, points = decode(maps)
    grid = cells(maps)
    assert boxes.shape == (1, 96 + 24 + 6, 4)
    best = int(logits[0].argmax())
    assert grid[best].tolist() == [3.0, 2.0, 16.0]
    half = 8.0 * np.e
    assert boxes[0, best].tolist() == pytest.approx([56 - half, 36 - 8, 56 + half, 36 + 8])
    assert points[0, best, 0].tolist() == [64.0, 16.0]


def test_each_face_gets_the_cells_of_its_size_and_an_ignored_one_none() -> None:
    maps = [torch.zeros(1, 15, 128 // s, 128 // s) for s in (8, 16, 32)]
    for each in maps:
        each[:, 1:3] = 0.5
        each[:, 3:5] = 1.0
    faces = torch.tensor([[[10.0, 10, 34, 34], [40, 40, 120, 120], [90, 0, 110, 20]]])
    kinds = torch.tensor([[FACE, FACE, IGNORED]])
    target = Target(faces, torch.full((1, 3, 5, 2), torch.nan), kinds)
    logits, boxes, _ = decode(maps)
    grid = cells(maps)
    middles, strides = (grid[:, :2] + 0.5) * grid[:, 2:], grid[:, 2]
    answers = assign(logits, boxes, middles, strides, target)[0]
    assert set(answers.tolist()) == {-1, 0, 1}
    assert set(strides[answers == 0].tolist()) == {8.0}
    assert set(strides[answers == 1].tolist()) == {32.0}
    parts = losses(maps, target)
    assert torch.isfinite(parts).all()
    assert float(parts[2]) == 0.0  # no points are known


def test_the_loss_of_a_box_is_nothing_for_the_right_one_and_grows_with_the_distance() -> None:
    true = torch.tensor([[0.0, 0, 10, 10]]).repeat(3, 1)
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [50, 0, 60, 10]])
    overlap, loss = eiou(boxes, true)
    assert overlap.tolist() == pytest.approx([1.0, 1 / 3, 0.0], abs=1e-5)
    assert float(loss[0]) == pytest.approx(0.0, abs=1e-5)
    assert float(loss[1]) == pytest.approx(2 / 3 + 25 / 325, abs=1e-4)
    assert float(loss[2]) > 1.0


def test_of_boxes_that_overlap_the_surest_is_kept() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [50, 0, 60, 10], [80, 0, 90, 9]], np.float32)
    scores = np.array([0.7, 0.9, 0.5, 0.2], np.float32)
    assert suppress(boxes, scores, 0.4).tolist() == [1, 2]
    assert suppress(boxes, scores, 0.95).tolist() == []


@dataclass(frozen=True)
class Finished:
    """What the command said, the folder it left, and the backgrounds it was given."""

    said: Result
    out: Path
    backgrounds: Path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run of the command for all who look at its files: the export takes ten seconds."""
    folder = tmp_path_factory.mktemp("command")
    write_sheet(folder / "faces" / "drawn", people=6, each=4)
    write_backgrounds(folder / "backgrounds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_DETECTOR", "haar")
        state = "fer_core.training.detector.state"
        patch.setattr(f"{state}.Settings", lambda **given: replace(TINY, **given))
        patch.setattr(f"{state}.PROCESSOR_PIXELS", TINY.pixels)
        more = ("--epochs", "1", "--seed", "3")
        said = command(folder / "faces", folder / "backgrounds", folder / "run", *more)
    assert said.exit_code == 0, said.output
    return Finished(said, folder / "run", folder / "backgrounds")


def test_the_file_says_what_the_network_says(finished: Finished, astronaut: np.ndarray) -> None:
    network, path = load_network(finished.out / "best.pt"), finished.out / "face_detector.onnx"
    detector = ScoutDetector(path)
    assert f"(threshold {detector.threshold:.2f})" in finished.said.stdout
    for size in ((64, 96), (160, 32)):
        assert len(detector.predict(np.zeros(size, np.uint8))[0]) == sum(
            (size[0] // stride) * (size[1] // stride) for stride in STRIDES
        )
    scores, boxes, points = detector.predict(as_plane(astronaut))
    picture = torch.from_numpy(as_plane(astronaut))[None, None]
    with torch.no_grad():
        logits, _, _ = decode(network(picture.float()))
        _, expected, _ = Exported(rounded_to_half(fused(network))).eval()(picture)
    np.testing.assert_allclose(scores, logits[0].sigmoid(), atol=5e-3)  # half-precision weights
    np.testing.assert_allclose(boxes, expected, rtol=PARITY, atol=0.1)
    assert points.shape == (len(boxes), 5, 2)
    assert str(finished.out).encode() not in path.read_bytes()

    detector.threshold = 0.0
    found = detector.detect(np.vstack([astronaut, astronaut]))  # 1024 high: shrunk
    assert found
    for face in found:
        assert face.box.inside(512, 1024) == face.box
        assert len(face.landmarks) == 5
    areas = [face.box.area for face in found]
    assert areas == sorted(areas, reverse=True)


def test_false_alarms_are_written_as_pictures(tmp_path: Path) -> None:
    """A network that sees a face everywhere: five in each background, at each of three sizes."""
    network = DetectorNet()
    for output in network.outputs:
        output.bias.data[0] = 5.0
    rng = np.random.default_rng(0)
    backgrounds = rng.integers(0, 256, (2, 512, 512), dtype=np.uint8)
    assert write_alarms(network, backgrounds, tmp_path / "alarms") == 2 * 3 * 5
    pictures = [np.asarray(cv2.imread(str(path), 0)) for path in (tmp_path / "alarms").iterdir()]
    assert {picture.shape for picture in pictures} == {(160, 160)}
    for output in network.outputs:
        output.bias.data[0] = -5.0
    assert write_alarms(network, backgrounds, tmp_path / "none") == 0


def test_another_network_is_refused() -> None:
    with pytest.raises(WeightsCorrupt, match="another network"):
        ScoutDetector(SHIPPED_WEIGHTS)


def test_weights_can_be_read_back(tmp_path: Path) -> None:
    network = DetectorNet()
    save_network(network, tmp_path / "x.pt")
    pictures = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    [one], [again] = (predict(n, pictures) for n in (network, load_network(tmp_path / "x.pt")))
    np.testing.assert_array_equal(one[0], again[0])


def test_the_command_ends_with_a_network_that_can_be_measured(
    finished: Finished, tmp_path: Path
) -> None:
    assert "faces of held-out scenes" in finished.said.stdout
    network = finished.out / "face_detector.onnx"
    assert ScoutDetector(network).detect(np.zeros((50, 70, 3), np.uint8)) == []
    assert (finished.out / "alarms").is_dir()

    images = tmp_path / "images"
    images.mkdir()
    shutil.copy(finished.backgrounds / "0.png", images)
    (tmp_path / "labels.csv").write_text("file,x,y,w,h\n0.png,1,2,30,40\n", "utf-8")
    args = ["evaluate-detector", "--images", images, "--labels", tmp_path / "labels.csv"]
    args += ["--detector", "haar", "--network", network]
    measured = CliRunner().invoke(main, list(map(str, args)))
    assert measured.exit_code == 0, measured.output
    assert '"face_detector": {"raw": {"faces": 1' in measured.stdout


@pytest.mark.parametrize("missing", ["faces", "backgrounds"])
def test_missing_data_writes_nothing(
    tiles_folder: Path, backgrounds_folder: Path, tmp_path: Path, missing: str
) -> None:
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    result = command(tiles_folder, backgrounds_folder, tmp_path / "run")
    assert_refused(result, missing, tmp_path / "run")


def test_without_pytorch_the_command_says_what_to_install(
    tiles_folder: Path, backgrounds_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hide_pytorch(monkeypatch)
    result = command(tiles_folder, backgrounds_folder, tmp_path / "run")
    assert_refused(result, "requirements-train.txt", tmp_path / "run")
