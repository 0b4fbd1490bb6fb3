"""Where this installation is, and where it may write."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
# In a wheel, pyproject.toml puts the files of a checkout's top level there.
_IN_A_WHEEL = _PACKAGE / "_app"

INSTALLED = _IN_A_WHEEL.is_dir()
"""Whether this is an installed wheel instead of a checkout."""

ROOT = _IN_A_WHEEL if INSTALLED else _PACKAGE.parent
"""The folder that holds app.py, pages/ and models/: the checkout, or its copy inside a wheel."""

SAMPLE = _PACKAGE / "ui" / "sample.jpg"
"""A picture of one face, in the public domain."""

SAMPLE_CLIP = _PACKAGE / "ui" / "sample.mp4"
"""A clip of a drawn face that changes its expression; ``tools/demo_clip`` drew it."""


def _state_dir() -> Path:
    if not INSTALLED:
        return ROOT
    from platformdirs import user_data_path  # a checkout does not need it

    return user_data_path("fer-dashboard", appauthor=False)


STATE_DIR = _state_dir()
"""The folder for written files: the checkout, or for a wheel the user's data folder."""
