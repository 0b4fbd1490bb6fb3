"""Other streams in files of phones and studios do not affect the video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest
from click.testing import CliRunner

from fer_core.cli.main import main
from fer_core.media.video import Selection, VideoFile
from tests.export.test_annotated_video import film
from tests.media.clips import clip, heard_at, number_of

TIMECODE = {"timecode": "01:00:00:00"}
CHAPTERS = [{"id": i, "start": i, "end": i + 1, "time_base": 1, "metadata": {"title": f"part {i}"}}
            for i in range(2)]  # fmt: skip


def numbers(path: Path, selection: Selection = Selection()) -> list[int]:  # noqa: B008
    with VideoFile(path) as video:
        found = [number_of(frame.bgr) for frame in video.frames(selection)]
        assert (video.problem, video.note) == ("", "")
    return found


def kinds(path: Path) -> list[str]:
    with av.open(str(path)) as opened:
        return [stream.type for stream in opened.streams]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("sound", ["", "aac"])
def test_a_timecode(suffix, sound, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", tags=TIMECODE, sound=sound)
    assert "data" in kinds(path)
    assert numbers(path) == list(range(60))
    assert numbers(path, Selection(start_s=1.5)) == list(range(45, 60))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_chapters(suffix, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", sound="aac", chapters=CHAPTERS)
    assert "data" in kinds(path) or suffix == "mkv"
    assert numbers(path) == list(range(60))


def test_attachments_and_a_cover(tmp_path):
    path = tmp_path / "c.mkv"
    clip(path, attachments={"a.ttf": "font/ttf", "cover.jpg": "image/jpeg"})
    assert "attachment" in kinds(path) or "video" in kinds(path)[1:]
    assert numbers(path) == list(range(60))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "ts", "avi"])
@pytest.mark.parametrize("count", [1, 5, 60])
def test_sound_before_the_picture(suffix, count, tmp_path):
    """The decoder keeps the last frames until it is flushed."""
    codec = "mp2" if suffix in ("ts", "avi") else "aac"
    path = clip(tmp_path / f"c.{suffix}", count, sound=codec, sound_first=True)
    assert kinds(path)[:2] == ["audio", "video"]
    assert numbers(path) == list(range(count))


def test_a_telephones_layout(tmp_path):
    path = clip(
        tmp_path / "c.mov", sound="aac", sound_first=True, tags=TIMECODE, turned={"degrees": 90}
    )
    assert kinds(path) == ["audio", "video", "data"]
    with VideoFile(path) as video:
        assert len(list(video.frames())) == 60
        assert (video.info.width, video.info.height) == (120, 160)


def test_the_annotated_film_has_all_frames_and_the_sound(tmp_path):
    made = film(clip(tmp_path / "c.mov", 90, sound="aac", sound_first=True, tags=TIMECODE))
    assert numbers(made) == list(range(90))
    assert heard_at(made) == pytest.approx([0, 1, 2], abs=0.06)


def test_sound_of_an_unknown_kind_is_left_out(tmp_path):
    """Some phones add such a stream, for which FFmpeg has no decoder."""
    path = clip(tmp_path / "c.mkv", sound="libopus")
    path.write_bytes(path.read_bytes().replace(b"A_OPUS", b"A_OPUZ"))
    assert numbers(path) == list(range(60))
    assert not VideoFile(path).info.has_audio
    assert numbers(film(path)) == list(range(60))


def test_the_command_line_does_them_all(tmp_path):
    paths = [clip(tmp_path / f"{i}.mp4", 5, tags=TIMECODE) for i in range(2)]
    done: Any = CliRunner().invoke(
        main, ["video", *map(str, paths), "--emotion", "compact", "--detector", "scout"]
    )
    assert (done.exit_code, done.output.count("5 frames")) == (0, 2)
