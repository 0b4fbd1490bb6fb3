"""Tests of the job queue: jobs survive pages and processes, and lose at most half a second."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import (
    JobUnknown,
    SessionUnknown,
    TooManyJobs,
    UnknownModel,
    UnreadableVideo,
    VideoError,
    VideoTooLarge,
)
from fer_core.history import LOCAL, History, JobInfo, tables
from fer_core.jobs import queue as jobs_module
from fer_core.jobs import worker
from fer_core.jobs.limits import JobLimits
from fer_core.jobs.queue import VideoJobs
from fer_core.jobs.renders import AnnotatedVideos, Rendering
from fer_core.media.demux import DecodePass
from fer_core.media.video import Selection, VideoFile, read_frame
from fer_core.paths import ROOT
from fer_core.schema import Box, Detection
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel
from tests.waiting import DEADLINE_S, Clock, until

FRAMES = 60
OWNER = LOCAL


def clip(path: Path, frames: int = FRAMES, fps: int = 30) -> Path:
    """A short grey film that gets brighter."""
    with av.open(str(path), "w", format="mp4") as film:
        stream = film.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        for number in range(frames):
            picture = np.full((96, 128, 3), 40 + 2 * (number % 90), np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        film.mux(stream.encode(None))
    return path


class Gate(FakeDetector):
    """A detector that waits, after so many pictures, until it is let go."""

    def __init__(self, after: int) -> None:
        super().__init__((Box(20, 10, 60, 60),))
        self.after = after
        self.count = 0
        self.reached, self.open = threading.Event(), threading.Event()

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        self.count += 1
        if self.count > self.after:
            self.reached.set()
            assert self.open.wait(DEADLINE_S)
        return super().detect(bgr)


def analyzer(detector: FakeDetector | None = None) -> Analyzer:
    found = detector or FakeDetector((Box(20, 10, 60, 60),))
    return Analyzer(found, FakeEmotionModel(), FakeLandmarkModel())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[History]:
    made = History(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    yield made
    made.close()


@pytest.fixture
def make(store: History, tmp_path: Path) -> Iterator[Callable[..., VideoJobs]]:
    made: list[VideoJobs] = []

    def new(detector: FakeDetector | None = None, workers: int = 1) -> VideoJobs:
        made.append(VideoJobs(store, tmp_path / "videos", lambda *_: analyzer(detector), workers))
        return made[-1]

    yield new
    for each in made:
        each.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return clip(tmp_path / "film.mp4")


def submit(jobs: VideoJobs, film: Path, keep: bool = False, **selection: Any) -> int:
    with film.open("rb") as data:
        return jobs.submit(
            film.name, data, Selection(**selection), "haar", "compact", owner=OWNER, keep=keep
        )


def ended(jobs: VideoJobs, job_id: int, state: str) -> JobInfo:
    """The job, once it is in this state."""

    def job() -> JobInfo | None:
        found = next(each for each in jobs.jobs(OWNER) if each.id == job_id)
        assert found.state in (state, "waiting", "running"), found.sentence
        return found if found.state == state else None

    result: JobInfo = until(job)
    return result


def table(store: History, job: JobInfo) -> pd.DataFrame:
    assert job.session_id is not None
    return store.table(job.session_id, OWNER)


def times(store: History, job: JobInfo) -> list[float]:
    return [float(t) for t in table(store, job)["t_s"]]


def test_a_job_analyses_every_frame(make, store, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(FRAMES)], abs=1e-3)
    assert job.share == pytest.approx(1.0, abs=0.05)
    assert job.sentence == ""
    session = store.session(job.session_id, OWNER)
    assert (session.kind, session.name, session.frames) == ("video", "film.mp4", FRAMES)
    assert session.finished
    assert not session.kept
    assert store.sessions(OWNER) == []


def test_a_selection_is_obeyed(make, store, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film, every=3, start_s=0.5, end_s=1.5), "done")
    assert times(store, job) == pytest.approx([0.5 + n / 10 for n in range(10)], abs=1e-3)


def test_frames_too_far_apart_to_follow_faces_are_told(make, film):
    jobs = make()
    assert "cannot be followed" in ended(jobs, submit(jobs, film, fps=0.4), "done").sentence


def test_several_jobs_in_the_order_they_came(make, store, film):
    gate = Gate(after=0)
    jobs = make(gate)
    numbers = [submit(jobs, film) for _ in range(3)]
    until(gate.reached.is_set)
    states = {job.id: job.state for job in jobs.jobs(OWNER)}
    assert [states[number] for number in numbers] == ["running", "waiting", "waiting"]
    gate.open.set()
    for number in numbers:
        ended(jobs, number, "done")
    finished = [job.finished_at for job in sorted(jobs.jobs(OWNER), key=lambda job: job.id)]
    assert finished == sorted(finished)


def test_what_is_no_video_is_refused_and_leaves_nothing(make, tmp_path):
    jobs = make()
    with pytest.raises(UnreadableVideo):
        jobs.submit(
            "x.mp4", io.BytesIO(b"no film"), Selection(), "haar", "c", owner=OWNER, keep=False
        )
    assert jobs.jobs(OWNER) == []
    assert list((tmp_path / "videos").iterdir()) == []


def test_engines_that_cannot_be_had_are_refused_at_once(store, tmp_path, film):
    def none(*_: str) -> Analyzer:
        raise UnknownModel("There is no such model.")

    jobs = VideoJobs(store, tmp_path / "videos", none)
    with pytest.raises(UnknownModel):
        submit(jobs, film)
    assert jobs.jobs(OWNER) == []


def test_a_full_disk_is_a_sentence(make, film, monkeypatch, tmp_path):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(VideoError, match="No space left on device"):
        submit(make(), film)
    assert list((tmp_path / "videos").iterdir()) == []


def test_the_copy_is_for_this_user_alone_and_has_no_name_from_outside(make, film, tmp_path):
    jobs = make()
    with film.open("rb") as data:
        jobs.submit("../../evil.mp4", data, Selection(), "haar", "compact", owner=OWNER, keep=False)
    [copy] = (tmp_path / "videos").iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    assert copy.parent.stat().st_mode & 0o077 == 0
    assert "evil" not in copy.name
    assert jobs.jobs(OWNER)[0].name == "../../evil.mp4"


def test_cancel_keeps_what_is_done_and_resume_goes_on(make, store, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    film = clip(tmp_path / "long.mp4", frames=90)
    gate = Gate(after=3)  # the detector looks every half second
    jobs = make(gate)
    number = submit(jobs, film)
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    gate.open.set()
    job = ended(jobs, number, "cancelled")
    until(lambda: store.session(job.session_id, OWNER).finished)
    before = times(store, job)
    assert 0 < len(before) < 90
    jobs.resume(number, OWNER)
    job = ended(jobs, number, "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(90)], abs=1e-3)
    ids = table(store, job)["track_id"]
    # Whom the first part saw, the second cannot know again: a number is never given twice.
    assert set(ids[: len(before)]) == {1}
    assert set(ids[len(before) :].dropna()) == {2}


@pytest.mark.parametrize(
    "selection",
    [{"every": 4}, {"fps": 7.0}, {"every": 4, "start_s": 0.31}, {"fps": 7.0, "start_s": 0.31}],
)
def test_a_resumed_job_takes_the_frames_that_it_would_have_taken(
    make, store, tmp_path, monkeypatch, selection
):
    film = clip(tmp_path / "long.mp4", frames=90)
    with VideoFile(film) as video:
        whole = [frame.t_s for frame in video.frames(Selection(**selection))]
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    gate = Gate(after=3)
    jobs = make(gate)
    number = submit(jobs, film, **selection)
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    gate.open.set()
    job = ended(jobs, number, "cancelled")
    until(lambda: store.session(job.session_id, OWNER).finished)
    assert 0 < len(times(store, job)) < len(whole)
    jobs.resume(number, OWNER)
    job = ended(jobs, number, "done")
    assert times(store, job) == whole
    assert job.sentence == ""
    marked = jobs.annotated_videos.render(number, OWNER)
    until(lambda: marked.done)
    with VideoFile(jobs.annotated_videos.path(job)) as video:
        assert len(list(video.frames())) == len(whole)


def test_a_job_that_ended_before_it_could_say_so_resumes_to_its_end(make, store, film):
    jobs = make()
    number = submit(jobs, film)
    job = ended(jobs, number, "done")
    with store.database.writing() as connection:
        connection.execute(sa.update(tables.jobs).values(state="interrupted"))
    jobs.resume(number, OWNER)
    again = ended(jobs, number, "done")
    assert (times(store, again), again.sentence) == (times(store, job), "")


def test_a_job_that_waits_can_be_cancelled(make, film):
    gate = Gate(after=0)
    jobs = make(gate)
    first, second = submit(jobs, film), submit(jobs, film)
    until(gate.reached.is_set)
    jobs.cancel(second, OWNER)
    gate.open.set()
    ended(jobs, first, "done")
    assert ended(jobs, second, "cancelled").done_s == 0.0


def test_a_closed_runner_leaves_the_job_to_be_resumed(make, store, film, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    gate = Gate(after=2)
    jobs = make(gate)
    number = submit(jobs, film)
    until(gate.reached.is_set)
    closing = threading.Thread(target=jobs.close)
    closing.start()
    until(jobs._closed.is_set)
    gate.open.set()
    closing.join(10)
    ended(jobs, number, "interrupted")
    done_s = times(store, jobs.job(number, OWNER))[-1]
    gate = Gate(after=0)
    later = make(gate)
    later.resume(number, OWNER)
    until(gate.reached.is_set)
    assert later.how_far(later.job(number, OWNER)) == f"{done_s / (FRAMES / 30):.0%} done"
    gate.open.set()
    job = ended(later, number, "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(FRAMES)], abs=1e-3)


KILLED = """
import sys, time
from pathlib import Path
from fer_core.history import LOCAL, History
from fer_core.jobs.queue import VideoJobs
from fer_core.media.video import Selection
from tests.jobs.test_queue import analyzer
from fer_core.testing import FakeDetector
from fer_core.schema import Box

