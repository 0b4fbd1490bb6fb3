"""``python -m fer_core train-detector`` and ``python -m fer_core evaluate-detector``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from fer_core.cli.training_options import (
    labels_option,
    out_option,
    path_option,
    report_errors,
    seed_option,
)
from fer_core.models.detectors.scout import ScoutDetector
from fer_core.models.loading import load_detector, load_landmark_model
from fer_core.models.registry import Kind, models
from fer_core.training.detector.evaluate import evaluate, read_labelled_pictures


@click.command("evaluate-detector")
@path_option("--images", required=True, help="Folder of pictures.")
@labels_option
@click.option(
    "--detector",
    "names",
    multiple=True,
    type=click.Choice(list(models(Kind.DETECTOR))),
    help="Detector to measure. Can be repeated. [default: all]",
)
@path_option(
    "--network",
    "networks",
    multiple=True,
    help="Network made by train-detector (.onnx). Can be repeated.",
)
@report_errors
def evaluate_detector_command(
    images: Path, labels: Path, names: tuple[str, ...], networks: tuple[Path, ...]
) -> None:
    """Compare face detectors on pictures whose faces are known, and print one JSON object.

    The CSV file has the columns file, x, y, w, h, one row per face, in pixels of the picture. A
    picture that is not in it has no face. Each detector is measured alone, and with the landmark
    network's confirmation as in the rest of the program.
    """
    pictures = read_labelled_pictures(images, labels)
    detectors = [load_detector(name) for name in names or models(Kind.DETECTOR)]
    landmarks = load_landmark_model()
    reports = {
        detector.name: asdict(evaluate(detector, landmarks, pictures))
        for detector in [*detectors, *(ScoutDetector(path, path.stem) for path in networks)]
    }
    faces = sum(len(picture.boxes) for picture in pictures)
    click.echo(json.dumps({"pictures": len(pictures), "faces": faces, "detectors": reports}))


@click.command("train-detector")
@path_option(
    "--data",
    required=True,
    help="Folder of folders NAME, each with NAME.csv and contact sheets NAME_0.webp, NAME_1.webp …",
)
@path_option(
    "--backgrounds", required=True, help="Folder of photos. Parts with a face are left out."
)
@out_option
@click.option("--epochs", default=100, show_default=True, type=click.IntRange(1))
@click.option(
    "--minutes",
    type=click.FloatRange(0.0, min_open=True),
    help="Duration of the run, instead of --epochs.",
)
@seed_option
@report_errors
def train_detector_command(
    data: Path, backgrounds: Path, out: Path, epochs: int, minutes: float | None, seed: int
) -> None:
    """Train a face detector on synthetic scenes, or resume the run in the folder --out.

    Writes face_detector.onnx to --out, and a folder alarms with its false alarms, from which
    train-landmarks learns. A CSV file has the columns x, y, w, h and optionally person, one row
    per tile of 160 pixels; a sheet has 40 tiles per row and at most 1,600. An epoch is 100 steps.
    """
    from fer_core.training.detector.run import run
    from fer_core.training.detector.state import Settings, usual_pixels

    settings = Settings(epochs=epochs, minutes=minutes, pixels=usual_pixels(), seed=seed)
    run(data, backgrounds, out, settings)
