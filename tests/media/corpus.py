"""Some three hundred small files of the kinds that public corpora and people's disks hold.

Every one shows the same face and, below it, the number of the frame. They are made here, by the
FFmpeg that PyAV carries, and by Pillow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from PIL import Image

from fer_core.media.images import read_picture
from tests.conftest import SAMPLE

WIDTH, HEIGHT = 352, 288
BITS = 6
STRIP_PX = 38
"""The numbers, at the bottom."""


@dataclass(frozen=True)
class Case:
    """A file: its content, and the expected result."""

    name: str
    make: Callable[[Path, Case], object]
    frames: int = 6
    size: tuple[int, int] = (WIDTH, HEIGHT)
    numbered: bool = True
    codec: str = ""
    muxer: str | None = None
    pixels: str = "yuv420p"
    aspect: Fraction = Fraction(1)
    turn: dict[str, Any] = field(default_factory=dict)
    streams: str = "v"
    options: dict[str, str] = field(default_factory=dict)
    first: int = 0


@cache
def scene() -> np.ndarray:
    """The face, without a number."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    picture[4:244, 56:296] = cv2.resize(read_picture(SAMPLE)[20:276, 96:352], (240, 240))
    return picture


def shown(number: int) -> np.ndarray:
    """The frame ``(HEIGHT, WIDTH, 3)`` that must be decoded."""
    bits = np.array([[[255 * (number >> bit & 1)] * 3 for bit in range(BITS)]], np.uint8)
    strip = cv2.resize(bits, (WIDTH, STRIP_PX), interpolation=cv2.INTER_NEAREST)
    return np.vstack([scene()[:-STRIP_PX], strip])


def number_of(bgr: np.ndarray) -> int:
    """The number that a frame shows."""
    height, width = bgr.shape[:2]
    row = bgr[round((1 - STRIP_PX / HEIGHT / 2) * height), :, 1]
    return sum(1 << bit for bit in range(BITS) if row[int((bit + 0.5) * width / BITS)] > 127)


ENCODERS = {
    "libx264": {"preset": "ultrafast", "bf": "2"},
    "libx264rgb": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "8", "crf": "5"},
}
REORDERED = ("mpeg1video", "mpeg2video", "mpeg4")


def video(path: Path, case: Case) -> None:
    """Write a case's video."""
    with av.open(str(path), "w", format=case.muxer, options=case.options) as film:
        streams = {kind: _stream(film, case, kind) for kind in case.streams}
        if "c" in case.streams:
            film.set_chapters([
                {"id": 1, "start": 0, "end": 1, "time_base": Fraction(1, 10), "metadata": {}}
            ])  # fmt: skip
        picture = streams["v"]
        for i in range(case.first + case.frames):
            _mux(film, picture, _stored(case, i - case.first), case.first)
        _mux(film, picture, None, case.first)
        if "a" in streams:
            _silence(film, streams["a"], (case.first + case.frames) / 25)


def _stream(film: Any, case: Case, kind: str) -> Any:
    if kind == "a":
        codec = {"webm": "libopus", "avi": "mp2", "ts": "mp2", "mpg": "mp2", "wmv": "mp2"}
        return film.add_stream(codec.get(case.name.rpartition(".")[2], "aac"), rate=48000)
    if kind == "f":
        return film.add_attachment("font.ttf", "font/ttf", b"font" * 99)
    if kind == "c":
        return None
    stream = film.add_stream(case.codec, rate=25, options=ENCODERS.get(case.codec, {}))
    height, width = _stored(case, 0).shape[:2]
    stream.width, stream.height, stream.pix_fmt = width, height, case.pixels
    stream.gop_size = 12
    if case.codec != "libsvtav1":
        stream.bit_rate = 6_000_000
    if case.codec in REORDERED:
        stream.max_b_frames = 2
    if case.aspect != 1:
        stream.codec_context.sample_aspect_ratio = case.aspect
    if "t" in case.streams:
        stream.metadata["timecode"] = "01:00:00:00"
    if case.turn:
        stream.set_display_rotation(**case.turn)
    return stream


def _stored(case: Case, number: int) -> np.ndarray:
    """The stored frame that is shown upright and undistorted."""
    picture = cv2.resize(shown(max(0, number)), case.size)
    if case.turn:
        picture = np.rot90(picture, -round(case.turn["degrees"] / 90))
    width = round(picture.shape[1] / case.aspect / 2) * 2
    return np.ascontiguousarray(cv2.resize(picture, (width, picture.shape[0])))


def _mux(film: Any, stream: Any, picture: np.ndarray | None, first: int) -> None:
    frame = None if picture is None else av.VideoFrame.from_ndarray(picture, format="bgr24")
    for packet in stream.encode(frame):
        if first:  # frames before time 0 are stored, and left out by an edit list
            ticks = round(Fraction(first, 25) / packet.time_base)
            packet.pts, packet.dts = packet.pts - ticks, packet.dts - ticks
        film.mux(packet)


