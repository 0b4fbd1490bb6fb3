"""Recall, processor time and memory of the search for small faces by the size of the photo.

``python -m benchmarks.large_photos``, some minutes, on Linux. The scenes of ``small_faces``, in
pictures of 12 to 64 megapixels, analysed as on the Photo page. Without Haar, which takes minutes.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import detectors
from benchmarks.small_faces import people, recall, scene
from fer_core.analysis.analyzer import Analyzer
from fer_core.models.detectors import FaceDetector
from fer_core.schema import Detection

SIDES = {12: (4000, 3000), 24: (6000, 4000), 48: (8000, 6000), 64: (8000, 8000)}
"""Width and height by megapixels; 64 are the most that the dashboard reads."""

SIZES_PX = (24, 48)
"""Longer edges of the faces' boxes."""


def measure() -> Report:
    """The figures of each detector and size, a picture at a time."""
    rows = [
        _figures(detector, megapixels)
        for detector in detectors()
        if detector.name != "haar"
        for megapixels in SIDES
    ]
    head = ["detector", "megapixels", *(f"{px} px" for px in SIZES_PX), "20 faces, s", "none, s"]
    cells = [
        [
            each["detector"],
            each["megapixels"],
            *(percent(share, 0) for share in each["found"].values()),
            *(f"{seconds:.1f}" for seconds in each["cpu_s"].values()),
            *(f"{extra:.0f}" for extra in each["extra_mb"].values()),
        ]
        for each in rows
    ]
    return Report(
        "Small faces in photos of 12 to 64 megapixels",
        {"rows": rows},
        [table([*head, "20 faces, MB", "none, MB"], cells)],
        [
            "Processor time of a first analysis in seconds, and the most memory beyond the picture "
            "and the loaded networks: with 20 faces of 60 pixels, and without a face, where all "
            "four orientations are tried."
        ],
    )


def _figures(detector: FaceDetector, megapixels: int) -> dict[str, Any]:
    analyzer = Analyzer(detector, "compact")
    found = {}
    for px in SIZES_PX:
        picture, truth = scene(people(), px, px, SIDES[megapixels])
        faces = analyzer.analyze(picture).faces
        found[px] = recall((Detection(face.box, face.score, ()) for face in faces), truth)
    apart = {faces: _alone(detector.name, megapixels, faces) for faces in (20, 0)}
    return {
        "detector": detector.name,
        "megapixels": megapixels,
        "found": found,
        "cpu_s": {faces: cpu_s for faces, (cpu_s, _) in apart.items()},
        "extra_mb": {faces: extra_mb for faces, (_, extra_mb) in apart.items()},
    }


def _alone(detector: str, megapixels: int, faces: int) -> tuple[float, float]:
    """``_cost`` in a process of its own, because a network keeps the memory it once needed."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_cost, detector, megapixels, faces).result()


def _cost(detector: str, megapixels: int, faces: int) -> tuple[float, float]:
    """Processor time in seconds of the first analysis of a picture with so many faces of 60 pixels,
    and the most memory it takes beyond the picture and the loaded networks, in MB."""
    analyzer = Analyzer(next(each for each in detectors() if each.name == detector), "compact")
    picture, _ = scene(people()[:faces], 60, 60, SIDES[megapixels])
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before_mb, before_s = _memory_mb("VmRSS"), time.process_time()
    analyzer.analyze(picture)
    return time.process_time() - before_s, _memory_mb("VmHWM") - before_mb


def _memory_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024 / 1e6


run = command(measure)

if __name__ == "__main__":
    run()
