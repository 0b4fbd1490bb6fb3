"""The content of the wheel, and its use in a fresh environment without extras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

import fer_core
from fer_core.paths import ROOT, SAMPLE
from tests.servers import free_port, wait_until_it_listens

# The packages may come from afar.
pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]


class Installed(NamedTuple):
    """A fresh environment with the wheel, and an empty folder to run in."""

    bin: Path
    folder: Path

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """One of the environment's programs, in the empty folder, which is the home folder too."""
        program, *arguments = command
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "XDG_", "FER_"))
        }
        return subprocess.run(
            [self.bin / str(program), *map(str, arguments)],
            cwd=self.folder, env=environment | {"HOME": str(self.folder)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, ROOT], check=True, capture_output=True)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    programs = folder / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    pip: list[str | Path] = [
        programs / "python",
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
    ]
    done = subprocess.run([*pip, wheel], capture_output=True, text=True, check=False)
    if done.returncode and "Retrying (" in done.stdout + done.stderr:
        pytest.skip(
            "The package index cannot be reached: nothing to install the wheel's needs from"
        )
    assert done.returncode == 0, done.stderr
    (folder / "empty").mkdir()
    return Installed(programs, folder / "empty")


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it lies in site-packages, beside the packages that the tests run with."""
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def files(*below: Path) -> set[str]:
    """Every file below folders, relative to the checkout; no bytecode."""
    found = (path for folder in below for path in (folder.rglob("*"), [folder]))
    paths = {path for group in found for path in group if path.is_file()}
    return {p.relative_to(ROOT).as_posix() for p in paths if "__pycache__" not in p.parts}


def test_all_that_a_checkout_runs_on_is_in_the_wheel(wheel):
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    beside = {name.removeprefix("fer_core/_app/") for name in inside if "/_app/" in name}
    assert inside - {f"fer_core/_app/{name}" for name in beside} == files(ROOT / "fer_core")
    shipped = {*(ROOT / "models").glob("*.onnx")} - {ROOT / "models" / "teacher_wide.onnx"}
    cards = {network.with_suffix(".md") for network in shipped}
    config = ROOT / ".streamlit" / "config.toml"
    assert beside == files(ROOT / "app.py", ROOT / "pages", config, *shipped, *cards)


def test_the_version(installed):
    said = installed.run("fer-dashboard", "--version")
    assert said.stdout == f"fer-dashboard, version {fer_core.__version__}\n", said.stderr
    code = "from importlib.metadata import version; print(version('fer-dashboard'))"
    assert installed.run("python", "-c", code).stdout.strip() == fer_core.__version__


def test_a_picture_is_analysed(installed):
    done = installed.run("fer-dashboard", "analyze", SAMPLE)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert (record["model"], record["faces"][0]["dominant"]) == ("compact", "happy")
    assert len(record["faces"][0]["landmarks"]) == 68
    table = installed.run("fer-dashboard", "analyze", SAMPLE, "--format", "csv")
    assert table.stdout.splitlines()[1].split(",")[2] == "happy", table.stderr


def test_the_library(installed):
    code = f"""
import cv2, fer_core
from fer_core import Analyzer, StreamAnalyzer
picture = cv2.imread({str(SAMPLE)!r})
print(StreamAnalyzer(Analyzer()).update(picture, 0.0).faces[0].dominant)
"""
    done = installed.run("python", "-W", "error", "-c", code)
    assert done.stdout == "happy\n", done.stderr


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        ("serve", "app"),
        ("check", "app"),
        ("video clip.mp4", "video"),
        ("batch folder --out table.parquet", "video"),
        ("train --data folder --out run", "train"),
        ("train-landmarks --data folder --out run", "train"),
    ],
)
def test_a_command_names_the_extra_that_it_lacks(installed, command, extra):
    done = installed.run("fer-dashboard", *command.split())
    assert done.returncode != 0
    assert f"pip install 'fer-dashboard[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_help_lists_every_command(installed):
    done = installed.run("fer-dashboard", "--help")
    assert done.returncode == 0, done.stderr
    for command in ("serve", "analyze", "video", "batch", "check", "weights", "evaluate", "train"):
        assert f"\n  {command} " in done.stdout


def test_nothing_is_written_beside_the_packages(installed):
    code = (
        "from fer_core.paths import ROOT, STATE_DIR; from fer_core.settings import settings; "
        "print(ROOT, STATE_DIR, settings().data_dir, sep='\\n')"
    )
    root, state, data = installed.run("python", "-c", code).stdout.splitlines()
    assert "site-packages" in root
    for folder in (state, data):
        assert Path(folder).is_relative_to(installed.folder)


def test_the_dashboard_is_served(unpacked, tmp_path):
    port, log = free_port(), tmp_path / "log"
    options = ["--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "fer_core", "serve", *options],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(unpacked)},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_until_it_listens(server, port, log, timeout_s=120)
        with urllib.request.urlopen(f"http://localhost:{port}/readyz", timeout=120) as answer:
            assert json.load(answer)["ready"] is True
    finally:
        server.terminate()
        server.wait(timeout=60)


def test_its_pages_are_found(unpacked):
    code = f"""
from streamlit.testing.v1 import AppTest
page = AppTest.from_file({str(unpacked / "fer_core" / "ui" / "router.py")!r}, default_timeout=120)
page.run()
assert not page.exception, page.exception
print(page.title[0].value)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=unpacked / "fer_core" / "_app",
        env=os.environ | {"PYTHONPATH": str(unpacked)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout == "See what faces express\n", done.stderr
