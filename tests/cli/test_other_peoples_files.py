"""The name or a defect of one file does not stop a command, and leaves no files behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from fer_core.analysis.video import analyze_video
from fer_core.cli import batch_run, video_run
from fer_core.cli.main import main
from fer_core.paths import ROOT
from tests.batch.folders import ENGINES, OneProcess, batch
from tests.cli.test_video import names, run
from tests.conftest import SAMPLE
from tests.media.clips import OTHER_CODECS, clip, fake_analyzer

LATIN = os.fsdecode(b"gr\xfc\xdfe")


@pytest.fixture
def quick(monkeypatch):
    """Models that take no time."""
    monkeypatch.setattr("fer_core.cli.options.Analyzer", lambda *_: fake_analyzer())


def invoked(*arguments: str | Path) -> tuple[int, str, str]:
    """Any command: exit code, standard output, standard error."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("length", [244, 255])
def test_long_names_of_videos(quick, length, tmp_path):
    long = clip(tmp_path / "a.mp4", 5).rename(tmp_path / ("x" * (length - 4) + ".mp4"))
    other = clip(tmp_path / "b.mp4", 5)
    folders = {kind: tmp_path / kind for kind in ("csv", "parquet", "json", "annotated", "report")}
    given = [part for kind, path in folders.items() for part in (f"--{kind}", f"{path}/")]
    code, _, err = run(long, other, *given)
    assert (code, err) == (0, "")
    for kind, folder in folders.items():
        first, second = sorted(names(folder), key=len, reverse=True)
        assert second.startswith("b."), kind
        assert first.startswith("x" * 200), kind
        assert first.endswith(second[1:]), kind
        assert len(first) <= 255


def test_long_names_in_letters_of_several_bytes(quick, tmp_path):
    long = clip(tmp_path / "a.mp4", 5).rename(tmp_path / ("é" * 125 + ".mp4"))
    code, _, err = run(long, "--annotated", f"{tmp_path}/out/", "--csv", f"{tmp_path}/out/")
    assert (code, err) == (0, "")
    assert len(names(tmp_path / "out")) == 2


def test_an_output_whose_name_is_too_long_is_a_line(quick, tmp_path):
    path = clip(tmp_path / "a.mp4", 5)
    code, _, err = run(path, "--csv", str(tmp_path / ("y" * 256)))
    assert code == 1
    assert "its name is too long. Choose a shorter one." in err
    assert names(tmp_path) == ["a.mp4"]


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "annotated", "report"])
def test_a_name_that_is_no_text(quick, kind, tmp_path):
    clip(tmp_path / "a.mp4", 5).rename(tmp_path / f"{LATIN}.mp4")
    clip(tmp_path / "z.mp4", 5)
    code, out, err = run(
        tmp_path / f"{LATIN}.mp4", tmp_path / "z.mp4", f"--{kind}", f"{tmp_path}/out/"
    )
    assert (code, err) == (0, "")
    assert r"gr\xfc\xdfe.mp4: 5 frames" in out
    assert len(names(tmp_path / "out")) == 2
    assert not [name for name in names(tmp_path / "out") if name.endswith(".part")]
    if kind == "report":
        [report] = (tmp_path / "out").glob("gr*")
        assert r"gr\xfc\xdfe.mp4" in report.read_text("utf-8")


def test_a_name_that_steers_the_terminal(quick, tmp_path):
    path = clip(tmp_path / "a.mp4", 5).rename(tmp_path / "a\nb\x1b[2J.mp4")
    code, out, _ = run(path)
    assert code == 0
    assert r"a\nb\x1b[2J.mp4: 5 frames" in out
    assert "\x1b" not in out


