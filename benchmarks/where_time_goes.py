"""The time of each stage of a live frame, compared with a floor: the codec and the networks alone.

``python -m benchmarks.where_time_goes``. A clip of ../shared at 640x480, as VP8, which is what
browsers send; one thread; no browser and no network.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction

import av
import numpy as np
from aiortc.codecs.vpx import Vp8Decoder, Vp8Encoder, vp8_depayload
from aiortc.jitterbuffer import JitterFrame
from numpy.typing import NDArray

from benchmarks._race import Race, race
from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import SIGNING, Clip, camera_clip, detectors
from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.face_finder import DETECT_PX
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.export.draw import annotate
from fer_core.media.resize import shrink
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.models.landmarks import Landmarks
from fer_core.models.landmarks.crops import LANDMARK_PX
from fer_core.models.landmarks.face import FaceModel
from fer_core.schema import Box, Detection
from fer_core.ui.live.webrtc import to_bgr, to_video_frame
from fer_core.ui.patches.vp8_encoder import QuickEncoder

TURNS = 8
BITRATE = 1_000_000
"""Bits per second, about Chromium's rate for 640x480."""

CLOCK = 90_000  # ticks a second of video in RTP

STAGES = ("decode", "to BGR", "detect", "landmarks", "emotion", "other analysis", "draw", "encode")


class Watch:
    """Sums the time of each stage in milliseconds, and counts its calls."""

    def __init__(self) -> None:
        self.ms: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure what happens inside as this stage."""
        began_s = time.perf_counter()
        yield
        self.ms[name] += (time.perf_counter() - began_s) * 1e3
        self.calls[name] += 1


class WatchedDetector:
    """A detector with its time measured."""

    def __init__(self, detector: FaceDetector, watch: Watch) -> None:
        self.name, self._detector, self._watch = detector.name, detector, watch

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        with self._watch.stage("detect"):
            return self._detector.detect(bgr)


class WatchedLandmarks:
    """The landmark network with its time measured."""

    def __init__(self, network: FaceModel, watch: Watch) -> None:
        self.name, self._network, self._watch = network.name, network, watch

    def locate(self, bgr: NDArray[np.uint8], boxes: Sequence[Box]) -> list[Landmarks]:
        """See ``LandmarkModel.locate``."""
        if not boxes:
            return []
        with self._watch.stage("landmarks"):
            return self._network.locate(bgr, boxes)


class WatchedEmotions:
    """The expression network with its time measured."""

    def __init__(self, network: CompactEmotionModel, watch: Watch) -> None:
        self.name, self.labels, self._network = network.name, network.labels, network
        self._watch = watch

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``EmotionModel.predict``."""
        with self._watch.stage("emotion"):
            return self._network.predict(crops)


def measure() -> Report:
    """Time each stage of a frame, and the codec and the networks alone."""
    clip, detector = camera_clip(SIGNING), detectors()[0]
    packets, landmarks, emotions = as_vp8(clip), FaceModel(), CompactEmotionModel()
    watches: list[Watch] = []

    def whole() -> None:
        watches.append(Watch())
        pass_on(packets, detector, landmarks, emotions, watches[-1])

    whole()
    alone = floor(packets, detector, landmarks, emotions, watches[0].calls)
    found = race({"whole": whole, **alone}, TURNS)
    # The first pass counted the calls, the second was the race's turn that does not count.
    stages = stage_medians(watches[2:], len(packets))
    floors = {name: found.median_ms(name) / len(packets) for name in alone}
    least = np.sum([found.times_ms[name] for name in alone], axis=0)
    together = Race({"whole": found.times_ms["whole"], "floor": least})
    middle, low, high = together.times_longer("whole", "floor")
    total = found.median_ms("whole") / len(packets)
    return Report(
        "Where the time of a live frame goes",
        {
            "ms_a_frame": stages,
            "total_ms": total,
            "floor_ms": floors,
            "calls_a_frame": {k: v / len(packets) for k, v in watches[0].calls.items()},
            "whole_to_floor": [middle, low, high],
        },
        [_stage_table(stages, floors, total)],
        [
            f"The whole takes **{middle:.2f} times** as long as the floor (quartiles {low:.2f} to "
            f"{high:.2f}). Floor: the codec on the same frames, and the networks on ready crops as "
            "often as the stream runs them.",
            f"Detector: {detector.name}, on one frame in "
            f"{len(packets) / watches[0].calls['detect']:.0f}. Decoding, analysis and encoding run "
            "in separate threads on the live page: these are processor times, not waits.",
        ],
    )


