"""``python -m fer_core video``."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fer_core.cli import video_run as video_run
from fer_core.cli.main import main
from fer_core.cli.video import Moment
from fer_core.media.video import VideoFile
from fer_core.paths import ROOT
from fer_core.timeline.table import columns
from tests.media.clips import clip, fake_analyzer


@pytest.fixture(autouse=True)
def _fakes(request, monkeypatch):
    """Models that take no time, but for real faces."""
    if not request.node.get_closest_marker("shared"):
        monkeypatch.setattr("fer_core.cli.options.Analyzer", lambda *_: fake_analyzer())


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    result = CliRunner().invoke(main, ["video", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def test_a_summary(tmp_path):
    path = clip(tmp_path / "c.mp4", count=30, fps=10)
    code, out, err = run(path)
    assert (code, err) == (0, "")
    assert "30 frames, 2.9 s, fake-emotion, fake-detector" in out
    assert "Face 1: seen for 2.9 s" in out
    assert "happy     dominant 100%" in out
    assert "switches 0" in out


def test_the_length_of_a_section_is_its_own(tmp_path):
    path = clip(tmp_path / "c.mp4", count=30, fps=10)
    assert ": 10 frames, 0.9 s, " in run(path, "--start", "1.5", "--end", "2.5")[1]


def test_a_summary_of_a_single_frame(tmp_path):
    code, out, _ = run(clip(tmp_path / "c.mp4", count=30, fps=10), "--start", "2.9")
    assert code == 0
    assert ": 1 frame, 0.0 s, " in out
    assert "Face 1: seen in 1 frame, from 2.9 s to 2.9 s" in out


def test_all_outputs(tmp_path):
    path = clip(tmp_path / "c.mp4", count=30, fps=10)
    out = tmp_path / "out"
    out.mkdir()
    places = {"csv": "a.csv", "parquet": "a.parquet", "json": "a.jsonl", "annotated": "a.mp4",
              "report": "a.html"}  # fmt: skip
    options = [part for kind, name in places.items() for part in (f"--{kind}", out / name)]
    code, said, err = run(path, *options)
    assert (code, err) == (0, "")
    assert names(out) == sorted(places.values())
    assert all(str(out / name) in said for name in places.values())
    table = pd.read_csv(out / "a.csv")
    assert list(table.columns) == columns()
    assert len(table) == 30
    assert len(pd.read_parquet(out / "a.parquet")) == 30
    assert len((out / "a.jsonl").read_text().splitlines()) == 30
    assert len(list(VideoFile(out / "a.mp4").frames())) == 30
    report = (out / "a.html").read_text("utf-8")
    assert "c.mp4" in report
    assert "<dt>Face detector</dt><dd>fake-detector</dd>" in report


@pytest.mark.parametrize(("options", "times"), [
    (["--every", "10"], [0, 1, 2]),
    (["--fps", "2"], [0, 0.5, 1, 1.5, 2, 2.5]),
    (["--start", "0:02", "--end", "2.25"], [2, 2.1, 2.2]),
])  # fmt: skip
def test_selections(options, times, tmp_path):
    run(clip(tmp_path / "c.mp4", count=30, fps=10), "--csv", tmp_path / "a.csv", *options)
    assert pd.read_csv(tmp_path / "a.csv")["t_s"].tolist() == times


def test_frames_too_far_apart_to_follow_faces_are_told(tmp_path):
    path = clip(tmp_path / "c.mp4", count=30, fps=10)
    assert run(path, "--fps", "0.5")[2] == ""
    assert "cannot be followed" in run(path, "--fps", "0.4")[2]


def test_only_faces_that_can_be_read_well(tmp_path):
    lit = np.random.default_rng(0).integers(60, 200, (64, 64, 3), np.uint8)
    path = clip(tmp_path / "c.avi", frames=[lit] * 10 + [lit // 200] * 10, fps=10)
    run(path, "--parquet", tmp_path / "all.parquet")
    code, out, _ = run(path, "--parquet", tmp_path / "some.parquet", "--readable-only")
    every, some = (pd.read_parquet(tmp_path / f"{name}.parquet") for name in ("all", "some"))
    assert code == 0
    assert 4 < every["problems"].eq("").sum() < 16
    assert set(every["problems"]) > {""}
    seen = every["problems"].eq("")
    assert some["score"].notna().tolist() == seen.tolist()
    assert f"Left out as hard to read: {(~seen).sum()} of 20 faces in frames." in out


@pytest.mark.parametrize(("text", "seconds"), [
    ("90", 90), ("1:30", 90), ("0:01:30.5", 90.5), ("1:00:00", 3600), ("7.25", 7.25)])  # fmt: skip
def test_moments(text, seconds):
    assert Moment().convert(text, None, None) == seconds


@pytest.mark.parametrize("wrong", [
    ["--every", "0"], ["--fps", "0"], ["--every", "2", "--fps", "2"], ["--start", "soon"],
    ["--start", "1:2:3:4"], ["--start", "-1"], ["--start", "nan"], ["--start", "3", "--end", "2"],
    ["--detector", "none"],
])  # fmt: skip
def test_usage_errors(wrong, tmp_path):
    code, _, err = run(clip(tmp_path / "c.mp4", count=3), *wrong)
    assert code == 2
    assert "Error:" in err


def test_several_videos_go_into_folders(tmp_path):
    videos = [clip(tmp_path / name, count=5) for name in ("a.mp4", "b.mkv")]
    (tmp_path / "there").mkdir()
    code, _, err = run(*videos, "--csv", f"{tmp_path}/new/tables/", "--json", tmp_path / "there",
                       "--annotated", f"{tmp_path}/new/films/")  # fmt: skip
    assert (code, err) == (0, "")
    assert names(tmp_path / "new" / "tables") == ["a.csv", "b.csv"]
    assert names(tmp_path / "there") == ["a.jsonl", "b.jsonl"]
    assert names(tmp_path / "new" / "films") == ["a.annotated.mp4", "b.annotated.mp4"]


def test_several_videos_and_one_file_is_an_error(tmp_path):
    videos = [clip(tmp_path / name, count=5) for name in ("a.mp4", "b.mkv")]
    code, _, err = run(*videos, "--csv", tmp_path / "all.csv")
    assert code == 2
    assert "there are 2 videos" in err
    assert not (tmp_path / "all.csv").exists()


def test_videos_of_one_name_get_outputs_of_several(tmp_path):
    (tmp_path / "x").mkdir()
    files = ("a.mp4", "a.mkv", "b.mp4", "x/a.mp4", "x/A.mkv", "a.mkv.mp4")
    videos = [clip(tmp_path / name, count=5) for name in files]
    code, _, err = run(*videos, "--csv", f"{tmp_path}/out/")
    assert (code, err) == (0, "")
    assert names(tmp_path / "out") == sorted(
        ["a.mp4.csv", "a.mkv (2).csv", "b.csv", "a.mp4 (2).csv", "A.mkv (3).csv", "a.mkv.csv"]
    )


def test_nothing_is_written_over(tmp_path):
    one = clip(tmp_path / "a.mp4", count=5)
    content = one.read_bytes()
    for wrong in ([one, "--annotated", one], [one, one],
                  [one, "--csv", tmp_path / "s", "--json", tmp_path / "s"]):  # fmt: skip
        code, _, err = run(*wrong)
        assert (code, "Error:" in err) == (2, True)
    assert one.read_bytes() == content


def test_a_broken_video_does_not_stop_the_others(tmp_path):
    good = clip(tmp_path / "good.mp4", count=5)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    code, _, err = run(broken, tmp_path / "gone.mp4", good, "--csv", f"{tmp_path}/out/")
    assert code == 1
    assert err.splitlines()[0].startswith(f"{broken}: This is not a video")
    assert err.splitlines()[1].startswith(f"{tmp_path / 'gone.mp4'}: This file cannot be opened")
    assert names(tmp_path / "out") == ["good.csv"]


def test_a_truncated_video_gives_what_it_has(tmp_path):
    path = clip(tmp_path / "c.mkv", count=90)
    path.write_bytes(path.read_bytes()[:-4000])
    code, _, err = run(path, "--csv", tmp_path / "a.csv")
    assert code == 1  # as of a batch
    assert "nothing could be read" in err
    assert 0 < len(pd.read_csv(tmp_path / "a.csv")) < 90


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "annotated", "report"])
def test_without_a_frame_earlier_outputs_stay(kind, tmp_path):
    path, kept = clip(tmp_path / "c.mp4", count=5), tmp_path / "kept"
    kept.write_text("an earlier result")
    code, out, err = run(path, "--start", "5", f"--{kind}", kept)
    assert (code, out) == (1, "")
    assert err == f"{path}: This video has no frame between the chosen start and end.\n"
    assert kept.read_text() == "an earlier result"
    assert names(tmp_path) == ["c.mp4", "kept"]


def test_a_reader_who_has_had_enough_ends_the_command(tmp_path):
    """As with `| head -1`; no video is called broken, and the others are not analysed."""
    videos = [clip(tmp_path / name, count=5) for name in ("a.mp4", "b.mp4")]
    theirs, ours = os.pipe()
    os.close(theirs)
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "video", *videos, "--csv", f"{tmp_path}/out/",
         "--detector", "scout", "--emotion", "compact"],
        cwd=ROOT, stdout=ours, stderr=subprocess.PIPE, timeout=100,
    )  # fmt: skip
    os.close(ours)
    assert (done.returncode, done.stderr) == (1, b"")
    assert names(tmp_path / "out") == ["a.csv"]


def test_an_output_that_cannot_be_written_is_a_line(tmp_path):
    path = clip(tmp_path / "c.mp4", count=5)
    code, _, err = run(path, "--csv", tmp_path / "no" / "a.csv")
    assert code == 1
    assert err.startswith(f"{path}: a.csv cannot be written: no such file or directory")


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "annotated", "report"])
def test_an_output_whose_folder_is_removed_meanwhile_is_a_line(kind, tmp_path, monkeypatch):
    path, folder = clip(tmp_path / "c.mp4", count=30), tmp_path / "out"
    plain = video_run._ProgressLine.advance

    def advance(self, t_s):
        plain(self, t_s)
        if self.frames == 20:
            shutil.rmtree(folder)

    monkeypatch.setattr(video_run._ProgressLine, "advance", advance)
    code, out, err = run(path, f"--{kind}", f"{folder}/")
    assert (code, out) == (1, "")
    assert "cannot be written: no such file or directory" in err


def test_ctrl_c_keeps_what_is_done(tmp_path, monkeypatch):
    """The signal itself, in the middle of the first of two videos."""
    videos = [clip(tmp_path / name, count=90, sound="aac") for name in ("a.mp4", "b.mp4")]
    plain, count = video_run._ProgressLine.advance, 0

    def interrupted(self, t_s):
        nonlocal count
        count += 1
        if count == 20:
            os.kill(os.getpid(), signal.SIGINT)
        plain(self, t_s)

    monkeypatch.setattr(video_run._ProgressLine, "advance", interrupted)
    before = signal.getsignal(signal.SIGINT)
    folder = tmp_path / "out"
    code, _, err = run(*videos, *(part for kind in ("csv", "parquet", "json", "annotated")
                                    for part in (f"--{kind}", f"{folder}/")))  # fmt: skip
    assert code == 130
    assert "The results so far are saved. Not started: 1." in err
    assert names(folder) == ["a.annotated.mp4", "a.csv", "a.jsonl", "a.parquet"]
    assert len(pd.read_csv(folder / "a.csv")) == 20
    assert len(pd.read_parquet(folder / "a.parquet")) == 20
    with VideoFile(folder / "a.annotated.mp4") as film:
        assert len(list(film.frames())) == 20
    assert signal.getsignal(signal.SIGINT) is before
    assert not [t for t in threading.enumerate() if t.name == "video-decoder"]


def test_progress_on_a_terminal(tmp_path, monkeypatch):
    """Standard error is a real terminal; otherwise nothing is shown."""
    path = clip(tmp_path / "c.mp4", count=5)
    ours, theirs = pty.openpty()
    child = subprocess.run(
        [sys.executable, "-m", "fer_core", "video", str(path), "--detector", "scout",
         "--emotion", "compact"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=theirs, timeout=100, check=True,
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "c.mp4 [" in shown
    assert "% done" in shown
    assert b"5 frames" in child.stdout
    assert run(path)[2] == ""


@pytest.mark.shared
def test_a_real_recording(shared, tmp_path):
    code, out, _ = run(shared / "media" / "asl_yes.mkv", "--emotion", "compact", "--detector",
                       "scout", "--json", tmp_path / "a.jsonl", "--end", "1")  # fmt: skip
    assert code == 0
    assert "30 frames, 1.0 s, compact, scout" in out
    frames = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert all(len(frame["faces"]) == 1 for frame in frames)
    assert {face["track_id"] for frame in frames for face in frame["faces"]} == {1}
