"""Analyses a folder into one file, with progress and a summary on the command line."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import click
import pyarrow as pa
from filelock import FileLock, Timeout

from fer_core.batch.files import Item, Listing, Piece, Recipe, find, pieces
from fer_core.batch.merge import merge
from fer_core.batch.pool import Do, Workers
from fer_core.batch.ray import run_on_ray
from fer_core.batch.rows import RowRange, is_batch, row_ranges
from fer_core.batch.task import analyze_piece, give_up
from fer_core.cli.main import INTERRUPTED
from fer_core.errors import FerError
from fer_core.export.records import BATCH_TEXTS
from fer_core.media.names import beside, printable
from fer_core.wording import count_of

MOST_NAMED = 100
"""How many of the files left out are named."""

Backend = Literal["local", "ray"]


Found = dict[str, RowRange]
"""The rows so far: by stamp, or by file name for a file that is to be analysed again."""


def run_batch(
    folder: Path, out: Path, recipe: Recipe, workers: int | None, backend: Backend = "local"
) -> int:
    """Analyse what is new or changed in a folder since ``out`` was written; returns the exit code.

    Until everything is done, each piece of work is a file in a folder named ``out`` plus
    ``.parts``; then they are merged and removed. Raises ``click.ClickException`` with a sentence if
    nothing can be done.
    """
    if taken := set(BATCH_TEXTS).intersection(recipe.labels):
        raise click.ClickException(
            f"{recipe.emotion} has a class called {min(taken)}, and the table has a column of that "
            "name. Rename the class's folder, and train the network again."
        )
    listing = find(folder, (out, _parts_folder(out)))
    for sentence in _left_out(listing):
        click.echo(sentence, err=True)
    items = listing.items
    if not items:
        where = printable(str(folder))
        raise click.ClickException(f"There is no picture and no video in {where}.")
    with _parts_of(out) as parts:
        missing = _missing(items, recipe, _found(out, parts))
        before = f"{len(items) - len(missing)} done before, {len(missing)} to do"
        click.echo(f"{count_of(len(items), 'file')}: {before}.", err=True)
        try:
            todo = partial(analyze_piece, recipe=recipe, parts=parts, table=out.name)
            lost = partial(give_up, recipe=recipe, parts=parts, table=out.name)
            _do(missing, todo, lost, workers, backend)
            return _conclude(items, recipe, out, parts)
        except FerError as error:
            raise click.ClickException(f"{error} {_how_to_go_on(parts)}") from error
        except KeyboardInterrupt:
            kept = len(items) - len(_missing(items, recipe, _found(out, parts)))
            click.echo(
                f"Stopped. {kept} of {count_of(len(items), 'file')} are done and saved: run the "
                "same command again to resume.",
                err=True,
            )
            return INTERRUPTED


def _how_to_go_on(parts: Path) -> str:
    """What the user can do after an error."""
    if parts.exists():
        return "The results so far are saved: run the same command again to resume."
    return (
        f"{printable(str(parts))}, with the results so far, was removed meanwhile: run the same "
        "command again to start anew."
    )


def _conclude(items: Sequence[Item], recipe: Recipe, out: Path, parts: Path) -> int:
    """Merge the parts and print a summary; returns the exit code."""
    found = _found(out, parts)
    rows_of = [found.get(recipe.stamp(item)) or found[item.file] for item in items]
    if not out.exists() or rows_of != list(row_ranges(out).values()):
        merge(rows_of, out, recipe.labels)
    shutil.rmtree(parts, ignore_errors=True)
    failed = sum(part.failed for part in rows_of)
    errors = f", {failed} with an error: see the column error" if failed else ""
    count = sum(part.count for part in rows_of)
    rows, files = count_of(count, "row"), count_of(len(items), "file")
    click.echo(f"{printable(str(out))}: {rows} of {files}{errors}")
    return 1 if failed else 0


def _parts_folder(out: Path) -> Path:
    return beside(out, ".parts")


@contextmanager
def _parts_of(out: Path) -> Iterator[Path]:
    """The folder for the parts, locked against a second run at the same time."""
    parts, name = _parts_folder(out), printable(str(out))
    try:
        if out.exists() and not is_batch(out):
            raise click.ClickException(
                f"{name} exists already and is not a table of this command. Choose another name."
            )
        parts.mkdir(exist_ok=True)
        lock = FileLock(parts / "lock", timeout=0)
        lock.acquire()
    except Timeout as error:
        raise click.ClickException(
            f"Another run is writing to {name}. Wait until it has finished, or choose another name."
        ) from error
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        raise click.ClickException(
            f"{name} cannot be written: {reason}. Choose an existing folder that you may write to."
        ) from error
    try:
        yield parts
    finally:
        lock.release()


def _found(out: Path, parts: Path) -> Found:
    """The rows of earlier runs in ``out`` and in parts, and of this run so far."""
    found = _by_stamp(out) if out.exists() else {}
    for part in sorted(parts.glob("*.parquet"), key=lambda each: each.stat().st_mtime_ns):
        try:
            found |= _by_stamp(part)
        except (pa.ArrowException, OSError):
            part.unlink()  # a power failure left it incomplete
    return found


def _by_stamp(path: Path) -> Found:
    return {part.stamp or file: part for file, part in row_ranges(path).items()}


def _missing(items: Sequence[Item], recipe: Recipe, found: Found) -> list[Item]:
    return [item for item in items if recipe.stamp(item) not in found]


def _do(items: Sequence[Item], todo: Do, lost: Do, workers: int | None, backend: Backend) -> None:
    """Analyse files into parts, with a progress bar on standard error."""
    work = pieces(items)
    if not work:
        return
    quiet = not sys.stderr.isatty()
    with (
        closing(_progress(work, todo, lost, workers, backend)) as counts,
        click.progressbar(
            length=len(items), label="Files", show_pos=True, file=sys.stderr, hidden=quiet
        ) as bar,
    ):
        for count in counts:
            bar.update(count)


def _progress(
    work: list[Piece], todo: Do, lost: Do, workers: int | None, backend: Backend
) -> Generator[int, None, None]:
    if backend == "ray":
        yield from run_on_ray(todo, lost, workers, work)
        return
    with Workers(todo, lost, workers or os.cpu_count() or 1) as pool:
        yield from pool.run(work)


def _left_out(listing: Listing) -> Iterator[str]:
    """Sentences that name what is not analysed."""
    yield from listing.unread
    if listing.neither:
        what = (
            "is neither a picture nor a video"
            if len(listing.neither) == 1
            else ("are neither pictures nor videos")
        )
        files = count_of(len(listing.neither), "file")
        yield f"Left out: {files} that {what}: {_names(listing.neither)}."
    if listing.hidden:
        count = len(listing.hidden)
        what = "hidden file or folder" if count == 1 else "hidden files and folders"
        yield f"Left out: {count} {what}: {_names(listing.hidden)}."


def _names(files: Sequence[str]) -> str:
    named = ", ".join(map(printable, files[:MOST_NAMED]))
    return named if len(files) <= MOST_NAMED else f"{named}, and {len(files) - MOST_NAMED} more"
