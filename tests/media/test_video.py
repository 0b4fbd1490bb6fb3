"""Tests of video frames: order, orientation, and times."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fer_core.errors import UnreadableVideo
from fer_core.media import demux, video
from fer_core.media.video import Selection, VideoFile, read_frame
from tests.media.clips import FORMATS, OTHER_CODECS, QUICK, clip, number_of, numbered, packets_at


def seen(path: Path, selection: Selection = video.WHOLE) -> list[tuple[Any, int]]:
    """The time (to a tenth of a millisecond) and number of each frame; there is no problem."""
    with VideoFile(path) as video:
        found = [(round(frame.t_s, 4), number_of(frame.bgr)) for frame in video.frames(selection)]
        assert video.problem == ""
    return found


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format(suffix, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=30, fps=10)
    found = seen(path)
    assert [number for _, number in found] == list(range(30))
    assert [t_s for t_s, _ in found] == pytest.approx([i / 10 for i in range(30)], abs=1e-3)
    info = VideoFile(path).info
    assert (info.name, info.width, info.height) == (path.name, 160, 120)
    assert info.duration_s == pytest.approx(3.0)
    assert info.fps == pytest.approx(10.0)
    assert not info.has_audio


@pytest.mark.parametrize("suffix", OTHER_CODECS)
@pytest.mark.parametrize("name", ["clip", "clip.bin"])
def test_other_formats_whatever_their_names(suffix, name, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=30, fps=25).rename(tmp_path / name)
    found = seen(path)
    assert [number for _, number in found] == list(range(30))
    assert [t_s for t_s, _ in found] == pytest.approx([i / 25 for i in range(30)], abs=2e-3)
    assert [number for _, number in seen(path, Selection(start_s=0.8))] == list(range(20, 30))


@pytest.mark.parametrize("suffix", ["wmv", "mxf"])
def test_reordered_frames_where_no_times_of_showing_are_stored(suffix, tmp_path):
    found = seen(clip(tmp_path / f"clip.{suffix}", codec="libx264", fps=25))
    assert [number for _, number in found] == list(range(60))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_avi_has_its_frames_in_order_whatever_the_codec(codec, tmp_path):
    found = seen(clip(tmp_path / "clip.avi", codec=codec))
    assert [number for _, number in found] == list(range(60))
    assert [t_s for t_s, _ in found] == pytest.approx([i / 30 for i in range(60)], abs=1e-3)


def test_an_iteration_can_be_repeated(tmp_path):
    with VideoFile(clip(tmp_path / "clip.mp4")) as video:
        first = [frame.t_s for frame in video.frames()]
        assert [frame.t_s for frame in video.frames()] == first


TURNS = [0, 90, 180, -90]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("degrees", TURNS)
def test_rotation_is_obeyed(suffix, degrees, tmp_path):
    stored = np.zeros((120, 160, 3), np.uint8)
    stored[:40, :60] = (0, 0, 255)
    stored[80:, 100:] = (0, 255, 0)
    path = clip(tmp_path / f"c.{suffix}", frames=[stored] * 3, turned={"degrees": degrees})
    upright = np.rot90(stored, round(degrees / 90))
    with VideoFile(path) as video:
        [first, *_] = video.frames()
        assert (video.info.height, video.info.width) == upright.shape[:2]
    assert np.abs(first.bgr.astype(int) - upright).mean() < 8
    assert first.bgr.flags.c_contiguous


@pytest.mark.parametrize(("flips", "axis"), [({"hflip": True}, 1), ({"vflip": True}, 0)])
def test_mirrored_pictures_are_mirrored_back(flips, axis, tmp_path):
    stored = np.zeros((120, 160, 3), np.uint8)
    stored[:40, :60] = 255
    path = clip(tmp_path / "c.mp4", frames=[stored] * 3, turned={"degrees": 0, **flips})
    [first, *_] = VideoFile(path).frames()
    assert np.abs(first.bgr.astype(int) - np.flip(stored, axis)).mean() < 8


@pytest.mark.parametrize(("degrees", "turns"), [("90", 3), ("180", 2), ("270", 1), ("many", 0)])
def test_the_older_tag_is_obeyed(degrees, turns, tmp_path):
    stored = np.zeros((120, 160, 3), np.uint8)
    stored[:40, :60] = 255
    path = clip(tmp_path / "c.mkv", frames=[stored] * 3, tags={"rotate": degrees})
    [first, *_] = VideoFile(path).frames()
    upright = np.rot90(stored, turns)
    assert first.bgr.shape == upright.shape
    assert np.abs(first.bgr.astype(int) - upright).mean() < 8


@pytest.mark.parametrize(("orientation", "turns"), [(1, 0), (3, 2), (6, 3), (8, 1)])
def test_motion_jpeg_with_exif(orientation, turns, tmp_path):
    """As cameras write it; PyAV raises ValueError for unknown side data of a frame."""
    stored = np.zeros((120, 160, 3), np.uint8)
    stored[:40, :60] = 255
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "A camera", orientation
    jpeg = io.BytesIO()
    Image.fromarray(stored).save(jpeg, "JPEG", exif=exif)
    path = packets_at(tmp_path / "c.mkv", [0, 0.1, 0.2], jpegs=[jpeg.getvalue()] * 3)
    with VideoFile(path) as video:
        frames = list(video.frames())
        assert (len(frames), video.problem) == (3, "")
    upright = np.rot90(stored, turns)
    assert frames[0].bgr.shape == upright.shape
    assert np.abs(frames[0].bgr.astype(int) - upright).mean() < 8


UNEVEN = [0.0, 0.04, 0.5, 0.54, 3.0, 3.01]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "mov"])
def test_variable_rates_keep_their_times(suffix, tmp_path):
    found = seen(clip(tmp_path / f"clip.{suffix}", times_s=UNEVEN))
    assert found == [(pytest.approx(t_s, abs=1e-3), i) for i, t_s in enumerate(UNEVEN)]


def test_time_begins_with_the_first_frame(tmp_path):
    path = clip(tmp_path / "late.mkv", times_s=[7.0, 7.5, 8.0])
    assert [t_s for t_s, _ in seen(path)] == [0.0, 0.5, 1.0]
    assert VideoFile(path).info.first_s == 7.0


@pytest.mark.parametrize("suffix", ["ts", "mpg"])
def test_recordings_that_were_joined_byte_by_byte(suffix, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", 60, fps=25)
    path.write_bytes(path.read_bytes() * 2)
    with VideoFile(path) as video:
        assert [number_of(frame.bgr) for frame in video.frames()] == list(range(60))
        assert "60 frames were left out" in video.problem
        assert "several recordings" in video.problem


def test_frames_that_come_twice_after_a_seek_are_not_said_to_be_lost(tmp_path, monkeypatch):
    """MPEG sends a key frame before those that are shown before it."""
    monkeypatch.setitem(QUICK, "mpeg2video", {"bf": "2"})
    path = clip(tmp_path / "c.mpg", 150, fps=25)
    with VideoFile(path) as video:
        found = [number_of(frame.bgr) for frame in video.frames(Selection(start_s=3.0))]
        assert found == list(range(75, 150))
        assert video.problem == ""


def test_times_that_do_not_advance_are_left_out_and_told(tmp_path):
    times = [1.0, 1.1, 1.05, 1.1, 1.2, 0.9, 1.3]
    with VideoFile(packets_at(tmp_path / "back.mkv", times)) as video:
        found = [(round(f.t_s, 3), number_of(f.bgr)) for f in video.frames()]
        assert found == [(0.0, 0), (0.1, 1), (0.2, 4), (0.3, 6)]
        assert "3 frames were left out" in video.problem
        assert "do not increase" in video.problem
        assert "several recordings" not in video.problem


@pytest.mark.parametrize("fps", [0.1, 240])
def test_slow_and_fast(fps, tmp_path):
    found = seen(clip(tmp_path / "clip.mp4", count=8, fps=fps))
    assert found == [(pytest.approx(i / fps, abs=1e-3), i) for i in range(8)]


def test_a_single_pixel(tmp_path):
    path = clip(tmp_path / "dot.avi", codec="ffv1", frames=[np.full((1, 1, 3), 200, np.uint8)] * 3)
    with VideoFile(path) as video:
        assert [frame.bgr.shape for frame in video.frames()] == [(1, 1, 3)] * 3
        assert video.problem == ""


def test_frames_of_8k(tmp_path):
    frames = [numbered(i, 7680, 4320) for i in range(2)]
    path = clip(tmp_path / "large.mkv", codec="mjpeg", frames=frames)
    with VideoFile(path) as video:
        assert [number_of(frame.bgr) for frame in video.frames()] == [0, 1]
        assert (video.info.width, video.info.height) == (7680, 4320)


def test_frames_may_change_their_size(tmp_path):
    path = packets_at(tmp_path / "c.mkv", [0, 0.1, 0.2], sizes=[(160, 120), (320, 240), (80, 60)])
    assert [f.bgr.shape for f in VideoFile(path).frames()] == [
        (120, 160, 3),
        (240, 320, 3),
        (60, 80, 3),
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_selections(suffix, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=50, fps=10, gop=7)
    numbers = {
        Selection(every=7): list(range(0, 50, 7)),
        Selection(fps=2): list(range(0, 50, 5)),
        Selection(fps=10): list(range(50)),
        Selection(fps=100): list(range(50)),
        Selection(start_s=2.0, end_s=2.5): list(range(20, 25)),
        Selection(start_s=3.75): list(range(38, 50)),
        Selection(every=3, start_s=2.0, end_s=3.0): [20, 23, 26, 29],
        Selection(fps=4, start_s=2.0, end_s=3.0): [20, 23, 25, 28],
    }
    for selection, expected in numbers.items():
        assert [number for _, number in seen(path, selection)] == expected, selection


def test_a_clip_keeps_the_files_time(tmp_path):
    path = clip(tmp_path / "clip.mp4", count=50, fps=10)
    assert seen(path, Selection(start_s=4.8)) == [(4.8, 48), (4.9, 49)]


def test_a_rate_of_uneven_frames(tmp_path):
    """The first frame at or after each half second; none is repeated."""
    times = [0.0, 0.3, 0.6, 0.7, 1.9, 2.0, 2.4]
    found = seen(clip(tmp_path / "clip.mkv", times_s=times), Selection(fps=2))
    assert [t_s for t_s, _ in found] == [0.0, 0.6, 1.9, 2.0]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm"])
def test_a_clip_deep_in_a_long_file_starts_quickly(suffix, tmp_path, monkeypatch):
    path = clip(tmp_path / f"clip.{suffix}", count=900, fps=10, gop=20)
    decoded = 0
    plain = demux.DecodePass.decoded

    def counting(self):
        nonlocal decoded
        for each in plain(self):
            decoded += 1
            yield each

    video = VideoFile(path)
    monkeypatch.setattr(demux.DecodePass, "decoded", counting)
    assert [round(f.t_s, 2) for f in video.frames(Selection(start_s=80, end_s=80.3))] == [
        80.0,
        80.1,
        80.2,
    ]
    assert decoded < 60


@pytest.mark.parametrize(("suffix", "codec"), [("h264", "libx264"), ("hevc", "libx265")])
def test_a_part_of_a_stream_without_a_container(suffix, codec, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=75, fps=25, gop=10, codec=codec)
    assert [number for _, number in seen(path, Selection(start_s=2.0))] == list(range(50, 75))


def test_a_clip_without_frames_is_told(tmp_path):
    with VideoFile(clip(tmp_path / "clip.mp4", count=20, fps=10)) as video:
        assert list(video.frames(Selection(start_s=60))) == []
        assert "no frame between" in video.problem


@pytest.mark.parametrize("wrong", [
    {"every": 0}, {"fps": 0}, {"fps": float("nan")}, {"every": 2, "fps": 3}, {"start_s": -1},
    {"start_s": 2, "end_s": 2}, {"start_s": float("inf")}, {"end_s": float("nan")},
])  # fmt: skip
def test_a_selection_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must be|not both"):
        Selection(**wrong)


times = st.lists(st.integers(0, 20_000), min_size=1, unique=True).map(
    lambda ticks: [tick / 1000 for tick in sorted(ticks)]
)


@given(times, st.floats(0.1, 60), st.floats(0, 10))
def test_a_rate_takes_the_first_of_each_slot(times, fps, start_s):
    take = Selection(fps=fps, start_s=start_s).picker()
    taken = [t_s for t_s in times if take(t_s)]
    slots: dict[int, float] = {}
    for t_s in times:
        if t_s >= start_s - 1e-6:
            slots.setdefault(int((t_s - start_s + 6e-4) * fps), t_s)
    assert taken == list(slots.values())


@pytest.mark.parametrize("rate", [23.976, 24, 25, 29.97, 30, 50, 60])
def test_the_rate_of_the_file_takes_every_frame(rate):
    """Of times in milliseconds too, as Matroska and FLV have them."""
    for times in ([n / rate for n in range(1000)], [round(n / rate, 3) for n in range(1000)]):
        take = Selection(fps=rate).picker()
        assert all(take(t_s) for t_s in times)


@given(times, st.integers(1, 9), st.floats(0, 10), st.floats(0.1, 10))
def test_every_nth_of_a_clip(times, every, start_s, length_s):
    selection = Selection(every=every, start_s=start_s, end_s=start_s + length_s)
    take = selection.picker()
    inside = [t for t in times if start_s - 1e-6 <= t < start_s + length_s - 1e-6]
    assert [t_s for t_s in times if take(t_s)] == inside[::every]


selections = st.one_of(
    st.builds(Selection, fps=st.floats(0.1, 60), start_s=st.floats(0, 10)),
    st.builds(Selection, every=st.integers(1, 9), start_s=st.floats(0, 10)),
)


@given(times, selections, st.data())
def test_what_is_left_of_a_selection_is_what_would_have_come(times, selection, data):
    take = selection.picker()
    whole = [t_s for t_s in times if take(t_s)]
    done = data.draw(st.integers(1, max(1, len(whole))))
    if whole:
        take = replace(selection, after_s=whole[done - 1]).picker()
        assert [t_s for t_s in times if take(t_s)] == whole[done:]


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_the_rest_of_a_video_is_read_from_where_it_stopped(suffix, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=60, fps=10, gop=7)
    chosen = Selection(fps=3, start_s=0.25)
    with VideoFile(path) as video:
        whole = [frame.t_s for frame in video.frames(chosen)]
        for done in (1, 8, len(whole)):
            rest = replace(chosen, after_s=whole[done - 1])
            assert [frame.t_s for frame in video.frames(rest)] == whole[done:]
            assert video.problem == ""


def test_what_was_taken_before_does_not_make_another_selection_of_a_batch():
    assert repr(Selection(after_s=1.0)) == "Selection(every=1, fps=None, start_s=0.0, end_s=None)"


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_frame_at_a_moment(suffix, tmp_path):
    path = clip(tmp_path / f"clip.{suffix}", count=40, fps=10, gop=7)
    for t_s, number in [(0, 0), (0.05, 0), (0.1, 1), (1.234, 12), (3.9, 39), (3.95, 39)]:
        found = read_frame(path, t_s)
        assert found is not None
        assert number_of(found) == number
    assert read_frame(path, -0.1) is None
    assert read_frame(path, 9.0) is None


def test_a_frame_is_shown_until_the_next(tmp_path):
    path = clip(tmp_path / "clip.mkv", times_s=UNEVEN)
    for t_s, number in [(0.0, 0), (0.03, 0), (0.54, 3), (0.6, 3), (2.9, 3), (3.0, 4)]:
        assert number_of(read_frame(path, t_s)) == number, t_s


def test_a_moment_from_a_table_finds_its_frame(tmp_path):
    """Tables round 1/3 s to 0.333, which is earlier."""
    path = clip(tmp_path / "clip.mp4")
    for t_s, number in seen(path):
        assert number_of(read_frame(path, round(t_s, 3))) == number


def test_the_frame_at_a_moment_is_upright(tmp_path):
    path = clip(tmp_path / "c.mp4", frames=[numbered(5)] * 3, turned={"degrees": 90})
    found = read_frame(path, 0.0)
    assert found is not None
    assert found.shape == (160, 120, 3)


def test_the_frame_of_a_file_that_is_gone(tmp_path):
    with pytest.raises(UnreadableVideo, match="no such file"):
        read_frame(tmp_path / "gone.mp4", 0.0)


@pytest.mark.shared
def test_a_real_recording(shared):
    with VideoFile(shared / "media" / "asl_yes.mkv") as video:
        frames = list(video.frames())
        assert video.problem == ""
    assert (video.info.width, video.info.height, len(frames)) == (640, 480, 65)
    assert frames[0].t_s == 0.0
    assert frames[-1].t_s == pytest.approx(64 / 30, abs=0.05)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "count"), [("male", 62), ("female-and-male", 56)])
def test_real_animations(name, count, shared):
    with VideoFile(shared / "media" / f"head-pose-face-detection-{name}.gif") as video:
        assert len(list(video.frames())) == count
        assert video.problem == ""
