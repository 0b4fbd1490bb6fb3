"""Tests of the metrics against cases calculated by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.training.expression import metrics

# Three classes, label -> predicted: 0->0, 0->0, 0->1, 1->1, 2->0, 2->2
TRUTH = np.array([0, 0, 0, 1, 2, 2])
PREDICTED = np.array([0, 0, 1, 1, 0, 2])
CONFUSION = np.array([[2, 1, 0], [0, 1, 0], [1, 0, 1]])


def test_confusion_matrix_has_labels_as_rows() -> None:
    np.testing.assert_array_equal(metrics.confusion_matrix(TRUTH, PREDICTED, 3), CONFUSION)


def test_accuracy_is_the_share_of_the_diagonal() -> None:
    assert metrics.accuracy(CONFUSION) == pytest.approx(4 / 6)


def test_recall_of_each_class() -> None:
    assert metrics.recalls(CONFUSION) == pytest.approx([2 / 3, 1.0, 0.5])


def test_recall_of_a_class_without_examples_is_none() -> None:
    assert metrics.recalls(np.array([[1, 0], [0, 0]])) == [1.0, None]


def test_macro_f1() -> None:
    # F1 = 2 TP / (2 TP + FP + FN): 4/(4+1+1), 2/(2+1+0), 2/(2+0+1)
    assert metrics.macro_f1(CONFUSION) == pytest.approx((4 / 6 + 2 / 3 + 2 / 3) / 3)


def test_macro_f1_counts_a_class_that_is_only_predicted_as_zero() -> None:
    assert metrics.macro_f1(np.array([[1, 1], [0, 0]])) == pytest.approx((2 / 3 + 0) / 2)


def test_macro_f1_leaves_out_a_class_that_never_appears() -> None:
    assert metrics.macro_f1(np.array([[2, 0], [0, 0]])) == 1.0


def test_no_examples_at_all() -> None:
    empty = np.zeros((3, 3), dtype=np.int64)
    assert metrics.accuracy(empty) == metrics.macro_f1(empty) == 0.0
    assert metrics.expected_calibration_error(np.zeros((0, 3), np.float32), TRUTH[:0]) == 0.0


def test_calibration_error_by_hand() -> None:
    # Confidences 0.95, 0.95 (one right: gap 0.45), 0.6 (right: gap 0.4), 0.55 in another bin
    # (wrong: gap 0.55); 0.6 = 9/15 closes the ninth bin (8/15, 9/15], which also holds 0.55:
    # mean confidence 0.575, accuracy 0.5, gap 0.075.
    shares = np.array([[0.95, 0.05], [0.95, 0.05], [0.4, 0.6], [0.55, 0.45]], dtype=np.float64)
    truth = np.array([0, 1, 1, 1])
    expected = (2 * 0.45 + 2 * 0.075) / 4
    assert metrics.expected_calibration_error(shares, truth) == pytest.approx(expected)


def test_a_confident_and_right_network_is_calibrated() -> None:
    shares = np.eye(3, dtype=np.float32)
    assert metrics.expected_calibration_error(shares, np.array([0, 1, 2])) == 0.0
    assert metrics.expected_calibration_error(shares, np.array([1, 2, 0])) == 1.0


def test_reliability_puts_every_face_in_one_bin() -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.ones(7), 500).astype(np.float32)
    count, confidence, accuracy = metrics.reliability(shares, rng.integers(0, 7, 500))
    assert count.sum() == 500
    assert confidence @ count == pytest.approx(shares.max(axis=1).sum(), rel=1e-5)
    assert accuracy.min() >= 0.0
    assert accuracy.max() <= 1.0


def test_softmax_survives_large_logits() -> None:
    np.testing.assert_allclose(
        metrics.softmax(np.array([[1e4, 1e4], [0.0, -1e4]])), [[0.5, 0.5], [1.0, 0.0]]
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_is_found_again(temperature: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0.0, 2.0, (20_000, 7))
    shares = metrics.softmax(logits)
    truth = (shares.cumsum(axis=1) < rng.random((len(shares), 1))).sum(axis=1)
    found = metrics.fit_temperature((logits * temperature).astype(np.float32), truth)
    assert found == pytest.approx(temperature, rel=0.03)


def test_one_temperature_for_sets_that_want_different_ones() -> None:
    """A small set that is surely wrong counts as much as a large one, but does not decide alone."""
    rng = np.random.default_rng(0)

    def drawn(n: int, wanted: float) -> tuple[np.ndarray, np.ndarray]:
        logits = rng.normal(0.0, 2.0, (n, 3))
        shares = metrics.softmax(logits / wanted)
        truth = (shares.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
        return logits.astype(np.float32), truth

    many, few = drawn(4000, 0.6), drawn(400, 2.5)
    assert metrics.balanced_temperature([many]) == pytest.approx(0.6, abs=0.1)
    assert metrics.balanced_temperature([few]) == pytest.approx(2.5, abs=0.5)
    assert 0.6 < metrics.balanced_temperature([many, few]) < 2.5
