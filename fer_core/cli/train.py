"""``python -m fer_core train`` and ``python -m fer_core evaluate``."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from fer_core.cli.options import analyzer_of, fixed_detector_option, fixed_emotion_option
from fer_core.cli.training_options import (
    json_option,
    labels_option,
    out_option,
    path_option,
    report_errors,
    seed_option,
)
from fer_core.errors import DatasetError
from fer_core.labels import EMOTIONS
from fer_core.models.emotion.custom import NETWORK
from fer_core.models.loading import load_emotion_model
from fer_core.training.expression.data import read_contact_sheet
from fer_core.training.expression.evaluate import as_table, evaluate


class Channels(click.ParamType[tuple[int, ...]]):
    """Four numbers of channels, separated by commas."""

    name = "n,n,n,n"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers; the squeeze-and-excitation of a block needs at least eight channels."""
        found = re.fullmatch(r"(\d+),(\d+),(\d+),(\d+)", value)
        numbers = tuple(map(int, found.groups())) if found else ()
        if not numbers or min(numbers) < 8 or max(numbers) > 4096:
            self.fail(f"{value} is not four numbers from 8 to 4096, as 64,128,256,384", param, ctx)
        return numbers


@click.command("evaluate")
@fixed_emotion_option
@path_option("--sheet", required=True, help="Contact sheet.")
@labels_option
@json_option
@report_errors
def evaluate_command(emotion: str, sheet: Path, labels: Path, as_json: bool) -> None:
    """Measure an emotion model on the labelled faces of a contact sheet.

    The sheet is one picture of faces of 48 by 48 pixels, 200 in a row, left to right. The CSV file
    has a row for each, with the columns fer2013_label, which may be empty, and votes_anger,
    votes_disgust, votes_fear, votes_happiness, votes_sadness, votes_surprise and votes_neutral:
    how many people chose each expression.
    """
    faces = read_contact_sheet(sheet, labels)
    model = load_emotion_model(emotion)
    if model.labels != EMOTIONS:
        raise DatasetError(
            f"{emotion} has other expressions than the sheet: {', '.join(model.labels)}. "
            "Its scores are in the report beside it."
        )
    report = evaluate(model, faces)
    click.echo(json.dumps(report) if as_json else as_table(report))


@click.command("train")
@path_option(
    "--data",
    required=True,
    help="Folder with train.webp, train.csv, validation.webp and validation.csv, which are as for "
    "evaluate; with --from, a folder per class.",
)
@out_option
@path_option("--from", "start", help="Network to adapt.")
@path_option(
    "--teacher",
    "teachers",
    multiple=True,
    help="Network of an earlier run (.onnx or .pt) to learn from. Can be repeated.",
)
@path_option(
    "--pictures",
    multiple=True,
    nargs=2,
    metavar="DIR CSV",
    help="Folder of whole pictures to learn from as well, and its CSV file with the columns file, "
    "label and, if known, person; a third of the people is held out. Can be repeated.",
)
@path_option(
    "--soft-labels",
    multiple=True,
    help="NPZ file with the outputs of another maker's network: for each CSV file an array (n, 7) "
    "of logits, named after it. Can be repeated.",
)
@fixed_detector_option
@click.option(
    "--channels",
    type=Channels(),
    help="Channels of the network's four blocks, like 64,128,256,384 for a larger teacher. "
    "[default: those of the shipped network]",
)
@click.option(
    "--side",
    type=click.Choice((48, 64, 80, 96)),
    help="Side in pixels of the faces that the network takes. "
    "[default: that of the shipped network]",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="[default: 90; 80 with --pictures; 60 with --teacher alone; 20 with --from]",
)
@seed_option
@report_errors
def train_command(
    data: Path,
    out: Path,
    start: Path | None,
    teachers: tuple[Path, ...],
    pictures: tuple[tuple[Path, Path], ...],
    soft_labels: tuple[Path, ...],
    detector: str,
    channels: tuple[int, ...] | None,
    side: int | None,
    epochs: int | None,
    seed: int,
) -> None:
    """Train the compact network, or resume the run in the folder --out.

    Writes emotion_compact.onnx, its model card and the card's pictures to --out. With --teacher,
    the network also learns from the teachers' outputs, and starts from the weights of the last one
    if that has the same channels. With --pictures, it also learns from the faces of whole pictures,
    found and framed as in the dashboard.

    With --from, an .onnx or .pt file of the network, it learns your own classes instead: one folder
    of face pictures per class. This writes adapted.onnx, and adapted.json with the scores on the
    fifth of the pictures that was held out. If --out is models/own/NAME, the dashboard's Models
    page offers the network. After you have added or removed pictures, run the same command again:
    it trains anew.
    """
    from fer_core.training.expression.adapt import adapt
    from fer_core.training.expression.export import read_network
    from fer_core.training.expression.run import Origin, run
    from fer_core.training.expression.state import Settings

    if start is None:
        origin = Origin(data, pictures, teachers, soft_labels)
        settings = replace(origin.recipe(epochs), seed=seed)
        if channels:
            settings = replace(settings, channels=channels)
        if side:
            settings = replace(settings, side=side)
        analyzer = analyzer_of(detector, "compact")
        run(origin, out, settings, analyzer)
        return
    if pictures or soft_labels or teachers or channels or side:
        raise click.UsageError(
            "--from cannot be combined with --pictures, --soft-labels, --teacher, --channels or "
            "--side. Remove those options."
        )
    network, _ = read_network(start)
    settings = Settings(
        epochs=epochs or 20,
        batch=16,
        learning_rate=0.02,
        channels=network.channels,
        side=network.side,
        seed=seed,
    )
    scores = adapt(data, out, network, settings)
    click.echo(f"{out / NETWORK}: {scores.accuracy:.1%} of {scores.n} held-out faces")
