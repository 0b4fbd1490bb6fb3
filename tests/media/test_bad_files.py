"""Files that are not videos, or truncated: a sentence, and the readable part."""

from __future__ import annotations

import os
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_core.errors import UnreadableVideo, VideoError, VideoTooLarge
from fer_core.media.video import Selection, VideoFile, read_frame
from tests.conftest import SAMPLE
from tests.media.clips import CODECS, FASTSTART, clip, number_of, packets_at


def refused(path: Path, error: type[VideoError] = UnreadableVideo) -> str:
    """The sentence with which a file is refused."""
    with pytest.raises(error) as caught:
        VideoFile(path)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"not a video", b"\0" * 5000, os.urandom(5000)])
def test_not_a_video(content, tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_bytes(content)
    assert "not a video" in refused(path)


def test_a_picture_is_not_a_video():
    assert "not a video" in refused(SAMPLE)


def test_an_archive_is_not_a_video(tmp_path):
    with zipfile.ZipFile(tmp_path / "films.mp4", "w") as archive:
        archive.write(clip(tmp_path / "c.ts", 25, fps=25))
    assert "Unpack it" in refused(tmp_path / "films.mp4")


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refused(tmp_path / "empty.mp4")


def test_a_folder_a_missing_file_and_a_pipe(tmp_path):
    assert "folder" in refused(tmp_path)
    assert "no such file" in refused(tmp_path / "gone.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "regular file" in refused(tmp_path / "pipe.mp4")


def sound_only(path: Path) -> Path:
    with av.open(str(path), "w") as film:
        stream = film.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_no_video_stream(suffix, tmp_path):
    assert "only sound" in refused(sound_only(tmp_path / f"talk.{suffix}"))


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_no_frames(suffix, tmp_path):
    path = tmp_path / f"none.{suffix}"
    with av.open(str(path), "w") as film:
        stream = film.add_stream("mpeg4", rate=30)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        film.start_encoding()
    assert refused(path)


def jpegs(content: bytes) -> list[int]:
    """The positions of the frames of an MJPEG file."""
    return [match.start() for match in re.finditer(b"\xff\xd8\xff", content)]


def blank(content: bytes, start: int) -> bytes:
    """A JPEG without its header, which is needed to decode it."""
    return content[:start] + bytes(700) + content[start + 700 :]


def test_frames_that_cannot_be_decoded(tmp_path):
    path = clip(tmp_path / "clip.mkv", codec="mjpeg", count=5)
    content = path.read_bytes()
    for start in jpegs(content):
        content = blank(content, start)
    path.write_bytes(content)
    assert "No frame of this video can be read" in refused(path)


@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "txt"])
@pytest.mark.parametrize("kind", ["m3u8", "ffconcat"])
def test_playlists_open_nothing(kind, suffix, tmp_path, monkeypatch):
    """FFmpeg would open the files and addresses that they name."""
    target = clip(tmp_path / "target.mkv", count=5)
    path = tmp_path / f"list.{suffix}"
    path.write_text({
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
        "ffconcat": f"ffconcat version 1.0\nfile '{target.name}'\n",
    }[kind])  # fmt: skip
    assert "not a video" in refused(path)


def test_the_list_of_formats_is_what_refuses_playlists(tmp_path):
    """Without the list, FFmpeg opens the other file, which the test above would notice."""
    clip(tmp_path / "target.mkv", count=5)
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile 'target.mkv'\n")
    with av.open(str(path)) as opened:
        assert opened.format.name == "concat"


def test_a_name_is_never_an_address(tmp_path, monkeypatch):
    clip(tmp_path / "a.mp4", count=5)
    monkeypatch.chdir(tmp_path)
    assert "no such file" in refused(Path("concat:a.mp4|a.mp4"))
    assert "no such file" in refused(Path("http://127.0.0.1:9/a.mp4"))


def test_files_above_the_limit(tmp_path, monkeypatch):
    path = clip(tmp_path / "clip.mkv", count=5)
    with path.open("ab") as file:
        file.truncate(1_100_000)
    VideoFile(path)
    monkeypatch.setenv("FER_MAX_VIDEO_MB", "1")
    sentence = refused(path, VideoTooLarge)
    assert "1 MB" in sentence
    assert "FER_MAX_VIDEO_MB" in sentence


def test_frames_above_the_limit(tmp_path, monkeypatch):
    path = packets_at(tmp_path / "clip.mkv", [0, 0.1, 0.2], sizes=[(1200, 1000)] * 3)
    VideoFile(path)
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    assert "FER_MAX_MEGAPIXELS" in refused(path, VideoTooLarge)


def test_frames_that_grow_above_the_limit(tmp_path, monkeypatch):
    sizes = [(160, 120), (160, 120), (1200, 1000), (160, 120)]
    path = packets_at(tmp_path / "clip.mkv", [0, 0.1, 0.2, 0.3], sizes=sizes)
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    with VideoFile(path) as video:
        assert [number_of(frame.bgr) for frame in video.frames()] == [0, 1, 3]
        assert "1 frame could not be decoded" in video.problem


