"""Tests of the files of video jobs: none outlives its job, or the day."""

from __future__ import annotations

import errno
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from numpy.typing import NDArray

from fer_core.errors import HistoryUnavailable, VideoError
from fer_core.export import annotated_video
from fer_core.export.draw import annotate
from fer_core.history import History
from fer_core.jobs import queue, worker
from fer_core.jobs.copies import ORPHAN_S, VideoCopies, is_here
from fer_core.jobs.renders import Rendering
from fer_core.media.video import VideoFile
from fer_core.schema import FrameResult
from tests.history.workers import set_job
from tests.jobs.test_queue import FRAMES, OWNER, Gate, clip, ended, submit
from tests.jobs.test_queue import film as film
from tests.jobs.test_queue import make as make
from tests.jobs.test_queue import store as store
from tests.media.clips import disk_full_after
from tests.waiting import DEADLINE_S, until

DAY = timedelta(days=1)


def files(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "videos").iterdir()}


class Drawing:
    """Draws the first frame of annotated videos; the second waits to be let go."""

    def __init__(self) -> None:
        self.waits, self.go_on = threading.Event(), threading.Event()
        self._has_drawn = False

    def annotate(self, bgr: NDArray[np.uint8], result: FrameResult) -> NDArray[np.uint8]:
        if self._has_drawn:
            self.waits.set()
            assert self.go_on.wait(DEADLINE_S)
        self._has_drawn = True
        return annotate(bgr, result)


@pytest.fixture
def drawing(monkeypatch: pytest.MonkeyPatch) -> Drawing:
    made = Drawing()
    monkeypatch.setattr(annotated_video, "annotate", made.annotate)
    return made


def drawn(rendering: Rendering) -> None:
    until(lambda: rendering.done)
    assert rendering.error == ""


def test_an_annotated_video_that_is_being_made_goes_with_its_job(make, film, tmp_path, drawing):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    rendering = jobs.annotated_videos.render(job.id, OWNER)
    until(drawing.waits.is_set)
    jobs.remove(job.id, OWNER)
    drawing.go_on.set()
    until(lambda: rendering.done)
    assert files(tmp_path) == set()


def test_two_processes_make_the_same_annotated_video(make, film, drawing, monkeypatch):
    first, second = make(), make()
    job = ended(first, submit(first, film), "done")
    slow = first.annotated_videos.render(job.id, OWNER)
    until(drawing.waits.is_set)
    monkeypatch.setattr(annotated_video, "annotate", annotate)
    drawn(second.annotated_videos.render(job.id, OWNER))
    path = second.annotated_videos.path(job)
    assert frames_of(path) == FRAMES
    assert len(list(path.parent.glob("*.part"))) == 1  # the first one's own
    drawing.go_on.set()
    drawn(slow)
    assert frames_of(path) == FRAMES


