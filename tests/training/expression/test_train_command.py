"""``python -m fer_core train``: from the data to a file with its card; and its errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import ExifTags, Image

pytest.importorskip("torch", reason="PyTorch is absent: pip install -r requirements-train.txt")

from fer_core.cli.train import train_command
from fer_core.errors import DatasetError
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS, CompactEmotionModel
from fer_core.models.emotion.onnx_model import OnnxEmotionModel
from fer_core.training.expression.adapt import adapt
from fer_core.training.expression.data import read_contact_sheet
from fer_core.training.expression.folder import held_out, read_class_folders
from fer_core.training.expression.state import Settings, new_state
from fer_core.training.expression.targets import LEARNED
from fer_core.training.run_state import save_checkpoint
from tests.conftest import SHARED
from tests.training.expression.conftest import face, write_sheet

TINY = ("--channels", "8,8,8,8", "--side", "48")


def command(data: Path, out: Path, *more: str) -> Result:
    return CliRunner().invoke(train_command, ["--data", str(data), "--out", str(out), *more])


def refused(result: Result, sentence: str) -> bool:
    return result.exit_code == 2 and sentence in result.stderr and "Traceback" not in result.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of ten pictures; one is large and in colour, one not square."""
    for index, name in enumerate(("closed", "open")):
        home = tmp_path / "mine" / name
        home.mkdir(parents=True)
        for i in range(10):
            Image.fromarray(face(7 * i + index, 5)).save(home / f"{i}.png")
    Image.fromarray(face(0, 6)).convert("RGB").resize((120, 96)).save(
        tmp_path / "mine" / "open" / "0.png"
    )
    return tmp_path / "mine"


