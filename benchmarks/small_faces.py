"""Recall of small and dark faces in large stills.

``python -m benchmarks.small_faces``, some minutes. Faces of ../shared (posed ones, and photos of
people without masks) are placed at random positions in 12-megapixel pictures, all of one size in
each; a face counts as found if a box overlaps it by 30 %. *Alone* is the detector itself, *in
tiles* ``detect_all_sizes``, *confirmed* what the landmark network confirms.
"""

from __future__ import annotations

import csv
import timeit
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import SHARED, detectors
from fer_core.analysis.analyzer import Analyzer
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.pyramid import detect_all_sizes
from fer_core.models.landmarks import least_presence
from fer_core.models.loading import load_landmark_model
from fer_core.schema import Box, Detection

SIZES_PX = (16, 24, 32, 48, 60, 96, 150, 250)
"""Longer edges of the faces' boxes."""

LIGHTS = ((1.0, 0), (0.2, 0), (0.1, 0), (0.05, 0), (0.1, 30), (0.15, 180))
"""Factors and offsets of the greys: unchanged, darker, and flat like a photographed screen."""

WIDTH, HEIGHT, FACES, EDGE_PX = 4000, 3000, 240, 160

Tile = tuple[NDArray[np.uint8], Box]
"""A face with its surroundings, ``(160, 160, 3)`` BGR, and its box."""


def tiles(name: str, wanted: dict[str, str] | None = None) -> list[Tile]:
    """Faces of a set in ../shared/data: those whose columns have these values."""
    folder = SHARED / "data" / name
    sheets = [np.asarray(Image.open(p).convert("RGB")) for p in sorted(folder.glob("*.webp"))]
    found = []
    for row in csv.DictReader((folder / f"{name}.csv").read_text("utf-8").splitlines()):
        if all(row[key] == value for key, value in (wanted or {}).items()):
            sheet, place = divmod(int(row["tile"]), 1600)
            y, x = (EDGE_PX * at for at in divmod(place, 40))
            rgb = sheets[sheet][y : y + EDGE_PX, x : x + EDGE_PX]
            box = Box(*(round(float(row[key])) for key in "xywh"))
            found.append((np.ascontiguousarray(rgb[:, :, ::-1]), box))
    return found


def scene(
    faces: Sequence[Tile], size_px: int, seed: int, sides: tuple[int, int] = (WIDTH, HEIGHT)
) -> tuple[NDArray[np.uint8], list[Box]]:
    """A large picture with as many of these faces as fit, and their boxes."""
    rng = np.random.default_rng(seed)
    width, height = sides
    coarse = rng.integers(60, 200, (height // 64, width // 64, 3)).astype(np.uint8)
    picture = np.asarray(cv2.resize(coarse, sides, interpolation=cv2.INTER_CUBIC), np.uint8)
    for rows in np.array_split(picture, 32):  # the noise of a whole picture takes gigabytes
        noise = rng.normal(0.0, 6.0, (*rows.shape[:2], 1))
        rows[:] = np.clip(rows + noise, 0, 255).astype(np.uint8)
    step = round(size_px * 2.4) + 8
    cells = [(x, y) for y in range(0, height - step, step) for x in range(0, width - step, step)]
    rng.shuffle(cells)
    truth = []
    for (tile, box), (left, top) in zip(faces, cells, strict=False):
        edge = round(EDGE_PX * size_px / max(box.w, box.h))
        scale = edge / EDGE_PX
        x, y = (int(at + rng.integers(0, step - edge + 1)) for at in (left, top))
        way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
        face = cv2.resize(tile, (edge, edge), interpolation=way)
        ramp = np.minimum(np.arange(edge), np.arange(edge)[::-1])
        part = np.clip(np.minimum.outer(ramp, ramp) / (0.06 * edge), 0.0, 1.0)[:, :, np.newaxis]
        under = picture[y : y + edge, x : x + edge]
        under[:] = part * face + (1.0 - part) * under
        moved = [x + box.x * scale, y + box.y * scale, box.w * scale, box.h * scale]
        truth.append(Box(*(round(value) for value in moved)))
    return picture, truth


def recall(found: Iterable[Detection], truth: Sequence[Box]) -> float:
    """The share of the faces that were found."""
    boxes = [face.box for face in found]
    return sum(any(box.iou(face) > 0.3 for box in boxes) for face in truth) / len(truth)


def analysis_s(detector: FaceDetector, faces: Sequence[Tile]) -> float:
    """The shortest of three analyses of a picture with 20 faces of 60 pixels, in seconds."""
    picture, _ = scene(faces[:20], 60, seed=60)
    analyzer = Analyzer(detector, "compact")
    return min(timeit.repeat(lambda: analyzer.analyze(picture), number=1, repeat=3))


@cache
def people() -> list[Tile]:
    """The faces of the scenes, in a fixed random order."""
    known = tiles("posed") + tiles("masks", {"kind": "without_mask"})
    return [known[number] for number in np.random.default_rng(0).permutation(len(known))[:FACES]]


def measure() -> Report:
    """Recall by size, and of faces of 48 pixels by light, for each available detector."""
    faces = people()
    sizes = [_figures(d, faces, px) for d in detectors() for px in SIZES_PX]
    lights = [_figures(d, faces, 48, light) for d in detectors() for light in LIGHTS]
    seconds = {each.name: analysis_s(each, faces) for each in detectors()}
    head = ["detector", "longer edge", "faces", "alone", "in tiles", "confirmed"]
    return Report(
        "Small and dark faces in stills of 12 megapixels",
        {"sizes": sizes, "lights": lights, "analysis_s": seconds},
        [
            table(head, [_row(each, f"{each['px']} px") for each in sizes]),
            table(
                [head[0], "greys", *head[2:]],
                [_row(each, "x{} + {}".format(*each["light"])) for each in lights],
            ),
        ],
        [
            "Analysed from pixels to readings with 20 faces of 60 pixels: "
            + ", ".join(f"{name} {s:.1f} s" for name, s in seconds.items())
            + "."
        ],
    )


def _figures(
    detector: FaceDetector, faces: Sequence[Tile], px: int, light: tuple[float, int] = (1.0, 0)
) -> dict[str, Any]:
    picture, truth = scene(faces, px, seed=px)
    picture = np.clip(picture * light[0] + light[1], 0, 255).round().astype(np.uint8)
    found = detect_all_sizes(detector, picture)
    located = load_landmark_model().locate(picture, [each.box for each in found])
    seen = zip(found, located, strict=True)
    return {
        "detector": detector.name,
        "px": px,
        "light": light,
        "faces": len(truth),
        "alone": recall(detector.detect(picture), truth),
        "tiles": recall(found, truth),
        "confirmed": recall(
            (f for f, at in seen if at.presence >= least_presence(detector)), truth
        ),
    }


def _row(each: dict[str, Any], what: str) -> list[object]:
    shares = (percent(each[key], 0) for key in ("alone", "tiles", "confirmed"))
    return [each["detector"], what, each["faces"], *shares]


run = command(measure)

if __name__ == "__main__":
    run()
