"""Tests of the landmark network's data: reading, errors, and the split by people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.errors import DatasetError
from fer_core.training.landmarks.data import (
    LandmarkFaces,
    TaughtFaces,
    interocular,
    parts,
    read_folder,
    read_landmark_faces,
    read_mesh,
    read_taught_faces,
    split_by_person,
    split_taught,
)
from tests.training.landmarks.conftest import read_rows, write_rows


def read(folder: Path) -> LandmarkFaces:
    return read_landmark_faces(folder / "images", folder / "landmarks.csv")


def faces_of(people: list[str]) -> LandmarkFaces:
    pictures = [np.full((1, 1, 3), i, np.uint8) for i in range(len(people))]
    return LandmarkFaces(pictures, np.zeros((len(people), 68, 2), np.float32), people)


def test_pictures_points_and_people_belong_together(faces_folder: Path) -> None:
    faces = read(faces_folder)
    assert len(faces) == 24
    assert faces.points.shape == (24, 68, 2)
    assert faces.people[:5] == ["person 0"] * 4 + ["person 1"]
    row = read_rows(faces_folder / "landmarks.csv")[7]
    assert faces.points[7, 36].tolist() == pytest.approx([float(row["x36"]), float(row["y36"])])
    # The pupil is dark, the cheek below it is not.
    for picture, points in zip(faces.pictures, faces.points, strict=True):
        x, y = points[36:42].mean(axis=0).round().astype(int)
        assert picture[y, x].max() < 80 < picture[y + 8, x].min()


def test_the_csv_need_not_name_the_people(faces_folder: Path) -> None:
    rows = read_rows(faces_folder / "landmarks.csv")
    for row in rows:
        del row["person"]
    write_rows(faces_folder / "landmarks.csv", rows)
    faces = read(faces_folder)
    assert set(faces.people) == {""}
    with pytest.raises(DatasetError, match="a column person"):
        split_by_person(faces, 0)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=3, max_size=40), st.integers(0, 99))
def test_no_person_is_in_two_parts_and_no_face_is_lost(people: list[str], seed: int) -> None:
    if len(set(people)) < 3:
        with pytest.raises(DatasetError, match="at least three people"):
            split_by_person(faces_of(people), seed)
        return
    split = split_by_person(faces_of(people), seed)
    groups = [set(part.people) for part in split.all]
    assert all(groups)
    assert sum(map(len, groups)) == len(set(people)) == len(set.union(*groups))
    seen = sorted(int(p[0, 0, 0]) for part in split.all for p in part.pictures)
    assert seen == list(range(len(people)))


def test_the_same_seed_gives_the_same_parts_of_about_the_shares() -> None:
    items = list(range(269))
    first = parts(items, 0)
    assert [len(part) for part in first] == [188, 40, 41]
    assert first == parts(items, 0) != parts(items, 1)
    assert parts([], 0) == ([], [], [])


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        ({"x5": "left"}, "points must be numbers"),
        ({"x5": "nan"}, "line 2: the outer eye corners"),
        ({"x36": "7", "y36": "9", "x45": "7", "y45": "9"}, "line 2: the outer eye corners"),
        ({"file": "absent.png"}, "absent.png is not there"),
    ],
)
def test_a_bad_row(faces_folder: Path, damage: dict[str, str], sentence: str) -> None:
    rows = read_rows(faces_folder / "landmarks.csv")
    write_rows(faces_folder / "landmarks.csv", [rows[0] | damage, *rows[1:]])
    with pytest.raises(DatasetError, match=sentence):
        read(faces_folder)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "lacks the columns file"),
        (b"file,x0\na.png,1\n", "lacks the column"),
        (b"\xff\xfe\x00", "not a csv"),
    ],
)
def test_a_file_that_is_no_such_csv(faces_folder: Path, content: bytes, sentence: str) -> None:
    (faces_folder / "landmarks.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=sentence):
        read(faces_folder)


def test_a_csv_without_rows_or_with_half_a_row(faces_folder: Path) -> None:
    path = faces_folder / "landmarks.csv"
    lines = path.read_text("utf-8").splitlines()
    path.write_text(lines[0] + "\n", "utf-8")
    with pytest.raises(DatasetError, match="has no rows"):
        read(faces_folder)
    path.write_text(lines[0] + "\n" + lines[1][:80] + "\n", "utf-8")
    with pytest.raises(DatasetError, match="line 2: the row is too short"):
        read(faces_folder)


def test_missing_files(faces_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a folder"):
        read_landmark_faces(tmp_path / "absent", faces_folder / "landmarks.csv")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_landmark_faces(faces_folder / "images", tmp_path / "absent.csv")
    (faces_folder / "images" / "0_0.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"0_0\.png is not a picture"):
        read(faces_folder)


def test_a_folder_of_pictures(faces_folder: Path, tmp_path: Path) -> None:
    pictures = read_folder(faces_folder / "images")
    assert len(pictures) == 24
    assert pictures["0_0.png"].shape == (64, 64)
    assert read_folder(tmp_path / "absent") == {}


def test_the_distance_of_the_outer_eye_corners() -> None:
    points = np.zeros((2, 68, 2), np.float32)
    points[:, 45] = [[3, 4], [0, 7]]
    assert interocular(points).tolist() == [5, 7]


def test_movements_and_irises_belong_to_their_pictures(faces_folder: Path) -> None:
    taught = read_taught_faces(faces_folder / "movements", faces_folder / "movements.csv")
    assert taught.movements.shape == (24, 52)
    assert taught.irises.shape == (24, 2, 2)
    row = read_rows(faces_folder / "movements.csv")[5]
    assert taught.movements[5].sum() == pytest.approx(float(row["jawOpen"]))
    assert taught.irises[5, 1].tolist() == pytest.approx(
        [float(row["left_iris_x"]), float(row["left_iris_y"])]
    )


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("jawOpen", "1.2", "line 4: a movement is not in 0..1"),
        ("left_iris_x", "nan", "line 4: an iris or a movement is not a number"),
        ("jawOpen", "wide", "must be numbers"),
    ],
)
def test_movements_that_cannot_be(
    faces_folder: Path, column: str, value: str, sentence: str
) -> None:
    rows = read_rows(faces_folder / "movements.csv")
    rows[2][column] = value
    write_rows(faces_folder / "movements.csv", rows)
    with pytest.raises(DatasetError, match=sentence):
        read_taught_faces(faces_folder / "movements", faces_folder / "movements.csv")


def test_a_person_is_in_the_same_part_of_taught_faces_and_the_unknown_are_trained_on() -> None:
    marked = split_by_person(faces_of(list("abcdef")), 0)
    people = [*"abcdef", *"uvwxyz", "", ""]
    n = len(people)
    mesh = np.arange(6 * n, dtype=np.float32).reshape(n, 3, 2)
    taught = TaughtFaces(
        faces_of(people), np.zeros((n, 52), np.float32), np.zeros((n, 2, 2), np.float32), mesh
    )
    split = split_taught(taught, marked, 0)
    assert sorted(p for part in split for p in part.faces.people) == sorted(people)
    for ours, theirs in zip(split, marked.all, strict=True):
        assert set(theirs.people) <= set(ours.faces.people)
        assert set(ours.faces.people) & set("uvwxyz")
    assert [part.faces.people.count("") for part in split] == [2, 0, 0]
    for part in split:  # a picture is as bright as its number
        rows = [int(picture[0, 0, 0]) for picture in part.faces.pictures]
        np.testing.assert_array_equal(part.mesh, mesh[rows])


MESH = np.arange(24, dtype=np.float32).reshape(2, 6, 2)
SWAPPED = np.array([1, 0, 2, 3, 5, 4])


def test_further_points_and_their_order_in_a_mirrored_face(tmp_path: Path) -> None:
    np.savez(tmp_path / "mesh.npz", points=MESH, mirrored=SWAPPED)
    points, mirrored = read_mesh(tmp_path / "mesh.npz", 2, 6)
    np.testing.assert_array_equal(points, MESH)
    np.testing.assert_array_equal(mirrored, SWAPPED)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"points": MESH}, "must hold the arrays points and mirrored"),
        ({"points": MESH[:1], "mirrored": SWAPPED}, r"points must be \(2, 6, 2\) numbers"),
        ({"points": MESH * np.nan, "mirrored": SWAPPED}, r"points must be \(2, 6, 2\) numbers"),
        ({"points": MESH, "mirrored": SWAPPED[:5]}, "each number below 6 once"),
        ({"points": MESH, "mirrored": SWAPPED * 0}, "each number below 6 once"),
    ],
)
def test_further_points_that_cannot_be(
    tmp_path: Path, content: dict[str, np.ndarray], sentence: str
) -> None:
    np.savez(tmp_path / "mesh.npz", **content)  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=sentence):
        read_mesh(tmp_path / "mesh.npz", 2, 6)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 a damaged one"])
def test_a_file_without_further_points(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mesh.npz").write_bytes(content)
    with pytest.raises(DatasetError, match="must hold the arrays"):
        read_mesh(tmp_path / "mesh.npz", 2, 6)
