"""Tests of the command line, in a separate process where necessary."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fer_core.cli.main import main
from fer_core.labels import EMOTIONS
from fer_core.paths import ROOT
from tests.conftest import SAMPLE
from tests.media.clips import clip


def run(*arguments: str | Path) -> tuple[int, list[str], str]:
    """Exit code, lines of standard output, standard error."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout.splitlines(), result.stderr


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "broken.jpg"
    path.write_bytes(SAMPLE.read_bytes()[:5000])
    return path


def test_a_line_of_json_a_picture():
    code, lines, _ = run("analyze", SAMPLE, SAMPLE, "--detector", "haar", "--emotion", "compact")
    assert code == 0
    assert len(lines) == 2
    record = json.loads(lines[0])
    assert record["file"] == str(SAMPLE)
    assert (record["width"], record["height"]) == (512, 512)
    assert (record["model"], record["detector"]) == ("compact", "haar")
    [face] = record["faces"]
    assert face["dominant"] == "happy"
    assert list(face["emotions"]) == list(EMOTIONS)
    assert sum(face["emotions"].values()) == pytest.approx(1.0)
    assert all(isinstance(value, int) for value in face["box"])
    assert 0 <= face["score"] <= 1


def test_the_models_are_those_of_the_settings_unless_an_option_names_one(monkeypatch):
    monkeypatch.setenv("FER_DETECTOR", "haar")
    monkeypatch.setenv("FER_EMOTION", "compact")
    [by_setting] = map(json.loads, run("analyze", SAMPLE)[1])
    [by_option] = map(json.loads, run("analyze", SAMPLE, "--detector", "scout")[1])
    assert (by_setting["detector"], by_option["detector"]) == ("haar", "scout")
    monkeypatch.setenv("FER_DETECTOR", "none")
    code, _, err = run("analyze", SAMPLE)
    assert code == 2
    assert "(env var: 'FER_DETECTOR'): 'none' is not one of auto, yunet, scout, haar" in err


@pytest.mark.parametrize("name", ["evaluate", "evaluate-pictures", "train"])
def test_what_is_measured_or_trained_depends_on_the_command_alone(name):
    command = main.get_command(click.Context(main), name)
    assert command
    assert {option.envvar for option in command.params} == {None}


@pytest.mark.parametrize("command", [
    ["analyze", str(SAMPLE)],
    ["video", "film.mp4"],
    ["batch", str(SAMPLE.parent), "--out", "table.parquet"],
    ["evaluate", "--sheet", "sheet.webp", "--labels", "labels.csv"],
    ["weights", "status"],
], ids=lambda command: command[0])  # fmt: skip
def test_a_wrong_setting_is_named_and_no_file_is_blamed(command, monkeypatch):
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "many")
    code, lines, err = run(*command)
    assert (code, lines) == (1, [])
    assert err.startswith("Error: FER_MAX_UPLOAD_MB: Input should be a valid integer")
    assert err.endswith("Correct it, or unset it.\n")


def test_a_broken_picture_does_not_stop_the_others(broken):
    code, lines, _ = run("analyze", broken, SAMPLE, "gone.png", "--detector", "scout")
    records = [json.loads(line) for line in lines]
    assert code == 1
    assert [("error" in record) for record in records] == [True, False, True]
    assert records[0]["file"] == str(broken)


def test_csv(broken):
    code, lines, _ = run("analyze", SAMPLE, broken, "--format", "csv", "--detector", "scout")
    rows = list(csv.DictReader(io.StringIO("\n".join(lines))))
    assert code == 1
    assert rows[0]["dominant"] == "happy"
    assert rows[0]["error"] == ""
    assert rows[1]["file"] == str(broken)
    assert "damaged" in rows[1]["error"]


