"""How often a reading is right, by how far its first share lies above the second.

``python -m benchmarks.close_readings``, a minute. The expression network reads the tiles of
FER2013's public test; the majority of FER+'s votes is what is right. ``schema.certainty.CLOSE`` is
chosen from this table.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import validation_faces
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.schema.certainty import CLOSE
from fer_core.training.expression.data import UNLABELLED

STEPS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0)


def measure() -> Report:
    """How often a reading is right, by how far its first share lies above the second."""
    faces = validation_faces()
    known = faces.majority != UNLABELLED
    shares, truth = CompactEmotionModel().predict(faces.tiles[known]), faces.majority[known]
    order = np.argsort(shares, axis=1)
    ascending = np.sort(shares, axis=1)
    apart = ascending[:, -1] - ascending[:, -2]
    first, second = order[:, -1] == truth, order[:, -2] == truth
    figures = {
        f"{low:.2f} to {high:.2f}": {
            "n": int(within.sum()),
            "first_right": float(first[within].mean()),
            "second_right": float(second[within].mean()),
        }
        for low, high in pairwise(STEPS)
        if (within := (apart >= low) & (apart <= high)).any()
    }
    close = apart < CLOSE
    rows = [
        (span, each["n"], percent(each["first_right"]), percent(each["second_right"]))
        for span, each in figures.items()
    ]
    return Report(
        "Close readings",
        figures,
        [table(("first share above the second by", "faces", "first right", "second right"), rows)],
        [
            f"Closer than {CLOSE}: {percent(close.mean())} of the faces. The first is right for "
            f"{percent(first[close].mean())} of them, one of the two for "
            f"{percent((first | second)[close].mean())}; of the others the first is right for "
            f"{percent(first[~close].mean())}."
        ],
    )


run = command(measure)

if __name__ == "__main__":
    run()