def test_a_run_ends_with_a_network_and_its_card(data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = command(data_folder, out, *TINY, "--epochs", "1", "--seed", "4")
    assert result.exit_code == 0, result.output
    assert "emotion_compact.onnx" in result.stdout
    shares = CompactEmotionModel(out / "emotion_compact.onnx").predict(face(0, 0)[None])
    assert shares.shape == (1, 7)
    card = (out / "emotion_compact.md").read_text("utf-8")
    assert f"{' '.join(TINY)} --epochs 1 --seed 4" in card
    for picture in ("curves", "confusion", "reliability"):
        assert f"emotion_compact_{picture}.png" in card
        assert (out / f"emotion_compact_{picture}.png").is_file()

    other = command(data_folder, out, *TINY, "--epochs", "1", "--seed", "5")
    assert refused(other, "other classes or settings")
    taught_later = command(
        data_folder, out, *TINY, "--epochs", "1", "--seed", "4", "--teacher", str(out / "best.pt")
    )
    assert refused(taught_later, "other classes or settings")  # of the share of the teachers
    write_sheet(data_folder, "train", 30, seed=1)
    larger = command(data_folder, out, *TINY, "--epochs", "1", "--seed", "4")
    assert refused(larger, "a run with other data, or of an earlier version")

    pupil = tmp_path / "pupil"
    teachers = ("--teacher", str(out / "best.pt"), "--teacher", str(out / "emotion_compact.onnx"))
    taught = command(data_folder, pupil, *teachers, *TINY, "--epochs", "1")
    assert taught.exit_code == 0, taught.output
    card = (pupil / "emotion_compact.md").read_text("utf-8")
    assert f"--teacher NETWORK --teacher NETWORK {' '.join(TINY)} --epochs 1" in card
    assert "outputs of 2 networks" in card
    assert "It starts from the weights of the last teacher." in card


@pytest.mark.parametrize("name", ["absent.pt", "absent.onnx"])
def test_a_teacher_that_is_no_network(data_folder: Path, tmp_path: Path, name: str) -> None:
    result = command(data_folder, tmp_path / "run", "--teacher", str(tmp_path / name))
    assert refused(result, name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("channels", ["64", "64,128,256,x", "4,8,8,8", "64,128,256,384,512"])
def test_channels_that_make_no_network(data_folder: Path, tmp_path: Path, channels: str) -> None:
    result = command(data_folder, tmp_path / "run", "--channels", channels)
    assert refused(result, "is not four numbers from 8 to 4096")
    assert not (tmp_path / "run").exists()


def test_a_side_whose_maps_cannot_be_halved(data_folder: Path, tmp_path: Path) -> None:
    assert refused(command(data_folder, tmp_path / "run", "--side", "50"), "is not one of")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("missing", ["train.csv", "validation.webp"])
def test_missing_data_writes_nothing(data_folder: Path, tmp_path: Path, missing: str) -> None:
    (data_folder / missing).unlink()
    assert refused(command(data_folder, tmp_path / "run"), missing)
    assert not (tmp_path / "run").exists()


def test_the_network_adapts_to_own_classes(folder: Path, data_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = command(folder, out, "--from", str(SHIPPED_WEIGHTS), "--epochs", "1")
    assert result.exit_code == 0, result.output
    report = json.loads((out / "adapted.json").read_text("utf-8"))
    assert report["classes"] == ["closed", "open"]
    assert report["n"] == 4
    adapted = OnnxEmotionModel(out / "adapted.onnx", "own/eyes")
    assert adapted.labels == ("closed", "open")
    assert adapted.side == 64  # what the network saw when it was trained
    np.testing.assert_allclose(adapted.predict(face(0, 0)[None]).sum(axis=1), 1.0, atol=1e-5)

    adapted_again = command(
        folder, tmp_path / "more", "--from", str(out / "best.pt"), "--epochs", "1"
    )
    assert adapted_again.exit_code == 0, adapted_again.output

    for name in ("adapted.onnx", "best.pt"):
        taught = command(data_folder, tmp_path / "pupil", "--teacher", str(out / name))
        assert refused(taught, f"{name} knows other classes")
    assert not (tmp_path / "pupil").exists()


def test_more_pictures_are_learned_by_the_same_command(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A resumed run would learn nothing, and hold out faces that it has learned from."""
    out, settings = tmp_path / "run", Settings(1, 16, channels=(8, 8, 8, 8), side=48)
    start = new_state(LEARNED, settings).network
    adapt(folder, out, start, settings)
    first = (out / "last.pt").read_bytes()
    adapt(folder, out, start, settings)
    assert "anew" not in capsys.readouterr().err
    assert (out / "last.pt").read_bytes() == first

    for index, name in enumerate(("closed", "open", "winking")):
        (folder / name).mkdir(exist_ok=True)
        for i in range(10, 15):
            Image.fromarray(face(7 * i + index, 5)).save(folder / name / f"{i}.png")
    scores = adapt(folder, out, start, settings)
    assert f"The run in {out} began with other pictures or" in capsys.readouterr().err
    assert (out / "last.pt").read_bytes() != first
    assert scores.n == 3 + 3 + 1


def test_a_whole_training_is_not_replaced_by_own_classes(folder: Path, tmp_path: Path) -> None:
    last = tmp_path / "run" / "last.pt"
    last.parent.mkdir()
    save_checkpoint(new_state(LEARNED, Settings(1, channels=(8, 8, 8, 8))), last)
    begun = last.read_bytes()
    result = command(folder, last.parent, "--from", str(SHIPPED_WEIGHTS), "--epochs", "1")
    assert refused(result, "other classes or settings")
    assert last.read_bytes() == begun


def test_where_no_run_can_be_written(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert refused(command(folder, file, "--from", str(SHIPPED_WEIGHTS)), "is a file")
    below = command(folder, file / "run", "--from", str(SHIPPED_WEIGHTS))
    assert refused(below, f"{file / 'run'}: not a directory. Check the folders")


@pytest.mark.parametrize("name", ["absent.onnx", "broken.onnx", "broken.pt"])
def test_a_start_that_is_no_network(folder: Path, tmp_path: Path, name: str) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no network")
    result = command(folder, tmp_path / "run", "--from", str(tmp_path / name))
    assert refused(result, name)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["score", "kind"])  # of a timeline, of a batch
def test_a_class_with_the_name_of_a_column(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / "open").rename(folder / name)
    result = command(folder, tmp_path / "run", "--from", str(SHIPPED_WEIGHTS))
    assert refused(result, f"cannot be called {name}")
    assert not (tmp_path / "run").exists()


def test_an_empty_class_folder_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "winking").mkdir()
    result = command(folder, tmp_path / "run", "--from", str(SHIPPED_WEIGHTS))
    assert refused(result, "winking has 0 pictures. Put at least two there, or remove it.")
    assert not (tmp_path / "run").exists()


def test_pictures_become_tiles_in_the_order_of_the_class_names(folder: Path) -> None:
    Image.fromarray(np.kron(face(3, 5), np.ones((2, 2), np.uint8))[:64, :80]).save(
        folder / "closed" / "0.png"
    )
    for side in (48, 64):
        faces = read_class_folders(folder, side)
        assert faces.classes == ["closed", "open"]
        assert faces.tiles.shape == (20, side, side)
        np.testing.assert_array_equal(faces.labels, [0] * 10 + [1] * 10)
    # The middle square, pixel by pixel: nothing is made smaller and larger again.
    np.testing.assert_array_equal(faces.tiles[0], np.kron(face(3, 5), np.ones((2, 2)))[:64, 8:72])


def test_pictures_are_read_as_in_the_dashboard(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upright, in any format and depth, and within the same limits."""
    tile, home = face(3, 5), folder / "closed"
    for old in home.iterdir():
        old.unlink()
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6  # to be turned clockwise
    Image.fromarray(np.rot90(tile)).save(home / "a.png", exif=turned)
    Image.fromarray(tile.astype(np.uint16) * 257).save(home / "b.png")
    Image.fromarray(tile).save(home / "c.gif")
    Image.fromarray(tile).convert("RGB").save(home / "d.avif", quality=100)
    faces = read_class_folders(folder, 48)
    assert np.bincount(faces.labels).tolist() == [4, 10]
    for read, most in zip(faces.tiles[:4], (0, 0, 0, 9), strict=True):
        assert np.abs(read.astype(int) - tile).max() <= most

    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    Image.new("L", (1100, 1000)).save(home / "a.png")
    with pytest.raises(DatasetError, match=r"a\.png: .*FER_MAX_MEGAPIXELS"):
        read_class_folders(folder, 48)


def test_a_folder_without_classes_or_with_a_broken_picture(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not a folder"):
        read_class_folders(tmp_path / "absent", 48)
    with pytest.raises(DatasetError, match="at least two"):
        read_class_folders(folder / "open", 48)
    (folder / "open" / "3.png").write_bytes(b"broken")
    with pytest.raises(DatasetError, match=r"3\.png is not a picture"):
        read_class_folders(folder, 48)


def test_a_fifth_of_each_class_is_held_out() -> None:
    labels = np.array([0] * 50 + [1] * 10 + [2] * 2)
    mask = held_out(labels, seed=0)
    assert np.bincount(labels[mask]).tolist() == [10, 2, 1]
    np.testing.assert_array_equal(mask, held_out(labels, seed=0))
    assert (mask != held_out(labels, seed=1)).any()


@pytest.mark.shared
def test_happy_and_not_happy_are_learned_from_few_faces(tmp_path: Path) -> None:
    fer2013 = SHARED / "data" / "fer2013"
    faces = read_contact_sheet(fer2013 / "validation.webp", fer2013 / "validation.csv")
    for name, chosen in (("smiling", faces.majority == 3), ("serious", faces.majority == 6)):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for i in np.flatnonzero(chosen)[:40]:
            Image.fromarray(faces.tiles[i]).save(tmp_path / "mine" / name / f"{i}.png")
    out = tmp_path / "run"
    result = command(tmp_path / "mine", out, "--from", str(SHIPPED_WEIGHTS), "--epochs", "5")
    assert result.exit_code == 0, result.output
    report = json.loads((out / "adapted.json").read_text("utf-8"))
    assert report["n"] == 16
    assert report["accuracy"] >= 0.8
