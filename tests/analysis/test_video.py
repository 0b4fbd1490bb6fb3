"""Tests of decoding ahead of the analysis: order, early ends, errors, memory, progress."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from fer_core.analysis import video as analysis
from fer_core.analysis.progress import Progress, format_duration
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.analysis.video import analyze_video, step_s, too_far_apart
from fer_core.errors import UnreadableVideo
from fer_core.media.demux import DecodePass, VideoInfo
from fer_core.media.video import Selection, VideoFile
from fer_core.paths import ROOT
from tests.media.clips import clip, fake_analyzer, number_of, numbered
from tests.waiting import until


def decoders() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "video-decoder"]


def test_the_same_as_frame_by_frame(tmp_path):
    with VideoFile(clip(tmp_path / "clip.mp4")) as video:
        found = list(analyze_video(video, fake_analyzer(), Selection(every=2)))
        stream = StreamAnalyzer(fake_analyzer())
        plain = [stream.update(f.bgr, f.t_s) for f in video.frames(Selection(every=2))]
    assert [number_of(frame.bgr) for frame, _ in found] == list(range(0, 60, 2))
    assert [result.t_s for _, result in found] == [frame.t_s for frame, _ in found]
    assert [result.faces for _, result in found] == [result.faces for result in plain]
    assert {face.track_id for _, result in found for face in result.faces} == {1}
    assert not decoders()


def test_leaving_early_ends_the_thread(tmp_path):
    with VideoFile(clip(tmp_path / "clip.mp4")) as video:
        found = analyze_video(video, fake_analyzer())
        next(found)
        assert decoders()
        found.close()
        assert not decoders()


def test_an_error_in_the_analysis_ends_the_thread(tmp_path):
    class Broken(Exception):
        pass

    def fail(*_):
        raise Broken

    analyzer = fake_analyzer()
    analyzer.detector.detect = fail  # type: ignore[method-assign]
    with VideoFile(clip(tmp_path / "clip.mp4")) as video, pytest.raises(Broken):
        list(analyze_video(video, analyzer))
    assert not decoders()


def test_an_error_of_the_decoder_reaches_the_reader(tmp_path):
    path = clip(tmp_path / "clip.mp4")
    with VideoFile(path) as video:
        path.unlink()
        with pytest.raises(UnreadableVideo, match="no such file"):
            list(analyze_video(video, fake_analyzer()))
    assert not decoders()


class Enough(Exception):
    """Raised by the caller to stop waiting."""


def test_who_waits_for_a_frame_can_give_up(tmp_path, monkeypatch):
    """The decoder reads the whole file without reaching a selected frame."""
    decoded = DecodePass.decoded

    def slow(self):
        for found in decoded(self):
            time.sleep(0.2)
            yield found

    waits = 0

    def give_up():
        nonlocal waits
        waits += 1
        if waits == 2:
            raise Enough

    with VideoFile(clip(tmp_path / "clip.mp4", count=90)) as video:
        monkeypatch.setattr(DecodePass, "decoded", slow)
        with pytest.raises(Enough):
            list(analyze_video(video, fake_analyzer(), Selection(start_s=0.9), give_up))
        assert not decoders()
    assert waits == 2


def test_nobody_waits_for_a_decoder_that_is_stuck_within_a_frame(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "_STUCK_S", 0.1)
    free = threading.Event()

    def stuck(self):
        free.wait(60)
        yield from ()

    def give_up():
        raise Enough

    with VideoFile(clip(tmp_path / "clip.mp4", count=5)) as video:
        monkeypatch.setattr(DecodePass, "decoded", stuck)
        with pytest.raises(Enough):
            list(analyze_video(video, fake_analyzer(), waiting=give_up))
    assert decoders()
    free.set()
    until(lambda: not decoders())
    assert not decoders()


def test_only_a_few_frames_are_decoded_ahead(tmp_path, monkeypatch):
    decoded = 0
    plain = VideoFile.frames

    def counting(self, selection, stopped):
        nonlocal decoded
        for frame in plain(self, selection):
            decoded += 1
            yield frame

    monkeypatch.setattr(VideoFile, "frames", counting)
    with VideoFile(clip(tmp_path / "clip.mp4")) as video:
        found = analyze_video(video, fake_analyzer())
        next(found)
        # The one in the hand of the analysis, those that wait, the one that waits for room.
        limit = 1 + analysis._MOST_AHEAD + 1
        until(lambda: decoded == limit)
        assert decoded == limit
        next(found)
        until(lambda: decoded == limit + 1)
        found.close()


def test_large_frames_wait_one_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(analysis, "_AHEAD_BYTES", 3 * 160 * 120)
    seen: list[int] = []
    plain = analysis._Ahead

    def noted(items, count, stop):
        seen.append(count)
        return plain(items, count, stop)

    monkeypatch.setattr(analysis, "_Ahead", noted)
    with VideoFile(clip(tmp_path / "clip.mp4", count=5)) as video:
        assert len(list(analyze_video(video, fake_analyzer()))) == 5
    assert seen == [1]


def test_the_end_of_a_truncated_file_is_told(tmp_path):
    path = clip(tmp_path / "c.mkv", count=90)
    path.write_bytes(path.read_bytes()[:-4000])
    with VideoFile(path) as video:
        assert 0 < len(list(analyze_video(video, fake_analyzer()))) < 90
        assert "nothing could be read" in video.problem


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7680, 4320)])
def test_the_smallest_and_the_largest_frames(width, height, tmp_path):
    path = clip(tmp_path / "c.mkv", codec="ffv1" if width == 1 else "mjpeg",
                frames=[numbered(1, width, height)] * 2)  # fmt: skip
    with VideoFile(path) as video:
        sizes = {(r.width, r.height) for _, r in analyze_video(video, fake_analyzer())}
    assert sizes == {(width, height)}


@pytest.mark.soak
def test_memory_stays_flat():
    """20,000 frames, which are eleven minutes, through analysis and tables; see memory_child."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.media.memory_child"],
        cwd=ROOT, capture_output=True, text=True, timeout=150, check=True,
    )  # fmt: skip
    told = json.loads(child.stdout)
    assert told["frames"] == 20_000
    # All of its frames would be 1.1 GB, their rows as objects 40 MB.
    assert told["growth_mb"] < 20, told


