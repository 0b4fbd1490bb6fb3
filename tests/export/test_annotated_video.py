"""Tests of the annotated video: codec, marks, times, sound, and no incomplete files."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import av
import numpy as np
import pytest

from fer_core.analysis.video import analyze_video
from fer_core.errors import VideoError
from fer_core.export.annotated_video import AnnotatedVideo
from fer_core.labels import EMOTIONS, Emotion, color_of
from fer_core.media.video import WHOLE, Selection, VideoFile
from tests.media.clips import (
    clip,
    disk_full_after,
    fake_analyzer,
    heard_at,
    number_of,
    numbered,
    packets_at,
)


def film(source: Path, selection: Selection = WHOLE, stop_after: int | None = None) -> Path:
    """The annotated video of a clip; with ``stop_after``, an error after that many frames."""
    path = source.with_name("film.mp4")
    with (
        VideoFile(source) as video,
        AnnotatedVideo(path, source, video.info, selection) as out,
        closing(analyze_video(video, fake_analyzer(), selection)) as pairs,
    ):
        for count, (frame, result) in enumerate(pairs):
            if count == stop_after:
                raise KeyboardInterrupt
            out.write(frame, result)
    return path


def times(path: Path) -> list[float]:
    with VideoFile(path) as video:
        found = [frame.t_s for frame in video.frames()]
        assert video.problem == ""
    return found


def test_what_browsers_play(tmp_path):
    path = film(clip(tmp_path / "c.avi"))
    content = path.read_bytes()
    assert content[4:8] == b"ftyp"
    assert content.index(b"moov") < content.index(b"mdat")
    with av.open(str(path)) as opened:
        [stream] = opened.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert stream.frames == 60
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["c.avi", "film.mp4"]


def test_faces_are_marked_in_the_true_colours(tmp_path):
    grey = np.full((120, 160, 3), (60, 90, 200), np.uint8)
    path = film(clip(tmp_path / "c.mkv", frames=[grey] * 5))
    [first, *_] = VideoFile(path).frames()
    # The box of the fake detector: its left edge, away from the label.
    edge = first.bgr[35, 9:13].astype(int)
    happy = np.array(color_of(Emotion.HAPPY, EMOTIONS).as_bgr())
    assert np.abs(edge - happy).max(axis=1).min() < 60
    assert np.abs(first.bgr[100, 120].astype(int) - grey[0, 0]).max() < 12


@pytest.mark.parametrize("size", [(161, 121), (1, 1), (160, 121)])
def test_sizes_are_made_even(size, tmp_path):
    frames = [np.full((size[1], size[0], 3), 128, np.uint8)] * 3
    path = film(clip(tmp_path / "c.mkv", codec="ffv1", frames=frames))
    info = VideoFile(path).info
    assert (info.width, info.height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert len(times(path)) == 3


@pytest.mark.parametrize(
    ("size", "encoded"), [((16_400, 80), (16_384, 80)), ((30, 16_385), (30, 16_384))]
)
def test_frames_larger_than_the_codec_allows_are_made_smaller(size, encoded, tmp_path):
    frames = [np.full((size[1], size[0], 3), 128, np.uint8)] * 2
    path = film(clip(tmp_path / "c.mkv", codec="ffv1", frames=frames))
    info = VideoFile(path).info
    assert (info.width, info.height) == encoded


def test_times_are_kept(tmp_path):
    uneven = [0.0, 0.04, 0.5, 0.54, 3.0, 3.01]
    path = film(clip(tmp_path / "c.mkv", times_s=uneven))
    assert times(path) == pytest.approx(uneven, abs=1e-3)


@pytest.mark.parametrize("fps", [0.1, 240])
def test_slow_and_fast(fps, tmp_path):
    path = film(clip(tmp_path / "c.mp4", fps=fps, count=6))
    assert times(path) == pytest.approx([i / fps for i in range(6)], abs=1e-3)


def test_only_what_was_analysed_is_in_it(tmp_path):
    path = film(clip(tmp_path / "c.mp4", fps=10), Selection(fps=2, start_s=1.0, end_s=4.0))
    with VideoFile(path) as video:
        found = {round(f.t_s, 3): number_of(f.bgr) for f in video.frames()}
    assert found == {0.0: 10, 0.5: 15, 1.0: 20, 1.5: 25, 2.0: 30, 2.5: 35}


def test_a_turned_video_becomes_an_upright_film(tmp_path):
    path = film(clip(tmp_path / "c.mp4", frames=[numbered(1)] * 3, turned={"degrees": 90}))
    info = VideoFile(path).info
    assert (info.width, info.height) == (120, 160)


def test_frames_that_change_their_size(tmp_path):
    sizes = [(160, 120), (320, 240), (160, 120)]
    path = film(packets_at(tmp_path / "c.mkv", [0, 0.1, 0.2], sizes=sizes))
    with VideoFile(path) as video:
        assert [(number_of(f.bgr), f.bgr.shape) for f in video.frames()] == [
            (i, (120, 160, 3)) for i in range(3)
        ]


SOUNDS = [("mp4", "aac"), ("mkv", "aac"), ("webm", "libopus"), ("mov", "pcm_s16le"),
          ("avi", "pcm_s16le"), ("mkv", "libopus")]  # fmt: skip


@pytest.mark.parametrize(("suffix", "sound"), SOUNDS)
def test_the_sound_is_kept(suffix, sound, tmp_path):
    path = film(clip(tmp_path / f"c.{suffix}", count=100, sound=sound))
    with av.open(str(path)) as opened:
        assert [stream.codec_context.name for stream in opened.streams.audio] == ["aac"]
    assert [t for t in heard_at(path) if t > 0.5] == pytest.approx([1.0, 2.0, 3.0], abs=0.05)
    assert len(times(path)) == 100


@pytest.mark.parametrize(("suffix", "sound"), SOUNDS)
def test_the_sound_is_cut_to_the_selection(suffix, sound, tmp_path):
    source = clip(tmp_path / f"c.{suffix}", count=150, sound=sound)
    path = film(source, Selection(every=5, start_s=1.5, end_s=3.5))
    assert heard_at(path) == pytest.approx([0.5, 1.5], abs=0.05)
    with av.open(str(path)) as opened:
        [heard] = opened.streams.audio
        assert heard.duration is not None
        assert heard.time_base is not None
        assert float(heard.duration * heard.time_base) == pytest.approx(2.0, abs=0.06)


def test_pictures_that_begin_later_than_the_sound(tmp_path):
    """Beeps at the full seconds of the file's clock, on which the pictures begin at 0.5 s."""
    source = clip(tmp_path / "c.mkv", times_s=[0.5 + i / 10 for i in range(30)], sound="libopus")
    assert heard_at(film(source)) == pytest.approx([0.5, 1.5, 2.5], abs=0.05)


