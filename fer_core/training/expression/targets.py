"""Converts labels to the targets of the network's heads: a share for each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.training.expression.data import UNLABELLED, LabelledFaces

SHOWN = "shown"
"""The head that learns from all sources of faces, without their priors (``rule``)."""

FERPLUS = "ferplus"
"""The head that learns the votes of ten people, with the prior of FER2013's pictures. In an
exported file, the shown output replaces it and has its name: ``rule.fold``."""

FER2013 = "fer2013"
"""The head that learns FER2013's own label."""

_LABELS = [str(emotion) for emotion in EMOTIONS]

HEADS: dict[str, list[str]] = dict.fromkeys((FERPLUS, FER2013), _LABELS)
"""The classes of each head of the shipped network."""

LEARNED: dict[str, list[str]] = {SHOWN: _LABELS, **HEADS}
"""The classes of each head during training."""

FOREIGN = "foreign_"
"""The prefix of heads that learn the outputs of one foreign network, and are not exported."""

HEAD_WEIGHTS = {FERPLUS: 0.4, FER2013: 0.6}
"""The weights of the heads' losses; 1 for all others."""


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
    """``(n, 7)`` float32: the shares of the seven expressions in the votes; zeros without votes."""
    votes = faces.votes.astype(np.float32)
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    return votes


def training_targets(
    faces: LabelledFaces, smoothing: float = 0.1
) -> dict[str, NDArray[np.float32]]:
    """The targets of each head: the distribution of FER+'s votes, and FER2013's smoothed label."""
    votes = vote_shares(faces)
    return {
        SHOWN: votes,
        FERPLUS: votes,
        FER2013: one_hot(faces.labels, len(EMOTIONS), smoothing),
    }
