"""The notebooks in examples/ run, and contain no output."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import pytest

from fer_core.paths import ROOT

NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


def cells(name: str) -> list[dict[str, Any]]:
    notebook = json.loads((ROOT / "examples" / f"{name}.ipynb").read_text("utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(name: str) -> dict[str, Any]:
    """What the variables of a notebook are after its last cell."""
    names: dict[str, Any] = {}
    for cell in cells(name):
        exec(compile("".join(cell["source"]), f"{name}.ipynb", "exec"), names)
    return names


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(path):
    for cell in cells(path.stem):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_every_notebook_is_run_here():
    assert [path.stem for path in NOTEBOOKS] == ["photos", "video"]


def test_photos(tmp_path):
    names = run("photos")
    saved = pd.read_csv(tmp_path / "faces.csv")
    assert list(saved["dominant"]) == ["happy"]
    assert isinstance(names["chart"], go.Figure)
    assert names["marked"].size == (512, 512)


def test_video(tmp_path):
    names = run("video")
    table = pd.read_parquet(tmp_path / "film.parquet")
    assert len(table) == 30
    assert table["dominant"].eq("happy").mean() > 0.9
    assert isinstance(names["chart"], go.Figure)
    assert len(names["chart"].data) > 7
