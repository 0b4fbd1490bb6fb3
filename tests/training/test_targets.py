"""What the heads learn and are measured on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is absent: pip install -r requirements-train.txt")

from fer_core.training.data import UNLABELLED, LabelledFaces
from fer_core.training.targets import (
    FER2013,
    FERPLUS,
    one_hot,
    training_targets,
    validation_targets,
    with_teacher,
)
from fer_core.training.votes import expected_labels


def test_smoothing_spreads_a_share_evenly() -> None:
    targets = one_hot(np.array([2, UNLABELLED]), 4, smoothing=0.2)
    np.testing.assert_allclose(targets, [[0.05, 0.05, 0.85, 0.05], [0.0] * 4], atol=1e-6)


def test_votes_become_shares_and_faces_without_any_are_ignored() -> None:
    votes = np.array([[0, 0, 0, 3, 0, 0, 1], [0, 0, 0, 0, 0, 0, 0]])
    faces = LabelledFaces(np.zeros((2, 48, 48), np.uint8), np.array([3, UNLABELLED]), votes)
    learned, measured = training_targets(faces), validation_targets(faces)
    np.testing.assert_allclose(learned[FERPLUS][:, [3, 6]], [[0.75, 0.25], [0.0, 0.0]])
    np.testing.assert_allclose(learned[FER2013].sum(axis=1), [1.0, 0.0], atol=1e-6)
    assert measured[FERPLUS].tolist() == [[0, 0, 0, 1, 0, 0, 0], [0] * 7]
    assert measured[FER2013][0].tolist() == [0, 0, 0, 1, 0, 0, 0]


def test_a_teacher_tempers_labels_and_stands_in_for_missing_ones() -> None:
    labels = {FER2013: np.array([[1.0, 0.0], [0.0, 0.0]], np.float32)}
    said = {FER2013: np.array([[0.5, 0.5], [0.2, 0.8]], np.float32)}
    blended = with_teacher(labels, said, 0.6)[FER2013]
    np.testing.assert_allclose(blended, [[0.7, 0.3], [0.2, 0.8]], atol=1e-6)


def test_votes_tell_which_label_to_expect() -> None:
    """Of faces voted angry, a third is labelled sad: for each of them that is what is expected."""
    votes = np.zeros((64, 7), np.int64)
    votes[:30, 0], votes[30:60, 3], votes[60:62, 0] = 10, 10, 10  # 62 and 63 have no votes
    labels = np.array([0] * 20 + [4] * 10 + [3] * 30 + [UNLABELLED, UNLABELLED] + [2, UNLABELLED])
    faces = LabelledFaces(np.zeros((64, 48, 48), np.uint8), labels, votes)
    expected = expected_labels(faces)
    np.testing.assert_allclose(expected[[0, 25, 61]][:, [0, 4]], [[2 / 3, 1 / 3]] * 3, atol=0.02)
    assert expected[40, 3] > 0.95
    assert not expected[62:].any()

    learned = training_targets(faces, votes_share=0.5, smoothing=0.0)[FER2013]
    np.testing.assert_allclose(learned[0, [0, 4]], [5 / 6, 1 / 6], atol=0.02)
    np.testing.assert_allclose(learned[61], expected[61], atol=1e-6)  # votes alone
    assert learned[62].tolist() == [0, 0, 1, 0, 0, 0, 0]  # a label alone
    assert not learned[63].any()


def test_without_any_face_that_has_both_votes_tell_nothing() -> None:
    votes = np.eye(7, dtype=np.int64)
    faces = LabelledFaces(np.zeros((7, 48, 48), np.uint8), np.full(7, UNLABELLED), votes)
    assert not expected_labels(faces).any()
