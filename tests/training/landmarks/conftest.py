"""Small labelled folders of drawn faces that are made for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.schema.action_units import MOVEMENTS

# Where the points of a drawn face are, in shares of its width and height, in the order of iBUG.
_JAW = [(0.5 - 0.5 * np.cos(t), 0.25 + 0.75 * np.sin(t)) for t in np.linspace(0.0, np.pi, 17)]
_BROWS = [(x, 0.12) for x in (*np.linspace(0.1, 0.4, 5), *np.linspace(0.6, 0.9, 5))]
_NOSE = [(0.5, y) for y in np.linspace(0.25, 0.5, 4)] + [
    (x, 0.55) for x in np.linspace(0.4, 0.6, 5)
]


def _ring(x: float, y: float, w: float, h: float, places: list[float]) -> list[tuple[float, float]]:
    """Points on an ellipse, from its left over its top, at shares of the way around."""
    return [
        (x - w * np.cos(2 * np.pi * share), y - h * np.sin(2 * np.pi * share)) for share in places
    ]


_SIXTHS = [i / 6 for i in range(6)]
SHAPE = np.array(
    [
        *_JAW,
        *_BROWS,
        *_NOSE,
        *_ring(0.27, 0.27, 0.1, 0.05, _SIXTHS),
        *_ring(0.73, 0.27, 0.1, 0.05, _SIXTHS),
        *_ring(0.5, 0.75, 0.2, 0.08, [i / 12 for i in range(12)]),
        *_ring(0.5, 0.75, 0.15, 0.04, [i / 8 for i in range(8)]),
    ]
)


def draw_face(rng: np.random.Generator, px: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A cartoon, ``(px, px, 3)`` uint8 RGB, and its 68 points in pixels."""
    size = rng.uniform(0.5, 0.6, 2) * px
    shape = SHAPE.copy()
    shape[48:, 1] = 0.75 + rng.uniform(0.3, 2.0) * (shape[48:, 1] - 0.75)
    points = shape * size + (px - size) / 2 + rng.uniform(-2, 2, 2)
    skin, ink = int(rng.integers(140, 220)), int(rng.integers(10, 60))
    picture = np.full((px, px), rng.integers(60, 120), np.uint8)
    for first, last, grey in ((0, 27, skin), (36, 42, ink), (42, 48, ink), (48, 60, ink)):
        hull = cv2.convexHull(np.round(points[first:last]).astype(np.int32))
        cv2.fillConvexPoly(picture, hull, grey)
    return np.repeat(picture[:, :, None], 3, axis=2), points


def write_faces(folder: Path, people: int, each: int, seed: int = 0) -> None:
    """``images`` and ``landmarks.csv`` with ``each`` faces of each person, and the same faces as
    ``movements`` and ``movements.csv``."""
    rng = np.random.default_rng(seed)
    for name in ("images", "movements"):
        (folder / name).mkdir(parents=True)
    rows, taught = [], []
    for person in range(people):
        for i in range(each):
            picture, points = draw_face(rng)
            name = f"{person}_{i}.png"
            for part in ("images", "movements"):
                Image.fromarray(picture).save(folder / part / name)
            flat = {
                f"{axis}{k}": f"{v:.2f}"
                for k, xy in enumerate(points)
                for axis, v in zip("xy", xy, strict=True)
            }
            rows.append({"file": name, "person": f"person {person}", **flat})
            taught.append(rows[-1] | taught_by(points))
    write_rows(folder / "landmarks.csv", rows)
    write_rows(folder / "movements.csv", taught)


def taught_by(points: np.ndarray) -> dict[str, str]:
    """The further columns of ``movements.csv``: a teacher who looks at the mouth alone."""
    opening = (points[57, 1] - points[51, 1]) / (points[8, 1] - points[27, 1])
    jaw = min(max(2.7 * opening - 0.17, 0.0), 1.0)  # about 0 to 1
    irises = (points[36:42].mean(axis=0), points[42:48].mean(axis=0))
    return {
        f"{side}_iris_{axis}": f"{value:.2f}"
        for side, iris in zip(("right", "left"), irises, strict=True)
        for axis, value in zip("xy", iris, strict=True)
    } | {name: f"{jaw:.4f}" if name == "jawOpen" else "0" for name in MOVEMENTS}


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def faces_folder(tmp_path: Path) -> Path:
    """A folder as ``train-landmarks --data`` wants it: 4 faces of each of 6 people."""
    folder = tmp_path / "data"
    write_faces(folder, people=6, each=4)
    return folder
