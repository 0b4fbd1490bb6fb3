"""Tests of every format of pictures, and of files that are not pictures."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fer_core.errors import EmptyFile, PictureError, PictureTooLarge, UnreadablePicture
from fer_core.media.decoding import open_picture
from fer_core.media.decoding_limits import Unusable
from fer_core.media.images import decode_noted, decode_picture, read_picture
from fer_core.paths import ROOT
from tests.conftest import SAMPLE

RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)


def encoded(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def quadrants() -> Image.Image:
    """Red top left, green top right, blue below."""
    image = Image.new("RGB", (64, 48), BLUE)
    image.paste(RED, (0, 0, 32, 24))
    image.paste(GREEN, (32, 0, 64, 24))
    return image


def near(pixel, rgb, tolerance=40) -> bool:
    return bool(np.all(np.abs(np.asarray(pixel, int)[::-1] - rgb) <= tolerance))


@pytest.mark.parametrize(
    "form", ["JPEG", "MPO", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF", "PPM"]
)
def test_every_format_gives_the_same_picture(form):
    bgr = decode_picture(encoded(quadrants(), form))
    assert bgr.shape == (48, 64, 3)
    assert bgr.dtype == np.uint8
    assert near(bgr[6, 8], RED)
    assert near(bgr[6, 56], GREEN)
    assert near(bgr[40, 30], BLUE)


@pytest.mark.parametrize(
    ("orientation", "red_at"),
    [(1, (6, 6)), (2, (6, -6)), (3, (-6, -6)), (4, (-6, 6)),
     (5, (6, 6)), (6, (6, -6)), (7, (-6, -6)), (8, (-6, 6))],
)  # fmt: skip
def test_exif_orientation_is_obeyed(orientation, red_at):
    image = Image.new("RGB", (64, 48), BLUE)
    image.paste(RED, (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    bgr = decode_picture(encoded(image, "JPEG", exif=exif, quality=95))
    assert bgr.shape[:2] == ((48, 64) if orientation < 5 else (64, 48))
    assert near(bgr[red_at], RED)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_picture_is_turned_once_whatever_its_format(form):
    """Pillow turns TIFF by itself, and the others not."""
    upright = np.zeros((64, 48, 3), np.uint8)
    upright[:32] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = Image.fromarray(np.rot90(upright))
    bgr = decode_picture(encoded(stored, form, exif=exif))
    assert bgr.shape == (64, 48, 3)
    assert bgr[:30].mean() > 250
    assert bgr[34:].mean() < 5


def test_hostile_exif_turns_nothing():
    clean = encoded(quadrants(), "JPEG")
    block = b"Exif\x00\x00MM\x00\x2a\xff\xff\xff\xff"
    hostile = clean[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + clean[2:]
    assert decode_picture(hostile).shape == (48, 64, 3)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_on_white(mode):
    image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    if mode == "P":
        image = Image.new("P", (10, 10), 0)
        image.info["transparency"] = 0
        data = encoded(image, "PNG", transparency=0)
    else:
        data = encoded(image.convert(mode), "PNG")
    assert np.all(decode_picture(data) == 255)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_other_colour_modes(mode):
    form = "TIFF" if mode == "CMYK" else "PNG"
    bgr = decode_picture(encoded(Image.new("RGB", (9, 7), "white").convert(mode), form))
    assert bgr.shape == (7, 9, 3)
    assert bgr.min() > 240


@pytest.mark.parametrize(
    ("dtype", "white"), [(np.uint16, 65535), (np.uint16, 4095), (np.int32, 65535), (np.float32, 1)]
)
def test_deep_greys_are_scaled(dtype, white):
    ramp = np.linspace(0, white, 256).astype(dtype).reshape(16, 16)
    grey = decode_picture(encoded(Image.fromarray(ramp), "TIFF"))[:, :, 0].ravel()
    assert grey[0] == 0
    assert grey[-1] == 255
    assert abs(int(grey[128]) - 128) <= 1


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_a_little_above_white_are_white(white):
    """Resizing with a cubic filter makes such."""
    ramp = np.linspace(0, white, 256, dtype=np.float32).reshape(16, 16)
    ramp[0, 0] = 1.1 * white
    grey = decode_picture(encoded(Image.fromarray(ramp), "TIFF"))[:, :, 0].ravel()
    assert grey[0] == grey[-1] == 255
    assert abs(int(grey[128]) - 128) <= 1


def test_floats_that_are_no_numbers_are_black():
    values = np.array([[np.nan, np.inf], [-np.inf, 1.0]], np.float32)
    assert decode_picture(encoded(Image.fromarray(values), "TIFF"))[1, 1, 0] == 255


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF"])
def test_the_first_frame_of_an_animation(form):
    frames = [Image.new("RGB", (8, 8), color) for color in (RED, GREEN)]
    data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    found = decode_noted(data)
    assert near(found.bgr[4, 4], RED)
    assert "an animation, and only its first frame is analysed" in found.note
    assert "Video page" in found.note


@pytest.mark.parametrize("form", ["TIFF", "HEIF"])
def test_the_first_page_of_many(form):
    pages = [Image.new("RGB", (64, 64), color) for color in (RED, GREEN)]
    found = decode_noted(encoded(pages[0], form, save_all=True, append_images=pages[1:]))
    assert near(found.bgr[4, 4], RED)
    assert "holds several pictures" in found.note


def test_a_small_copy_in_a_tiff_is_no_page():
    pages = [Image.new("RGB", (64, 64), RED), Image.new("RGB", (8, 8), RED)]
    pages[1].encoderinfo = {"tiffinfo": {254: 1}}
    data = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert decode_noted(data).note == ""


@pytest.mark.parametrize(
    "tags",
    [{50706: b"\1\4\0\0"}, {254: 1, 330: 8}, {254: 1, 330: 8, 50706: b"\1\4\0\0"}],
    ids=["a DNG", "a NEF", "a DNG with a preview"],
)
def test_a_raw_file_is_no_picture(tags):
    """Its preview, 160 pixels wide, is what Pillow reads as a TIFF."""
    with pytest.raises(UnreadablePicture, match="a camera's raw file"):
        decode_picture(encoded(quadrants(), "TIFF", tiffinfo=tags))


@pytest.mark.parametrize("tags", [{254: 0, 330: 8}, {254: 1}, {254: 2}])
def test_a_tiff_with_a_copy_of_itself_is_no_raw_file(tags):
    assert near(decode_picture(encoded(quadrants(), "TIFF", tiffinfo=tags))[6, 8], RED)


def test_an_empty_file():
    with pytest.raises(EmptyFile, match="0 bytes"):
        decode_picture(b"")


@pytest.mark.parametrize("junk", [b"hello", b"%PDF-1.7", b"<svg/>", b"\xff\xd8\xff", b"\x00" * 999])
def test_what_is_no_picture(junk):
    with pytest.raises(UnreadablePicture):
        decode_picture(junk)


@pytest.mark.parametrize(
    "form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF", "PPM"]
)
def test_a_truncated_picture(form):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), form)
    with pytest.raises(UnreadablePicture):
        decode_picture(data[: len(data) // 2])


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_png_damaged_in_its_middle(share):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = bytearray(encoded(Image.fromarray(noise), "PNG"))
    at = int(share * len(data))
    data[at : at + 50] = bytes(byte ^ 0x55 for byte in data[at : at + 50])
    with pytest.raises(UnreadablePicture, match="damaged"):
        decode_picture(bytes(data))


def test_an_avif_whose_pixels_cannot_be_decoded():
    """Pillow raises another kind of exception for it than for all others."""
    data = bytearray(encoded(quadrants(), "AVIF"))
    pixels = data.index(b"mdat") + 4
    data[pixels:] = b"\xff" * (len(data) - pixels)
    with pytest.raises(UnreadablePicture, match="damaged"):
        decode_picture(bytes(data))


@pytest.mark.parametrize("where", ["before", "behind"])
@pytest.mark.parametrize("kind", ["eXIf", "zTXt", "iTXt"])
def test_how_a_png_is_turned_may_be_said_behind_its_pixels(kind, where):
    exif = Image.Exif()
    exif[0x0112] = 6
    block = exif.tobytes()
    said = {
        "eXIf": block.removeprefix(b"Exif\0\0"),
        "zTXt": b"Raw profile type exif\0\0"
        + zlib.compress(f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()),
        "iTXt": b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>',
    }[kind]
    data = encoded(quadrants(), "PNG")
    at = 33 if where == "before" else len(data) - 12
    bgr = decode_picture(data[:at] + chunk(kind.encode(), said) + data[at:])
    assert bgr.shape == (64, 48, 3)
    assert near(bgr[6, 44], RED)


def test_reading_the_header_of_a_png_decodes_no_pixels():
    """That has its own limit of time, which the pixels of a large picture would exceed."""
    data = bytearray(encoded(quadrants(), "PNG"))
    start = data.index(b"IDAT") + 4
    data[start : start + 20] = bytes(20)
    opened = open_picture(bytes(data), 1)
    with pytest.raises(Unusable):
        opened.decode()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF"])
def test_a_copy_that_was_interrupted_in_room_that_was_reserved(form):
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), form)
    with pytest.raises(UnreadablePicture, match="damaged or incomplete"):
        decode_picture(data[: len(data) // 2] + bytes(len(data) // 2))


def test_a_file_over_the_limit(monkeypatch):
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "1")
    with pytest.raises(PictureTooLarge, match="1 MB"):
        decode_picture(b"x" * 1_000_001)


def test_a_decompression_bomb_is_refused_by_its_header():
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    with pytest.raises(PictureTooLarge, match="million pixels"):
        decode_picture(bomb)


def test_a_limit_above_that_of_pillow(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # restored afterwards
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 20_000, 10_000, 8, 0, 0, 0, 0))
    large = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    for limit in (199, 100):
        with pytest.raises(Unusable, match=f"more than {limit} million pixels"):
            open_picture(large, limit)
    assert open_picture(large, 200).width == 20_000


def test_more_pixels_than_the_limit(monkeypatch):
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    with pytest.raises(PictureTooLarge, match="FER_MAX_MEGAPIXELS"):
        decode_picture(encoded(Image.new("L", (1001, 1000)), "PNG"))


@given(st.integers(0, 3000), st.binary(min_size=1, max_size=40))
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_damage_anywhere_is_a_picture_or_a_sentence(position, damage):
    data = bytearray(encoded(quadrants(), "PNG") + encoded(quadrants(), "JPEG"))
    position %= len(data)
    data[position : position + len(damage)] = damage
    with contextlib.suppress(PictureError):
        assert decode_picture(bytes(data)).ndim == 3


def test_reading_a_file():
    assert read_picture(SAMPLE).shape == (512, 512, 3)


def test_a_file_that_is_not_there_a_folder_and_a_pipe(tmp_path):
    with pytest.raises(UnreadablePicture, match="no such file"):
        read_picture(tmp_path / "gone.jpg")
    with pytest.raises(UnreadablePicture, match="directory"):
        read_picture(tmp_path)
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UnreadablePicture, match="not a regular file"):
        read_picture(tmp_path / "pipe.jpg")


def test_a_large_photo_is_held_twice_at_most(tmp_path):
    """Once by Pillow with four bytes per pixel, and once as an array with three."""
    path = tmp_path / "telephone.jpg"
    Image.new("RGB", (4000, 3000), "teal").save(path)
    code = f"""
