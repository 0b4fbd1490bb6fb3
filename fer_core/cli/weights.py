"""``fer-dashboard weights``."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import click

from fer_core.cli.options import OneOf, check_settings
from fer_core.errors import FerError
from fer_core.models.registry import MODELS, downloads
from fer_core.models.weights import files


@click.group("weights")
def weights_group() -> None:
    """The files of downloaded networks."""
    check_settings()


@weights_group.command()
def status() -> None:
    """List which files are on this machine, and where."""
    for name, model in downloads().items():
        click.echo(f"{name}: {files.status(model).sentence}")


def _advance(bar: Any, done_bytes: int, total_bytes: int) -> None:
    bar.length = max(1, total_bytes)
    bar.update(done_bytes - bar.pos)


@weights_group.command()
@click.argument("names", nargs=-1, type=OneOf(lambda: list(downloads())))
def fetch(names: tuple[str, ...]) -> None:
    """Download missing files: all, or those named."""
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
