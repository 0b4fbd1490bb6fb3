"""``python -m fer_core video``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path

import click

from fer_core.cli.options import (
    analyzer_of,
    detector_option,
    emotion_option,
    readable_only_option,
)
from fer_core.cli.video_run import analyze_all
from fer_core.media.names import printable, shortened
from fer_core.media.video import Selection

_SUFFIXES = {
    "csv": ".csv",
    "parquet": ".parquet",
    "json": ".jsonl",
    "annotated": ".annotated.mp4",
    "report": ".html",
}
"""The endings of output files in a folder."""


class Moment(click.ParamType[float]):
    """A time in a video: seconds, ``m:ss`` or ``h:mm:ss``, as seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse a time; a usage error if it is none."""
        if isinstance(value, float):
            return value
        try:
            parts = [float(part) for part in str(value).split(":")]
        except ValueError:
            parts = []
        if not 1 <= len(parts) <= 3 or any(not 0.0 <= part < float("inf") for part in parts):
            self.fail(f"{value!r} is not a time. Write seconds, m:ss or h:mm:ss.", param, ctx)
        seconds = 0.0
        for part in parts:
            seconds = seconds * 60.0 + part
        return seconds  # Selection checks its range


@click.command("video")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", help="A table, one row per face and frame.")
@click.option("--parquet", help="The same table with full precision and the columns' meanings.")
@click.option("--json", help="JSON Lines, one line per frame, with landmarks.")
@click.option("--annotated", help="The video with marked faces, MP4.")
@click.option("--report", help="Charts and summary in one HTML file.")
@click.option("--every", type=click.IntRange(1), help="Analyse every N-th frame.")
@click.option("--fps", type=click.FloatRange(0, min_open=True), help="Analyse N frames per second.")
@click.option("--start", type=Moment(), default=0.0, help="Start here: seconds or h:mm:ss.")
@click.option("--end", type=Moment(), help="End before this: seconds or h:mm:ss.")
@emotion_option
@detector_option
@readable_only_option
def video_command(
    files: tuple[Path, ...],
    every: int | None,
    fps: float | None,
    start: float,
    end: float | None,
    emotion: str,
    detector: str,
    readable_only: bool,
    **outputs: str | None,
) -> None:
    """Analyse videos: MP4, MOV, WebM, MKV, AVI, MPEG, WMV, FLV, GIF and others.

    Files are recognised by content, not by name. Output names that are too long for the disk are
    shortened.

    Each output is a file or a folder (if it ends with / or exists). A folder gets one file per
    video, named after it without its ending, unless two videos would then have the same name.
    Several videos need folders. Without any output a summary is printed.

    If a video cannot be analysed, or some of it cannot be read, a line says why, the others
    continue, and the exit code is 1. What can be read is analysed; without a frame, no output is
    written. Ctrl-C ends at once and keeps the results so far.
    """
    given = {kind: name for kind, name in outputs.items() if name is not None}
    names = _names(files)
    plan = {path: _places(names[path], given) for path in files}
    _refuse_clashes(files, given, plan)
    _make_folders(given)
    try:
        selection = Selection(every or 1, fps, start, end)
    except ValueError as error:
        raise click.UsageError(f"{str(error).capitalize()}.") from error
    sys.exit(analyze_all(plan, analyzer_of(detector, emotion), selection, readable_only))


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """The names of each video's outputs in a folder, without their endings.

    Names that differ only in capitals are the same file on many disks.
    """
    stems = Counter(path.stem.casefold() for path in files)
    names = {path: path.stem for path in files if stems[path.stem.casefold()] == 1}
    taken = {name.casefold() for name in names.values()}
    for path in files:
        if path not in names:
            numbered = (f"{path.name} ({number})" for number in count(2))
            free = (n for n in chain([path.name], numbered) if n.casefold() not in taken)
            names[path] = next(free)
            taken.add(names[path].casefold())
    return names


def _places(name: str, given: Mapping[str, str]) -> dict[str, Path]:
    """The path of each output of a video, by kind; ``name`` is its name in a folder."""
    return {
        kind: Path(there) / shortened(name, _SUFFIXES[kind]) if _is_folder(there) else Path(there)
        for kind, there in given.items()
    }


def _is_folder(name: str) -> bool:
    try:
        return name.endswith("/") or Path(name).is_dir()
    except OSError:  # the name is too long for the disk
        return False


def _refuse_clashes(
    files: tuple[Path, ...], given: Mapping[str, str], plan: Mapping[Path, dict[str, Path]]
) -> None:
    """A usage error if two outputs, or an output and a video, would be the same file."""
    for kind, name in given.items():
        if len(files) > 1 and not _is_folder(name):
            raise click.UsageError(
                f"--{kind} {printable(name)} is one file, but there are {len(files)} videos. Give "
                f"a folder, with a / at its end: --{kind} results/"
            )
    taken = {path.resolve(): path for path in files}
    if len(taken) < len(files):
        raise click.UsageError("A video is given twice. Give each once.")
    for outputs in plan.values():
        for path in outputs.values():
            other = taken.setdefault(path.resolve(), path)
            if other is not path:
                raise click.UsageError(
                    f"{printable(str(path))} would be written over {printable(str(other))}, or "
                    "twice. Choose another name, or another folder."
                )


def _make_folders(given: Mapping[str, str]) -> None:
    for kind, name in given.items():
        if _is_folder(name):
            try:
                Path(name).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                reason = (error.strerror or "unknown error").lower()
                raise click.UsageError(
                    f"--{kind} {printable(name)} cannot be made: {reason}."
                ) from error
