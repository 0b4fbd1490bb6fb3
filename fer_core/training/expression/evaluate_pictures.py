"""Evaluates a model on whole pictures, whose faces are found and framed as in the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import DatasetError, PictureError
from fer_core.media.images import read_picture
from fer_core.schema import Face
from fer_core.training.dataset_files import read_rows
from fer_core.training.expression import metrics
from fer_core.training.expression.data import UNLABELLED

RESAMPLES = 1000
"""The number of bootstrap samples of an interval (Efron and Tibshirani 1993)."""

CERTAIN = 0.995
"""The smallest share that pages show as 100%."""


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture of one face.

    ``label`` is an index into the model's labels; ``person`` identifies the person, "" if unknown.
    """

    path: Path
    label: int
    person: str


def read_labelled_pictures(
    folder: Path, labels_csv: Path, labels: Sequence[str], *, optional: bool = False
) -> list[LabelledPicture]:
    """Read the rows ``file, label[, person]`` of a CSV file; the files are in ``folder``.

    With ``optional``, a label may be empty and is then ``UNLABELLED``.

    Raises ``DatasetError`` if the CSV file is missing or malformed, or has a label that is not
    among ``labels``.
    """
    rows = read_rows(
        labels_csv,
        {"file", "label"},
        "It needs the columns file and label, and may have person.",
        "one for each picture",
    )
    index_of = {str(label): index for index, label in enumerate(labels)}
    if optional:
        index_of[""] = UNLABELLED
    for line, row in enumerate(rows, start=2):
        if row["label"] not in index_of:
            raise DatasetError(
                f"{labels_csv}, line {line}: the model does not know the label {row['label']!r}. "
                f"Use one of {', '.join(filter(None, index_of))}."
            )
    return [
        LabelledPicture(folder / row["file"], index_of[row["label"]], row.get("person") or "")
        for row in rows
    ]


def evaluate_pictures(
    analyzer: Analyzer, pictures: Sequence[LabelledPicture], readable_only: bool = False
) -> dict[str, Any]:
    """The JSON-ready report on these pictures.

    The largest face of each picture counts. ``n`` is the number of pictures, ``found`` that of
    pictures with a face, to which all other figures refer. With ``readable_only``, the figures
    refer to faces that can be read well, and ``left_out`` is the number of the others. ``certain``
    counts the faces that a page shows with 100%, and how many of these readings are right. If
    every picture has a person, ``interval`` has 95 % bootstrap intervals over the people.
    Raises ``DatasetError`` if a picture cannot be read.
    """
    faces = [_largest_face(analyzer, picture.path) for picture in pictures]
    found = [(face, picture) for face, picture in zip(faces, pictures, strict=True) if face]
    read = [(f, p) for f, p in found if not (readable_only and f.quality and f.quality.problems)]
    every = [face.probabilities for face, _ in read]
    shares = np.array(every, np.float64).reshape(-1, len(analyzer.labels))
    truth = np.array([picture.label for _, picture in read], np.int64)
    people = np.array([picture.person for _, picture in read])
    report: dict[str, Any] = {
        "model": analyzer.emotion.name,
        "detector": analyzer.detector.name,
        "labels": [str(label) for label in analyzer.labels],
        "n": len(pictures),
        "found": len(found),
        **({"left_out": len(found) - len(read)} if readable_only else {}),
        **figures(shares, truth, analyzer.labels),
    }
    if all(picture.person for picture in pictures):
        report["people"] = len({picture.person for picture in pictures})
        report["interval"] = bootstrap(shares.argmax(axis=1), truth, people, shares.shape[1])
    return report


def bootstrap(
    predicted: NDArray[np.int64], truth: NDArray[np.int64], people: NDArray[np.str_], classes: int
) -> dict[str, list[float]]:
    """The 2.5th and 97.5th percentile of accuracy and macro recall in a bootstrap over people.

    The faces of one person are similar, so people are drawn with replacement instead of faces. The
    samples are the same in every call. ``predicted``, ``truth`` and ``people`` are ``(n,)``.
    """
    everyone, whose = np.unique(people, return_inverse=True)
    if not len(everyone):
        return {"accuracy": [0.0, 0.0], "macro_recall": [0.0, 0.0]}
    each = np.zeros((len(everyone), classes, classes), np.int64)
    np.add.at(each, (whose, truth, predicted), 1)
    rng = np.random.default_rng(0)
    draws = rng.multinomial(len(everyone), np.full(len(everyone), 1 / len(everyone)), RESAMPLES)
    confusions = np.tensordot(draws, each, axes=1)
    return {
        name: [float(q) for q in np.percentile([figure(c) for c in confusions], (2.5, 97.5))]
        for name, figure in (
            ("accuracy", metrics.accuracy),
            ("macro_recall", metrics.macro_recall),
        )
    }


def as_table(report: dict[str, Any]) -> str:
    """The report of ``evaluate_pictures`` as text."""
    labels: list[str] = report["labels"]
    certain = report["certain"]
    lines = [
        f"{report['model']}, faces found by {report['detector']}",
        f"{'pictures':<16} {report['n']:>7}",
        f"{'face found':<16} {report['found']:>7}",
    ]
    if "left_out" in report:
        lines.append(f"{'hard to read':<16} {report['left_out']:>7}  (left out)")
    for key, title in (
        ("accuracy", "accuracy"),
        ("macro_recall", "macro recall"),
        ("ece", "ECE"),
        ("nll", "NLL"),
    ):
        limits = report.get("interval", {}).get(key)
        between = f"  (95%: {limits[0]:.3f} to {limits[1]:.3f})" if limits else ""
        lines.append(f"{title:<16} {report[key]:>7.3f}{between}")
    lines.append(f"shown as 100%: {certain['n']} faces, {certain['right']} of them right")
    lines += [
        f"{'recall ' + label:<16} {'-' if recall is None else f'{recall:.3f}':>7}"
        for label, recall in report["recall"].items()
    ]
    lines += ["", "label".ljust(14) + "".join(f"{label[:8]:>9}" for label in labels)]
    for label, row in zip(labels, report["confusion_matrix"], strict=True):
        lines.append(label.ljust(14) + "".join(f"{count:>9}" for count in row))
    return "\n".join(lines)


def _largest_face(analyzer: Analyzer, path: Path) -> Face | None:
    """The largest face of a picture; None without a face."""
    try:
        faces = analyzer.analyze(read_picture(path)).faces
    except PictureError as error:
        raise DatasetError(f"{path}: {error}") from error
    return max(faces, key=lambda face: face.box.area, default=None)


def figures(
    shares: NDArray[np.float64], truth: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """JSON-ready figures of merit of ``(n, classes)`` shares on ``(n,)`` labels."""
    predicted = shares.argmax(axis=1)
    confusion = metrics.confusion_matrix(truth, predicted, shares.shape[1])
    certain = shares.max(axis=1) >= CERTAIN
    return {
        "accuracy": metrics.accuracy(confusion),
        "macro_recall": metrics.macro_recall(confusion),
        "ece": metrics.expected_calibration_error(shares, truth),
        "nll": metrics.negative_log_likelihood(shares, truth),
        "recall": dict(zip(map(str, labels), metrics.recalls(confusion), strict=True)),
        "certain": {
            "n": int(certain.sum()),
            "right": int((certain & (predicted == truth)).sum()),
        },
        "confusion_matrix": confusion.tolist(),
        "confusion_axes": ["label", "predicted"],
    }