def _silence(film: Any, stream: Any, seconds: float) -> None:
    channels = stream.codec_context.layout.nb_channels
    layout = stream.codec_context.layout.name
    for start in range(0, max(1152, int(48000 * seconds)), 960):
        samples = np.zeros((1, 960 * channels), np.int16)
        frame = av.AudioFrame.from_ndarray(samples, "s16", layout)
        frame.sample_rate, frame.pts, frame.time_base = 48000, start, Fraction(1, 48000)
        film.mux(stream.encode(frame))
    film.mux(stream.encode(None))


# --- what there is ---

MUXERS = {"m4ves": "m4v", "m1v": "mpeg1video", "m2v": "mpeg2video", "y4m": "yuv4mpegpipe",
          "m4v": "ipod", "mts": "mpegts", "m2ts": "mpegts", "ismv": "ismv", "f4v": "f4v",
          "vob": "vob"}  # fmt: skip

CONTAINERS = {
    "mp4": "ffv1 jpeg2000 libvpx-vp9 libx264 libx264rgb libx265 mpeg1video mpeg2video mpeg4 png "
    "libsvtav1",
    "mov": "avrp cfhd cinepak dpx dvvideo dxv gif h263 jpeg2000 libx264 libx264rgb libx265 "
    "magicyuv mpeg1video mpeg2video mpeg4 msmpeg4 png prores prores_aw prores_ks qtrle r10k r210 "
    "rpza sgi svq1 targa v210 v308 v408 v410 y41p yuv4",
    "3gp": "h263 libx264 mpeg4",
    "3g2": "h263 libx264 mpeg4",
    "f4v": "libx264",
    "m4v": "libx264 mpeg4",
    "ismv": "libx264 libx265",
    "mkv": "ffv1 jpeg2000 libvpx libvpx-vp9 libx264 libx264rgb libx265 mpeg1video mpeg2video "
    "mpeg4 msmpeg4 prores rawvideo snow libsvtav1",
    "webm": "libvpx libvpx-vp9 libsvtav1",
    "avi": "amv asv1 asv2 cfhd cinepak cljr dpx dvvideo ffv1 ffvhuff flashsv flv h261 h263 h263p "
    "huffyuv jpeg2000 jpegls libvpx libx264 libx264rgb magicyuv mpeg1video mpeg2video mpeg4 "
    "msmpeg4 msmpeg4v2 msvideo1 png r10k r210 rawvideo snow speedhq svq1 targa utvideo v210 v308 "
    "v408 v410 wmv1 wmv2 y41p yuv4 zlib zmbv",
    "ts": "libx264 libx265 mpeg1video mpeg2video mpeg4",
    "mts": "libx264",
    "m2ts": "libx264 mpeg2video",
    "mpg": "libx264 libx265 mpeg1video mpeg2video mpeg4",
    "vob": "mpeg2video",
    "wmv": "wmv1 wmv2 msmpeg4 libx264 mpeg4",
    "flv": "flashsv flv libx264 libx265 libvpx-vp9",
    "ogv": "libvpx",
    "mxf": "dvvideo ffv1 jpeg2000 libx264 mpeg2video prores",
    "nut": "ffv1 libx264 rawvideo huffyuv",
    "ivf": "libvpx libvpx-vp9 libsvtav1",
    "y4m": "rawvideo",
    "h264": "libx264",
    "hevc": "libx265",
    "m4ves": "mpeg4",
    "m1v": "mpeg1video",
    "m2v": "mpeg2video",
    "gif": "gif",
    "apng": "apng",
    "dv": "dvvideo",
    "gxf": "mpeg2video",
    "avif": "libsvtav1",
}

PIXELS = {
    "libx264": "yuv420p yuv422p yuv444p nv12 nv16 gray yuv420p10le yuv422p10le yuv444p10le "
    "gray10le",
    "libx265": "yuv422p yuv444p gbrp gray yuv420p10le yuv422p10le yuv444p10le gray10le yuv420p12le "
    "yuv444p12le gbrp10le",
    "libvpx-vp9": "yuv420p yuva420p yuv422p yuv440p yuv444p gbrp",
    "libsvtav1": "yuv420p yuv420p10le",
    "ffv1": "yuv420p yuva420p yuv410p yuv411p yuv440p yuv444p yuva444p10le yuv420p16le gray "
    "gray16le bgr0 bgra rgb48le rgba64le gbrp9le gbrp16le gbrap12le ya8",
    "prores_ks": "yuv422p10le yuv444p10le yuva444p10le",
    "png": "rgb24 rgba rgb48be rgba64be gray gray16be ya8",
    "rawvideo": "yuv420p rgb24 bgr24 gray yuyv422 uyvy422 nv12",
    "huffyuv": "yuv422p rgb24 bgra",
    "utvideo": "yuv420p yuv444p gbrp gbrap",
    "mjpeg": "yuvj420p yuvj422p yuvj444p",
    "qtrle": "rgb24 argb gray rgb555be",
}  # fmt: skip
HOME = {"prores_ks": "mov", "qtrle": "mov", "png": "mov", "utvideo": "avi", "huffyuv": "avi",
        "rawvideo": "nut"}  # fmt: skip