class Slow(FakeDetector):
    def detect(self, bgr):
        time.sleep(0.3)
        return super().detect(bgr)

url, folder, film = sys.argv[1:]
jobs = VideoJobs(History(url), Path(folder), lambda *_: analyzer(Slow((Box(20, 10, 60, 60),))))
with open(film, "rb") as data:
    jobs.submit("film.mp4", data, Selection(), "haar", "compact", owner=LOCAL, keep=True)
time.sleep(60)
"""


def test_a_killed_process_leaves_a_job_that_can_be_resumed(make, store, tmp_path, monkeypatch):
    film = clip(tmp_path / "film.mp4", frames=240)
    url = f"sqlite:///{tmp_path / 'history.sqlite3'}"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, url, str(tmp_path / "videos"), str(film)], cwd=ROOT
    )
    try:
        jobs = make()
        job = until(lambda: next((j for j in jobs.jobs(OWNER) if j.done_s > 0), None))
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert jobs.jobs(OWNER)[0].state == "running"  # nobody could say otherwise
    saved = len(times(store, job))
    assert saved > 0
    with monkeypatch.context() as impatient:
        impatient.setattr(jobs_module, "STALE_S", 0.2)
        jobs.start()
        ended(jobs, job.id, "interrupted")
    jobs.resume(job.id, OWNER)
    job = ended(jobs, job.id, "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(240)], abs=1e-3)
    assert store.session(job.session_id, OWNER).kept


def test_a_copy_that_disappears_is_a_sentence(make, film, tmp_path):
    gate = Gate(after=0)
    jobs = make(gate)
    first, second = submit(jobs, film), submit(jobs, film)
    until(gate.reached.is_set)
    waiting = next(job for job in jobs.jobs(OWNER) if job.id == second)
    Path(waiting.path).unlink()
    gate.open.set()
    ended(jobs, first, "done")
    assert ended(jobs, second, "failed").sentence.endswith(".")


def test_going_on_without_the_copy_is_refused(make, film):
    gate = Gate(after=1)
    jobs = make(gate)
    number = submit(jobs, film)
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    gate.open.set()
    job = ended(jobs, number, "cancelled")
    Path(job.path).unlink()
    with pytest.raises(VideoError, match="add the video again"):
        jobs.resume(number, OWNER)
    assert jobs.job(number, OWNER).state == "cancelled"


def test_an_engine_that_breaks_ends_the_job_and_not_the_queue(make, store, film, tmp_path):
    class Broken(FakeDetector):
        def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
            raise RuntimeError("out of order")

    engines = [Broken(), FakeDetector((Box(20, 10, 60, 60),))]
    asked: list[str] = []

    def make_analyzer(detector: str, _: str) -> Analyzer:
        asked.append(detector)
        return analyzer(engines[0 if len(asked) <= 2 else 1])

    jobs = VideoJobs(store, tmp_path / "videos", make_analyzer)
    try:
        first = submit(jobs, film)
        assert "out of order" in ended(jobs, first, "failed").sentence
        ended(jobs, submit(jobs, film), "done")
    finally:
        jobs.close()


def test_remove_deletes_the_copy_and_what_was_not_kept(make, store, film, tmp_path):
    jobs = make()
    gone, kept = submit(jobs, film), submit(jobs, film, keep=True)
    gone_job, kept_job = ended(jobs, gone, "done"), ended(jobs, kept, "done")
    jobs.remove(gone, OWNER)
    jobs.remove(kept, OWNER)
    assert list((tmp_path / "videos").iterdir()) == []
    assert jobs.jobs(OWNER) == []
    with pytest.raises(SessionUnknown):
        store.session(gone_job.session_id, OWNER)
    assert store.session(kept_job.session_id, OWNER).frames == FRAMES


def test_a_running_job_can_be_removed(make, film, tmp_path):
    gate = Gate(after=1)
    jobs = make(gate)
    number = submit(jobs, film)
    until(gate.reached.is_set)
    jobs.remove(number, OWNER)
    gate.open.set()
    ended(jobs, submit(jobs, film), "done")  # the queue goes on
    assert len(jobs.jobs(OWNER)) == 1


def test_keep_makes_the_session_part_of_the_history(make, store, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    jobs.keep(job.id, OWNER)
    assert [each.id for each in store.sessions(OWNER)] == [job.session_id]


def test_jobs_that_ended_long_ago_expire(make, film, tmp_path):
    jobs = make()
    number = submit(jobs, film)
    ended(jobs, number, "done")
    jobs.expire(timedelta(hours=1))
    assert len(jobs.jobs(OWNER)) == 1
    jobs.expire(timedelta(0))
    assert jobs.jobs(OWNER) == []
    assert list((tmp_path / "videos").iterdir()) == []


def test_a_video_that_is_too_long_is_refused(make, film, monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MAX_VIDEO_MINUTES", str(0.5 / 60))
    jobs = make()
    with pytest.raises(VideoTooLarge, match=r"0:02 long .* limit is 0:00.* Choose a part"):
        submit(jobs, film)
    assert list((tmp_path / "videos").iterdir()) == []
    ended(jobs, submit(jobs, film, start_s=0.5, end_s=1.0), "done")  # a part of it is not


def test_a_video_that_hides_its_length_ends_at_the_limit(make, store, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    monkeypatch.setenv("FER_MAX_VIDEO_MINUTES", str(1 / 60))
    film = clip(tmp_path / "long.mp4", frames=150)
    # The file's own account is taken for a shorter one.
    monkeypatch.setattr(JobLimits, "check_length", lambda *_: None)
    jobs = make()
    job = ended(jobs, submit(jobs, film), "failed")
    assert "the limit is 0:01" in job.sentence
    assert times(store, job)[-1] == pytest.approx(2.0, abs=0.1)  # what was found stays


def test_a_user_has_so_many_jobs_at_work(make, film, monkeypatch, tmp_path):
    monkeypatch.setenv("FER_MAX_USER_JOBS", "2")
    gate = Gate(after=0)
    jobs = make(gate)
    first, second = submit(jobs, film), submit(jobs, film)
    until(gate.reached.is_set)
    with pytest.raises(TooManyJobs, match=r"2 videos\. .*Wait until one is done"):
        submit(jobs, film)
    assert len(list((tmp_path / "videos").iterdir())) == 2
    # Another user has places of their own.
    with film.open("rb") as data:
        jobs.submit("x", data, Selection(), "haar", "compact", owner="another", keep=False)
    jobs.cancel(second, OWNER)
    third = submit(jobs, film)
    with pytest.raises(TooManyJobs):
        jobs.resume(second, OWNER)
    gate.open.set()
    for number in (first, third):
        ended(jobs, number, "done")
    jobs.resume(second, OWNER)
    ended(jobs, second, "done")


def test_a_job_that_takes_too_long_makes_room_and_goes_on_later(make, store, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    monkeypatch.setenv("FER_MAX_JOB_MINUTES", str(2.0 / 60))
    clock = Clock()
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=clock))
    gate = Gate(after=0)
    jobs = make(gate)
    film = clip(tmp_path / "long.mp4", frames=90)
    number, other = submit(jobs, film), submit(jobs, film, end_s=0.1)
    until(gate.reached.is_set)
    clock.now_s += 2.1
    gate.open.set()
    job = ended(jobs, number, "interrupted")
    assert "FER_MAX_JOB_MINUTES" in job.sentence
    assert 0 < len(times(store, job)) < 90
    ended(jobs, other, "done")
    monkeypatch.delenv("FER_MAX_JOB_MINUTES")
    jobs.resume(number, OWNER)
    job = ended(jobs, number, "done")
    assert times(store, job) == pytest.approx([n / 30 for n in range(90)], abs=1e-3)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Videos whose time stands still, so that no frame is the next one."""
    packets = DecodePass._packets

    def again(self: DecodePass) -> Iterator[av.Packet[av.VideoStream]]:
        first = next(packets(self))
        while not self._stopped():
            time.sleep(0.01)
            yield first

    monkeypatch.setattr(DecodePass, "_packets", again)


