"""From labels to what the network's heads learn: shares per class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.training.expression.data import UNLABELLED, LabelledFaces

FERPLUS = "ferplus"
"""The head that learns how ten people voted; the one that is shown."""

FER2013 = "fer2013"
"""The head that learns FER2013's own label."""

HEADS: dict[str, list[str]] = {name: [str(e) for e in EMOTIONS] for name in (FERPLUS, FER2013)}
"""The classes of each head of the shipped network."""


def one_hot(labels: NDArray[np.int64], classes: int, smoothing: float = 0.0) -> NDArray[np.float32]:
    """``(n, classes)`` float32 shares; a row of zeros where the label is ``UNLABELLED``.

    ``smoothing`` (0..1) spreads that much of each row evenly (Szegedy et al. 2016).
    """
    known = labels != UNLABELLED
    targets = np.zeros((len(labels), classes), dtype=np.float32)
    targets[known] = smoothing / classes
    targets[known, labels[known]] += 1.0 - smoothing
    return targets


def vote_shares(faces: LabelledFaces) -> NDArray[np.float32]:
    """``(n, 7)`` float32: how the votes for the seven expressions are split; zeros without any."""
    votes = faces.votes.astype(np.float32)
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    return votes


def training_targets(
    faces: LabelledFaces, smoothing: float = 0.1
) -> dict[str, NDArray[np.float32]]:
    """What each head learns: the distribution of FER+ votes, and FER2013's label smoothed."""
    return {
        FERPLUS: vote_shares(faces),
        FER2013: one_hot(faces.labels, len(EMOTIONS), smoothing),
    }


def validation_targets(faces: LabelledFaces) -> dict[str, NDArray[np.float32]]:
    """What each head is measured on: the FER+ majority, and FER2013's label."""
    return {
        FERPLUS: one_hot(faces.majority, len(EMOTIONS)),
        FER2013: one_hot(faces.labels, len(EMOTIONS)),
    }
