"""One 640x480 picture with one face: ``Analyzer`` against ``DeepFace.analyze``.

``python -m benchmarks.analyzer_speed``. DeepFace runs with its default detector, and random weights
in its own network. One thread each, in turns.
"""

from __future__ import annotations

from functools import partial

from benchmarks._deepface import deepface_analyze, found_faces
from benchmarks._race import race
from benchmarks._report import Report, command, table
from benchmarks._scenes import detectors, portrait
from fer_core.analysis.analyzer import Analyzer
from fer_core.models.emotion.compact import CompactEmotionModel

TURNS = 30
MUST, GOAL = 20, 45
"""The limit and the goal, in times faster than DeepFace."""


def measure() -> Report:
    """Time one picture through the whole analysis, in turns with DeepFace."""
    picture, emotion = portrait(), CompactEmotionModel()
    analyzers = {each.name: Analyzer(each, emotion) for each in detectors()}
    with deepface_analyze() as analyze:
        found = race(
            {
                "deepface": partial(analyze, picture),
                **{name: partial(each.analyze, picture) for name, each in analyzers.items()},
            },
            TURNS,
        )
        faces = {"deepface": found_faces(analyze(picture))}
    faces |= {name: len(each.analyze(picture).faces) for name, each in analyzers.items()}
    times = {name: found.times_longer("deepface", name) for name in analyzers}
    rows = [["DeepFace.analyze", faces["deepface"], f"{found.median_ms('deepface'):.1f}", "1"]]
    for name, (middle, low, high) in times.items():
        ratio = f"{middle:.1f} ({low:.1f} to {high:.1f})"
        rows.append([f"Analyzer, {name}", faces[name], f"{found.median_ms(name):.1f}", ratio])
    return Report(
        "One picture, 640x480, one face",
        {
            "faces": faces,
            "median_ms": {side: found.median_ms(side) for side in found.times_ms},
            "times_faster": {name: list(ratio) for name, ratio in times.items()},
            "must": MUST,
            "goal": GOAL,
        },
        [table(["", "faces found", "median ms", "times faster (quartiles)"], rows)],
        [f"Target: {MUST} times; stretch target: {GOAL}."],
    )


run = command(measure)

if __name__ == "__main__":
    run()
