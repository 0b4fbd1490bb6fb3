"""Draws the pictures of a model card: confusion matrices and reliability diagrams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fer_core.training.expression.metrics import reliability

Shares = NDArray[np.float32]
Labels = NDArray[np.int64]


def write_confusion(matrices: dict[str, list[list[int]]], labels: list[str], path: Path) -> None:
    """Draw confusion matrices side by side, in percent of a row. ``matrices``: title -> counts."""
    figure = Figure(figsize=(4.4 * len(matrices), 4.2), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(matrices)))
    for axes, (title, counts) in zip(panels, matrices.items(), strict=True):
        matrix = np.array(counts, dtype=np.float64)
        percent = 100.0 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1.0)
        axes.imshow(percent, cmap="Blues", vmin=0.0, vmax=100.0)
        for (row, column), value in np.ndenumerate(percent):
            color = "white" if value > 55.0 else "black"
            axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color)
        axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
        axes.set_yticks(range(len(labels)), labels)
        axes.set(title=title, xlabel="predicted", ylabel="label")
    figure.savefig(path, dpi=90)


def write_reliability(outputs: dict[str, tuple[Shares, Labels]], path: Path) -> None:
    """Draw accuracy over confidence (DeGroot and Fienberg 1983), and the share of faces per bin.

    ``outputs``: title -> probabilities ``(n, classes)`` and labels ``(n,)``.
    """
    figure = Figure(figsize=(4.0 * len(outputs), 3.8), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(outputs)))
    for axes, (title, (shares, labels)) in zip(panels, outputs.items(), strict=True):
        _draw_reliability(axes, shares, labels)
        axes.set(title=title, xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    figure.savefig(path, dpi=90)


def _draw_reliability(axes: Axes, shares: Shares, labels: Labels) -> None:
    count, _, accuracy = reliability(shares, labels)
    width = 1.0 / len(count)
    middles = (np.arange(len(count)) + 0.5) * width
    axes.bar(middles, accuracy, width * 0.95, color="#4477AA", label="accuracy")
    axes.bar(middles, count / count.sum(), width * 0.4, color="#CCBB44", label="share of faces")
    axes.plot([0.0, 1.0], [0.0, 1.0], color="black", linewidth=1.0, linestyle="--")
    axes.legend(frameon=False, loc="upper left")
