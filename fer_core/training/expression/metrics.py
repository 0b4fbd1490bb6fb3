"""Figures of merit of a classifier, and the temperature that calibrates a network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ECE_BINS = 15
"""Equal-width bins of confidence, as in Guo et al. 2017."""


def confusion_matrix(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """``(classes, classes)`` counts: row = true class, column = predicted class."""
    counts = np.bincount(truth * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def accuracy(confusion: NDArray[np.int64]) -> float:
    """The share on the diagonal, 0..1; 0 for an empty matrix."""
    return float(np.trace(confusion) / max(confusion.sum(), 1))


def recalls(confusion: NDArray[np.int64]) -> list[float | None]:
    """TP / (TP + FN) of each class, 0..1, or None for a class without examples."""
    support = confusion.sum(axis=1)
    hits = np.diagonal(confusion)
    return [float(h / s) if s else None for h, s in zip(hits, support, strict=True)]


def macro_recall(confusion: NDArray[np.int64]) -> float:
    """The unweighted mean of the ``recalls`` of the classes with examples, 0..1; 0 without any."""
    known = [recall for recall in recalls(confusion) if recall is not None]
    return float(np.mean(known)) if known else 0.0


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """The unweighted mean of the classes' F1 = 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979), 0..1.

    A class that is neither among the examples nor predicted is left out.
    """
    hits = 2 * np.diagonal(confusion)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    present = total > 0
    return float(np.mean(hits[present] / total[present])) if present.any() else 0.0


def reliability(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The count, mean confidence and accuracy of each bin ``(k/bins, (k+1)/bins]`` of confidence.

    Confidence is the maximum of a row of ``probabilities``, ``(n, classes)``. An empty bin has
    zeros.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    hit = probabilities.argmax(axis=1) == truth
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    filled = np.maximum(count, 1)
    mean_confidence = np.bincount(index, weights=confidence, minlength=bins) / filled
    bin_accuracy = np.bincount(index, weights=hit.astype(np.float64), minlength=bins) / filled
    return count, mean_confidence, bin_accuracy


def expected_calibration_error(
    probabilities: NDArray[np.floating], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """The mean gap between confidence and accuracy over the bins, weighted by count, 0..1.

    Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    count, confidence, bin_accuracy = reliability(probabilities, truth, bins)
    return float((count * np.abs(confidence - bin_accuracy)).sum() / max(count.sum(), 1))


def negative_log_likelihood(probabilities: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The mean of ``-ln`` of the share of the true class, in nats; 0 without examples.

    ``probabilities``: ``(n, classes)``; ``truth``: ``(n,)``. Shares below 1e-12 count as 1e-12.
    """
    shares = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return float(-np.log(np.maximum(shares, 1e-12)).mean()) if len(truth) else 0.0


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Shares along the last axis; they sum to 1."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True), dtype=np.float64)
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> float:
    """The temperature T in 0.1..10 that maximizes the likelihood of ``softmax(logits / T)``.

    Guo et al. 2017, section 4.2. The likelihood has one peak in log T, which a golden-section
    search (Kiefer 1953) finds.
    """
    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        shares = softmax(logits.astype(np.float64) / np.exp(log_t))[rows, truth]
        return float(-np.log(np.maximum(shares, 1e-300)).mean())

    low, high = float(np.log(0.1)), float(np.log(10.0))
    golden = (5.0**0.5 - 1.0) / 2.0
    while high - low > 1e-5:
        left, right = high - golden * (high - low), low + golden * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def balanced_temperature(sets: Sequence[tuple[NDArray[np.float32], NDArray[np.int64]]]) -> float:
    """The temperature that minimizes the mean calibration error over several sets of faces.

    ``sets``: the logits ``(n, classes)`` and labels ``(n,)`` of each; all have the same weight. No
    single temperature is right for both posed and other faces. The likelihood would be dominated by
    the set with the most confident errors; the calibration error balances them. The temperatures
    are 0.3 to 3 in steps of 0.05; with finer steps, the noise of the bins would decide.
    """
    steps = np.linspace(0.3, 3.0, 55)
    errors = [
        np.mean([expected_calibration_error(softmax(z / t), truth) for z, truth in sets])
        for t in steps
    ]
    return float(round(steps[int(np.argmin(errors))], 2))
