"""Writes the log of a training run as a CSV file and as a plot."""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure


def write_log(history: list[dict[str, float]], path: Path) -> None:
    """One row per epoch, one column per metric."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, history[0].keys())
        writer.writeheader()
        writer.writerows({k: f"{v:.6g}" for k, v in row.items()} for row in history)


def write_curves(history: list[dict[str, float]], path: Path) -> None:
    """Loss and validation accuracy against the epoch, as a PNG."""
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    losses, accuracies = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key in history[0]:
        values = [row[key] for row in history]
        if key.endswith("_loss"):
            losses.plot(epochs, values, label=key.replace("_", " "))
        elif key.endswith("_accuracy"):
            accuracies.plot(epochs, [100.0 * v for v in values], label=key.replace("_", " "))
    losses.set(xlabel="epoch", ylabel="cross-entropy [nats]")
    accuracies.set(xlabel="epoch", ylabel="validation accuracy [%]")
    for axes in (losses, accuracies):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
