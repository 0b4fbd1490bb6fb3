"""Does one piece of work in one process: analyses its files and writes their rows to a file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import cv2

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.quality import left_out
from fer_core.analysis.video import analyze_video, step_s, too_far_apart
from fer_core.batch.files import Item, Piece, Recipe
from fer_core.batch.rows import Failure, PartFile
from fer_core.errors import FerError, PictureTooLarge, VideoTooLarge, unexpected_error_message
from fer_core.media.images import read_noted
from fer_core.media.video import Selection, VideoFile
from fer_core.schema import FrameResult

_KILLED = Failure(
    "The process that analysed this file crashed or was killed, most likely because memory was "
    "short. The next run retries it; use fewer --workers.",
    lasting=False,
)


def analyze_piece(piece: Piece, recipe: Recipe, parts: Path, table: str) -> int:
    """Analyse the files of a piece into a Parquet file in ``parts``; returns how many there were.

    Errors name the ``table``, because nobody knows the name of a part. A file that cannot be
    analysed gets a row that says why. Raises ``WeightsError`` if a model is gone, ``VideoError`` if
    the rows cannot be written.
    """
    analyzer = _analyzer(recipe.detector, recipe.emotion)
    with PartFile(_part(piece, recipe, parts), recipe.labels, table) as rows:
        for item in piece:
            stamp = recipe.stamp(item)
            outcomes = _outcomes(item, analyzer, recipe.selection)
            for outcome in _readable(outcomes) if recipe.readable_only else outcomes:
                if isinstance(outcome, Failure):
                    rows.failure(item, stamp, outcome)
                elif isinstance(outcome, str):
                    rows.note(outcome)
                else:
                    rows.result(item, stamp, outcome)
    return len(piece)


def give_up(piece: Piece, recipe: Recipe, parts: Path, table: str) -> int:
    """Write the rows of ``analyze_piece`` for files that killed their process."""
    with PartFile(_part(piece, recipe, parts), recipe.labels, table) as rows:
        for item in piece:
            rows.failure(item, recipe.stamp(item), _KILLED)
    return len(piece)


def _part(piece: Piece, recipe: Recipe, parts: Path) -> Path:
    stamps = "".join(recipe.stamp(item) for item in piece)
    return parts / f"{hashlib.sha256(stamps.encode()).hexdigest()[:32]}.parquet"


@lru_cache(maxsize=1)
def _analyzer(detector: str, emotion: str) -> Analyzer:
    """The models of this process, loaded for its first piece."""
    cv2.setNumThreads(1)  # the other cores have their own processes
    return Analyzer(detector, emotion)


def _readable(
    outcomes: Iterator[FrameResult | Failure | str],
) -> Iterator[FrameResult | Failure | str]:
    """The frames without faces that cannot be read well, whose number is in the note."""
    notes, count = [], 0
    for outcome in outcomes:
        if isinstance(outcome, str):
            notes.append(outcome)
        elif isinstance(outcome, Failure):
            yield outcome
        else:
            readable = outcome.readable()
            count += len(outcome.faces) - len(readable.faces)
            yield readable
    if count:
        notes.append(left_out(count))
    if notes:
        yield " ".join(notes)


def _outcomes(
    item: Item, analyzer: Analyzer, selection: Selection
) -> Iterator[FrameResult | Failure | str]:
    """The frames of a file and its error or note. Raises nothing."""
    try:
        with item.path.open("rb"):
            pass  # a retry may be able to open it
    except OSError as error:
        reason = (error.strerror or "unknown error").lower()
        yield Failure(f"This file cannot be opened: {reason}.", lasting=False)
        return
    try:
        if item.kind == "picture":
            yield from _picture(item.path, analyzer)
        else:
            yield from _video(item.path, analyzer, selection)
    except (PictureTooLarge, VideoTooLarge) as error:
        yield Failure(str(error), lasting=False)  # the limits are settings, which may change
    except FerError as error:
        yield Failure(str(error))
    except Exception as error:  # an unexpected exception of a library
        yield Failure(unexpected_error_message(error))


def _picture(path: Path, analyzer: Analyzer) -> Iterator[FrameResult | str]:
    picture = read_noted(path)
    yield analyzer.analyze(picture.bgr).numbered()
    if picture.note:
        yield picture.note


def _video(
    path: Path, analyzer: Analyzer, selection: Selection
) -> Iterator[FrameResult | Failure | str]:
    with VideoFile(path) as video:
        shown = False
        for _, result in analyze_video(video, analyzer, selection):
            shown = True
            yield result
        if video.problem:
            yield Failure(video.problem)
        apart = too_far_apart(step_s(video.info, selection))
        if shown and (notes := list(filter(None, (video.note, apart)))):
            yield " ".join(notes)
