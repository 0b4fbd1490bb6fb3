"""Small videos for tests; every frame shows its number in cells that survive a codec."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.testing import FakeDetector, FakeEmotionModel

resource = pytest.importorskip("resource")  # Windows has none

WIDTH, HEIGHT, BITS = 160, 120, 10
CODECS = {"mp4": "libx264", "mov": "libx264", "mkv": "libx264", "webm": "libvpx", "avi": "mpeg4"}
FORMATS = (*CODECS, "gif")
OTHER_CODECS = {
    "3gp": "libx264", "ts": "libx264", "m2ts": "libx264", "mts": "libx264", "mpg": "mpeg2video",
    "vob": "mpeg2video", "wmv": "wmv2", "flv": "flv", "ogv": "libvpx", "mxf": "mpeg2video",
    "y4m": "rawvideo", "apng": "apng", "h264": "libx264", "nut": "ffv1", "ivf": "libvpx",
}  # fmt: skip
"""Containers that people have too, and what is usually in them."""
MUXERS = {"mts": "mpegts", "m2ts": "mpegts", "y4m": "yuv4mpegpipe"}
FASTSTART = {"movflags": "+faststart"}
QUICK = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    # Several threads wait for each other in loops, which takes ten times the processor.
    "libvpx": {"deadline": "realtime", "cpu-used": "8", "threads": "1"},
}
PIXELS = {"gif": "rgb8", "mjpeg": "yuvj420p", "ffv1": "bgr0", "apng": "rgb24"}
SMALL_JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
TICK = Fraction(1, 1000)


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A frame ``(height, width, 3)`` whose columns encode ``number`` in black and white."""
    bits = [255 * (number >> bit & 1) for bit in range(BITS)]
    return cv2.resize(
        np.array([[[bit] * 3 for bit in bits]], np.uint8),
        (width, height),
        interpolation=cv2.INTER_NEAREST,
    )


def number_of(bgr: np.ndarray | None) -> int:
    """The number that a frame shows."""
    assert bgr is not None
    height, width = bgr.shape[:2]
    row = bgr[height * 7 // 8, :, 1]  # below the label of the fake detector's face
    cells = [row[int((bit + 0.5) * width / BITS)] > 127 for bit in range(BITS)]
    return sum(1 << bit for bit, white in enumerate(cells) if white)


def clip(
    path: Path,
    count: int = 60,
    fps: float = 30,
    codec: str = "",
    times_s: Sequence[float] = (),
    frames: Sequence[np.ndarray] = (),
    turned: dict[str, Any] | None = None,
    options: dict[str, str] | None = None,
    sound: str = "",
    gop: int = 12,
    tags: dict[str, str] | None = None,
    sound_first: bool = False,
    chapters: list[Any] | None = None,
    attachments: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    cut_s: float = 0.0,
) -> Path:
    """A video of ``count`` numbered frames, or of ``frames``, at ``fps`` or at ``times_s``.

    ``attachments`` are names with their types; ``aspect`` is that of a pixel; frames before
    ``cut_s`` are stored, and an edit list says that they are not shown.
    """
    pictures = list(frames) or [numbered(i) for i in range(len(times_s) or count)]
    kind = path.suffix[1:]
    codec = codec or {**CODECS, **OTHER_CODECS}.get(kind, "gif")
    if cut_s:
        options = {**(options or {}), "avoid_negative_ts": "disabled"}
    with av.open(str(path), "w", format=MUXERS.get(kind), options=options or {}) as film:
        early: Any = film.add_stream(sound, rate=48000, layout="mono") if sound_first else None
        stream: Any = film.add_stream(
            codec, rate=Fraction(fps).limit_denominator(1000), options=QUICK.get(codec, {})
        )
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = PIXELS.get(codec, "yuv420p")
        stream.gop_size = gop
        stream.codec_context.thread_count = 2  # as it sees fit, other processors get other files
        stream.metadata.update(tags or {})
        if turned:
            stream.set_display_rotation(**turned)
        if times_s:
            stream.codec_context.time_base = TICK
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        heard: Any = early
        if sound and not early:
            heard = film.add_stream(sound, rate=48000, layout="mono")
        for name, mime in (attachments or {}).items():
            film.add_attachment(name, mime, SMALL_JPEG)
        if chapters:
            film.set_chapters(chapters)
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            if times_s:
                frame.pts, frame.time_base = round(times_s[i] / TICK), TICK
            _mux(film, stream.encode(frame), cut_s)
        _mux(film, stream.encode(None), cut_s)
        if heard:
            _beeps(film, heard, (times_s[-1] if times_s else len(pictures) / fps))
    return path


def _mux(film: Any, packets: list[Any], earlier_s: float) -> None:
    for packet in packets:
        ticks = round(earlier_s / packet.time_base)
        packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
        film.mux(packet)


def _beeps(film: Any, heard: Any, seconds: float) -> None:
    """A beep of a tenth of a second at each full second, with silence between."""
    at_s = np.arange(int(48000 * seconds)) / 48000
    wave = (np.sin(2 * np.pi * 440 * at_s) * (at_s % 1 < 0.1) * 20000).astype(np.int16)
    for start in range(0, len(wave), 960):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 960], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        film.mux(heard.encode(frame))
    film.mux(heard.encode(None))


def heard_at(path: Path) -> list[float]:
    """When beeps begin in a file, in seconds of its own time."""
    with av.open(str(path)) as film:
        frames = [(f.time or 0.0, f.to_ndarray()) for f in film.decode(audio=0)]
    loud = [(t_s, float(np.abs(samples).max()) > 0.3) for t_s, samples in frames]
    starts = [loud[0][0]] if loud[0][1] else []
    return starts + [t for (_, was), (t, now) in pairwise(loud) if now > was]


def packets_at(
    path: Path,
    times_s: Sequence[float],
    sizes: Sequence[tuple[int, int]] = (),
    jpegs: Sequence[bytes] = (),
) -> Path:
    """A Matroska file of pictures (MJPEG), perhaps of ``jpegs``, with whatever times, also ones
    that go backwards, and whatever ``sizes`` (width, height)."""
    with av.open(str(path), "w", format="matroska") as film:
        stream: Any = film.add_stream("mjpeg", rate=30)
        stream.width, stream.height = sizes[0] if sizes else (WIDTH, HEIGHT)
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.time_base = TICK
        for i, t_s in enumerate(times_s):
            picture = numbered(i, *(sizes[i] if sizes else (WIDTH, HEIGHT)))
            done, jpeg = cv2.imencode(".jpg", picture)
            assert done
            packet = av.Packet(jpegs[i] if jpegs else jpeg.tobytes())
            packet.stream, packet.time_base, packet.is_keyframe = stream, TICK, True
            packet.dts, packet.pts = i, round(t_s / TICK)
            film.mux(packet)
    return path


def fake_analyzer() -> Analyzer:
    """A fast analyzer that finds one smiling face in every frame."""
    return Analyzer(FakeDetector(), FakeEmotionModel(), None)


@contextmanager
def disk_full_after(size_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond this, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
