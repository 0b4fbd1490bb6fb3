"""``python -m fer_core batch``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fer_core.batch.files import Recipe
from fer_core.cli.batch_run import Backend, run_batch
from fer_core.cli.options import (
    analyzer_of,
    detector_option,
    emotion_option,
    readable_only_option,
)
from fer_core.media.video import Selection


@click.command("batch")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The table: a .parquet file."
)
@emotion_option
@detector_option
@readable_only_option
@click.option("--every", type=click.IntRange(1), help="Analyse every N-th frame of videos.")
@click.option(
    "--fps", type=click.FloatRange(0, min_open=True), help="Analyse N frames a second of videos."
)
@click.option("--workers", type=click.IntRange(1), help="Processes; as many as there are cores.")
@click.option(
    "--backend",
    "--engine",  # its name in earlier versions
    "backend",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="This machine, or a Ray cluster (the extra ray).",
)
def batch_command(
    folder: Path,
    out: Path,
    emotion: str,
    detector: str,
    readable_only: bool,
    every: int | None,
    fps: float | None,
    workers: int | None,
    backend: Backend,
) -> None:
    """Analyse all pictures and videos below FOLDER into one Parquet file, a row a face and frame.

    A file without a face is a row without one; a file that cannot be analysed is a row with its
    error, and the exit code is 1 at the end. With --readable-only, the column note says how many
    faces were left out of a file. What a file is, its content tells: animations count
    as videos, but for WebP. Files that are neither are named.

    The same command once more does only what is new or has changed, and takes out the rows of files
    that are gone; other models or frames do all anew. A broken file is tried again when it has
    changed; one that was too large, could not be opened or took its process down, every time.
    Ctrl-C keeps what is done.

    With --backend ray, the cluster that RAY_ADDRESS names does the work, or else a Ray of this
    machine. All its machines need this program, FOLDER and the folder of the table under the same
    paths.
    """
    if out.suffix != ".parquet":
        raise click.BadParameter(f"{out} is no name of a Parquet file. Let it end with .parquet.")
    try:
        selection = Selection(every or 1, fps)
    except ValueError as error:
        raise click.UsageError(f"{str(error).capitalize()}.") from error
    recipe = Recipe.of(analyzer_of(detector, emotion), selection, readable_only)
    sys.exit(run_batch(folder.resolve(), out.resolve(), recipe, workers, backend))
