"""``python -m fer_core evaluate-pictures``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fer_core.cli.options import (
    analyzer_of,
    fixed_detector_option,
    fixed_emotion_option,
    readable_only_option,
)
from fer_core.cli.training_options import json_option, path_option, report_errors
from fer_core.training.expression.evaluate_pictures import (
    as_table,
    evaluate_pictures,
    read_labelled_pictures,
)


@click.command("evaluate-pictures")
@fixed_emotion_option
@fixed_detector_option
@path_option("--pictures", "folder", required=True, help="Their folder.")
@path_option(
    "--labels", required=True, help="CSV file with the columns file, label and optionally person."
)
@readable_only_option
@json_option
@report_errors
def evaluate_pictures_command(
    emotion: str, detector: str, folder: Path, labels: Path, readable_only: bool, as_json: bool
) -> None:
    """Evaluate the whole analysis of pictures as in the dashboard, from detection to expression.

    Of several faces in a picture the largest counts. With --readable-only, it does not count if it
    cannot be read well. With the column person, accuracy and macro recall have a 95 % bootstrap
    interval over people.
    """
    analyzer = analyzer_of(detector, emotion)
    pictures = read_labelled_pictures(folder, labels, analyzer.labels)
    report = evaluate_pictures(analyzer, pictures, readable_only)
    click.echo(json.dumps(report) if as_json else as_table(report))
