"""Which tells closed eyes better: the eye aspect ratio, or the blink coefficient of the network?

``python -m benchmarks.closed_eyes --pictures DIR --labels CSV``. The csv has the columns ``file``
and ``closed`` (1 or 0, both eyes), for pictures of one face each. In a stream, ``EyeWatch`` judges
by the openness of the eyes against that of the same person's open eyes; here each picture is judged
alone, and the last column has the limit against the median of all open eyes.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Report, percent, show, table
from benchmarks._scenes import detectors
from fer_core.analysis.analyzer import Analyzer
from fer_core.media.images import read_picture
from fer_core.schema import Face
from fer_core.testing import FakeEmotionModel

MEASURES = ("eye aspect ratio", "1 - blink coefficient")


def openness(face: Face) -> tuple[float, float] | None:
    """The ``MEASURES`` of a face, means of both eyes; None if one is not known."""
    if face.eye_aspect_ratio is None or not face.movements:
        return None
    return face.eye_aspect_ratio, 1.0 - face.action_units["AU45"]


def roc_auc(values: NDArray[np.float64], closed: NDArray[np.bool_]) -> float:
    """How often closed eyes are less open, ``values`` ``(n,)``, of all pairs; a tie counts half."""
    less = values[closed][:, np.newaxis] - values[~closed]
    return float(((less < 0) + 0.5 * (less == 0)).mean())


def best_accuracy(values: NDArray[np.float64], closed: NDArray[np.bool_]) -> tuple[float, float]:
    """The best mean of the shares of closed and of open eyes that are told, and below which value
    eyes are closed for it: the median of those that do equally well."""
    steps = np.unique(values)
    limits = np.append((steps[1:] + steps[:-1]) / 2, steps[-1] + 1.0)
    told = values < limits[:, np.newaxis]
    accuracy = (told[:, closed].mean(axis=1) + (~told[:, ~closed]).mean(axis=1)) / 2
    best = limits[accuracy == accuracy.max()]
    return float(accuracy.max()), float(best[len(best) // 2])


def measure(pictures: Path, labels: Path) -> Report:
    """Both measures on labelled pictures."""
    analyzer = Analyzer(detectors()[0], FakeEmotionModel())
    values: list[tuple[float, float]] = []
    closed: list[bool] = []
    left_out = 0
    for row in csv.DictReader(labels.read_text("utf-8").splitlines()):
        faces = analyzer.analyze(read_picture(pictures / row["file"])).faces
        face = max(faces, key=lambda each: each.box.area, default=None)
        known = None if face is None else openness(face)
        if known is None:
            left_out += 1
            continue
        values.append(known)
        closed.append(row["closed"] == "1")
    truth, columns = np.array(closed), np.array(values).T
    rows = [_figures(*each, truth) for each in zip(MEASURES, columns, strict=True)]
    return Report(
        "Closed eyes",
        {
            "measures": rows,
            "closed": int(truth.sum()),
            "open": int((~truth).sum()),
            "left_out": left_out,
        },
        [
            table(
                ["judged by", "ROC AUC", "best balanced accuracy", "closed below", "of open eyes"],
                [_row(each) for each in rows],
            )
        ],
        [
            f"{truth.sum()} pictures of closed and {(~truth).sum()} of open eyes; in {left_out} "
            "others no face with both measures was found."
        ],
    )


def _figures(name: str, values: NDArray[np.float64], closed: NDArray[np.bool_]) -> dict[str, Any]:
    accuracy, limit = best_accuracy(values, closed)
    return {
        "by": name,
        "auc": roc_auc(values, closed),
        "accuracy": accuracy,
        "limit": limit,
        "limit_of_open": limit / float(np.median(values[~closed])),
    }


def _row(each: dict[str, Any]) -> list[object]:
    limits = (f"{each['limit']:.2f}", percent(each["limit_of_open"], 0))
    return [each["by"], f"{each['auc']:.3f}", percent(each["accuracy"]), *limits]


_PATH = click.Path(exists=True, path_type=Path)


@click.command(help=__doc__)
@click.option("--pictures", type=_PATH, required=True, help="A folder.")
@click.option("--labels", type=_PATH, required=True, help="The csv.")
@click.option("--json", "as_json", is_flag=True, help="The figures, for programs.")
def run(pictures: Path, labels: Path, as_json: bool) -> None:
    show(measure(pictures, labels), as_json)


if __name__ == "__main__":
    run()
