"""Small labelled contact sheets that are made for the tests."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.labels import EMOTIONS

VOTES = [
    "votes_neutral",
    "votes_happiness",
    "votes_surprise",
    "votes_sadness",
    "votes_anger",
    "votes_disgust",
    "votes_fear",
    "votes_contempt",
    "votes_unknown",
    "votes_not_face",
]
VOTE_OF = {
    "neutral": "votes_neutral",
    "happy": "votes_happiness",
    "surprise": "votes_surprise",
    "sad": "votes_sadness",
    "angry": "votes_anger",
    "disgust": "votes_disgust",
    "fear": "votes_fear",
}


def face(index: int, seed: int) -> np.ndarray:
    """A random smooth tile with a bar whose place tells the class: ``(48, 48)`` uint8."""
    rng = np.random.default_rng([seed, index])
    tile = np.kron(rng.integers(60, 120, (12, 12)), np.ones((4, 4), dtype=np.int64))
    place = 6 * (index % len(EMOTIONS))
    tile[place : place + 6] += 100
    return tile.astype(np.uint8)


def write_sheet(folder: Path, name: str, count: int, seed: int = 0) -> list[dict[str, str]]:
    """``<name>.webp`` and ``<name>.csv`` with ``count`` faces whose classes take turns."""
    rows_of_tiles = -(-count // 200)
    sheet = np.zeros((rows_of_tiles * 48, 200 * 48), dtype=np.uint8)
    rows = []
    for i in range(count):
        top, left = 48 * (i // 200), 48 * (i % 200)
        sheet[top : top + 48, left : left + 48] = face(i, seed)
        label = str(EMOTIONS[i % len(EMOTIONS)])
        votes = dict.fromkeys(VOTES, "0") | {VOTE_OF[label]: "8", "votes_unknown": "2"}
        rows.append({"tile": str(i), "fer2013_row": str(i), "fer2013_label": label, **votes})
    Image.fromarray(sheet).save(folder / f"{name}.webp", lossless=True)
    write_rows(folder / f"{name}.csv", rows)
    return rows


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A folder as ``train --data`` wants it: 28 training and 21 validation faces."""
    folder = tmp_path / "data"
    folder.mkdir()
    write_sheet(folder, "train", 28, seed=1)
    write_sheet(folder, "validation", 21, seed=2)
    return folder
