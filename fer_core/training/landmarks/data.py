"""Faces with 68 points, and with movements and irises: pictures, their csv, the split by person.

Needs neither PyTorch nor a network; whatever cannot be read raises ``DatasetError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.landmarks.face import IRISES, POINTS
from fer_core.schema.action_units import MOVEMENTS
from fer_core.training.dataset_files import (
    ENCODING,
    SUFFIXES,
    read_bgr,
    read_rows,
    refuse_rows,
    to_grey,
)

TRAINING_SHARE, VALIDATION_SHARE = 0.70, 0.15
"""Shares of the people; the others are the test part."""

Item = TypeVar("Item")

_COORDINATES = [f"{axis}{i}" for i in range(POINTS) for axis in "xy"]
_IRIS_COORDINATES = [f"{side}_iris_{axis}" for side in ("right", "left") for axis in "xy"]


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkFaces:
    """Pictures of one face each.

    ``pictures``: ``(height, width, 3)`` uint8 each, BGR. ``points``: ``(n, 68, 2)`` float32, in
    pixels of the picture. ``people``: the person in it, ``""`` if the csv does not say.
    """

    pictures: list[NDArray[np.uint8]]
    points: NDArray[np.float32]
    people: list[str]

    def __len__(self) -> int:
        return len(self.pictures)

    def subset(self, keep: NDArray[np.bool_]) -> LandmarkFaces:
        """The faces where the ``(n,)`` mask ``keep`` is true."""
        rows = np.flatnonzero(keep)
        return LandmarkFaces(
            [self.pictures[i] for i in rows], self.points[keep], [self.people[i] for i in rows]
        )


@dataclass(frozen=True, slots=True, eq=False)
class TaughtFaces:
    """Faces whose movements and irises a teacher told, beside their 68 points.

    ``movements``: ``(n, 52)`` float32, 0..1, in the order of ``MOVEMENTS``; ``irises``:
    ``(n, 2, 2)`` float32, the centres of the person's right and left iris, in pixels; ``mesh``:
    ``(n, k, 2)`` float32, as many further points as the teacher marked, also none, in pixels.
    """

    faces: LandmarkFaces
    movements: NDArray[np.float32]
    irises: NDArray[np.float32]
    mesh: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.faces)

    def of(self, people: set[str]) -> TaughtFaces:
        """The faces of these people."""
        keep = np.array([person in people for person in self.faces.people])
        return TaughtFaces(
            self.faces.subset(keep), self.movements[keep], self.irises[keep], self.mesh[keep]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Three groups of faces that share no person."""

    training: LandmarkFaces
    validation: LandmarkFaces
    test: LandmarkFaces

    @property
    def all(self) -> tuple[LandmarkFaces, LandmarkFaces, LandmarkFaces]:
        """Training, validation, test."""
        return self.training, self.validation, self.test


def read_landmark_faces(images: Path, labels: Path) -> LandmarkFaces:
    """Read the pictures named in a csv with the columns file, x0, y0 … x67, y67 (and person).

    Raises ``DatasetError`` if the csv or a picture is missing or malformed.
    """
    if not images.is_dir():
        raise DatasetError(f"{images} is not a folder. Check the path.")
    rows = read_rows(
        labels, {"file", *_COORDINATES}, "It needs file, x0, y0 … x67, y67.", "one for each picture"
    )
    return LandmarkFaces(
        pictures=[read_bgr(images / row["file"]) for row in rows],
        points=_read_points(labels, rows),
        people=[row.get("person") or "" for row in rows],
    )


def read_taught_faces(images: Path, labels: Path) -> TaughtFaces:
    """Read pictures as ``read_landmark_faces`` does, from a csv that also tells their movements.

    Its columns are right_iris_x, right_iris_y, left_iris_x, left_iris_y and the names of
    ``MOVEMENTS`` as well. Raises ``DatasetError`` if the csv or a picture is missing or malformed.
    """
    faces = read_landmark_faces(images, labels)
    wanted = [*_IRIS_COORDINATES, *MOVEMENTS]
    rows = read_rows(labels, set(wanted), "It needs irises and movements.", "one for each picture")
    flat = _numbers(labels, rows, wanted)
    flawed = np.asarray(~np.isfinite(flat).all(axis=1))
    refuse_rows(labels, flawed, "an iris or a movement is not a number")
    irises, movements = np.split(flat, [len(_IRIS_COORDINATES)], axis=1)
    outside = np.asarray(((movements < 0.0) | (movements > 1.0)).any(axis=1))
    refuse_rows(labels, outside, "a movement is not in 0..1")
    mesh = np.zeros((len(faces), 0, 2), np.float32)
    return TaughtFaces(faces, movements, irises.reshape(-1, IRISES, 2), mesh)