from pathlib import Path
from fer_core.media.images import read_picture
def told_mb(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith(what))
before_mb = told_mb("VmRSS")
read_picture(Path({str(path)!r}))
print(told_mb("VmHWM") - before_mb)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 12 * (4 + 3) + 40


def jpeg_of_scans(more: int, **options) -> bytes:
    data = encoded(quadrants(), "JPEG", **options)
    last = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + last * more + b"\xff\xd9"


def test_a_jpeg_of_very_many_scans_is_not_begun():
    usual = jpeg_of_scans(0, progressive=True)
    assert usual.count(b"\xff\xda") == 10
    assert np.array_equal(
        decode_picture(jpeg_of_scans(90, progressive=True)), decode_picture(usual)
    )
    with pytest.raises(PictureTooLarge, match="more than 100 scans"):
        decode_picture(jpeg_of_scans(91, progressive=True))


def test_scans_are_not_counted_in_thumbnails_or_comments():
    data = encoded(quadrants(), "JPEG", progressive=True, comment=b"\xff\xda\x00\x02" * 500)
    assert decode_picture(data).shape == (48, 64, 3)


@pytest.mark.parametrize("big", [False, True])
def test_a_tiff_of_very_many_pieces_is_not_begun(big):
    few = encoded(
        Image.new("L", (8, 100_000)), "TIFF", big_tiff=big, strip_size=8, compression="packbits"
    )
    assert decode_picture(few).shape == (100_000, 8, 3)
    many = encoded(
        Image.new("L", (8, 100_001)), "TIFF", big_tiff=big, strip_size=8, compression="packbits"
    )
    with pytest.raises(PictureTooLarge, match="more than 100,000 strips or tiles"):
        decode_picture(many)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_of_many_strips(orientation):
    """Decoding by strips gives the same picture as decoding at once."""
    noise = np.random.default_rng(0).integers(0, 256, (1000, 700, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(noise), "PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(decode_picture(data), upright[:, :, ::-1])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_a_large_webp_is_the_same_as_a_small_one(mode, lossless):
    """OpenCV decodes it, with less memory."""
    waves = np.add.outer(np.arange(2100), np.arange(2000)).astype(np.uint8)
    parts = [Image.fromarray(part) for part in (waves, waves[::-1], waves // 2, waves[:, ::-1])]
    picture = Image.merge(mode, parts[: len(mode)])
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(picture, "WEBP", lossless=lossless, exif=exif, method=0)
    with Image.open(io.BytesIO(data)) as image:
        seen = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    pillows = np.asarray(Image.alpha_composite(white, seen).convert("RGB"))[:, :, ::-1]
    assert np.array_equal(decode_picture(data), pillows)


def test_a_large_animated_webp_gives_its_first_frame():
    frames = [Image.new("RGB", (2100, 2000), color) for color in (RED, GREEN)]
    data = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], method=0)
    assert near(decode_picture(data)[900, 900], RED)
