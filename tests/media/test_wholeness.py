"""Exactly the missing frames of a file are reported as missing."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_core.media import content as file_content
from fer_core.media.video import Selection, VideoFile, read_frame
from tests.media.clips import FASTSTART, OTHER_CODECS, clip, number_of, numbered


def read(path: Path) -> tuple[list[int], str, str]:
    """The numbers of the frames, the problem, and the note."""
    with VideoFile(path) as video:
        found = [number_of(frame.bgr) for frame in video.frames()]
        return found, video.problem, video.note


def whole(path: Path) -> list[int]:
    found, problem, note = read(path)
    assert (problem, note) == ("", "")
    return found


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4v"])
@pytest.mark.parametrize("sound", ["", "aac"])
@pytest.mark.parametrize("cut_s", [0.5, 1.9])
def test_trimmed_by_an_edit_list(suffix, sound, cut_s, tmp_path):
    """Phones trim without re-encoding: the frames before are stored, but not shown."""
    codec = "libx264" if suffix == "m4v" else ""
    path = tmp_path / f"c.{suffix}"
    clip(path, 60, fps=30, gop=60, sound=sound, cut_s=cut_s, options=FASTSTART, codec=codec)
    with av.open(str(path)) as opened:
        assert opened.streams.video[0].frames == 60
    first = round(cut_s * 30)
    assert whole(path) == list(range(first, 60))
    assert VideoFile(path).info.duration_s == pytest.approx(2.0 - cut_s, abs=0.1)
    assert number_of(read_frame(path, 0.0)) == first


@pytest.mark.parametrize("suffix", ["mkv", "webm", "mp4", "mov", "ts", "flv", "wmv"])
@pytest.mark.parametrize("sound", [False, True])
def test_a_late_start(suffix, sound, tmp_path):
    codec = {"webm": "libopus", "ts": "mp2", "flv": "libmp3lame", "wmv": "mp2"}.get(suffix, "aac")
    times = [7.0 + i / 10 for i in range(20)]
    path = clip(tmp_path / f"c.{suffix}", times_s=times, fps=10, sound=codec if sound else "")
    assert whole(path) == list(range(20))
    if not sound:
        assert VideoFile(path).info.duration_s == pytest.approx(2.0, abs=0.2)


def patched(path: Path, before: bytes, after: bytes) -> Path:
    content = path.read_bytes()
    assert before in content
    path.write_bytes(content.replace(before, after))
    return path


def too_long(path: Path) -> Path:
    """A clip of 2 s whose header says 20 s."""
    clip(path, 60, fps=30, options={} if path.suffix == ".mp4" else None)
    if path.suffix == ".mkv":
        return patched(path, *(b"\x44\x89\x88" + struct.pack(">d", ms) for ms in (2000.0, 20000.0)))
    if path.suffix == ".avi":
        rate = path.read_bytes().index(b"strh")
        content = bytearray(path.read_bytes())
        content[rate + 40 : rate + 44] = struct.pack("<I", 600)
        content[48:52] = struct.pack("<I", 600)
        path.write_bytes(content)
        return path
    content = bytearray(path.read_bytes())
    for name, offset in (("mvhd", 20), ("tkhd", 24), ("elst", 12), ("mdhd", 20)):
        at = content.index(name.encode()) + offset
        [ticks] = struct.unpack(">I", content[at : at + 4])
        content[at : at + 4] = struct.pack(">I", 10 * ticks)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("suffix", ["mkv", "avi", "mp4", "mov"])
def test_a_length_that_is_too_long(suffix, tmp_path):
    path = too_long(tmp_path / f"c.{suffix}")
    if suffix not in ("mp4", "mov"):  # of which FFmpeg believes the index
        assert (VideoFile(path).info.duration_s or 0.0) > 19.0
    assert whole(path) == list(range(60))


def test_where_it_cannot_be_known_it_is_said_so(tmp_path):
    """FLV has only a length."""
    path = clip(tmp_path / "c.flv", 60, fps=30)
    assert whole(path) == list(range(60))
    patched(path, b"duration\0" + struct.pack(">d", 2.0), b"duration\0" + struct.pack(">d", 20.0))
    found, problem, note = read(path)
    assert (found, problem) == (list(range(60)), "")
    assert "20.0 s" in note
    assert "does not tell whether anything is missing" in note


def test_pictures_that_end_before_the_sound(tmp_path):
    for suffix in ("mkv", "mp4"):
        path = clip(tmp_path / f"c.{suffix}", times_s=[0, 0.1, 5.0], sound="aac")
        content = path.read_bytes()
        assert whole(path) == [0, 1, 2]
        assert path.read_bytes() == content


@pytest.mark.parametrize("lost", [1, 40, 700])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "gif", "apng", "wmv"])
def test_the_last_bytes_of_the_pictures(suffix, lost, tmp_path):
    """Even one missing frame is reported."""
    big = [numbered(i, 640, 480) for i in range(12)]
    path = clip(
        tmp_path / f"c.{suffix}",
        frames=big,
        fps=10,
        options=FASTSTART if suffix in ("mp4", "mov") else None,
    )
    content = path.read_bytes()
    end = {
        "avi": content.rfind(b"idx1"),
        "mkv": content.rfind(b"\x1c\x53\xbb\x6b"),
        "webm": content.rfind(b"\x1c\x53\xbb\x6b"),
        "gif": len(content) - 1,
        "apng": len(content) - 12,
        "wmv": content.rfind(b"\x90\x08\x00\x33"),
    }.get(suffix, -1)
    path.write_bytes(content[: (end if end > 0 else len(content)) - lost])
    found, problem, _ = read(path)
    assert "nothing could be read" in problem
    assert len(found) >= 5


@pytest.mark.parametrize("suffix", ["mkv", "avi"])
def test_an_index_that_is_missing_takes_no_picture(suffix, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", 60)
    content = path.read_bytes()
    index = content.rfind(b"idx1" if suffix == "avi" else b"\x1c\x53\xbb\x6b")
    assert index > 0
    path.write_bytes(content[: index + 10])
    assert whole(path) == list(range(60))


@pytest.mark.parametrize("damage", ["zeros", "noise"])
@pytest.mark.parametrize("suffix", ["mkv", "webm"])
def test_a_gap_in_the_middle_of_a_matroska_file(suffix, damage, tmp_path):
    """FFmpeg goes on with the next cluster, without a word on the frames between."""
    path = clip(tmp_path / f"c.{suffix}", frames=noise(40), fps=4, gop=8)
    content = path.read_bytes()
    lost = len(content) // 6
    gap = bytes(lost) if damage == "zeros" else np.random.default_rng(0).bytes(lost)
    path.write_bytes(content[: 2 * lost] + gap + content[3 * lost :])
    with VideoFile(path) as video:
        assert 10 < len(list(video.frames())) < 40
        assert "before its end is damaged" in video.problem
        assert "nothing could be read" not in video.problem
        list(video.frames(Selection(end_s=0.5)))
        assert video.problem == ""


def test_an_element_of_matroska_that_is_not_known_here(tmp_path):
    path = clip(tmp_path / "c.mkv", 60)
    patched(path, b"\xec\x01" + bytes(6), b"\xfe\x01" + bytes(6))
    assert whole(path) == list(range(60))


@pytest.mark.parametrize("left", [0, 1, 3, 4, 11])
def test_a_matroska_file_that_ends_behind_its_pictures(left, tmp_path):
    path = clip(tmp_path / "c.mkv", 60)
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"\x1c\x53\xbb\x6b") + left])
    assert whole(path) == list(range(60))


def test_a_file_of_the_studio_that_is_cut(tmp_path):
    path = clip(tmp_path / "c.mxf", 60, fps=25)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found, problem, _ = read(path)
    assert 0 < len(found) < 60
    assert "nothing could be read" in problem


def noise(count: int) -> list[np.ndarray]:
    """Frames that no codec makes small, 320 x 240."""
    random = np.random.default_rng(0)
    cells = random.integers(0, 256, (count, 60, 80, 3), dtype=np.uint8)
    return [cv2.resize(cell, (320, 240), interpolation=cv2.INTER_NEAREST) for cell in cells]


@pytest.mark.parametrize(
    "suffix", ["mkv", "webm", "avi", "mpg", "ts", "wmv", "flv", "mxf", "gif", "ivf", "h264"]
)
def test_a_copy_that_was_interrupted_in_room_that_was_reserved(suffix, tmp_path):
    """The file has its full size, and its end is zeros."""
    path = clip(tmp_path / f"c.{suffix}", frames=noise(20), fps=25)
    with VideoFile(path) as video:
        assert (len(list(video.frames())), video.problem, video.note) == (20, "", "")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    with VideoFile(path) as video:
        assert 0 < len(list(video.frames())) < 20
        assert "nothing could be read" in video.problem


def test_free_room_and_black_at_the_end_are_no_damage(tmp_path):
    path = clip(tmp_path / "c.mov", 60, fps=30)
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 90_008, b"free") + bytes(90_000))
    assert whole(path) == list(range(60))
    black = b"FRAME\n" + bytes(320 * 240)
    (tmp_path / "c.y4m").write_bytes(b"YUV4MPEG2 W320 H240 F25:1 Cmono\n" + black * 3)
    assert whole(tmp_path / "c.y4m") == [0, 0, 0]


def test_a_file_of_endless_pieces_ends(tmp_path, monkeypatch):
    """A forged file must not keep the process busy after the last frame."""
    monkeypatch.setattr(file_content, "MOST_READS", 500)
    path = clip(tmp_path / "c.gif", 3)
    path.write_bytes(path.read_bytes()[:-1] + b"!\xfe" + b"\1\0" * 1000 + b"\0;")
    assert whole(path) == [0, 1, 2]


def test_an_avi_whose_list_claims_more_than_it_has(tmp_path):
    path = clip(tmp_path / "c.avi", 60)
    content = bytearray(path.read_bytes())
    size = content.index(b"movi") - 4
    [stored] = struct.unpack("<I", content[size : size + 4])
    content[size : size + 4] = struct.pack("<I", len(content) - size + 8)
    assert len(content) - size + 8 > stored
    path.write_bytes(content)
    assert whole(path) == list(range(60))


def test_gifs_that_end_as_encoders_like_it(tmp_path):
    path = clip(tmp_path / "c.gif", 9)
    content = path.read_bytes()
    assert content[-1:] == b";"
    for ending in (content[:-1], content + b"\0" * 100, content + b"made by an encoder" * 9):
        path.write_bytes(ending)
        assert whole(path) == list(range(9)), ending[-9:]
    path.write_bytes(content[:-2])
    assert "nothing could be read" in read(path)[1]


def test_a_gif_damaged_in_its_middle(tmp_path):
    path = clip(tmp_path / "c.gif", 30)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + len(content) // 10] = bytes(len(content) // 10)
    path.write_bytes(content)
    found, problem, _ = read(path)
    assert 0 < len(found) < 30
    assert "nothing could be read" in problem


def test_a_fragmented_file_is_whole_or_not(tmp_path):
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    path = clip(tmp_path / "c.mp4", 60, gop=10, options=options)
    assert whole(path) == list(range(60))
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"moof") - 4])  # as a recorder that was switched off
    found, problem, _ = read(path)
    assert found == list(range(len(found)))
    assert problem == ""
    path.write_bytes(content[: content.rfind(b"moof") - 200])
    assert "nothing could be read" in read(path)[1]


@pytest.mark.parametrize("suffix", OTHER_CODECS)
def test_no_format_cries_wolf(suffix, tmp_path):
    assert len(whole(clip(tmp_path / f"c.{suffix}", 25, fps=25))) == 25


def test_a_clip_of_a_late_file(tmp_path):
    path = clip(tmp_path / "c.mkv", times_s=[7.0 + i / 10 for i in range(40)], fps=10, gop=5)
    with VideoFile(path) as video:
        found = [number_of(f.bgr) for f in video.frames(Selection(start_s=3.0, end_s=3.5))]
        assert (found, video.problem) == ([30, 31, 32, 33, 34], "")
