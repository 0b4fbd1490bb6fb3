"""Small contact sheets of drawn faces, and photos without faces."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fer_core.models.landmarks import Landmarks
from fer_core.schema import Box
from fer_core.training.detector.data import TILE_PX, TILES_PER_ROW
from tests.training.landmarks.conftest import draw_face


class CentralPoints:
    """Says the same 68 points of every face, and is sure of all."""

    name = "central"

    def locate(self, bgr: NDArray[np.uint8], boxes: Sequence[Box]) -> list[Landmarks]:
        points = np.zeros((68, 2), np.float32)
        points[36:42], points[42:48] = (60, 60), (100, 60)
        points[30], points[48], points[54] = (80, 80), (65, 100), (95, 100)
        return [Landmarks(points, 1.0) for _ in boxes]


def write_sheet(folder: Path, people: int, each: int) -> None:
    """``NAME_0.webp`` and ``NAME.csv`` with ``each`` drawn faces of each person."""
    rng = np.random.default_rng(0)
    n = people * each
    sheet = np.zeros((-(-n // TILES_PER_ROW) * TILE_PX, TILES_PER_ROW * TILE_PX, 3), np.uint8)
    rows = []
    for i in range(n):
        picture, points = draw_face(rng, TILE_PX)
        y, x = divmod(i, TILES_PER_ROW)
        sheet[y * TILE_PX : (y + 1) * TILE_PX, x * TILE_PX : (x + 1) * TILE_PX] = picture
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        box = {"x": left, "y": top, "w": right - left, "h": bottom - top}
        rows.append(
            {"tile": i, "person": f"p{i // each}"} | {k: f"{v:.1f}" for k, v in box.items()}
        )
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / f"{folder.name}_0.webp"), sheet, [cv2.IMWRITE_WEBP_QUALITY, 101])
    with (folder / f"{folder.name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def tiles_folder(tmp_path: Path) -> Path:
    """A folder as ``train-detector --data`` wants it: 4 faces of each of 6 people."""
    write_sheet(tmp_path / "faces" / "drawn", people=6, each=4)
    return tmp_path / "faces"


def write_backgrounds(folder: Path) -> None:
    """Four pictures in which no detector sees a face."""
    folder.mkdir()
    for i in range(4):
        stripes = 128 + 100 * np.sin(np.arange(240) / (5.0 + 3.0 * i))
        picture = np.tile(stripes.astype(np.uint8)[None, :, None], (200, 1, 3))
        cv2.imwrite(str(folder / f"{i}.png"), picture)


@pytest.fixture
def backgrounds_folder(tmp_path: Path) -> Path:
    """A folder as ``train-detector --backgrounds`` wants it."""
    write_backgrounds(tmp_path / "backgrounds")
    return tmp_path / "backgrounds"
