"""Plots the log of a detector's run."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure


def write_curves(history: list[dict[str, float]], path: Path) -> None:
    """The losses, and recall and precision on held-out scenes, against the epoch, as a PNG."""
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    losses, shares = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for key in history[0]:
        axes = losses if key.endswith("_loss") else shares
        if key.startswith(("train_", "validation_")) and key != "validation_threshold":
            label = key.removeprefix("train_").removeprefix("validation_").replace("_", " ")
            axes.plot(epochs, [row[key] for row in history], label=label)
    losses.set(xlabel="epoch", ylabel="loss", yscale="log")
    shares.set(xlabel="epoch", ylabel="share of held-out faces or boxes", ylim=(0.0, 1.0))
    for axes in (losses, shares):
        axes.legend(frameon=False, fontsize="small")
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=100)
