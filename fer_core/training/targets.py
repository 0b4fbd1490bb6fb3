"""From labels to what the network's heads learn: shares per class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.training.data import UNLABELLED, LabelledFaces
from fer_core.training.votes import expected_labels, vote_shares

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


def training_targets(
    faces: LabelledFaces, votes_share: float = 0.0, smoothing: float = 0.1
) -> dict[str, NDArray[np.float32]]:
    """What each head learns: the distribution of FER+ votes, and FER2013's label.

    ``votes_share`` (0..1) of the latter is the label that the votes lead one to expect; what
    remains is smoothed. A face without votes has only its label.
    """
    labels = one_hot(faces.labels, len(EMOTIONS), smoothing)
    if votes_share > 0.0:
        labels = blend(labels, expected_labels(faces), votes_share)
    return {FERPLUS: vote_shares(faces), FER2013: labels}


def blend(
    targets: NDArray[np.float32], others: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Targets of which ``share`` (0..1) are ``others``; where one is a row of zeros, the other."""
    known, also = targets.any(axis=1, keepdims=True), others.any(axis=1, keepdims=True)
    both = (1.0 - share) * targets + share * others
    return np.where(known & also, both, np.where(known, targets, others))


def with_teacher(
    targets: dict[str, NDArray[np.float32]], said: dict[str, NDArray[np.float32]], share: float
) -> dict[str, NDArray[np.float32]]:
    """Targets of which ``share`` (0..1) is what a teacher ``said`` of the faces, as shares.

    Knowledge distillation (Hinton et al. 2015). A single person's label can be a slip; what other
    networks make of the face tempers it. A face without a label learns from the teacher alone.
    """
    return {head: blend(target, said[head], share) for head, target in targets.items()}


def validation_targets(faces: LabelledFaces) -> dict[str, NDArray[np.float32]]:
    """What each head is measured on: the FER+ majority, and FER2013's label."""
    return {
        FERPLUS: one_hot(faces.majority, len(EMOTIONS)),
        FER2013: one_hot(faces.labels, len(EMOTIONS)),
    }
