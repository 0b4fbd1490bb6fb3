"""Tests of contact sheets: reading, and the sentences for unusable files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import DatasetError
from fer_core.labels import EMOTIONS, Emotion
from fer_core.training.expression.data import UNLABELLED, near_duplicates, read_contact_sheet
from tests.training.expression.conftest import face, write_rows, write_sheet


def read(folder: Path, name: str = "train"):
    return read_contact_sheet(folder / f"{name}.webp", folder / f"{name}.csv")


def test_tiles_come_in_reading_order_over_several_rows(tmp_path: Path) -> None:
    write_sheet(tmp_path, "train", 230)
    faces = read(tmp_path)
    assert faces.tiles.shape == (230, 48, 48)
    for i in (0, 1, 199, 200, 229):
        np.testing.assert_array_equal(faces.tiles[i], face(i, 0))


def test_labels_and_votes_are_in_the_order_of_emotions(data_folder: Path) -> None:
    faces = read(data_folder)
    np.testing.assert_array_equal(faces.labels, np.arange(28) % 7)
    np.testing.assert_array_equal(faces.votes[:7], 8 * np.eye(7))


@pytest.mark.parametrize(
    ("votes", "majority"),
    [
        ({"votes_happiness": "6", "votes_neutral": "4"}, Emotion.HAPPY),
        ({"votes_happiness": "5", "votes_neutral": "5"}, None),
        ({"votes_happiness": "5", "votes_neutral": "1", "votes_unknown": "4"}, Emotion.HAPPY),
        ({"votes_happiness": "4", "votes_neutral": "3", "votes_fear": "3"}, None),
        ({"votes_contempt": "8", "votes_unknown": "2"}, None),
    ],
)
def test_majority_is_more_than_half_of_the_votes_for_the_seven(
    tmp_path: Path, votes: dict[str, str], majority: Emotion | None
) -> None:
    rows = write_sheet(tmp_path, "train", 1)
    nothing = {key: "0" for key in rows[0] if key.startswith("votes_")}
    write_rows(tmp_path / "train.csv", [rows[0] | nothing | votes])
    expected = UNLABELLED if majority is None else EMOTIONS.index(majority)
    assert read(tmp_path).majority.tolist() == [expected]


def test_an_empty_label_is_unlabelled(tmp_path: Path) -> None:
    rows = write_sheet(tmp_path, "train", 2)
    write_rows(tmp_path / "train.csv", [rows[0] | {"fer2013_label": ""}, rows[1]])
    assert read(tmp_path).labels.tolist() == [UNLABELLED, 1]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("tile,fer2013_label\n0,happy\n", "lacks the columns votes_anger"),
        ("", "lacks the columns"),
        ('"a\nb', "lacks the columns|not a csv"),
        ("header only", "lacks the columns"),
    ],
)
def test_a_csv_that_is_another_file(data_folder: Path, content: str, sentence: str) -> None:
    (data_folder / "train.csv").write_text(content)
    with pytest.raises(DatasetError, match=sentence):
        read(data_folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"fer2013_label": "joy"}, "line 2: unknown label 'joy'. Use one of angry, disgust"),
        ({"votes_fear": "many"}, "votes must be whole numbers"),
        ({"votes_fear": "-1"}, "cannot be negative"),
    ],
)
def test_a_row_with_nonsense(data_folder: Path, change: dict[str, str], sentence: str) -> None:
    rows = write_sheet(data_folder, "train", 3)
    write_rows(data_folder / "train.csv", [rows[0] | change, *rows[1:]])
    with pytest.raises(DatasetError, match=sentence):
        read(data_folder)


def test_a_short_row(data_folder: Path) -> None:
    path = data_folder / "train.csv"
    path.write_text(path.read_text() + "28,28,happy,1\n")
    with pytest.raises(DatasetError, match="line 30: the row is too short"):
        read(data_folder)


def test_a_csv_without_rows(data_folder: Path) -> None:
    path = data_folder / "train.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(DatasetError, match="has no rows"):
        read(data_folder)


def test_binary_instead_of_csv(data_folder: Path) -> None:
    with pytest.raises(DatasetError, match="not a csv in UTF-8"):
        read_contact_sheet(data_folder / "train.webp", data_folder / "train.webp")


@pytest.mark.parametrize("missing", ["train.csv", "train.webp"])
def test_a_missing_file(data_folder: Path, missing: str) -> None:
    (data_folder / missing).unlink()
    with pytest.raises(DatasetError, match=f"{missing} .*Check the path"):
        read(data_folder)


def test_a_sheet_of_the_wrong_size(data_folder: Path) -> None:
    Image.new("L", (9600, 96)).save(data_folder / "train.webp", lossless=True)
    with pytest.raises(DatasetError, match="is 9600x96 pixels, but 28 tiles need 9600x48"):
        read(data_folder)


def test_a_sheet_that_is_no_picture(data_folder: Path) -> None:
    (data_folder / "train.webp").write_bytes(b"not a picture")
    with pytest.raises(DatasetError, match="not a picture that can be read"):
        read(data_folder)


def test_near_duplicates_are_found_again() -> None:
    others = np.stack([face(i, 3) for i in range(20)])
    brighter = np.clip(others[4].astype(np.int64) + 20, 0, 255).astype(np.uint8)
    tiles = np.stack([face(0, 9), others[0], others[3, :, ::-1], brighter, face(1, 9)])
    assert near_duplicates(tiles, others).tolist() == [False, True, True, True, False]


def test_near_duplicates_of_nothing() -> None:
    nothing = np.zeros((0, 48, 48), dtype=np.uint8)
    tiles = face(0, 0)[None]
    assert near_duplicates(nothing, tiles).tolist() == []
    assert near_duplicates(tiles, nothing).tolist() == [False]
