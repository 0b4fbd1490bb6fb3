"""Tests of the memory that decoding needs, in every format and depth."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fer_core.media.decoding_limits import BYTES_A_PIXEL
from fer_core.paths import ROOT

SIDE = 2400

CODE = """
import json, sys
from pathlib import Path
import cv2
from fer_core.media.images import read_picture

def told_kb(what):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))

peaks = {}
for path in sys.argv[1:]:
    read_picture(Path(path).with_name("warm.png"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before_kb = told_kb("VmRSS")
    shape = read_picture(Path(path)).shape
    peaks[Path(path).name] = [(told_kb("VmHWM") - before_kb) * 1024, shape[0] * shape[1]]
print(json.dumps(peaks))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")


def deep_png() -> bytes:
    """A PNG with 48 bits per pixel, which Pillow cannot write."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 16, 2, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x12\x34" * 3 * SIDE) * SIDE, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def files(folder: Path) -> list[Path]:
    waves = np.add.outer(np.arange(SIDE), np.arange(SIDE) * 2).astype(np.uint16)
    grey = Image.fromarray((waves // 40).astype(np.uint8))
    colour = Image.merge("RGB", (grey, grey.rotate(90), grey.rotate(180)))
    seen = Image.merge("RGBA", (*colour.split(), grey))
    turned = Image.Exif()
    turned[0x0112] = 6
    made: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "grey16.png": (Image.fromarray(waves), {}),
        "grey16.tif": (Image.fromarray(waves), {}),
        "whole32.tif": (Image.fromarray(waves.astype(np.int32)), {}),
        "float32.tif": (Image.fromarray(waves.astype(np.float32)), {}),
        "grey8.png": (grey, {}),
        "colour.png": (colour, {}),
        "alpha.png": (seen, {}),
        "palette.gif": (grey.convert("P"), {}),
        "colour.bmp": (colour, {}),
        "cmyk.tif": (colour.convert("CMYK"), {"compression": "tiff_lzw"}),
        "turned.jpg": (colour, {"exif": turned}),
        "progressive.jpg": (colour, {"progressive": True, "subsampling": 0}),
        "lossy.webp": (colour, {"method": 0}),
        "lossless.webp": (colour, {"lossless": True, "method": 0}),
        "alpha.webp": (seen, {"method": 0}),
        "colour.avif": (colour, {"speed": 10}),
        "turned.heic": (colour, {"exif": turned, "format": "HEIF"}),
    }
    for name, (image, options) in made.items():
        image.save(folder / name, **options)
    (folder / "colour48.png").write_bytes(deep_png())
    Image.fromarray(waves[:9, :9]).save(folder / "warm.png")  # loads what is loaded once
    return [folder / name for name in (*made, "colour48.png")]


def test_no_format_takes_more_than_the_documents_say(tmp_path, monkeypatch):
    """They say 10 bytes a pixel (docs/API.md)."""
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "100")
    # So that what one picture took is given back before the next one.
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, files(tmp_path))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    peaks = json.loads(done.stdout)
    print({name: round(size / pixels, 1) for name, (size, pixels) in peaks.items()})
    assert len(peaks) == 18
    for name, (size, pixels) in peaks.items():
        assert pixels == SIDE * SIDE, name
        # And the file, and what does not grow with the picture: strips, threads.
        file_bytes = (tmp_path / name).stat().st_size
        assert size <= BYTES_A_PIXEL * pixels + file_bytes + 20_000_000, name
