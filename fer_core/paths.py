"""Where this installation lies, and where it may write."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# A wheel has no room beside its packages: pyproject.toml puts there what lies at a checkout's top.
_IN_A_WHEEL = _PACKAGE / "_app"

INSTALLED = _IN_A_WHEEL.is_dir()
"""Whether this is an installed wheel, and no checkout."""

ROOT = _IN_A_WHEEL if INSTALLED else _PACKAGE.parent
"""The folder that holds app.py, pages/ and models/: the checkout, or its copy inside a wheel."""

SAMPLE = _PACKAGE / "ui" / "sample.jpg"
"""A picture of one face, in the public domain."""


def _state_dir() -> Path:
    if not INSTALLED:
        return ROOT
    from platformdirs import user_data_path  # a checkout does without

    return user_data_path("fer-dashboard", appauthor=False)


STATE_DIR = _state_dir()
"""The folder under which is written: the checkout, or the user's data folder for a wheel."""
