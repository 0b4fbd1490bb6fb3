"""A video file through ``analyze_video``, and into an annotated video: how many times real time.

``python -m benchmarks.video_speed``. The clip is made from one in ../shared, forwards and
backwards: 20 seconds of 640x360 at 30 frames per second, H.264, one face in every frame. Every
frame is analysed, on all cores. Processor time is reported beside elapsed time: on a busy machine,
only the former can be compared.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks._report import Report, command, table
from benchmarks._scenes import SHARED, SIGNING, detectors, read_clip
from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.video import analyze_video
from fer_core.export.annotated_video import AnnotatedVideo
from fer_core.media.video import WHOLE, VideoFile, VideoFrame
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.schema import FrameResult

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 30, 20
TURNS = 5
MUST, GOAL = 5, 10
"""The limit and the goal, in times faster than playback."""

Write = Callable[[VideoFrame, FrameResult], None]


@dataclass(frozen=True, slots=True)
class Times:
    """What a clip took, in seconds by the clock and by the processor (all cores together)."""

    clock_s: float
    processor_s: float
    with_a_face: float


def measure() -> Report:
    """Time a clip of 20 s through the analysis, with and without an annotated video."""
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        path = make_clip(Path(name) / "clip.mp4")
        for detector in detectors():
            for title, run in (("analysis", analysed), ("with annotated video", annotated)):
                turns = [run(path, detector) for _ in range(1 + TURNS)][1:]
                figures[f"{title}, {detector.name}"] = as_figures(turns)
    return Report(
        f"A video file, {WIDTH}x{HEIGHT} at {FPS} frames a second, one face, every frame",
        {"runs": figures, "must": MUST, "goal": GOAL},
        [table(_HEAD, [_row(title, values) for title, values in figures.items()])],
        [
            f"Target: {MUST} times real time; stretch target: {GOAL}.",
            f"Medians of {TURNS} runs; best of them in brackets. Processor: all cores together.",
        ],
    )


def make_clip(path: Path) -> Path:
    """The signing woman, forwards and backwards, as a file of the given size and rate."""
    frames = [_cut(frame) for frame in read_clip(SHARED / "media" / SIGNING).frames]
    loop = frames + frames[::-1]
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FPS * SECONDS):
            picture = av.VideoFrame.from_ndarray(loop[number % len(loop)], format="bgr24")
            clip.mux(stream.encode(picture))
        clip.mux(stream.encode(None))
    return path


def _cut(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The centre of a frame at 16:9, in the clip's size."""
    height, width = frame.shape[:2]
    rows = min(height, width * HEIGHT // WIDTH)
    top = (height - rows) // 2
    return np.asarray(cv2.resize(frame[top : top + rows], (WIDTH, HEIGHT)), np.uint8)


def analysed(path: Path, detector: FaceDetector) -> Times:
    """Analyse the clip and discard the results."""
    with VideoFile(path) as video:
        return _timed(video, detector, lambda _frame, _result: None)


def annotated(path: Path, detector: FaceDetector) -> Times:
    """Analyse the clip and write the annotated video."""
    with (
        VideoFile(path) as video,
        AnnotatedVideo(path.with_name("annotated.mp4"), path, video.info, WHOLE) as output,
    ):
        return _timed(video, detector, output.write)


def _timed(video: VideoFile, detector: FaceDetector, write: Write) -> Times:
    analyzer = Analyzer(detector, CompactEmotionModel())
    clock_s, processor_s, seen = time.perf_counter(), time.process_time(), []
    for frame, result in analyze_video(video, analyzer):
        write(frame, result)
        seen.append(bool(result.faces))
    return Times(
        time.perf_counter() - clock_s, time.process_time() - processor_s, sum(seen) / len(seen)
    )


def as_figures(turns: list[Times]) -> dict[str, float]:
    """Medians over the turns, and the best, in times real time and milliseconds a frame."""
    clock_s = [each.clock_s for each in turns]
    frames = FPS * SECONDS
    return {
        "times_real_time": SECONDS / float(np.median(clock_s)),
        "times_real_time_best": SECONDS / min(clock_s),
        "processor_ms_a_frame": float(np.median([t.processor_s for t in turns])) / frames * 1e3,
        "frames_with_a_face": float(np.median([each.with_a_face for each in turns])),
    }


_HEAD = ["", "frames with a face", "times real time (best)", "processor, ms a frame"]


def _row(title: str, values: dict[str, float]) -> list[str]:
    real = f"{values['times_real_time']:.1f} ({values['times_real_time_best']:.1f})"
    return [
        title,
        f"{values['frames_with_a_face']:.0%}",
        real,
        f"{values['processor_ms_a_frame']:.2f}",
    ]


run = command(measure)

if __name__ == "__main__":
    run()
