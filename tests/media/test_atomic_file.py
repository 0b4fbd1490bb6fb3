"""Files that get their final name when they are complete: links, pipes, what was there before."""

from __future__ import annotations

import os
import re
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from fer_core.errors import VideoError
from fer_core.media import part_file
from fer_core.media.atomic_file import OutputFile
from tests.forked import Piped


class Text(OutputFile):
    """Writes its name."""

    def _open(self) -> None:
        self.part.write_text("begun")

    def _finish(self, whole: bool) -> None:
        self.part.write_text(self.path.name)

    def _abandon(self) -> None:
        pass


def test_it_has_its_name_at_the_end(tmp_path):
    path = tmp_path / "a.txt"
    with Text(path):
        [part] = tmp_path.glob("*.part")
        assert re.fullmatch(r"a\.txt\.[0-9a-f]{8}\.part", part.name)
    assert path.read_text() == "a.txt"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def test_two_who_write_one_file_do_not_mix(tmp_path):
    path = tmp_path / "a.txt"
    with Text(path) as first:
        first.part.write_text("half of the first")
        with Text(path) as second:
            assert first.part.read_text() == "half of the first"
            assert second.part.read_text() == "begun"
        assert path.read_text() == "a.txt"
        assert first.part.read_text() == "half of the first"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]


def write_for_ever(path: Path, pipe: Connection) -> None:
    """Begin an output, say so, and never end."""
    with Text(path):
        pipe.send("begun")
        time.sleep(3600.0)


def parts(folder: Path) -> set[str]:
    """The names of parts and of what holds them."""
    return {path.name for path in folder.iterdir() if path.suffix in (".part", ".lock")}


@pytest.mark.parametrize("name", ["a.txt", "a[1].0123abcd.part", "x" * 255])
def test_only_the_part_of_a_killed_process_is_removed(name, tmp_path):
    for other in ("a.txt.b.0123abcd.part", "b.txt.0123abcd.part"):
        (tmp_path / other).touch()
    others = parts(tmp_path)
    writer = Piped(write_for_ever, tmp_path / name)
    assert writer.pipe.recv() == "begun"
    its_own = parts(tmp_path) - others
    try:
        assert len(its_own) == 2
        with Text(tmp_path / name):
            assert its_own < parts(tmp_path)
        assert parts(tmp_path) - {name} == others | its_own
    finally:
        writer.kill()
        writer.wait(60)
    with Text(tmp_path / name):
        assert its_own.isdisjoint(parts(tmp_path))
    assert parts(tmp_path) - {name} == others
    assert (tmp_path / name).read_text() == name


def test_what_held_the_part_of_a_killed_process_is_removed_alone(tmp_path):
    for name in ("a.txt.0123abcd.lock", "a.txt.1123abcd.part"):
        (tmp_path / name).touch()
    with Text(tmp_path / "a.txt"):
        assert len(parts(tmp_path)) == 2
    assert parts(tmp_path) == set()


def test_nobody_locks_the_part_itself(tmp_path):
    """On a network disk, its own writer could not write to it then."""
    import fcntl

    with Text(tmp_path / "a.txt") as text, text.part.open("r+b") as part:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no open file")
def test_a_part_that_is_taken_for_abandoned_before_it_is_held(tmp_path, monkeypatch):
    import fcntl

    part, lock = tmp_path / "a.txt.0123abcd.part", fcntl.flock

    def lock_after_another(descriptor: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        part_file.remove_abandoned([part])
        assert parts(tmp_path) == set()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", lock_after_another)
    hold = part_file.Hold(part)
    part.touch()
    part_file.remove_abandoned([part])
    assert len(parts(tmp_path)) == 2
    hold.let_go()
    assert parts(tmp_path) == {part.name}
    part_file.remove_abandoned([part])
    assert parts(tmp_path) == set()


def test_a_link_keeps_pointing_to_its_file(tmp_path):
    target, link = tmp_path / "real" / "target.csv", tmp_path / "link.csv"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    with Text(link):
        assert target.read_text() == "old"
    assert link.is_symlink()
    assert target.read_text() == "link.csv"
    assert [each.name for each in target.parent.iterdir()] == ["target.csv"]


def test_a_pipe_is_not_replaced(tmp_path):
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(VideoError, match=r"pipe\.csv cannot be written: it is a device or a pipe"):
        Text(pipe).__enter__()
    assert pipe.is_fifo()


def test_devices_stay(tmp_path):
    link = tmp_path / "nowhere.csv"
    link.symlink_to(os.devnull)
    for path in (Path(os.devnull), link):
        with pytest.raises(VideoError, match="device"):
            Text(path).__enter__()
    assert Path(os.devnull).is_char_device()
