"""Tests of a batch on a local Ray with two processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pandas as pd
import pytest

from fer_core.cli import batch_run as run_module
from fer_core.paths import ROOT
from tests.batch.folders import ENGINES, OneProcess, batch, fill, table

pytest.importorskip("ray", reason="Ray is absent: pip install -r requirements-ray.txt")


def test_ray_gives_the_same_rows(tmp_path, astronaut, monkeypatch):
    folder = fill(tmp_path / "in", astronaut)
    out, local = tmp_path / "ray.parquet", tmp_path / "local.parquet"
    command = [sys.executable, "-m", "fer_core", "batch", folder, "--out", out, *ENGINES]
    # A folder of its own, with a short name: Ray puts sockets there.
    with tempfile.TemporaryDirectory() as temporary:
        ran = subprocess.run(
            [*command, "--workers", "2", "--backend", "ray"],
            cwd=ROOT,
            env={**os.environ, "RAY_TMPDIR": temporary},
            capture_output=True,
            text=True,
            timeout=170,
            check=False,
        )
    assert ran.returncode == 1, ran.stderr
    assert "5 files: 0 done before, 5 to do." in ran.stderr
    assert "2 with an error" in ran.stdout
    monkeypatch.setattr(run_module, "Workers", OneProcess)
    batch(folder, local)
    pd.testing.assert_frame_equal(table(out), table(local))
    assert "5 done before, 0 to do" in batch(folder, out, "--backend", "ray")[2]
