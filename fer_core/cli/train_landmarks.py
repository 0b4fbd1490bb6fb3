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
from fer_core.training.landmarks.data import (
    read_landmark_faces,
    read_taught_faces,
    tells_movements,
)
from fer_core.training.landmarks.evaluate import evaluate, evaluate_movements


@click.command("evaluate-landmarks")
@path_option("--images", required=True, help="Folder of pictures.")
@labels_option
@json_option
@report_errors
def evaluate_landmarks_command(images: Path, labels: Path, as_json: bool) -> None:
    """Measure the face network on pictures of one face each with known 68 points.

    The CSV file has the columns file and x0, y0 to x67, y67, in pixels of the picture. If it also
    has right_iris_x, right_iris_y, left_iris_x, left_iris_y and the names of the 52 movements
    (0..1), these are measured as well.
    """
    from fer_core.models.detectors.haar import HaarDetector
    from fer_core.models.loading import load_landmark_model

    model, detector = load_landmark_model(), HaarDetector()
    faces = read_landmark_faces(images, labels)
    found = asdict(evaluate(model, detector, faces))
    if tells_movements(labels):
        found |= asdict(evaluate_movements(model, detector, read_taught_faces(images, labels)))
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"faces                {found['n']:>6}")
    click.echo(f"mean error           {found['nme_interocular_percent']:>6.2f}% of interocular")
    click.echo(f"failures (over 10%)  {found['failure_rate_percent']:>6.2f}%")
    if "mean_correlation" in found:
        click.echo(f"irises               {found['iris_percent']:>6.2f}% of the eye's width")
        click.echo(f"movements            {found['mean_correlation']:>6.3f} mean correlation")
        for name, correlation in found["correlations"].items():
            click.echo(f"  {name:<18} {correlation:>6.3f}")


@click.command("train-landmarks")
@path_option(
    "--data",
    required=True,
    help="Folder with images and landmarks.csv, movements and movements.csv, optionally also "
    "mesh.npz, backgrounds, faces and alarms.",
)
@out_option
@click.option("--epochs", default=200, show_default=True, type=click.IntRange(1))
@click.option(
    "--minutes", type=click.FloatRange(0.0, min_open=True), help="Train this long instead."
)
@path_option(
    "--begin-with",
    "start",
    help="An earlier network (face.onnx), whose weights a new run begins with.",
)
@seed_option
@report_errors
def train_landmarks_command(
    data: Path, out: Path, epochs: int, minutes: float | None, start: Path | None, seed: int
) -> None:
    """Train the face network, or resume the run in the folder --out.

    Writes face.onnx and its model card to --out. In --data, movements.csv has a row for each
    picture in the folder movements: its 68 points, irises and movements. mesh.npz may add more
    points of the same faces, from which the network tells movements as well (the array points),
    and their order in a mirrored face (the array mirrored). The other folders teach presence:
    backgrounds has pictures without a face and faces has cropped faces, both of any size;
    train-detector writes alarms.
    """
    from fer_core.training.landmarks.run import run
    from fer_core.training.landmarks.state import Settings, usual_batch_scale

    settings = Settings(epochs=epochs, minutes=minutes, batch_scale=usual_batch_scale(), seed=seed)
    run(data, out, settings, start)
