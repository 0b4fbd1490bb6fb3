"""``python -m fer_core train-landmarks`` and ``python -m fer_core evaluate-landmarks``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from fer_core.cli.training_options import (
    json_option,
    labels_option,
    out_option,
    path_option,
    report_errors,
    seed_option,
)
from fer_core.training.landmarks.data import read_landmark_faces
from fer_core.training.landmarks.evaluate import evaluate


@click.command("evaluate-landmarks")
@path_option("--images", required=True, help="Folder of pictures.")
@labels_option
@json_option
@report_errors
def evaluate_landmarks_command(images: Path, labels: Path, as_json: bool) -> None:
    """Measure the landmark network on pictures of one face each with known 68 points.

    The CSV file has the columns file and x0, y0 to x67, y67, in pixels of the picture.
    """
    from fer_core.models.detectors.haar import HaarDetector
    from fer_core.models.loading import load_landmark_model

    faces = read_landmark_faces(images, labels)
    scores = evaluate(load_landmark_model(), HaarDetector(), faces)
    if as_json:
        click.echo(json.dumps(asdict(scores)))
        return
    click.echo(f"faces                {scores.n:>6}")
    click.echo(f"mean error           {scores.nme_interocular_percent:>6.2f} % of interocular")
    click.echo(f"failures (over 10 %) {scores.failure_rate_percent:>6.2f} %")


@click.command("train-landmarks")
@path_option(
    "--data",
    required=True,
    help="Folder with images and landmarks.csv, optionally also backgrounds and faces.",
)
@out_option
@click.option("--epochs", default=100, show_default=True, type=click.IntRange(1))
@seed_option
@report_errors
def train_landmarks_command(data: Path, out: Path, epochs: int, seed: int) -> None:
    """Train the landmark network, or resume the run in the folder --out.

    Writes landmarks68.onnx and its model card to --out. In --data, backgrounds holds pictures
    without a face and faces holds cropped faces, both of any size; they teach presence.
    """
    from fer_core.training.landmarks.run import run
    from fer_core.training.landmarks.state import Settings

    run(data, out, Settings(epochs=epochs, seed=seed))
