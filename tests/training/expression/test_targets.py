"""Tests of the targets of the network's heads."""

from __future__ import annotations

import numpy as np

from fer_core.training.expression.data import UNLABELLED, LabelledFaces
from fer_core.training.expression.targets import FER2013, FERPLUS, one_hot, training_targets


def test_smoothing_spreads_a_share_evenly() -> None:
    targets = one_hot(np.array([2, UNLABELLED]), 4, smoothing=0.2)
    np.testing.assert_allclose(targets, [[0.05, 0.05, 0.85, 0.05], [0.0] * 4], atol=1e-6)


def test_votes_become_shares_and_faces_without_any_are_ignored() -> None:
    votes = np.array([[0, 0, 0, 3, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]])
    faces = LabelledFaces(np.zeros((2, 48, 48), np.uint8), np.array([3, UNLABELLED]), votes)
    learned = training_targets(faces)
    np.testing.assert_allclose(learned[FERPLUS][:, [3, 6]], [[0.75, 0.25], [0.0, 0.0]])
    np.testing.assert_allclose(learned[FER2013].sum(axis=1), [1.0, 0.0], atol=1e-6)
