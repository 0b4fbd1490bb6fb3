"""README.md and docs/ agree with the Python code and the settings."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import pytest

from fer_core.paths import ROOT, SAMPLE
from fer_core.settings import Settings
from tests.test_deploy import variables

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

OF_OTHERS = {"POSTGRES_PASSWORD", "TURN_HOST", "TURN_SECRET"}
"""Of docker-compose.yml, for the servers beside the dashboard."""

NOTHING = {"none", "never", "a SQLite file"}


def rows(text: str) -> list[list[str]]:
    """The cells of every row of a document's tables."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]


def documented() -> dict[str, list[str]]:
    """The rows that explain a variable, by its name, in README.md and docs/."""
    found: dict[str, list[str]] = {}
    for path in DOCUMENTS:
        for row in rows(path.read_text("utf-8")):
            for name in re.findall(r"`([A-Z][A-Z_]+[A-Z])`", row[0]):
                found.setdefault(name, []).append(" | ".join(row[1:]))
    return found


def test_every_setting_is_in_a_table():
    # The history's address has two names, of which people need one.
    assert variables() - {"FER_DATABASE_URL"} <= set(documented())


def test_every_variable_in_a_table_is_a_setting():
    assert set(documented()) <= variables() | OF_OTHERS


def test_the_defaults_are_those_of_the_settings():
    text = (ROOT / "README.md").read_text("utf-8") + (ROOT / "docs" / "API.md").read_text("utf-8")
    told = {
        row[0].strip("`").removeprefix("FER_").lower(): row[2].strip("`")
        for row in rows(text)
        if len(row) == 3 and re.fullmatch(r"`(FER_[A-Z_]+|DATABASE_URL)`", row[0])
    }
    assert len(told) > 15
    for name, default in told.items():
        value = Settings.model_fields[name].default
        if name == "data_dir":
            value = value.relative_to(ROOT)
        if name == "api_tokens":
            value = value.get_secret_value()
        if default in NOTHING:
            assert not value, name
        else:
            assert default == (f"{value:g}" if isinstance(value, float) else str(value)), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_python_in_a_document_runs(path, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.M | re.S)
    if path.stem == "README":
        assert blocks
    shutil.copy(SAMPLE, tmp_path / "photo.jpg")
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "happy" in done.stdout
