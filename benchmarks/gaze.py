"""How well it is told where the eyes look, on faces of ../shared.

``python -m benchmarks.gaze``, a minute. Nobody wrote down where these people look. But the posed
ones look into the camera, so that their gaze in the room is 0 and its spread the error; and the
mirror image of a face looks the other way by the same angle: the difference is an error wherever it
looks, and the correlation is low for a network that does not see the irises. The network has
learned from some of these people.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import detectors
from benchmarks.small_faces import tiles
from fer_core.analysis.analyzer import Analyzer
from fer_core.schema import Gaze
from fer_core.testing import FakeEmotionModel

EVERY = {"posed": 1, "press": 16}
"""Of each set, every so many faces."""

ANGLES = ("yaw_deg", "pitch_deg", "room_yaw_deg", "room_pitch_deg")


def measure() -> Report:
    """The spread of the gaze in the room, and how much mirrored pictures differ, in degrees."""
    analyzer = Analyzer(detectors()[0], FakeEmotionModel())
    rows = [
        row
        for name, every in EVERY.items()
        for row in _figures(name, analyzer, [picture for picture, _ in tiles(name)[::every]])
    ]
    head = ["faces", "angle", "n", "known", "median", "middle half", "mirrored off by", "r"]
    return Report("Gaze", {"angles": rows}, [table(head, [_row(each) for each in rows])])


def _figures(
    name: str, analyzer: Analyzer, pictures: list[NDArray[np.uint8]]
) -> list[dict[str, Any]]:
    pairs, faces = [], 0
    for picture in pictures:
        seen, mirrored = (
            _gazes(analyzer, p) for p in (picture, np.ascontiguousarray(picture[:, ::-1]))
        )
        faces += len(seen) == 1
        if len(seen) == len(mirrored) == 1 and seen[0] and mirrored[0]:
            pairs.append((seen[0], mirrored[0]))
    found = []
    for angle in ANGLES:
        there, back = (np.array([getattr(pair[i], angle) for pair in pairs]) for i in (0, 1))
        if "yaw" in angle:
            back = -back
        low, median, high = np.quantile(there, (0.25, 0.5, 0.75)).tolist()
        found.append(
            {
                "faces": name,
                "angle": angle,
                "n": faces,
                "known": len(pairs) / max(faces, 1),
                "median": median,
                "quartiles": (low, high),
                "mirrored": float(np.median(np.abs(there - back))),
                "correlation": float(np.corrcoef(there, back)[0, 1]),
            }
        )
    return found


def _gazes(analyzer: Analyzer, picture: NDArray[np.uint8]) -> list[Gaze | None]:
    return [face.gaze for face in analyzer.analyze(picture).faces]


def _row(each: dict[str, Any]) -> list[object]:
    low, high = each["quartiles"]
    known, median = percent(each["known"], 0), f"{each['median']:.1f}°"
    spread, mirrored = f"{low:.1f} to {high:.1f}°", f"{each['mirrored']:.1f}°"
    told = [each["n"], known, median, spread, mirrored, f"{each['correlation']:.2f}"]
    return [each["faces"], each["angle"], *told]


run = command(measure)

if __name__ == "__main__":
    run()
