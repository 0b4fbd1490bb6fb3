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
"""What a video's name gets in a folder of outputs."""


class Moment(click.ParamType[float]):
    """A time in a video: seconds, ``m:ss`` or ``h:mm:ss``, as seconds."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read one; a usage error for what is none."""
        if isinstance(value, float):
            return value
        try:
            parts = [float(part) for part in str(value).split(":")]
        except ValueError:
            parts = []
        if not 1 <= len(parts) <= 3 or any(not 0.0 <= part < float("inf") for part in parts):
            self.fail(f"{value!r} is no time. Write seconds, m:ss or h:mm:ss.", param, ctx)
        seconds = 0.0
        for part in parts:
            seconds = seconds * 60.0 + part
        return seconds  # how large it may be, Selection knows


@click.command("video")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", help="A row a face and frame.")
@click.option("--parquet", help="The same with all digits, and the columns' meaning inside.")
@click.option("--json", help="A line a frame, with landmarks.")
@click.option("--annotated", help="The video with the faces marked, MP4.")
@click.option("--report", help="Charts and summary in one HTML file.")
@click.option("--every", type=click.IntRange(1), help="Analyse every N-th frame.")
@click.option("--fps", type=click.FloatRange(0, min_open=True), help="Analyse N frames a second.")
@click.option("--start", type=Moment(), default=0.0, help="Begin here: seconds or h:mm:ss.")
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

    What a file is, its content tells, not its name. Names of outputs that a disk would not take
    are shortened.

    Each output is a file or, if it ends with / or is one, a folder, which gets a file a video,
    named after it: without its ending, but where that would give two videos one name. Several
    videos need folders. Without any output a summary is printed.

    A video that fails gets a line, the others go on, and the exit code is 1. Ctrl-C ends at once
    and keeps what is done.
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
    """What the outputs of each video are called in a folder, but for their endings.

    Names that differ in capitals only are one file on many disks.
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
    """Where each output of a video goes, by kind, if ``name`` is what it is called in a folder."""
    return {
        kind: Path(there) / shortened(name, _SUFFIXES[kind]) if _is_folder(there) else Path(there)
        for kind, there in given.items()
    }


def _is_folder(name: str) -> bool:
    try:
        return name.endswith("/") or Path(name).is_dir()
    except OSError:  # a name that is too long for a disk
        return False


def _refuse_clashes(
    files: tuple[Path, ...], given: Mapping[str, str], plan: Mapping[Path, dict[str, Path]]
) -> None:
    """A usage error where two outputs, or an output and a video, would be one file."""
    for kind, name in given.items():
        if len(files) > 1 and not _is_folder(name):
            raise click.UsageError(
                f"--{kind} {printable(name)} is one file, but there are {len(files)} videos. Give "
                f"a folder, with a / at its end: --{kind} results/"
            )
    taken = {path.resolve(): path for path in files}
    if len(taken) < len(files):
        raise click.UsageError("A video is named twice. Name each once.")
    for places in plan.values():
        for place in places.values():
            other = taken.setdefault(place.resolve(), place)
            if other is not place:
                raise click.UsageError(
                    f"{printable(str(place))} would be written over {printable(str(other))}, or "
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