STILLS: dict[str, tuple[str, ...]] = {
    "jpg": ("RGB", "L", "CMYK"), "jfif": ("RGB",), "mpo": ("RGB",),
    "png": ("RGB", "RGBA", "L", "LA", "P", "I;16"), "webp": ("RGB", "RGBA"),
    "bmp": ("RGB", "L", "P"), "tif": ("RGB", "RGBA", "L", "CMYK", "I;16", "F", "YCbCr", "LAB"),
    "heic": ("RGB", "RGBA", "L"), "avif": ("RGB", "RGBA"), "ppm": ("RGB", "L"),
}  # fmt: skip
FORMS = {"jpg": "JPEG", "jfif": "JPEG", "tif": "TIFF", "heic": "HEIF"}


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _containers()
    yield from _depths()
    yield from _turned_and_squeezed()
    yield from _streams()
    yield from _stills()


def _case(name: str, codec: str, suffix: str, **others: Any) -> Case:
    pixels = others.pop("pixels", "") or _usual_pixels(codec)
    muxer = MUXERS.get(suffix)
    case = Case(f"{name}.{suffix}", video, codec=codec, pixels=pixels, muxer=muxer, **others)
    if codec == "dvvideo":
        return replace(case, size=(768, 576), aspect=Fraction(16, 15))
    if suffix == "gxf":
        return replace(case, size=(720, 576))
    if codec in ("h263", "h263p"):  # whose standard knows no square pixels
        return replace(case, size=(384, 288), aspect=Fraction(12, 11))
    return case


@cache
def _usual_pixels(codec: str) -> str:
    known = [each.name for each in av.Codec(codec, "w").video_formats or []]
    usual = ("yuv420p", "yuvj420p", "yuv422p", "rgb24", "bgr24", "bgr0", "rgba", "bgra", "gray")
    return next((each for each in usual if each in known), known[0] if known else "yuv420p")


def _containers() -> Iterator[Case]:
    for suffix, codecs in CONTAINERS.items():
        for codec in codecs.split():
            yield _case(f"{suffix}-{codec}", codec, suffix)


def _depths() -> Iterator[Case]:
    for codec, formats in PIXELS.items():
        for pixels in formats.split():
            yield _case(f"{codec}-{pixels}", codec, HOME.get(codec, "mkv"), pixels=pixels)


def _turned_and_squeezed() -> Iterator[Case]:
    for suffix in ("mp4", "mov", "mkv"):
        for degrees in (0, 90, 180, -90):
            for aspect in (Fraction(1), Fraction(2), Fraction(8, 9)):
                upright = (WIDTH, HEIGHT)
                turn = {"degrees": degrees} if degrees else {}
                name = f"turned{degrees}-{aspect.numerator}x{aspect.denominator}"
                yield _case(name, "libx264", suffix, size=upright, aspect=aspect, turn=turn)
    for suffix in ("ts", "mpg"):
        yield _case("dvd", "mpeg2video", suffix, size=(384, 288), aspect=Fraction(12, 11))


def _streams() -> Iterator[Case]:
    for suffix in ("mp4", "mov", "mkv", "ts", "avi", "webm", "wmv", "mpg"):
        codec = {"webm": "libvpx", "wmv": "wmv2", "mpg": "mpeg2video"}.get(suffix, "libx264")
        for streams in ("va", "av"):
            for frames in (1, 2, 6):
                yield _case(f"{streams}{frames}", codec, suffix, streams=streams, frames=frames)
    for suffix in ("mp4", "mov"):
        for streams in ("vt", "vat", "avt", "vac", "avtc"):
            yield _case(streams, "libx264", suffix, streams=streams)
        edit = {"avoid_negative_ts": "disabled"}
        yield _case("edit", "libx264", suffix, streams="va", first=5, options=edit)
    yield _case("font", "libx264", "mkv", streams="vaf")
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    yield _case("fragments", "libx264", "mp4", options=fragments)


def _stills() -> Iterator[Case]:
    for suffix, modes in STILLS.items():
        for mode in modes:
            for turn in (1, 6) if mode == "RGB" and suffix in ("jpg", "tif", "avif") else (1,):
                name = f"still-{mode.replace(';', '')}-{turn}.{suffix}"
                yield Case(name, _still(mode, turn), 1, numbered=False)


def _still(mode: str, turn: int) -> Callable[[Path, Case], None]:
    def make(path: Path, case: Case) -> None:
        picture = Image.fromarray(cv2.cvtColor(shown(0), cv2.COLOR_BGR2RGB))
        if mode == "I;16":
            picture = Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257)
        elif mode == "LAB":
            lab = cv2.cvtColor(shown(0), cv2.COLOR_BGR2LAB)
            lab = lab ^ np.array([0, 128, 128], np.uint8)  # Pillow's are signed
            picture = Image.frombytes("LAB", (WIDTH, HEIGHT), lab.tobytes())
        else:
            picture = picture.convert(mode)
        exif = Image.Exif()
        if turn == 6:
            exif[0x0112] = 6
            picture = picture.transpose(Image.Transpose.ROTATE_90)
        options: dict[str, Any] = {"exif": exif} if turn != 1 else {}
        suffix = path.suffix[1:]
        picture.save(path, FORMS.get(suffix, suffix.upper()), **options)

    return make