def test_a_file_that_disappears_before_it_is_read(tmp_path):
    path = clip(tmp_path / "clip.mp4")
    with VideoFile(path) as video:
        path.unlink()
        with pytest.raises(UnreadableVideo, match="no such file"):
            next(video.frames())


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "gif"])
def test_a_file_that_disappears_while_it_is_read(suffix, tmp_path):
    """The content remains until the reader closes the file; nothing is lost."""
    path = clip(tmp_path / f"clip.{suffix}")
    with VideoFile(path) as video:
        frames = video.frames()
        next(frames)
        path.unlink()
        assert len(list(frames)) == 59
        assert video.problem == ""


def test_an_mp4_without_its_index(tmp_path):
    path = clip(tmp_path / "clip.mp4")
    path.write_bytes(path.read_bytes()[:-1000])
    assert "incomplete" in refused(path)


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


TRUNCATED = {**CODECS, "gif": "gif"}


@pytest.mark.parametrize("suffix", TRUNCATED)
def test_truncated_in_the_middle(suffix, tmp_path):
    path = cut(clip(tmp_path / f"c.{suffix}", count=90, options=FASTSTART), 0.6)
    with VideoFile(path) as video:
        frames = list(video.frames())
        assert 10 < len(frames) < 80
        last_s = frames[-1].t_s
        assert f"From second {last_s:.1f} on nothing could be read" in video.problem
        # A frame may be cut in two, of the last ones only.
        assert [number_of(f.bgr) for f in frames[:-3]] == list(range(len(frames) - 3))
    assert read_frame(path, last_s / 2) is not None


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_truncated_with_sound(suffix, tmp_path):
    path = clip(tmp_path / f"c.{suffix}", count=90, sound="aac", options=FASTSTART)
    with VideoFile(path) as video:
        assert len(list(video.frames())) == 90
        assert video.problem == ""
    with VideoFile(cut(path, 0.5)) as video:
        assert 0 < len(list(video.frames())) < 90
        assert "nothing could be read" in video.problem


def test_sound_that_is_longer_than_the_pictures_is_no_damage(tmp_path):
    path = tmp_path / "c.mkv"
    clip(path, times_s=[0, 0.1, 5.0], sound="libopus")
    cut_short = clip(tmp_path / "d.mkv", times_s=[0, 0.1, 0.2])
    for each in (path, cut_short):
        with VideoFile(each) as video:
            assert len(list(video.frames())) == 3
            assert video.problem == ""


def test_a_hole_in_the_middle(tmp_path):
    """Undecodable frames are reported, and the frames after them are read."""
    path = clip(tmp_path / "c.mkv", codec="mjpeg", count=30)
    content = path.read_bytes()
    path.write_bytes(blank(content, jpegs(content)[10]))
    with VideoFile(path) as video:
        numbers = [number_of(frame.bgr) for frame in video.frames()]
        assert numbers == [i for i in range(30) if i != 10]
        assert video.problem == "1 frame could not be decoded and is missing."


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "mpeg4"), ("mpg", "mpeg2video")])
def test_a_frame_that_is_decoded_though_it_is_damaged(suffix, codec, tmp_path):
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (20, 120, 160, 3), dtype=np.uint8)
    path = clip(tmp_path / f"c.{suffix}", frames=list(noise), codec=codec)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as film:
        [*_, packet] = [next(film.demux(video=0)) for _ in range(10)]
        middle = (packet.pos or 0) + packet.size // 2
    content[middle : middle + 50] = random.bytes(50)
    path.write_bytes(content)
    with VideoFile(path) as video:
        assert len(list(video.frames())) == 20
        assert video.problem == "1 frame is damaged, and later ones may be, too."


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_avi_that_lacks_frames_in_its_middle_has_wrong_times(codec, tmp_path):
    """It has no times but the count of its frames."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (20, 120, 160, 3), dtype=np.uint8)
    path = clip(tmp_path / "c.avi", frames=list(noise), codec=codec)
    content = path.read_bytes()
    start, lost = len(content) // 2, len(content) // 4
    path.write_bytes(content[:start] + bytes(lost) + content[start + lost :])
    with VideoFile(path) as video:
        found = len(list(video.frames()))
        assert 10 < found < 18
        said = re.search(r"(\d) frames that the file lists could not be found", video.problem)
        assert said is not None
        assert 18 - found <= int(said[1]) <= 20 - found
        list(video.frames(Selection(start_s=0.0, end_s=0.1)))
        assert video.problem == ""


@pytest.fixture(scope="module")
def good(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("good")
    return {
        suffix: clip(folder / f"c.{suffix}", count=40, options=FASTSTART).read_bytes()
        for suffix in TRUNCATED
    }


@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(suffix=st.sampled_from(sorted(TRUNCATED)), share=st.floats(0.001, 0.999), damage=st.data())
def test_no_damage_raises_anything_else(suffix, share, damage, good, tmp_path):
    """Cut anywhere, and with bytes changed: a sentence or frames in order, never another error."""
    content = bytearray(good[suffix])
    if damage.draw(st.booleans()):
        content = content[: int(share * len(content))]
    else:
        spot = int(share * len(content))
        content[spot : spot + 20] = damage.draw(st.binary(min_size=20, max_size=20))
    path = tmp_path / f"bad.{suffix}"
    path.write_bytes(content)
    with suppress(VideoError), VideoFile(path) as video:
        times = [frame.t_s for frame in video.frames()]
        assert times == sorted(set(times))
        read_frame(path, 0.5)
