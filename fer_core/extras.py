"""The packages that only some of this program needs, and how they are installed."""

from __future__ import annotations

from fer_core.paths import INSTALLED

_LISTS = {"train": "requirements-train.txt", "ray": "requirements-ray.txt"}
"""The lists of a checkout; those of all other extras are in requirements.txt."""


def install_command(extra: str) -> str:
    """What to type for the packages of an extra, which pyproject.toml lists."""
    if INSTALLED:
        return f"pip install 'fer-dashboard[{extra}]'"
    return f"pip install -r {_LISTS.get(extra, 'requirements.txt')}"


def missing_sentence(extra: str, error: ModuleNotFoundError) -> str:
    """What to tell a user whose installation lacks a package of an extra.

    Raises ``error`` itself where a part of this program is missing: that is a bug.
    """
    package = (error.name or "").partition(".")[0]
    if not extra or package == "fer_core":
        raise error
    return f"This needs {package}, of the extra {extra}. Install it: {install_command(extra)}"
