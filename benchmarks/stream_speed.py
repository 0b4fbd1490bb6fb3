"""The frames of a clip, 640x480: ``StreamAnalyzer`` against ``DeepFace.analyze`` on each frame.

``python -m benchmarks.stream_speed``. The clips are in ../shared. In each turn the stream sees a
whole clip from its beginning, at the clip's own times, and DeepFace a few of its frames, because it
has no state and all frames cost the same. One thread each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks._deepface import Analyze, deepface_analyze, found_faces
from benchmarks._race import Race, race
from benchmarks._report import Report, command, table
from benchmarks._scenes import ONE_FACE, SIGNING, Clip, camera_clip, detectors
from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion.compact import CompactEmotionModel

TURNS = 8
DEEPFACE_FRAMES = 5
MUST, GOAL = 60, 120
"""The limit and the goal, in times faster than DeepFace."""


def measure() -> Report:
    """Time a clip through ``StreamAnalyzer``, in turns with DeepFace on some of its frames."""
    figures, rows = {}, []
    with deepface_analyze() as analyze:
        for name in (ONE_FACE, SIGNING):
            clip = camera_clip(name)
            figures[name] = found = on_clip(clip, analyze)
            fps = len(clip.frames) / (clip.times_s[-1] - clip.times_s[0])
            title = f"{name.partition('.')[0]}, {fps:.0f} frames a second"
            rows.append([title, *_cells("DeepFace.analyze", found["deepface"])])
            for detector, values in found.items():
                if detector != "deepface":
                    rows.append(["", *_cells(f"StreamAnalyzer, {detector}", values)])
    head = ["clip", "", "frames with a face", "ms a frame", "times faster (quartiles)"]
    return Report(
        "A clip, 640x480, one face",
        {"clips": figures, "must": MUST, "goal": GOAL},
        [table(head, rows)],
        [
            f"Target: {MUST} times; stretch target: {GOAL}.",
            "The stream's time is the mean over all frames of the clip, including those on which "
            "the detector runs, and the median over the turns.",
        ],
    )


def on_clip(clip: Clip, analyze: Analyze) -> dict[str, dict[str, Any]]:
    """Milliseconds a frame and the share of frames with a face, for DeepFace and each detector."""
    sample = clip.frames[:: -(-len(clip.frames) // DEEPFACE_FRAMES)]
    streams = {each.name: stream_pass(clip, each) for each in detectors()}
    found = a_frame(
        race({"deepface": lambda: [analyze(frame) for frame in sample], **streams}, TURNS),
        {"deepface": len(sample), **dict.fromkeys(streams, len(clip.frames))},
    )
    seen = sum(found_faces(analyze(frame)) > 0 for frame in sample) / len(sample)
    out: dict[str, dict[str, Any]] = {
        "deepface": {"ms_a_frame": found.median_ms("deepface"), "frames_with_a_face": seen}
    }
    for name, one_pass in streams.items():
        out[name] = {
            "ms_a_frame": found.median_ms(name),
            "frames_with_a_face": one_pass(),
            "times_faster": list(found.times_longer("deepface", name)),
        }
    return out


def stream_pass(clip: Clip, detector: FaceDetector) -> Callable[[], float]:
    """A function that analyses the clip from its beginning; the share of frames with a face."""
    analyzer = Analyzer(detector, CompactEmotionModel())

    def one_pass() -> float:
        stream = StreamAnalyzer(analyzer)
        seen = [
            bool(stream.update(frame, t_s).faces)
            for frame, t_s in zip(clip.frames, clip.times_s, strict=True)
        ]
        return sum(seen) / len(seen)

    return one_pass


def a_frame(found: Race, frames: dict[str, int]) -> Race:
    """The same comparison in milliseconds per frame, if each call analysed this many ``frames``."""
    return Race({side: times / frames[side] for side, times in found.times_ms.items()})


def _cells(title: str, values: dict[str, Any]) -> list[str]:
    ratio = "1"
    if "times_faster" in values:
        middle, low, high = values["times_faster"]
        ratio = f"{middle:.1f} ({low:.1f} to {high:.1f})"
    seen = f"{values['frames_with_a_face']:.0%}"
    return [title, seen, f"{values['ms_a_frame']:.2f}", ratio]


run = command(measure)

if __name__ == "__main__":
    run()
