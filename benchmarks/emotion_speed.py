"""Speed of the compact network on one face, compared with DeepFace's layers.

``python -m benchmarks.emotion_speed``. Both in onnxruntime, on one thread, in turns.
"""

from __future__ import annotations

import numpy as np

from benchmarks._deepface import network
from benchmarks._race import open_session, race
from benchmarks._report import Report, command, table
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS

TURNS, CALLS = 200, 10
MUST, GOAL = 4.0, 1.0
"""The limit and the goal, as multiples of the time of DeepFace's network."""


def measure() -> Report:
    """Time one face through both networks, in turns."""
    compact, deepface = open_session(SHIPPED_WEIGHTS), open_session(network())
    rng = np.random.default_rng(0)
    tile = rng.integers(0, 256, (1, *compact.get_inputs()[0].shape[1:]), np.uint8)
    faces = {"tiles": tile}, {"faces": rng.random((1, 48, 48, 1), np.float32)}
    found = race(
        {
            "compact": lambda: compact.run(["probabilities"], faces[0]),
            "deepface": lambda: deepface.run(None, faces[1]),
        },
        TURNS,
        CALLS,
    )
    times, low, high = found.times_longer("compact", "deepface")
    return Report(
        "One face through the network",
        {
            "median_ms": {side: found.median_ms(side) for side in found.times_ms},
            "compact_to_deepface": times,
            "compact_to_deepface_quartiles": [low, high],
            "must": MUST,
            "goal": GOAL,
        },
        [
            table(
                ["network, one face, one thread", "median ms"],
                [
                    ["compact", f"{found.median_ms('compact'):.2f}"],
                    ["the shape of DeepFace's", f"{found.median_ms('deepface'):.2f}"],
                ],
            )
        ],
        [
            f"Compact takes **{times:.2f} times** as long (quartiles {low:.2f} to {high:.2f}). "
            f"Target: at most {MUST:g} times; stretch target: {GOAL:g}."
        ],
    )


run = command(measure)

if __name__ == "__main__":
    run()
