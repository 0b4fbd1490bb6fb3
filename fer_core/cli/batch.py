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
    "--fps", type=click.FloatRange(0, min_open=True), help="Analyse N frames per second of videos."
)
@click.option("--workers", type=click.IntRange(1), help="Processes; by default one per core.")
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
    """Analyse all pictures and videos below FOLDER into one Parquet file, a row per face and frame.

    A file without a face has a row without one. A file that cannot be analysed has a row with its
    error; a video of which some cannot be read has its rows, with the error in the last one. The
    exit code is then 1. With --readable-only, the column note says how many faces were
    left out of a file. Files are recognised by content: animations count as videos, except WebP.
    Files that are neither pictures nor videos are listed.

    When you run the same command again, it analyses only new and changed files, and removes the
    rows of deleted ones. With other models or frames it analyses everything again. A broken file is
    retried when it has changed; a file that was too large, could not be opened or crashed its
    process is retried every time. After Ctrl-C the results so far are saved.

    With --backend ray, the cluster named by RAY_ADDRESS does the work, or else a local Ray. All
    its machines need this program, FOLDER and the table's folder under the same paths.
    """
    if out.suffix != ".parquet":
        raise click.BadParameter(
            f"{out} is not a name of a Parquet file. It must end with .parquet."
        )
    try:
        selection = Selection(every or 1, fps)
    except ValueError as error:
        raise click.UsageError(f"{str(error).capitalize()}.") from error
    recipe = Recipe.of(analyzer_of(detector, emotion), selection, readable_only)
    sys.exit(run_batch(folder.resolve(), out.resolve(), recipe, workers, backend))