def test_an_annotated_video_that_cannot_be_written_names_the_users_video(make, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    with disk_full_after(1000):
        rendering = jobs.annotated_videos.render(job.id, OWNER)
        until(lambda: rendering.done)
    assert rendering.error == (
        f"The disk is full: {job.name} with marked faces could not be written. Free some space and "
        "retry."
    )
    drawn(jobs.annotated_videos.render(job.id, OWNER))


def frames_of(path: Path) -> int:
    with VideoFile(path) as video:
        return len(list(video.frames()))


def test_what_a_killed_process_was_making_goes_with_its_job(make, film, tmp_path):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    for half in ("0123abcd.part", "part"):  # this version's, and the last one's
        Path(f"{jobs.annotated_videos.path(job)}.{half}").write_bytes(b"half a film")
    jobs.remove(job.id, OWNER)
    assert files(tmp_path) == set()


def test_resume_removes_the_annotated_video_of_the_first_part(make, store, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "SAVE_S", 0.0)
    gate = Gate(after=3)  # the detector looks every half second
    jobs = make(gate)
    number = submit(jobs, clip(tmp_path / "long.mp4", frames=90))
    until(gate.reached.is_set)
    jobs.cancel(number, OWNER)
    gate.open.set()
    job = ended(jobs, number, "cancelled")
    until(lambda: store.session(job.session_id, OWNER).finished)
    drawn(jobs.annotated_videos.render(number, OWNER))
    assert jobs.annotated_videos.path(job).is_file()
    jobs.resume(number, OWNER)
    assert jobs.annotated_videos.rendering(job) is None
    ended(jobs, number, "done")
    assert not jobs.annotated_videos.path(job).is_file()
    drawn(jobs.annotated_videos.render(number, OWNER))
    with VideoFile(jobs.annotated_videos.path(job)) as whole:
        assert len(list(whole.frames())) == 90


def test_an_annotated_video_that_disappeared_is_made_again(make, film):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    drawn(jobs.annotated_videos.render(job.id, OWNER))
    jobs.annotated_videos.path(job).unlink()
    drawn(jobs.annotated_videos.render(job.id, OWNER))
    assert jobs.annotated_videos.path(job).is_file()


def added_at(store: History, job_id: int, hours_ago: float) -> None:
    set_job(store, job_id, created_at=datetime.now(UTC) - timedelta(hours=hours_ago))


def test_a_copy_goes_a_day_after_it_was_added_not_analysed(make, store, film, tmp_path):
    jobs = make()
    old, young = (ended(jobs, submit(jobs, film), "done") for _ in range(2))
    drawn(jobs.annotated_videos.render(old.id, OWNER))
    added_at(store, old.id, 25)
    added_at(store, young.id, 23)
    jobs.expire(DAY)
    assert files(tmp_path) == {Path(young.path).name}
    assert len(jobs.jobs(OWNER)) == 2  # what was found stays for as long


def test_a_video_that_waits_for_a_day_ends_with_a_sentence(make, store, film, tmp_path):
    gate = Gate(after=0)
    jobs = make(gate)
    running, waiting = submit(jobs, film), submit(jobs, film)
    until(gate.reached.is_set)
    added_at(store, running, 25)
    added_at(store, waiting, 25)
    jobs.expire(DAY)
    job = jobs.job(waiting, OWNER)
    assert job.state == "failed"
    assert job.sentence.endswith("or raise FER_VIDEO_HOURS.")
    first = jobs.job(running, OWNER)
    assert files(tmp_path) == {Path(first.path).name}  # it is let finish
    gate.open.set()
    ended(jobs, running, "done")
    jobs.expire(DAY)
    assert files(tmp_path) == set()


def test_copies_expire_also_during_a_long_analysis(make, store, film, tmp_path, monkeypatch):
    monkeypatch.setattr(queue, "TIDY_S", 0.05)
    gate = Gate(after=1000)
    jobs = make(gate)
    old = ended(jobs, submit(jobs, film), "done")
    gate.after = 0
    running = submit(jobs, film)
    until(gate.reached.is_set)
    added_at(store, old.id, 25)
    until(lambda: files(tmp_path) == {Path(jobs.job(running, OWNER).path).name})
    gate.open.set()


def aged(path: Path, seconds: float) -> Path:
    then = time.time() - seconds
    path.write_bytes(b"")
    os.utime(path, (then, then))
    return path


def test_files_of_no_job_are_deleted_after_an_hour(make, film, tmp_path):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    mine = aged(jobs.annotated_videos.path(job), 2 * ORPHAN_S)
    orphans = [
        aged(tmp_path / "videos" / f"{'ab' * 16}{ending}", 2 * ORPHAN_S)
        for ending in (".video", ".marked.mp4", ".marked.mp4.0123abcd.part", ".marked.mp4.part")
    ]
    fresh = aged(tmp_path / "videos" / f"{'cd' * 16}.video", ORPHAN_S / 2)
    foreign = aged(tmp_path / "videos" / "holidays.mp4", 9 * ORPHAN_S)
    jobs.expire(DAY)
    assert not any(path.exists() for path in orphans)
    assert all(path.exists() for path in (mine, Path(job.path), fresh, foreign))


def test_no_folder_has_no_orphans(tmp_path):
    VideoCopies(tmp_path / "none").delete_orphans(set())


class Full(io.BytesIO):
    """A file of which not all can be copied."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_without_space_for_a_copy_is_a_sentence(tmp_path):
    with pytest.raises(VideoError, match=r"no space for a copy of film.mp4 \(No space left"):
        VideoCopies(tmp_path / "videos").add("film.mp4", Full(b"film"))
    assert files(tmp_path) == set()


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "data").touch()
    copies = VideoCopies(tmp_path / "data" / "videos")
    with pytest.raises(VideoError, match=r"film.mp4 could not be copied .* set FER_DATA_DIR"):
        copies.add("film.mp4", io.BytesIO(b"film"))
    copies.delete_orphans(set())  # nor does it end the tidying


def test_a_copy_below_a_folder_that_may_not_be_entered_is_not_here():
    # A name that is too long fails as one does that may not be entered, also for root.
    assert not is_here(f"/{'x' * 300}/film.video")


@pytest.mark.parametrize("here", [True, False])
def test_a_folder_is_checked_before_anything_is_stored(tmp_path, here):
    if here:
        (tmp_path / "videos").mkdir()
    VideoCopies(tmp_path / "videos").check()
    assert list(tmp_path.glob("videos/*")) == []
    (tmp_path / "file").touch()
    with pytest.raises(VideoError, match="Uploaded videos could not be copied"):
        VideoCopies(tmp_path / "file" / "videos").check()


def test_a_file_that_cannot_be_deleted_does_not_end_the_queue(make, film, tmp_path, monkeypatch):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    unlink: Callable[..., None] = Path.unlink

    def in_use(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".video":
            raise PermissionError(13, "The file is being used by another process")
        unlink(path, missing_ok)

    with monkeypatch.context() as windows:
        windows.setattr(Path, "unlink", in_use)
        jobs.expire(timedelta(0))
    assert jobs.jobs(OWNER) == []
    assert files(tmp_path) == {Path(job.path).name}
    aged(Path(job.path), 2 * ORPHAN_S)
    jobs.expire(DAY)
    assert files(tmp_path) == set()


@contextmanager
def full_disk(store: History) -> Iterator[None]:
    """The database can be read, and no job in it changed or deleted."""
    changes = ("UPDATE", "DELETE")
    for change in changes:
        run(
            store,
            f"CREATE TRIGGER full_{change} BEFORE {change} ON jobs "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
        )
    yield
    for change in changes:
        run(store, f"DROP TRIGGER full_{change}")


def run(store: History, statement: str) -> None:
    with store.database.writing() as connection:
        connection.execute(sa.text(statement))


def test_a_full_disk_loses_the_files_of_a_removed_job_at_once(make, store, film, tmp_path):
    jobs = make()
    job = ended(jobs, submit(jobs, film), "done")
    drawn(jobs.annotated_videos.render(job.id, OWNER))
    with full_disk(store):
        with pytest.raises(HistoryUnavailable):
            jobs.remove(job.id, OWNER)
        assert files(tmp_path) == set()
    jobs.remove(job.id, OWNER)
    assert jobs.jobs(OWNER) == []


def test_copies_expire_also_on_a_full_disk(make, store, film, tmp_path):
    gate = Gate(after=1000)
    jobs = make(gate)
    old = ended(jobs, submit(jobs, film), "done")
    gate.after = 0
    running, waiting = submit(jobs, film), submit(jobs, film)
    until(gate.reached.is_set)
    aged(tmp_path / "videos" / f"{'ab' * 16}.video", 2 * ORPHAN_S)
    for each in (old.id, running, waiting):
        added_at(store, each, 25)
    with full_disk(store):
        with pytest.raises(HistoryUnavailable):
            jobs.expire(DAY)
        assert files(tmp_path) == {Path(jobs.job(running, OWNER).path).name}
    jobs.expire(DAY)
    assert jobs.job(waiting, OWNER).state == "failed"
    gate.open.set()
