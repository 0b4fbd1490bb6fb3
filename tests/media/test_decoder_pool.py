"""Tests of decoding in separate processes: forged, slow and abandoned pictures."""

from __future__ import annotations

import io
import os
import signal
import struct
import threading
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fer_core.errors import EmptyFile, PictureTooLarge, UnreadablePicture
from fer_core.media.decoder_pool import DecoderPool
from fer_core.media.images import decode_noted, decode_picture
from tests.conftest import SAMPLE
from tests.waiting import until

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")


@pytest.fixture
def pool():
    pool = DecoderPool()
    yield pool
    pool.close()


def encoded(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(*between: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(8 * 9))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(between) + pixels


def slow() -> bytes:
    """A PNG of 24 MB and 64 pixels, whose two million empty chunks take Pillow half a minute."""
    return png(chunk(b"abCd", b"") * 2_000_000)


def greedy() -> bytes:
    """A TIFF of 20 MB and one pixel with five million depths, of which Pillow makes 200 MB."""
    count = 5_000_000
    entries = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 4, count, 50)]
    head = struct.pack("<2sHIH", b"II", 42, 8, len(entries))
    table = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return head + table + bytes(4) + np.arange(count, dtype=np.uint32).tobytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF", "AVIF"])
def test_the_same_pixels_as_in_this_process(pool, form):
    waves = np.add.outer(np.arange(700), np.arange(500)).astype(np.uint8)
    waves = np.dstack([waves, waves[::-1], waves // 2])
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(waves), form, **({"exif": exif} if form != "BMP" else {}))
    apart = pool.decode(data).bgr
    assert np.array_equal(apart, decode_picture(data))
    assert apart.flags.writeable


def test_the_same_sentences_as_in_this_process(pool, monkeypatch):
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "2")
    large = encoded(Image.new("L", (1001, 1000)), "PNG")
    for data in (b"", b"hello", SAMPLE.read_bytes()[:9000], large, bytes(2_000_001)):
        with pytest.raises((EmptyFile, UnreadablePicture, PictureTooLarge)) as here:
            decode_picture(data)
        with pytest.raises(here.type) as apart:
            pool.decode(data)
        assert str(apart.value) == str(here.value)


def test_notes_come_along(pool):
    data = SAMPLE.read_bytes()[:-2]
    assert "last bytes of this file are missing" in pool.decode(data).note
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green")]
    moving = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pool.decode(moving).note == decode_noted(moving).note != ""


def test_one_process_after_another_picture(pool):
    data = SAMPLE.read_bytes()
    pool.decode(data)
    [first] = pool.processes
    with pytest.raises(UnreadablePicture):
        pool.decode(b"hello")
    pool.decode(data)
    assert pool.processes == [first]


def test_only_a_few_processes_stay(pool):
    data = SAMPLE.read_bytes()
    together = threading.Barrier(5)

    def decode(_number):
        together.wait()
        return pool.decode(data)

    with ThreadPoolExecutor(5) as callers:
        assert len(list(callers.map(decode, range(5)))) == 5
    assert 1 <= len(pool.processes) <= 2


def test_a_process_that_has_grown_is_not_kept(pool):
    pool.decode(encoded(Image.fromarray(np.full((9, 9), 70, np.uint16)), "PNG"))  # takes NumPy
    assert pool.processes == []


@linux
def test_a_process_that_was_killed_meanwhile_is_replaced(pool):
    pool.decode(SAMPLE.read_bytes())
    [process] = pool.processes
    os.kill(process, signal.SIGKILL)
    stat = Path(f"/proc/{process}/stat")
    until(lambda: stat.read_text().split()[2] == "Z")
    assert pool.decode(SAMPLE.read_bytes()).bgr.shape == (512, 512, 3)
    assert pool.processes != [process]


def test_a_picture_that_takes_too_long_ends_and_keeps_nobody_waiting(pool):
    with ThreadPoolExecutor(1) as somebody:
        forged = somebody.submit(pool.decode, slow())
        while not forged.done():
            assert pool.decode(SAMPLE.read_bytes()).bgr.shape == (512, 512, 3)
        with pytest.raises(UnreadablePicture, match="took too long"):
            forged.result()
    assert pool.decode(SAMPLE.read_bytes()).bgr.shape == (512, 512, 3)


def test_a_picture_that_nobody_waits_for_any_more_ends(pool):
    gone: Future[None] = Future()
    gone.set_result(None)
    with pytest.raises(UnreadablePicture):
        pool.decode(SAMPLE.read_bytes(), gone)
    assert pool.processes == []


def test_who_leaves_afterwards_ends_nothing(pool):
    gone: Future[None] = Future()
    pool.decode(SAMPLE.read_bytes(), gone)
    [process] = pool.processes
    gone.set_result(None)
    pool.decode(SAMPLE.read_bytes())
    assert pool.processes == [process]


@linux
def test_a_picture_that_takes_too_much_memory_is_refused(pool):
    with pytest.raises(UnreadablePicture):
        pool.decode(greedy())
    with pytest.raises(PictureTooLarge, match="memory"):
        pool.decode(greedy(), max_megapixels=1)


def test_other_formats_can_be_kept_out(pool):
    with pytest.raises(UnreadablePicture):
        pool.decode(encoded(Image.new("RGB", (9, 9)), "PNG"), formats=("JPEG",))


def test_processes_end_with_the_pool(pool):
    pool.decode(SAMPLE.read_bytes())
    [process] = pool.processes
    pool.close()
    assert pool.processes == []
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