def test_pictures_whose_names_are_no_text(tmp_path):
    bad, good, broken = tmp_path / f"{LATIN}.jpg", tmp_path / "z.jpg", tmp_path / f"{LATIN} 2.jpg"
    shutil.copy(SAMPLE, bad)
    shutil.copy(SAMPLE, good)
    broken.write_bytes(b"broken")
    code, out, err = invoked("analyze", bad, broken, good, *ENGINES, "--format", "csv")
    assert (code, err) == (1, "")
    files = [line.split(",")[0] for line in out.splitlines()[1:]]
    assert [Path(file).name for file in files] == [
        r"gr\xfc\xdfe.jpg", r"gr\xfc\xdfe 2.jpg", "z.jpg"
    ]  # fmt: skip
    code, out, _ = invoked("analyze", bad, good, *ENGINES)
    assert code == 0
    assert Path(json.loads(out.splitlines()[0])["file"]).name == r"gr\xfc\xdfe.jpg"


def test_a_terminal_that_does_not_know_the_letters(tmp_path):
    path = tmp_path / "ł.jpg"
    shutil.copy(SAMPLE, path)
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", "analyze", path, *ENGINES, "--format", "csv"],
        cwd=ROOT, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )  # fmt: skip
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 2)
    assert rb"\u0142.jpg" in done.stdout


def test_whatever_one_video_raises_the_others_are_done(quick, tmp_path, monkeypatch):
    analyze = analyze_video

    def fail(video, *others):
        if video.info.name == "b.mp4":
            raise RuntimeError("odd")
        return analyze(video, *others)

    monkeypatch.setattr(video_run, "analyze_video", fail)
    paths = [clip(tmp_path / f"{name}.mp4", 5) for name in "abc"]
    code, out, err = run(*paths, "--csv", f"{tmp_path}/out/")
    assert code == 1
    assert (out.count("5 frames"), err.count("\n")) == (2, 1)
    assert "could not be analysed (RuntimeError: odd)" in err
    assert not [name for name in names(tmp_path / "out") if name.endswith(".part")]


def test_a_folder_of_sixteen_files_names_what_it_leaves_out(tmp_path, monkeypatch):
    """By content, whatever the names; and long names, and such as are no text."""
    monkeypatch.setattr(batch_run, "Workers", OneProcess)
    folder = tmp_path / "in"
    folder.mkdir()
    face = Image.open(SAMPLE).convert("RGB").resize((192, 192))
    for name, form in {"a.jfif": "JPEG", "b.mpo": "MPO", "c.avif": "AVIF", "d": "PNG"}.items():
        face.save(folder / name, form)
    for suffix in ("3gp", "mts", "m2ts", "wmv", "ts", "mpg"):
        assert suffix in OTHER_CODECS
        clip(folder / f"e.{suffix}", 3, fps=25)
    face.save(folder / f"{LATIN}.jpg")
    face.save(folder / ("l" * 251 + ".jpg"))
    left = {
        "code.ts": b"let a = 1;",
        "notes.txt": b"notes",
        "a\nb.pdf": b"%PDF-1.7",
        ".hidden": b"",
    }
    for name, content in left.items():
        (folder / name).write_bytes(content)
    out = tmp_path / ("o" * 245 + ".parquet")
    code, said, err = batch(folder, out)
    assert code == 0, err
    assert err.splitlines() == [
        r"Left out: 3 files that are neither pictures nor videos: a\nb.pdf, code.ts, notes.txt.",
        "Left out: 1 hidden file or folder: .hidden.",
        "12 files: 0 done before, 12 to do.",
    ]
    found = pd.read_parquet(out)
    assert found["error"].isna().all()
    assert found["note"].isna().all()
    kinds = found.drop_duplicates("file").set_index("file")["kind"]
    assert (kinds == "video").sum() == 6
    assert (found[found["kind"] == "picture"]["dominant"] == "happy").all()
    assert names(tmp_path) == ["in", out.name]
    assert said.endswith("rows of 12 files\n")


def test_a_batch_passes_notes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(batch_run, "Workers", OneProcess)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(SAMPLE.read_bytes()[:-2])
    shutil.copy(SAMPLE, folder / "b.jpg")
    out = tmp_path / "out.parquet"
    assert batch(folder, out)[0] == 0
    found = pd.read_parquet(out)
    assert found["error"].isna().all()
    notes = dict(zip(found["file"], found["note"].fillna(""), strict=True))
    assert "last bytes" in notes["a.jpg"]
    assert notes["b.jpg"] == ""