def as_vp8(clip: Clip) -> list[JitterFrame]:
    """The clip as a browser sends it, one encoded frame after the other."""
    encoder = Vp8Encoder()
    encoder.target_bitrate = BITRATE
    packets = []
    for frame, t_s in zip(clip.frames, clip.times_s, strict=True):
        payloads, timestamp = encoder.encode(as_video_frame(frame, t_s))
        packets.append(JitterFrame(b"".join(map(vp8_depayload, payloads)), timestamp))
    return packets


def as_video_frame(bgr: NDArray[np.uint8], t_s: float) -> av.VideoFrame:
    """A frame for aiortc's encoder, as the live page makes it."""
    frame = to_video_frame(bgr)
    frame.pts, frame.time_base = round(t_s * CLOCK), Fraction(1, CLOCK)
    return frame


def pass_on(
    packets: Sequence[JitterFrame],
    detector: FaceDetector,
    landmarks: FaceModel,
    emotions: CompactEmotionModel,
    watch: Watch,
) -> None:
    """Every frame from the browser's VP8 to the returned VP8, with each stage measured."""
    analyzer = Analyzer(
        WatchedDetector(detector, watch),
        WatchedEmotions(emotions, watch),
        WatchedLandmarks(landmarks, watch),
    )
    stream, decoder, encoder = StreamAnalyzer(analyzer), Vp8Decoder(), QuickEncoder()
    for packet in packets:
        t_s = packet.timestamp / CLOCK
        with watch.stage("decode"):
            frame = decoder.decode(packet)[0]
            assert isinstance(frame, av.VideoFrame)
        with watch.stage("to BGR"):
            bgr = to_bgr(frame)
        with watch.stage("analysis"):
            result = stream.update(bgr, t_s)
        with watch.stage("draw"):
            marked = annotate(bgr, result)
        with watch.stage("encode"):
            encoder.encode(as_video_frame(marked, t_s))


def floor(
    packets: Sequence[JitterFrame],
    detector: FaceDetector,
    landmarks: FaceModel,
    emotions: CompactEmotionModel,
    calls: Counter[str],
) -> dict[str, Callable[[], object]]:
    """Each indispensable stage alone, as often as ``calls`` says."""
    frames = [frame for packet, decoder in _decoders(packets) for frame in decoder.decode(packet)]
    videos = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
    small, _ = shrink(np.asarray(videos[0].to_ndarray(format="bgr24"), np.uint8), DETECT_PX)
    face = np.zeros((1, LANDMARK_PX, LANDMARK_PX), np.uint8)
    tile = np.zeros((1, emotions.side, emotions.side), np.uint8)

    def encode() -> None:
        encoder = QuickEncoder()
        for frame in videos:
            encoder.encode(frame)

    return {
        "decode": lambda: [decoder.decode(packet) for packet, decoder in _decoders(packets)],
        "detect": lambda: [detector.detect(small) for _ in range(calls["detect"])],
        "landmarks": lambda: [landmarks.predict(face) for _ in range(calls["landmarks"])],
        "emotion": lambda: [emotions.predict(tile) for _ in range(calls["emotion"])],
        "encode": encode,
    }


def _decoders(packets: Sequence[JitterFrame]) -> Iterator[tuple[JitterFrame, Vp8Decoder]]:
    """Each packet with the one decoder that has seen those before it."""
    decoder = Vp8Decoder()
    return ((packet, decoder) for packet in packets)


def stage_medians(watches: Sequence[Watch], frames: int) -> dict[str, float]:
    """Milliseconds a frame of each of ``STAGES``: the median over passes of ``frames`` frames."""
    inside = ("detect", "landmarks", "emotion")
    for watch in watches:
        rest = watch.ms["analysis"] - sum(watch.ms[stage] for stage in inside)
        watch.ms["other analysis"] = rest
    return {
        stage: float(np.median([watch.ms[stage] for watch in watches])) / frames for stage in STAGES
    }


def _stage_table(stages: dict[str, float], floors: dict[str, float], total: float) -> str:
    rows = [
        [
            stage,
            f"{ms:.2f}",
            percent(ms / total, 0),
            f"{floors[stage]:.2f}" if stage in floors else "",
        ]
        for stage, ms in stages.items()
    ]
    rows.append(["all", f"{total:.2f}", "100 %", f"{sum(floors.values()):.2f}"])
    return table(["stage", "ms a frame", "share", "floor, ms"], rows)


run = command(measure)

if __name__ == "__main__":
    run()