def decoders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "video-decoder"]


def test_a_job_without_any_frame_can_be_cancelled(make, film, endless):
    jobs = make()
    number = submit(jobs, film, start_s=1.0)
    job = until(lambda: next((job for job in jobs.jobs(OWNER) if job.state == "running"), None))
    # It gives signs of life, so that no other process takes it for lost.
    assert until(lambda: jobs.job(number, OWNER).heartbeat_at > job.heartbeat_at)
    jobs.cancel(number, OWNER)
    ended(jobs, number, "cancelled")
    until(lambda: not decoders())


def test_a_job_without_any_frame_ends_when_its_time_is_over(make, film, endless, monkeypatch):
    monkeypatch.setenv("FER_MAX_JOB_MINUTES", str(1.0 / 60))
    jobs = make()
    number = submit(jobs, film, start_s=1.0)
    assert "FER_MAX_JOB_MINUTES" in ended(jobs, number, "interrupted").sentence
    until(lambda: not decoders())


def test_who_goes_on_queues_up_behind_those_who_wait(make, store, film):
    gate = Gate(after=0)
    jobs = make(gate)
    first = submit(jobs, film)
    until(gate.reached.is_set)
    jobs.cancel(first, OWNER)
    second = submit(jobs, film)
    store.resume_job(first, OWNER, lambda _active: None)
    claimed = store.claim_job("another worker")
    assert claimed is not None
    assert claimed.id == second
    gate.open.set()