def info(duration_s: float | None) -> VideoInfo:
    return VideoInfo("a.mp4", 160, 120, duration_s, 30.0, False)


def test_progress(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    progress = Progress(info(100.0), Selection(start_s=20.0, end_s=60.0))
    assert (progress.share, progress.left_s) == (0.0, None)
    now_s += 10
    progress.update(30.0)
    assert progress.share == pytest.approx(0.25)
    assert progress.left_s == pytest.approx(30.0)
    assert progress.sentence == "25% done, 0:30 left"
    progress.update(61.0)
    assert progress.share == 1.0


def test_what_an_earlier_run_did_counts_for_the_share_and_not_for_the_speed(monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    progress = Progress(info(110.0), Selection(start_s=10.0, after_s=90.0))
    assert (progress.share, progress.left_s) == (0.8, None)
    now_s += 10
    progress.update(95.0)
    assert progress.share == pytest.approx(0.85)
    assert progress.left_s == pytest.approx(30.0)


def test_progress_of_unknown_length():
    progress = Progress(info(None))
    progress.update(65.0)
    assert (progress.share, progress.left_s) == (None, None)
    assert progress.sentence == "1:05 done"


def test_progress_to_a_chosen_end_of_a_file_that_tells_no_length():
    progress = Progress(info(None), Selection(end_s=10.0))
    progress.update(5.0)
    assert progress.share == 0.5


@pytest.mark.parametrize(("fps", "selection", "seconds"), [
    (30.0, Selection(), 1 / 30), (30.0, Selection(every=90), 3.0),
    (30.0, Selection(fps=0.5), 2.0), (29.97, Selection(fps=0.5), 2.002),
    (30.0, Selection(fps=60.0), 1 / 30), (0.2, Selection(), 5.0),
    (None, Selection(fps=0.4), 2.5), (None, Selection(every=9), 0.0),
])  # fmt: skip
def test_frames_too_far_apart_to_follow_faces_are_told(fps, selection, seconds):
    info = VideoInfo("clip", 64, 64, 10.0, fps, False)
    found = step_s(info, selection)
    assert found == pytest.approx(seconds, abs=1e-3)
    assert ("cannot be followed" in too_far_apart(found)) == (seconds > 2.2)


def test_clock():
    assert [format_duration(s) for s in (0, 59.6, 61, 3725)] == ["0:00", "1:00", "1:01", "1:02:05"]
