"""Files that get their final name when they are complete: links, pipes, what was there before."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from fer_core.errors import VideoError
from fer_core.media.atomic_file import OutputFile


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
        [part] = tmp_path.iterdir()
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