def test_nobody_reaches_the_job_of_another(make, film):
    jobs = make()
    number = submit(jobs, film)
    ended(jobs, number, "done")
    assert jobs.jobs("somebody else") == []
    for reach in (jobs.cancel, jobs.resume, jobs.keep, jobs.remove, jobs.annotated_videos.render):
        with pytest.raises(JobUnknown):
            reach(number, "somebody else")
    with pytest.raises(JobUnknown):
        jobs.annotated_videos.frame(number, "somebody else", 0.0)


def test_two_runners_share_a_queue_and_no_job_is_done_twice(make, store, film):
    first, second = make(), make()
    second.start()
    numbers = [submit(first, film) for _ in range(4)]
    for number in numbers:
        job = ended(first, number, "done")
        assert len(times(store, job)) == FRAMES


def test_a_moment_is_shown_with_its_faces_marked(make, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    bgr = jobs.annotated_videos.frame(job.id, OWNER, 1.0)
    assert bgr.shape == (96, 128, 3)
    assert bgr.std() > 1.0  # the film itself is one grey
    assert jobs.annotated_videos.frame(job.id, OWNER, 99.0) is None


def test_a_face_is_not_marked_long_after_it_was_seen(make, tmp_path):
    film = clip(tmp_path / "slow.mp4", frames=30, fps=5)
    jobs = make()
    job = ended(jobs, submit(jobs, film, fps=0.2), "done")
    for t_s, marked in ((0.0, True), (2.0, True), (2.2, False), (4.8, False), (5.0, True)):
        plain, shown = read_frame(film, t_s), jobs.annotated_videos.frame(job.id, OWNER, t_s)
        assert plain is not None
        assert bool((shown != plain).any()) == marked, t_s


def test_the_marked_video_is_made_from_what_was_found(make, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film, every=2), "done")
    rendering = jobs.annotated_videos.render(job.id, OWNER)
    assert jobs.annotated_videos.render(job.id, OWNER) is rendering  # one at a time
    until(lambda: rendering.done)
    assert rendering.error == ""
    with VideoFile(jobs.annotated_videos.path(job)) as marked:
        frames = list(marked.frames())
    assert len(frames) == FRAMES // 2
    assert frames[5].bgr.std() > 1.0


def test_marked_films_are_made_one_after_the_other(make, film, monkeypatch):
    jobs = make()
    made = [ended(jobs, submit(jobs, film), "done") for _ in range(3)]
    at_work, most = 0, 0
    draw = AnnotatedVideos._draw

    def watched(films: AnnotatedVideos, job: JobInfo, rendering: Rendering) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.05)
        draw(films, job, rendering)
        at_work -= 1

    monkeypatch.setattr(AnnotatedVideos, "_draw", watched)
    renderings = [jobs.annotated_videos.render(job.id, OWNER) for job in made]
    until(lambda: all(rendering.done for rendering in renderings))
    assert [rendering.error for rendering in renderings] == ["", "", ""]
    assert all(jobs.annotated_videos.path(job).is_file() for job in made)
    assert most == 1


def test_a_marked_video_of_a_vanished_copy_is_a_sentence(make, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    Path(job.path).unlink()
    rendering = jobs.annotated_videos.render(job.id, OWNER)
    until(lambda: rendering.done)
    assert rendering.error.endswith(".")
    again = jobs.annotated_videos.render(job.id, OWNER)
    assert again is not rendering
    until(lambda: again.done)
