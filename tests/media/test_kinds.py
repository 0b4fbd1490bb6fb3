"""Tests that files are recognised by content, whatever their extension."""

from __future__ import annotations

import tarfile
import zipfile
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from fer_core.media.kinds import kind_of
from tests.conftest import SAMPLE
from tests.media.clips import CODECS, OTHER_CODECS, clip

STILLS = {
    "jpg": "JPEG", "jfif": "JPEG", "mpo": "MPO", "png": "PNG", "webp": "WEBP", "bmp": "BMP",
    "tif": "TIFF", "heic": "HEIF", "avif": "AVIF", "ppm": "PPM",
}  # fmt: skip


def still(path: Path, form: str) -> Path:
    Image.new("RGB", (64, 48), "teal").save(path, form)
    return path


@pytest.mark.parametrize("name", ["", "c", "c.mp4", "c.ts"])
@pytest.mark.parametrize("suffix", STILLS)
def test_pictures(suffix, name, tmp_path):
    assert kind_of(still(tmp_path / (name or f"c.{suffix}"), STILLS[suffix])) == "picture"


@pytest.mark.parametrize("name", ["", "c.jpg"])
@pytest.mark.parametrize("suffix", [*CODECS, *OTHER_CODECS, "gif"])
def test_videos(suffix, name, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", 5, fps=25)
    assert kind_of(path.rename(tmp_path / name) if name else path) == "video"


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", b"text"), ("BMW.txt", b"BMW and other cars"), ("a.ts", b"export const a = 1;"),
     ("a.mts", b"import b from 'b';" * 999), ("a.pdf", b"%PDF-1.7 " * 999), ("README", b""),
     ("P1.csv", b"P1,P2\n1,2\n"), ("a.svg", b"<svg/>"), ("a.mp3", b"\xff\xfb\x90\x00" + bytes(999)),
     ("a.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8'}" + bytes(9000))],
)  # fmt: skip
def test_what_is_neither(name, content, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) is None


@pytest.mark.parametrize(
    ("content", "kind"),
    [("jpg", "cache"), *product(("jpg", "ts", "vob", "h264"), ("pdf", "zip", "tar", "db"))],
)
def test_what_only_contains_pictures_or_videos(content, kind, tmp_path):
    inside = tmp_path / f"c.{content}"
    if content == "jpg":
        Image.open(SAMPLE).save(inside)
    else:
        clip(inside, 25, fps=25)
    assert kind_of(packed(inside, tmp_path / f"a.{kind}")) is None


def packed(inside: Path, path: Path) -> Path:
    """A file of a kind that is its name's ending, with another one in it, uncompressed."""
    before = {"pdf": b"%PDF-1.7\n", "db": b"\xd0\xcf\x11\xe0" + bytes(508), "cache": bytes(100)}
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(inside, inside.name)
    elif path.suffix == ".tar":
        with tarfile.open(path, "w") as archive:
            archive.add(inside, inside.name)
    else:
        path.write_bytes(before[path.suffix[1:]] + inside.read_bytes() * 3)
    return path


@pytest.mark.parametrize(
    ("name", "kind"), [("a.jpg", "picture"), ("a.AVIF", "picture"), ("a.mp4", "video")]
)
@pytest.mark.parametrize("content", [b"", b"broken", None])
def test_what_is_broken_is_what_its_name_says(name, kind, content, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) == kind


def test_sound_alone_is_neither(tmp_path):
    from tests.media.test_bad_files import sound_only

    assert kind_of(sound_only(tmp_path / "talk.mp4").rename(tmp_path / "talk.m4a")) is None
