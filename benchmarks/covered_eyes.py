"""How many covered eyes are noticed, by what covers them, and how many others are called so.

``python -m benchmarks.covered_eyes``, some minutes. Faces of ../shared, half of the people: the
others chose the weights of ``fer_core.analysis.cover``. What covers the eyes is drawn; real dark
glasses are rare among these faces, and their labels do not tell of them.
"""

from __future__ import annotations

import csv
import zlib
from collections import defaultdict
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._occluders import COVERS, HARMLESS, put
from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import SHARED
from benchmarks.small_faces import EDGE_PX, Tile, tiles
from fer_core.analysis.analyzer import level_crop
from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.quality import face_quality
from fer_core.models.landmarks import MIN_PRESENCE, Landmarks
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box

_EVERY = {"posed": 2, "press": 8, "masks": 4}
"""Of each set, every so many faces."""

_AS_IT_IS = "nothing"


def measure() -> Report:
    """The part of faces whose eyes are called covered, by what is before them."""
    dice = np.random.default_rng(0)
    told: dict[str, list[bool]] = defaultdict(list)
    gone: dict[str, int] = defaultdict(int)
    for name, every in _EVERY.items():
        for picture, box in _of_the_second_half(name)[::every]:
            [plain] = load_landmark_model().locate(picture, [box])
            for kind in (_AS_IT_IS, str(dice.choice(HARMLESS)), str(dice.choice(COVERS))):
                seen = picture if kind == _AS_IT_IS else put(picture, plain.points, kind, dice)
                seen = _as_files_have_it(seen, dice)
                [there] = load_landmark_model().locate(seen, [box])
                if there.presence < MIN_PRESENCE:
                    gone[kind] += 1  # no face any more: it is not shown at all
                    continue
                told[kind].append(_is_told(seen, box, there))
    rows: list[dict[str, Any]] = [
        {
            "kind": kind,
            "n": len(told[kind]),
            "covered": float(np.mean(told[kind])),
            "gone": gone[kind],
        }
        for kind in (*COVERS, *HARMLESS, _AS_IT_IS)
    ]
    found = np.concatenate([told[kind] for kind in COVERS])
    wrong = np.concatenate([told[kind] for kind in (*HARMLESS, _AS_IT_IS)])
    return Report(
        "Covered eyes",
        {"kinds": rows, "recall": float(found.mean()), "false_alarms": float(wrong.mean())},
        [
            table(
                ["drawn before the eyes", "faces", "called covered", "no face any more"],
                [[r["kind"], r["n"], percent(r["covered"]), r["gone"]] for r in rows],
            )
        ],
        [
            f"Of the covered eyes {percent(found.mean())} are noticed; of the others "
            f"{percent(wrong.mean())} are called covered. Everything before the eyes is drawn."
        ],
    )


def _is_told(picture: NDArray[np.uint8], box: Box, there: Landmarks) -> bool:
    seen = DetectedFace(box, 1.0, there.points, there.presence)
    crop = level_crop(picture, box, there.points)
    return "eyes_covered" in face_quality(picture, seen, crop, None).problems


def _of_the_second_half(name: str) -> list[Tile]:
    """The faces of half of the people, or half of the faces where nobody knows who they are."""
    text = (SHARED / "data" / name / f"{name}.csv").read_text("utf-8")
    every = zip(tiles(name), csv.DictReader(text.splitlines()), strict=True)
    return [tile for tile, row in every if zlib.crc32(_who(name, row).encode()) & 1]


def _who(name: str, row: dict[str, str]) -> str:
    return {"press": "", "posed": "posed"}.get(name, "m") + (row.get("person") or row["tile"])


def _as_files_have_it(picture: NDArray[np.uint8], dice: np.random.Generator) -> NDArray[np.uint8]:
    """Some smaller, some without colour, some from a JPEG."""
    if dice.random() < 0.6:
        edge = round(EDGE_PX * dice.uniform(0.3, 1.0))
        small = cv2.resize(picture, (edge, edge), interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(small, (EDGE_PX, EDGE_PX)), np.uint8)
    if dice.random() < 0.35:
        grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    if dice.random() < 0.5:
        _, data = cv2.imencode(
            ".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(dice.integers(40, 96))]
        )
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
    return picture


run = command(measure)

if __name__ == "__main__":
    run()
