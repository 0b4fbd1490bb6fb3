"""``fer-dashboard analyze``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.quality import left_out
from fer_core.cli.options import (
    analyzer_of,
    detector_option,
    emotion_option,
    readable_only_option,
)
from fer_core.errors import PictureError, unexpected_error_message
from fer_core.export.records import columns, face_rows, picture_record
from fer_core.media.images import read_noted
from fer_core.media.names import as_text, printable
from fer_core.schema import FrameResult
from fer_core.timeline.spreadsheet import csv_row


@click.command("analyze")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@emotion_option
@detector_option
@readable_only_option
@click.option(
    "--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True
)
def analyze_command(
    paths: tuple[Path, ...], emotion: str, detector: str, readable_only: bool, form: str
) -> None:
    """Analyse pictures and print one line of JSON per picture, or one line of CSV per face.

    A picture that cannot be read gets a line with an error, and the exit code is 1. A picture has a
    note if something is missing from its file or was not analysed.
    """
    analyzer = analyzer_of(detector, emotion)
    write = _JsonLines() if form == "json" else _CsvRows(columns(analyzer.labels))
    failed, unreadable = False, 0
    for path in paths:
        name = as_text(str(path))
        result, note = _analyze(analyzer, path)
        if result is None:
            failed = True
            write.error(name, note)
            continue
        # Numbered before any is left out, as on the page and in the table of a batch.
        shown = result.numbered().readable() if readable_only else result
        unreadable += len(result.faces) - len(shown.faces)
        write.result(name, shown, note)
    if readable_only:
        click.echo(left_out(unreadable), err=True)
    sys.exit(1 if failed else 0)


def _analyze(analyzer: Analyzer, path: Path) -> tuple[FrameResult | None, str]:
    """A picture's result and its note, or None and what went wrong."""
    try:
        picture = read_noted(path)
        return analyzer.analyze(picture.bgr), picture.note
    except PictureError as error:
        return None, str(error)
    except Exception as error:  # whatever one picture makes a library raise
        return None, unexpected_error_message(error)


class _JsonLines:
    def result(self, name: str, result: FrameResult, note: str) -> None:
        click.echo(json.dumps(picture_record(name, result, note)))

    def error(self, name: str, sentence: str) -> None:
        click.echo(json.dumps({"file": name, "error": sentence}))


class _CsvRows:
    """A header and one row per face; a picture without faces has no row, one with an error has
    one. Notes go to standard error."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        self._write(*header, "error")

    def result(self, name: str, result: FrameResult, note: str) -> None:
        if note:
            click.echo(f"{printable(name)}: {note}", err=True)
        for row in face_rows(name, result):
            self._write(*row.values(), "")

    def error(self, name: str, sentence: str) -> None:
        self._write(name, *[""] * (len(self._header) - 1), sentence)

    def _write(self, *cells: object) -> None:
        click.echo(csv_row(cells), nl=False)
