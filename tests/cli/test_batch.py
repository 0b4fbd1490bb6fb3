"""``python -m fer_core batch``."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import cv2
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock

from fer_core.batch.files import PICTURES_AT_ONCE
from fer_core.batch.merge import merge
from fer_core.batch.rows import schema
from fer_core.batch.task import analyze_piece
from fer_core.cli import batch_run as run_module
from fer_core.errors import DatasetError, VideoError
from fer_core.paths import ROOT
from fer_core.training.expression.folder import TABLE_COLUMNS, read_class_folders
from tests.batch.folders import ENGINES, RECIPE, OneProcess, batch, fill, picture, table
from tests.media.clips import disk_full_after
from tests.waiting import until


@pytest.fixture
def here(monkeypatch):
    """Run the work in this process."""
    monkeypatch.setattr(run_module, "Workers", OneProcess)


@pytest.fixture
def folder(tmp_path, astronaut):
    return fill(tmp_path / "in", astronaut)


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "table.parquet"


def test_a_class_that_is_called_like_a_column_is_one_sentence(folder, out):
    recipe = replace(RECIPE, emotion="own/tired", labels=("kind", "calm"))
    with pytest.raises(click.ClickException, match="own/tired has a class called kind, and the"):
        run_module.run_batch(folder, out, recipe, 1)


def test_no_class_is_called_like_a_column():
    assert set(schema(()).names) <= TABLE_COLUMNS


def test_no_class_is_called_like_another_ones_column(tmp_path, astronaut):
    for name in ("calm", "raw_calm"):
        for number in range(2):
            picture(tmp_path / name / f"{number}.png", astronaut)
    with pytest.raises(DatasetError, match="A class cannot be called raw_calm: result tables"):
        read_class_folders(tmp_path, 48)


LEFT_OUT = "Left out: 1 file that is neither a picture nor a video: notes.txt.\n"


def files_of(found: pd.DataFrame) -> list[str]:
    return found["file"].unique().tolist()


def test_one_row_of_one_file(tmp_path, astronaut, out):
    (tmp_path / "one").mkdir()
    cv2.imwrite(str(tmp_path / "one" / "a.png"), astronaut)
    assert batch(tmp_path / "one", out)[:2] == (0, f"{out}: 1 row of 1 file\n")


def test_a_folder_on_two_processes(folder, out):
    code, said, err = batch(folder, out, "--workers", "2")
    assert err == LEFT_OUT + "5 files: 0 done before, 5 to do.\n"
    assert code == 1
    found = table(out)
    assert said == f"{out}: {len(found)} rows of 5 files, 2 with an error: see the column error\n"
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    by_file = dict(list(found.groupby("file", sort=False)))
    assert list(by_file) == [
        "a broken.jpg", "b.jpg", "empty.png", "films/face.mp4", "films/half.mkv",
    ]  # fmt: skip
    broken, face, empty, film, half = by_file.values()
    assert "not a picture" in broken["error"].item()
    assert (face["kind"].item(), face["t_s"].item(), face["track_id"].item()) == ("picture", 0, 1)
    assert (face["dominant"].item(), face["model"].item()) == ("happy", "compact")
    assert empty["track_id"].isna().item()
    assert (empty["t_s"].item(), empty["detector"].item()) == (0, "scout")
    assert film["t_s"].round(3).tolist() == [0, 0.2, 0.4, 0.6, 0.8]
    assert set(film["kind"]) == {"video"}
    assert set(film["track_id"]) == {1}
    assert "nothing could be read" in half["error"].iloc[-1]
    assert found["error"].notna().sum() == 2


def test_a_second_run_does_nothing(here, folder, out, monkeypatch):
    code, said, _ = batch(folder, out)
    before = out.stat()
    monkeypatch.setattr(run_module, "Workers", None)  # whoever called it would fail
    again, said_again, err = batch(folder, out)
    assert err == LEFT_OUT + "5 files: 5 done before, 0 to do.\n"
    assert (code, said) == (again, said_again)
    assert (out.stat().st_mtime_ns, out.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_new_changed_and_deleted_files(here, folder, out, astronaut):
    batch(folder, out)
    before = table(out)
    picture(folder / "a broken.jpg", cv2.resize(astronaut, (160, 160)))
    picture(folder / "films" / "a new.png", np.zeros((9, 9, 3), np.uint8))
    (folder / "b.jpg").unlink()
    _, _, err = batch(folder, out)
    assert err == LEFT_OUT + "5 files: 3 done before, 2 to do.\n"
    after = table(out)
    assert files_of(after) == [
        "a broken.jpg", "empty.png", "films/a new.png", "films/face.mp4", "films/half.mkv",
    ]  # fmt: skip
    assert after["error"].notna().sum() == 1
    kept = ["empty.png", "films/face.mp4", "films/half.mkv"]
    pd.testing.assert_frame_equal(
        before[before["file"].isin(kept)].reset_index(drop=True),
        after[after["file"].isin(kept)].reset_index(drop=True),
    )


def test_other_frames_do_the_videos_anew(here, folder, out):
    batch(folder, out)
    _, _, err = batch(folder, out, "--every", "2")
    assert "3 done before, 2 to do" in err
    found = table(out)
    assert found[found["file"] == "films/face.mp4"]["t_s"].round(3).tolist() == [0, 0.4, 0.8]


def test_what_was_too_large_is_tried_again(here, tmp_path, out, monkeypatch):
    picture(tmp_path / "in" / "a.png", np.zeros((1100, 1000, 3), np.uint8))
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    assert batch(tmp_path / "in", out)[0] == 1
    monkeypatch.delenv("FER_MAX_MEGAPIXELS")
    code, _, err = batch(tmp_path / "in", out)
    assert (code, err) == (0, "1 file: 0 done before, 1 to do.\n")
    assert table(out)["error"].isna().all()


def test_a_file_that_killed_its_process_is_tried_again(here, folder, out, monkeypatch):
    class Deadly(OneProcess):
        def __init__(self, do, give_up, count) -> None:
            super().__init__(give_up, do, count)

    monkeypatch.setattr(run_module, "Workers", Deadly)
    assert batch(folder, out)[0] == 1
    assert table(out)["error"].str.contains("crashed or was killed").all()
    monkeypatch.setattr(run_module, "Workers", OneProcess)
    assert "0 done before, 5 to do" in batch(folder, out)[2]
    assert table(out)["error"].notna().sum() == 2


def test_a_damaged_part_is_done_again(here, folder, out, monkeypatch):
    """As after a loss of power: the file exists without its content."""
    monkeypatch.setattr(run_module, "merge", lambda *_: signal.raise_signal(signal.SIGINT))
    assert batch(folder, out)[0] == 130
    parts = sorted(out.parent.glob("*.parts/*.parquet"))
    assert len(parts) == 3
    parts[0].write_bytes(parts[0].read_bytes()[:50])
    monkeypatch.setattr(run_module, "merge", merge)
    _, _, err = batch(folder, out)
    assert "0 done before" not in err
    assert "0 to do" not in err
    assert len(files_of(table(out))) == 5


def tree(folder: Path, face: np.ndarray) -> Path:
    """Enough pictures for an interruption: four pieces."""
    small = cv2.resize(face, (192, 192))
    for i in range(4 * PICTURES_AT_ONCE):
        picture(folder / f"{i:03}.jpg", np.roll(small, i, axis=1))
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_keeps_what_is_done(tmp_path, astronaut, out):
    folder = tree(tmp_path / "in", astronaut)
    command = [sys.executable, "-m", "fer_core", "batch", folder, "--out", out, *ENGINES]
    child = subprocess.Popen(
        [*command, "--workers", "1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until(lambda: bool(list(out.parent.glob("*.parts/*.parquet"))))
    os.killpg(child.pid, signal.SIGINT)  # as a terminal does, to all of them
    said, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert said == ""
    assert "Traceback" not in err
    kept = int(err.partition("Stopped. ")[2].partition(" of 64 files are done and saved")[0])
    assert 0 < kept < 64
    assert not out.exists()

    whole = out.with_name("whole.parquet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_module, "Workers", OneProcess)
        code, _, err = batch(folder, out)
        assert (code, err) == (0, f"64 files: {kept} done before, {64 - kept} to do.\n")
        batch(folder, whole)
    pd.testing.assert_frame_equal(table(out), table(whole))
    assert table(out)["track_id"].notna().sum() > 40
    assert not list(out.parent.glob("*.parts"))


def test_nothing_to_analyse(tmp_path, out):
    (tmp_path / "in").mkdir()
    code, _, err = batch(tmp_path / "in", out)
    assert code == 1
    assert err == f"Error: There is no picture and no video in {tmp_path / 'in'}.\n"
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("place", ["nowhere/table.parquet", "file/table.parquet"])
def test_where_nothing_can_be_written(folder, tmp_path, place):
    (tmp_path / "file").touch()
    code, _, err = batch(folder, tmp_path / place)
    assert code == 1
    assert "cannot be written" in err
    assert "Choose an existing folder" in err


def test_a_file_of_somebody_else_is_left_alone(folder, out):
    out.write_text("mine")
    code, _, err = batch(folder, out)
    assert (code, out.read_text()) == (1, "mine")
    assert "exists already and is not a table of this command" in err


def test_another_run_at_the_same_time(folder, out):
    parts = out.with_name(f"{out.name}.parts")
    parts.mkdir()
    with FileLock(parts / "lock"):
        code, _, err = batch(folder, out)
    assert code == 1
    assert "Another run is writing" in err


def test_parts_that_are_removed_meanwhile_are_not_called_saved(here, folder, out, monkeypatch):
    def analyze_and_remove(piece, recipe, parts, table):
        done = analyze_piece(piece, recipe, parts, table)
        shutil.rmtree(parts)
        return done

    monkeypatch.setattr(run_module, "analyze_piece", analyze_and_remove)
    code, _, err = batch(folder, out)
    assert code == 1
    assert "Error: table.parquet cannot be written: no such file or directory" in err
    assert "was removed meanwhile: run the same command again to start anew" in err
    monkeypatch.setattr(run_module, "analyze_piece", analyze_piece)
    assert "0 done before, 5 to do" in batch(folder, out)[2]


def test_a_full_disk_is_a_sentence_about_the_table(here, folder, out):
    """Not about one of its parts, whose names are digits."""
    with disk_full_after(4096):
        code, _, err = batch(folder, out)
    assert code == 1
    assert "Error: The disk is full: table.parquet could not be written. Free some space" in err
    assert "0 done before, 5 to do" in batch(folder, out)[2]


def test_a_full_disk_is_a_sentence_and_keeps_what_is_done(here, folder, out, monkeypatch):
    def fill_up(*_):
        raise VideoError("The disk is full.")

    monkeypatch.setattr(run_module, "merge", fill_up)
    code, _, err = batch(folder, out)
    assert code == 1
    assert "Error: The disk is full. The results so far are saved: run the same command" in err
    monkeypatch.setattr(run_module, "merge", merge)
    assert "5 done before, 0 to do" in batch(folder, out)[2]
    assert len(files_of(table(out))) == 5


@pytest.mark.parametrize(("options", "sentence"), [
    (["--every", "2", "--fps", "1"], "Choose every n-th frame or frames per second, not both."),
    (["--emotion", "none"], "'none' is not one of auto, deepface, compact."),
])  # fmt: skip
def test_options_that_cannot_be(folder, out, options, sentence):
    code, _, err = batch(folder, out, *options)
    assert code == 2
    assert sentence in " ".join(err.replace("│", "").split())


def test_the_table_is_a_parquet_file(folder, out):
    code, _, err = batch(folder, out.with_suffix(".csv"))
    assert code == 2
    assert "It must end with .parquet" in err


def test_the_table_may_lie_in_the_folder(here, folder):
    shutil.rmtree(folder / "films")
    out = folder / "table.parquet"
    batch(folder, out)
    assert "3 files: 3 done before, 0 to do" in batch(folder, out)[2]


def test_without_ray_a_sentence(folder, out, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = batch(folder, out, "--engine", "ray")
    assert code == 1
    assert "Ray is not installed: pip install -r requirements-ray.txt" in err
