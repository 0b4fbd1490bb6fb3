"""Tests of the detector's data: reading, errors, and the split by people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.errors import DatasetError
from fer_core.media.images import read_picture
from fer_core.models.detectors.haar import HaarDetector
from fer_core.training.detector.backgrounds import parts, patterns, read_backgrounds
from fer_core.training.detector.data import FaceTiles, read_face_tiles, split_by_person
from tests.conftest import SHARED
from tests.training.detector.conftest import CentralPoints
from tests.training.landmarks.conftest import read_rows, write_rows


def read(folder: Path) -> FaceTiles:
    return read_face_tiles(folder, CentralPoints())


def test_tiles_boxes_and_people_belong_together(tiles_folder: Path) -> None:
    tiles = read(tiles_folder)
    assert tiles.pictures.shape == (24, 160, 160)
    assert tiles.people[:5].tolist() == ["drawn/p0"] * 4 + ["drawn/p1"]
    row = read_rows(tiles_folder / "drawn" / "drawn.csv")[7]
    assert tiles.boxes[7].tolist() == pytest.approx([float(row[c]) for c in "xywh"])
    assert tiles.points[7].tolist() == [[60, 60], [100, 60], [80, 80], [65, 100], [95, 100]]
    # A drawn face is lighter than what is around it.
    for picture, (x, y, w, h) in zip(tiles.pictures, tiles.boxes.astype(int), strict=True):
        assert picture[y + h // 2, x + w // 4] > picture[y - 8, x - 8] + 15


def test_the_rim_ends_where_the_edge_is_repeated(tiles_folder: Path) -> None:
    path = tiles_folder / "drawn" / "drawn_0.webp"
    sheet = read_picture(path).copy()
    photo = np.random.default_rng(0).integers(0, 256, (130, 160, 3), dtype=np.uint8)
    sheet[:160, :160] = cv2.copyMakeBorder(photo, 30, 0, 0, 0, cv2.BORDER_REPLICATE)
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_WEBP_QUALITY, 101])
    left, top, right, bottom = read(tiles_folder).rims[0].tolist()
    assert (left, right, bottom) == (0.0, 160.0, 160.0)
    assert top == pytest.approx(31.0, abs=1.0)


def test_nobody_is_on_both_sides_and_no_face_is_lost(tiles_folder: Path) -> None:
    tiles = read(tiles_folder)
    learned, held_out = split_by_person(tiles, seed=0)
    assert len(learned) + len(held_out) == 24
    assert len(held_out) == 4
    assert not set(learned.people) & set(held_out.people)
    alone = tiles.subset(tiles.people == "drawn/p0")
    with pytest.raises(DatasetError, match="at least two people"):
        split_by_person(alone, seed=0)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"x": "left"}, "boxes must be numbers"),
        ({"w": "nan"}, "line 2: the box must be at least"),
        ({"h": "0"}, "line 2: the box must be at least"),
        ({"x": "400"}, "line 2: the box is outside the tile"),
    ],
)
def test_a_bad_row(tiles_folder: Path, damage: dict[str, str], sentence: str) -> None:
    labels = tiles_folder / "drawn" / "drawn.csv"
    rows = read_rows(labels)
    write_rows(labels, [rows[0] | damage, *rows[1:]])
    with pytest.raises(DatasetError, match=sentence):
        read(tiles_folder)


def test_damaged_and_missing_files(tiles_folder: Path, tmp_path: Path) -> None:
    sheet = tiles_folder / "drawn" / "drawn_0.webp"
    whole = sheet.read_bytes()
    cv2.imwrite(str(sheet), np.zeros((160, 200, 3), np.uint8))
    with pytest.raises(DatasetError, match="24 tiles of 160 pixels need 6400x160"):
        read(tiles_folder)
    sheet.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="not a picture that can be read"):
        read(tiles_folder)
    sheet.unlink()
    with pytest.raises(DatasetError, match=r"drawn_0\.webp is not there"):
        read(tiles_folder)
    (tiles_folder / "drawn" / "drawn.csv").write_bytes(b"tile,x\n0,1\n")
    with pytest.raises(DatasetError, match="lacks the columns h, w, y"):
        read(tiles_folder)
    (tiles_folder / "drawn" / "drawn.csv").unlink()
    with pytest.raises(DatasetError, match="holds no faces"):
        read(tiles_folder)
    with pytest.raises(DatasetError, match="is not a folder"):
        read(tmp_path / "absent")


def test_backgrounds_are_squares_without_faces(
    backgrounds_folder: Path, astronaut: np.ndarray
) -> None:
    cv2.imwrite(str(backgrounds_folder / "face.png"), astronaut)
    found = read_backgrounds(backgrounds_folder, HaarDetector())
    assert found.shape == (4, 512, 512)
    assert found.dtype == np.uint8
    wide = np.hstack(
        [astronaut, np.random.default_rng(0).integers(0, 256, (512, 1100, 3), "uint8")]
    )
    # Of its three squares the first shows the face.
    assert len(parts(wide, HaarDetector())) == 2


def test_too_few_backgrounds(backgrounds_folder: Path, tmp_path: Path) -> None:
    for path in sorted(backgrounds_folder.iterdir())[1:]:
        path.unlink()
    with pytest.raises(DatasetError, match="gives 1 backgrounds"):
        read_backgrounds(backgrounds_folder, HaarDetector())
    (backgrounds_folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"broken.png is not a picture"):
        read_backgrounds(backgrounds_folder, HaarDetector())
    with pytest.raises(DatasetError, match="is not a folder"):
        read_backgrounds(tmp_path / "absent", HaarDetector())


def test_patterns_of_all_kinds_differ_and_come_again() -> None:
    drawn = patterns(12, seed=3)
    assert drawn.shape == (12, 512, 512)
    assert drawn.dtype == np.uint8
    assert len({each.tobytes() for each in drawn}) == 12
    assert all(each.std() > 2.0 for each in drawn)
    np.testing.assert_array_equal(drawn, patterns(12, seed=3))
    # Writing is there: strokes on paper, two tones and little between.
    writing = drawn[3].astype(int)
    assert np.abs(np.diff(writing, axis=1)).max() > 40


@pytest.mark.shared
def test_the_shared_masks_are_read() -> None:
    from shutil import copytree
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        copytree(SHARED / "data" / "masks", Path(folder) / "masks")
        tiles = read(Path(folder))
    assert len(tiles) == 3096
    assert (tiles.rims[:, 2] > tiles.rims[:, 0]).all()
