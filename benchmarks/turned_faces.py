"""How often a still is turned upright, and how often it is turned wrongly.

``python -m benchmarks.turned_faces``, some minutes. Faces of ../shared, each in the centre of its
own picture, in all four orientations.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import detectors
from benchmarks.small_faces import Tile, tiles
from fer_core.analysis.analyzer import Analyzer
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.yunet import YuNetDetector
from fer_core.testing import FakeEmotionModel

FACES = 150
"""Of each kind."""


def measure() -> Report:
    """By kind of face and orientation: found, and found with the right rotation."""
    kinds = {
        "posed": tiles("posed"),
        "press": tiles("press"),
        "no mask": tiles("masks", {"kind": "without_mask"}),
        "mask": tiles("masks", {"kind": "with_mask"}),
    }
    rng = np.random.default_rng(0)
    figures = []
    for detector in detectors():
        # Haar tries four orientations of each picture without a detection: a fifth is enough.
        count = FACES if isinstance(detector, YuNetDetector) else FACES // 5
        for kind, people in kinds.items():
            some = [people[i] for i in rng.permutation(len(people))[:count]]
            figures += [_figures(detector, kind, some, turn) for turn in range(4)]
    return Report(
        "Pictures that are turned",
        {"turns": figures},
        [
            table(
                ["detector", "faces", "found", *(f"upright, of {90 * n}°" for n in range(4))],
                [_row(figures[i : i + 4]) for i in range(0, len(figures), 4)],
            )
        ],
    )


def _row(turns: Sequence[dict[str, Any]]) -> list[object]:
    """One kind of face: how many were found at all, and how many of these were set upright."""
    found = float(np.mean([each["found"] for each in turns]))
    upright = (percent(each["upright"], 1) for each in turns)
    return [turns[0]["detector"], turns[0]["kind"], percent(found, 0), *upright]


def _figures(detector: FaceDetector, kind: str, faces: Sequence[Tile], turn: int) -> dict[str, Any]:
    analyzer = Analyzer(detector, FakeEmotionModel())
    found = upright = 0
    for tile, _ in faces:
        framed = np.full((480, 480, 3), 127, np.uint8)
        framed[160:320, 160:320] = tile
        result = analyzer.analyze(np.ascontiguousarray(np.rot90(framed, turn), np.uint8))
        found += bool(result.faces)
        upright += bool(result.faces) and result.turned_deg == 90 * turn
    return {
        "detector": detector.name,
        "kind": kind,
        "turned_deg": 90 * turn,
        "found": found / len(faces),
        "upright": upright / max(found, 1),
    }


run = command(measure)

if __name__ == "__main__":
    run()
