"""Evaluates an expression model on labelled faces: a report, and a table for reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.training.expression import metrics
from fer_core.training.expression.data import UNLABELLED, LabelledFaces


class Predictor(Protocol):
    """An emotion model, or any object with its ``predict``."""

    @property
    def name(self) -> str: ...

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]: ...


@runtime_checkable
class TwoOutputs(Protocol):
    """A model whose second output is calibrated for FER2013's original labels."""

    def predict_both(
        self, crops: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]: ...


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of one output on one set of labels, 0..1.

    ``recall`` is None for a class without examples; ``confusion`` has counts, row = label, column =
    predicted.
    """

    n: int
    accuracy: float
    macro_f1: float
    ece: float
    recall: list[float | None]
    confusion: list[list[int]]


def score(probabilities: NDArray[np.float32], truth: NDArray[np.int64]) -> Scores:
    """Score ``(n, classes)`` probabilities on ``(n,)`` labels; unlabelled faces do not count."""
    known = truth != UNLABELLED
    shares, labels = probabilities[known], truth[known]
    confusion = metrics.confusion_matrix(labels, shares.argmax(axis=1), probabilities.shape[1])
    return Scores(
        n=int(known.sum()),
        accuracy=metrics.accuracy(confusion),
        macro_f1=metrics.macro_f1(confusion),
        ece=metrics.expected_calibration_error(shares, labels),
        recall=metrics.recalls(confusion),
        confusion=confusion.tolist(),
    )


def evaluate(model: Predictor, faces: LabelledFaces) -> dict[str, Any]:
    """The JSON-ready report on ``faces``.

    FER2013's labels are compared with the output that is calibrated for them, if the model has one:
    ``fer2013_output`` says which it is, and ``shown_*`` are the scores of the shown output on the
    same labels. The FER+ majority, more than half of the votes for the seven, is compared with the
    shown output.
    """
    if isinstance(model, TwoOutputs):
        shown, original = model.predict_both(faces.tiles)
    else:
        shown = original = model.predict(faces.tiles)
    labels = [str(emotion) for emotion in EMOTIONS]
    on_original, on_majority = score(original, faces.labels), score(shown, faces.majority)
    shown_on_original = score(shown, faces.labels)
    return {
        "model": model.name,
        "labels": labels,
        "n": on_original.n,
        "accuracy": on_original.accuracy,
        "macro_f1": on_original.macro_f1,
        "ece": on_original.ece,
        "recall": dict(zip(labels, on_original.recall, strict=True)),
        "confusion_matrix": on_original.confusion,
        "confusion_axes": ["label", "predicted"],
        "fer2013_output": "the shown one"
        if original is shown
        else "calibrated for FER2013's labels",
        "shown_accuracy": shown_on_original.accuracy,
        "shown_macro_f1": shown_on_original.macro_f1,
        "shown_ece": shown_on_original.ece,
        "ferplus_n": on_majority.n,
        "ferplus_accuracy": on_majority.accuracy,
        "ferplus_macro_f1": on_majority.macro_f1,
        "ferplus_ece": on_majority.ece,
        "ferplus_recall": dict(zip(labels, on_majority.recall, strict=True)),
        "ferplus_confusion_matrix": on_majority.confusion,
    }


def as_table(report: dict[str, Any]) -> str:
    """The report of ``evaluate`` as text."""
    labels: list[str] = report["labels"]
    lines = [
        f"{report['model']:<16} {'FER2013':>7} {'FER+':>10}",
        f"{'faces':<16} {report['n']:>7} {report['ferplus_n']:>10}",
    ]
    for key, title in (("accuracy", "accuracy"), ("macro_f1", "macro F1"), ("ece", "ECE")):
        lines.append(f"{title:<16} {report[key]:>7.3f} {report['ferplus_' + key]:>10.3f}")
    lines += [
        f"{'recall ' + label:<16} {_share(report['recall'][label]):>7} "
        f"{_share(report['ferplus_recall'][label]):>10}"
        for label in labels
    ]
    lines += [
        f"FER2013's labels were compared with the output: {report['fer2013_output']}.",
        f"On the same labels the shown output gets {report['shown_accuracy']:.3f}.",
    ]
    for prefix, title in (("", "FER2013 label"), ("ferplus_", "FER+ majority")):
        lines += ["", title.ljust(14) + "".join(f"{label[:8]:>9}" for label in labels)]
        for label, row in zip(labels, report[f"{prefix}confusion_matrix"], strict=True):
            lines.append(label.ljust(14) + "".join(f"{count:>9}" for count in row))
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