def read_mesh(path: Path, faces: int, points: int) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Further points of ``faces`` faces, and their order in a mirrored face.

    The NPZ file at ``path`` holds ``points`` ``(faces, points, 2)``, in pixels of the picture, and
    ``mirrored`` ``(points,)``, the index in the original of each point of a mirrored face. Returns
    both. Raises ``DatasetError`` if the file cannot be read or holds something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            mesh, mirrored = content["points"], content["mirrored"]
    except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
        raise DatasetError(f"{path} must hold the arrays points and mirrored ({error}).") from error
    if mesh.shape != (faces, points, 2) or not np.isfinite(mesh).all():
        raise DatasetError(f"{path}: points must be ({faces}, {points}, 2) numbers.")
    if sorted(mirrored.ravel().tolist()) != list(range(points)):
        raise DatasetError(f"{path}: mirrored must hold each number below {points} once.")
    return mesh.astype(np.float32), mirrored.ravel().astype(int)


def tells_movements(labels: Path) -> bool:
    """Whether a csv has the columns of ``read_taught_faces``, judged by the first movement."""
    with labels.open(newline="", encoding=ENCODING) as file:
        return MOVEMENTS[0] in file.readline().strip().split(",")


def split_taught(faces: TaughtFaces, marked: Split, seed: int) -> list[TaughtFaces]:
    """Training, validation and test of taught faces.

    A person of ``marked`` is in the same part here. A face without a named person is only trained
    on, since nobody can know that the person is in no other part.
    """
    groups = [set(part.people) for part in marked.all]
    known = set().union(*groups)
    fresh = sorted(set(faces.faces.people) - known - {""})
    for group, more in zip(groups, parts(fresh, seed), strict=True):
        group.update(more)
    groups[0].add("")
    return [faces.of(group) for group in groups]


def split_by_person(faces: LandmarkFaces, seed: int) -> Split:
    """Training, validation and test, about 70, 15 and 15 % of the people.

    Raises ``DatasetError`` if the people are not named or are fewer than three.
    """
    people = sorted(set(faces.people))
    if len(people) < 3 or "" in people:
        raise DatasetError(
            "Training needs a column person with at least three people, one for each part."
        )
    index = np.array([people.index(person) for person in faces.people])
    groups = parts(list(range(len(people))), seed)
    return Split(*(faces.subset(np.isin(index, group)) for group in groups))


def parts(items: Sequence[Item], seed: int) -> tuple[list[Item], list[Item], list[Item]]:
    """The items in random order in three parts, none of which is empty if there are three items."""
    order = [items[i] for i in np.random.default_rng(seed).permutation(len(items))]
    first = min(round(TRAINING_SHARE * len(order)), max(len(order) - 2, 0))
    second = first + max(round(VALIDATION_SHARE * len(order)), 1)
    return order[:first], order[first:second], order[second:]


def read_folder(folder: Path) -> dict[str, NDArray[np.uint8]]:
    """Every picture of a folder by its name, ``(height, width)`` uint8, grey; none if it is absent.

    Raises ``DatasetError`` if a picture cannot be read.
    """
    if not folder.is_dir():
        return {}
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    return {path.name: to_grey(read_bgr(path)) for path in paths}


def _read_points(path: Path, rows: list[dict[str, str]]) -> NDArray[np.float32]:
    flat = _numbers(path, rows, _COORDINATES)
    points: NDArray[np.float32] = flat.reshape(-1, POINTS, 2)
    flawed = ~np.isfinite(flat).all(axis=1) | (interocular(points) < 1e-3)
    refuse_rows(path, flawed, "the outer eye corners coincide, or a point is not a number")
    return points


def _numbers(path: Path, rows: list[dict[str, str]], columns: Sequence[str]) -> NDArray[np.float32]:
    try:
        return np.array([[float(row[c]) for c in columns] for row in rows], dtype=np.float32)
    except ValueError as error:
        raise DatasetError(f"{path}: points must be numbers ({error}).") from error


def interocular(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The distance of the outer eye corners (36 and 45) of ``(n, 68, 2)`` points: ``(n,)``."""
    distances: NDArray[np.float32] = np.linalg.norm(points[:, 36] - points[:, 45], axis=1)
    return distances
