"""The command line: ``python -m fer_core``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from click._termui_impl import ProgressBar

from fer_core.cli.batch import batch_command
from fer_core.cli.check import check_command
from fer_core.cli.options import OneOf, analyzer_of, detector_option, emotion_option
from fer_core.cli.password import password_command
from fer_core.cli.train import evaluate_command, train_command
from fer_core.cli.train_landmarks import evaluate_landmarks_command, train_landmarks_command
from fer_core.cli.video import video_command
from fer_core.errors import FerError, PictureError
from fer_core.export.files import columns, faces_table, picture_record
from fer_core.media.images import read_picture
from fer_core.models.registry import MODELS, downloads
from fer_core.models.weights import files
from fer_core.schema import FrameResult
from fer_core.spreadsheet import harmless


@click.group()
def main() -> None:
    """Facial expression recognition in pictures."""


main.add_command(batch_command)
main.add_command(check_command)
main.add_command(evaluate_command)
main.add_command(train_command)
main.add_command(evaluate_landmarks_command)
main.add_command(password_command)
main.add_command(train_landmarks_command)
main.add_command(video_command)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@emotion_option
@detector_option
@click.option(
    "--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True
)
def analyze(paths: tuple[Path, ...], emotion: str, detector: str, form: str) -> None:
    """Print what is in each picture: a line of JSON a picture, or a line of CSV a face.

    A picture that cannot be read gets a line with an error, and the exit code is 1 at the end.
    """
    analyzer = analyzer_of(detector, emotion)
    write = _JsonLines() if form == "json" else _CsvRows(columns(analyzer.labels))
    failed = False
    for path in paths:
        try:
            write.result(str(path), analyzer.analyze(read_picture(path)))
        except PictureError as error:
            failed = True
            write.error(str(path), str(error))
    sys.exit(1 if failed else 0)


class _JsonLines:
    def result(self, name: str, result: FrameResult) -> None:
        click.echo(json.dumps(picture_record(name, result)))

    def error(self, name: str, sentence: str) -> None:
        click.echo(json.dumps({"file": name, "error": sentence}))


class _CsvRows:
    """A header, then a row a face; a picture without a face has none, one with an error has one."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        self._rows = csv.writer(sys.stdout, lineterminator="\n")
        self._write(*header, "error")

    def result(self, name: str, result: FrameResult) -> None:
        for row in faces_table({name: result}).itertuples(index=False):
            self._write(*row, "")

    def error(self, name: str, sentence: str) -> None:
        self._write(name, *[""] * (len(self._header) - 1), sentence)

    def _write(self, *cells: object) -> None:
        self._rows.writerow(map(harmless, cells))


@main.group("weights")
def weights_group() -> None:
    """The files of the networks that are downloaded."""


@weights_group.command()
def status() -> None:
    """Say which files are on this machine, and where."""
    for name, model in downloads().items():
        click.echo(f"{name}: {files.status(model).sentence}")


def _advance(bar: ProgressBar[int], done_bytes: int, total_bytes: int) -> None:
    bar.length = max(1, total_bytes)
    bar.update(done_bytes - bar.pos)


@weights_group.command()
@click.argument("names", nargs=-1, type=OneOf(lambda: list(downloads())))
def fetch(names: tuple[str, ...]) -> None:
    """Fetch the files that are missing; all of them, or those named."""
    failed = False
    for name in names or downloads():
        try:
            quiet = not sys.stderr.isatty()
            with click.progressbar(length=1, label=name, file=sys.stderr, hidden=quiet) as bar:
                path = files.fetch(MODELS[name], partial(_advance, bar))
            click.echo(f"{name}: {path}")
        except FerError as error:
            failed = True
            click.echo(f"Skipped {name}: {error}", err=True)
    sys.exit(1 if failed else 0)