def test_faces_that_cannot_be_read_well_can_be_left_out(astronaut, tmp_path):
    mask = np.array([[185, 125], [262, 125], [258, 165], [225, 185], [192, 165]])
    picture = astronaut.copy()
    cv2.fillConvexPoly(picture, mask, (200, 170, 140))
    masked = tmp_path / "masked.png"
    cv2.imwrite(str(masked), picture)
    models = ("--detector", "scout", "--emotion", "compact")
    _, lines, said = run("analyze", SAMPLE, masked, *models)
    assert [len(json.loads(line)["faces"]) for line in lines] == [1, 1]
    assert said == ""
    _, lines, said = run("analyze", SAMPLE, masked, *models, "--readable-only")
    assert [len(json.loads(line)["faces"]) for line in lines] == [1, 0]
    assert said == "Left out: 1 face that cannot be read well.\n"
    _, lines, said = run("analyze", masked, *models, "--readable-only", "--format", "csv")
    assert len(lines) == 1
    assert "1 face" in said


def test_a_face_keeps_its_number_when_others_are_left_out(masked_and_bare, tmp_path):
    picture = tmp_path / "two.png"
    picture.write_bytes(masked_and_bare)
    models = ("--detector", "scout", "--emotion", "compact")
    _, lines, _ = run("analyze", picture, *models, "--format", "csv")
    every = list(csv.DictReader(lines))
    assert [(row["face"], row["problems"] == "") for row in every] == [("1", False), ("2", True)]
    _, lines, _ = run("analyze", picture, *models, "--format", "csv", "--readable-only")
    assert list(csv.DictReader(lines)) == every[1:]
    [record] = [json.loads(line) for line in run("analyze", picture, *models)[1]]
    [some] = [json.loads(line) for line in run("analyze", picture, *models, "--readable-only")[1]]
    assert some["faces"] == record["faces"][1:]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")
def test_ctrl_c_is_told_from_a_picture_that_cannot_be_read():
    with subprocess.Popen(
        [sys.executable, "-m", "fer_core", "analyze", *[SAMPLE] * 500, "--detector", "scout"],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        first = child.stdout.readline()
        child.send_signal(signal.SIGINT)
        rest, said = child.communicate()
    assert child.returncode == 130
    assert said == "Stopped.\n"
    assert all(json.loads(line)["faces"] for line in [first, *rest.splitlines()])
    assert len(rest.splitlines()) < 499


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("command", [["analyze"], ["analyze", "--format", "csv"], ["video"]])
def test_a_full_disk_behind_standard_output_is_one_sentence(command, tmp_path):
    file = clip(tmp_path / "a.mp4") if command == ["video"] else SAMPLE
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fer_core", *command, file, "--detector", "scout"],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        "Error: The output cannot be written (no space left on device). Free some space there, or "
        "write it elsewhere.\n"
    )


def test_auto_works_without_a_network():
    code, lines, _ = run("analyze", SAMPLE)
    assert code == 0
    assert json.loads(lines[0])["model"] == "compact"


@pytest.mark.parametrize("option", [("--emotion", "deepface"), ("--detector", "yunet")])
def test_an_engine_that_cannot_be_had_is_one_sentence(option):
    code, lines, stderr = run("analyze", SAMPLE, *option)
    assert code == 1
    assert lines == []
    assert stderr.startswith("Error: ")
    assert "Traceback" not in stderr


def test_wrong_usage_is_exit_code_2():
    assert run("analyze")[0] == 2
    assert run("analyze", SAMPLE, "--emotion", "nobody")[0] == 2


def test_weights_status_names_each_file():
    code, lines, _ = run("weights", "status")
    assert code == 0
    assert [line.split(":")[0] for line in lines] == ["yunet", "deepface"]


def test_weights_fetch_offline_says_what_to_do():
    code, _, stderr = run("weights", "fetch", "yunet")
    assert code == 1
    assert "FER_WEIGHTS_DIR" in stderr


def test_the_module_runs():
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "analyze", str(SAMPLE)],
        capture_output=True, text=True, cwd=ROOT, env=os.environ, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["faces"][0]["dominant"] == "happy"
