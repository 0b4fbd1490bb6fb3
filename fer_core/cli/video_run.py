"""Analyses videos into files, with progress and a summary on the command line."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.progress import Progress
from fer_core.analysis.video import analyze_video, step_s, too_far_apart
from fer_core.cli.main import INTERRUPTED
from fer_core.errors import FerError, VideoError, unexpected_error_message
from fer_core.export.annotated_video import AnnotatedVideo
from fer_core.export.table_sinks import CsvSink, JsonLinesSink, ParquetSink
from fer_core.export.text_summary import ReportSink, summary_text
from fer_core.media.names import printable
from fer_core.media.video import Selection, VideoFile, VideoFrame
from fer_core.schema import FrameResult
from fer_core.timeline.table import Timeline
from fer_core.wording import count_of

OutputPaths = Mapping[str, Path]
"""The paths of a video's outputs by ``csv``, ``parquet``, ``json``, ``annotated``, ``report``."""

_Sink = CsvSink | ParquetSink | JsonLinesSink | ReportSink

_Write = Callable[[VideoFrame, FrameResult], None]


class _StoppedEarly(Exception):
    """Ctrl-C was pressed: the outputs are closed as they are."""


def analyze_all(
    plan: Mapping[Path, OutputPaths],
    analyzer: Analyzer,
    selection: Selection,
    readable_only: bool = False,
) -> int:
    """Analyse videos one after the other, each into its outputs; returns the exit code.

    Prints results on standard output and errors on standard error; a video that fails, or that can
    be read in part only, does not stop the others. With ``readable_only``, faces are left out of
    frames in which they cannot be read well.
    """
    failed = False
    with _ctrl_c() as stopped:
        for number, (path, paths) in enumerate(plan.items(), start=1):
            try:
                told = _analyze(path, paths, analyzer, selection, readable_only, stopped)
            except FerError as error:
                told = _Told([], [str(error)], whole=False)
            except Exception as error:  # an unexpected exception of a library
                told = _Told([], [unexpected_error_message(error)], whole=False)
            failed = failed or not told.whole
            for sentence in told.notes:
                click.echo(f"{printable(str(path))}: {sentence}", err=True)
            for line in told.lines:
                click.echo(line)
            if stopped.is_set():
                left = len(plan) - number
                others = f" Not started: {left}." if left else ""
                click.echo(f"Stopped. The results so far are saved.{others}", err=True)
                return INTERRUPTED
    return 1 if failed else 0


@dataclass(frozen=True, slots=True)
class _Told:
    """What the user is told of a video: its lines, notes on it, and whether all of it was read."""

    lines: list[str]
    notes: list[str]
    whole: bool


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event set by Ctrl-C; a second Ctrl-C ends the program at once."""
    stopped = threading.Event()

    def stop(*_: object) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _analyze(
    path: Path,
    paths: OutputPaths,
    analyzer: Analyzer,
    selection: Selection,
    readable_only: bool,
    stopped: threading.Event,
) -> _Told:
    """Analyse one video into its outputs.

    Raises ``VideoError``, also for a video without a selected frame: earlier outputs stay.
    """
    timeline = Timeline(analyzer.labels)
    seen, kept = 0, 0
    with VideoFile(path) as video:
        line = _ProgressLine(video.info.name, Progress(video.info, selection))
        with suppress(_StoppedEarly), line, ExitStack() as stack:
            found = stack.enter_context(closing(analyze_video(video, analyzer, selection)))
            for frame, every in found:
                result = every.readable() if readable_only else every
                seen, kept = seen + len(every.faces), kept + len(result.faces)
                if not line.frames:
                    write = _open_outputs(stack, paths, video, analyzer, selection)
                write(frame, result)
                if not paths:
                    timeline.append(result)
                line.advance(frame.t_s)
                if stopped.is_set():
                    raise _StoppedEarly
        if not line.frames and video.problem:
            raise VideoError(video.problem)
        apart = too_far_apart(step_s(video.info, selection))
        notes = list(filter(None, (video.problem, video.note, apart)))
    models = f"{analyzer.emotion.name}, {analyzer.detector.name}"
    length = f"{count_of(line.frames, 'frame')}, {line.last_s - line.first_s:.1f} s"
    lines = [f"{printable(str(path))}: {length}, {models}"]
    if readable_only:
        lines.append(
            f"  Left out as hard to read: {seen - kept} of {count_of(seen, 'face')} in frames."
        )
    if line.frames:
        lines += [f"  {printable(str(output))}" for output in paths.values()]
    if not paths:
        lines.append(summary_text(timeline.to_frame()))
    return _Told(lines, notes, whole=not video.problem)


def _open_outputs(
    stack: ExitStack,
    paths: OutputPaths,
    video: VideoFile,
    analyzer: Analyzer,
    selection: Selection,
) -> _Write:
    """Open the outputs of a video, which ``stack`` closes; returns a function that writes to
    all."""
    labels = analyzer.labels
    makers: dict[str, Callable[[Path], _Sink]] = {
        "csv": lambda path: CsvSink(path, labels),
        "parquet": lambda path: ParquetSink(path, labels),
        "json": JsonLinesSink,
        "report": lambda path: ReportSink(path, labels, video.info.name),
    }
    sinks: list[_Sink] = [make(paths[kind]) for kind, make in makers.items() if kind in paths]
    for sink in sinks:
        stack.enter_context(sink)
    annotated: AnnotatedVideo | None = None
    if "annotated" in paths:
        annotated = AnnotatedVideo(paths["annotated"], video.path, video.info, selection)
        stack.enter_context(annotated)

    def write(frame: VideoFrame, result: FrameResult) -> None:
        for sink in sinks:
            sink.write(result)
        if annotated:
            annotated.write(frame, result)

    return write


class _ProgressLine:
    """A progress line for a video, shown only on a terminal."""

    STEPS = 1000

    def __init__(self, name: str, progress: Progress) -> None:
        self._progress = progress
        self._bar: Any = click.progressbar(
            length=self.STEPS,
            label=name,
            bar_template="%(label)s [%(bar)s] %(info)s",
            show_eta=False,
            show_percent=False,
            item_show_func=lambda _: progress.sentence,
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
            update_min_steps=0,  # update even if a video of unknown length makes no step
        )
        self.frames = 0
        self.first_s = self.last_s = 0.0

    def __enter__(self) -> _ProgressLine:
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, trace)

    def advance(self, t_s: float) -> None:
        """Note that the frame shown at ``t_s`` is done."""
        self.first_s = self.first_s if self.frames else t_s
        self.last_s = t_s
        self.frames += 1
        self._progress.update(t_s)
        done = round((self._progress.share or 0.0) * self.STEPS)
        self._bar.update(max(0, done - self._bar.pos))