def test_what_was_written_before_an_error_can_be_played(tmp_path):
    source = clip(tmp_path / "c.mp4", count=90, sound="aac")
    with pytest.raises(KeyboardInterrupt):
        film(source, stop_after=40)
    path = tmp_path / "film.mp4"
    assert times(path) == pytest.approx([i / 30 for i in range(40)], abs=1e-3)
    assert [t for t in heard_at(path) if t > 0.5] == pytest.approx([1.0], abs=0.05)


def test_a_source_that_disappears_leaves_a_film_without_sound(tmp_path):
    source = clip(tmp_path / "c.mp4", sound="aac")
    with VideoFile(source) as video:
        pairs = list(analyze_video(video, fake_analyzer()))
        source.unlink()
        with AnnotatedVideo(tmp_path / "film.mp4", source, video.info, WHOLE) as out:
            for frame, result in pairs:
                out.write(frame, result)
    assert len(times(tmp_path / "film.mp4")) == 60


def test_without_a_frame_there_is_no_film(tmp_path):
    film(clip(tmp_path / "c.mp4"), Selection(start_s=60))
    assert [each.name for each in tmp_path.iterdir()] == ["c.mp4"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.98, 0.999])
@pytest.mark.parametrize("sound", ["", "aac"])
def test_a_full_disk(share, sound, tmp_path):
    """At once, in the middle, at the end, while the index is moved to the front.

    No nearer to the end: x264's threads do not always come to the same byte.
    """
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (120, 160, 3)).astype(np.uint8) for _ in range(40)]
    source = clip(tmp_path / "c.mkv", frames=noise, sound=sound)
    path = film(source)
    size = path.stat().st_size
    before = path.read_bytes()
    with disk_full_after(int(size * share)), pytest.raises(VideoError, match=r"full: film\.mp4"):
        film(source)
    assert path.read_bytes() == before
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["c.mkv", "film.mp4"]


def test_a_folder_that_does_not_exist(tmp_path):
    source = clip(tmp_path / "c.mp4", count=3)
    out = AnnotatedVideo(tmp_path / "no" / "film.mp4", source, VideoFile(source).info, WHOLE)
    with pytest.raises(VideoError, match="no such file or directory"):
        out.__enter__()
