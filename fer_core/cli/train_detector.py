"""``python -m fer_core train-detector`` and ``python -m fer_core evaluate-detector``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from fer_core.cli.training_options import out_option, report_errors, seed_option
from fer_core.models.loading import load_detector, load_landmark_model
from fer_core.models.registry import Kind, models
from fer_core.training.detector.decode import TrainedDetector
from fer_core.training.detector.evaluate import evaluate, read_labelled_pictures


@click.command("evaluate-detector")
@click.option("--images", required=True, type=click.Path(path_type=Path), help="Folder.")
@click.option("--labels", required=True, type=click.Path(path_type=Path), help="Its csv.")
@click.option(
    "--detector",
    "names",
    multiple=True,
    type=click.Choice(list(models(Kind.DETECTOR))),
    help="One to measure; may be given several times. [default: all]",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    type=click.Path(path_type=Path),
    help="One that train-detector made (.onnx); may be given several times.",
)
@report_errors
def evaluate_detector_command(
    images: Path, labels: Path, names: tuple[str, ...], networks: tuple[Path, ...]
) -> None:
    """Compare face detectors on pictures whose faces are known, and print one JSON object.

    The csv has the columns file, x, y, w, h, a row for each face, in pixels of the picture; a
    picture of the folder that it does not name has no face. Each detector is measured alone and
    confirmed by the landmark network, as everywhere in this program.
    """
    pictures = read_labelled_pictures(images, labels)
    detectors = [load_detector(name) for name in names or models(Kind.DETECTOR)]
    landmarks = load_landmark_model()
    reports = {
        detector.name: asdict(evaluate(detector, landmarks, pictures))
        for detector in [*detectors, *map(TrainedDetector, networks)]
    }
    faces = sum(len(picture.boxes) for picture in pictures)
    click.echo(json.dumps({"pictures": len(pictures), "faces": faces, "detectors": reports}))


@click.command("train-detector")
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of folders NAME, each with NAME.csv and the contact sheets NAME_0.webp and on.",
)
@click.option(
    "--backgrounds",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of photographs. Parts with a face are left out.",
)
@out_option
@click.option("--epochs", default=100, show_default=True, type=click.IntRange(1))
@click.option(
    "--minutes",
    type=click.FloatRange(0.0, min_open=True),
    help="How long the run lasts, instead of --epochs.",
)
@seed_option
@report_errors
def train_detector_command(
    data: Path, backgrounds: Path, out: Path, epochs: int, minutes: float | None, seed: int
) -> None:
    """Train a face detector on made scenes, or go on with the run that is in the folder --out.

    Leaves face_detector.onnx in --out. A csv has the columns x, y, w, h and maybe person, a row for
    each tile of 160 pixels; a sheet has 40 tiles a row and 1,600 at most. An epoch is 100 steps.
    """
    from fer_core.training.detector.run import run
    from fer_core.training.detector.state import Settings, usual_pixels

    settings = Settings(epochs=epochs, minutes=minutes, pixels=usual_pixels(), seed=seed)
    run(data, backgrounds, out, settings)
