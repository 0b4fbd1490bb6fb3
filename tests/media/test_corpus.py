"""A folder of every container, codec, depth, turn and stream order that can be made here, done in
one batch: the right frames, sizes and faces of each file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fer_core.media.images import read_picture
from fer_core.media.kinds import kind_of
from fer_core.media.video import VideoFile
from fer_core.paths import ROOT
from tests.media.corpus import HEIGHT, WIDTH, Case, cases, number_of

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]

CASES = list(cases())
FACE = (175, 92)
"""The middle of the face, in a picture of WIDTH x HEIGHT."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("corpus")
    for case in CASES:
        case.make(made / case.name, case)
    (made / "notes.txt").write_text("neither a picture nor a video")
    return made


@pytest.fixture(scope="module")
def batch(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, str]:
    """The table of a batch over the folder, and its messages."""
    out = tmp_path_factory.mktemp("out") / "table.parquet"
    command = ["batch", folder, "--out", out, "--emotion", "compact", "--detector", "haar"]
    done = subprocess.run(
        [sys.executable, "-m", "fer_core", *map(str, command)],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return pd.read_parquet(out), done.stderr


def test_all_of_the_folder_is_done(batch):
    table, said = batch
    assert set(table["file"]) == {case.name for case in CASES}
    assert len(CASES) > 300
    assert "Left out: 1 file that is neither a picture nor a video: notes.txt." in said
    assert f"{len(CASES)} files: 0 done before, {len(CASES)} to do." in said
    assert table["error"].isna().all()
    assert table["note"].isna().all()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_file(case: Case, folder, batch):
    path = folder / case.name
    if kind_of(path) == "picture":
        pictures = [read_picture(path)]
    else:
        with VideoFile(path) as video:
            pictures = [frame.bgr for frame in video.frames()]
            assert (video.problem, video.note) == ("", "")
            assert (video.info.width, video.info.height) == case.size
    assert {picture.shape for picture in pictures} == {(case.size[1], case.size[0], 3)}
    if case.numbered:
        assert [number_of(picture) for picture in pictures] == list(range(case.frames))
    rows = batch[0][batch[0]["file"] == case.name]
    assert len(rows) == case.frames  # one face a frame
    assert set(rows["dominant"]) == {"happy"}
    for at, side, face, own in (("x", "w", FACE[0], case.size[0] / WIDTH),
                                ("y", "h", FACE[1], case.size[1] / HEIGHT)):  # fmt: skip
        middle = (rows[at] + rows[side] / 2) / own
        assert middle.between(face - 15, face + 15).all(), middle.tolist()
