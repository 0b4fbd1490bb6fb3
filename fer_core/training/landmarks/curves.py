"""Plots the log of a run of the face network."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure


def write_curves(history: list[dict[str, float]], path: Path) -> None:
    """The losses of presence, the error of the points, and the movements' correlation, as a PNG."""
    figure = Figure(figsize=(11.0, 3.2), layout="constrained")
    losses, errors, movements = figure.subplots(1, 3)
    epochs = [row["epoch"] for row in history]
    for key in ("train_presence_loss", "validation_presence_loss"):
        losses.plot(epochs, [row[key] for row in history], label=key.replace("_", " "))
    errors.plot(epochs, [row["validation_nme_percent"] for row in history], label="validation")
    movements.plot(
        epochs, [row["validation_movement_correlation"] for row in history], label="validation"
    )
    losses.set(xlabel="epoch", ylabel="cross-entropy [nats]", yscale="log")
    errors.set(xlabel="epoch", ylabel="error [% of interocular distance]", ylim=(0.0, 15.0))
    movements.set(xlabel="epoch", ylabel="movements: mean correlation", ylim=(0.0, 1.0))
    for axes in (losses, errors, movements):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
