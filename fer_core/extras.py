"""Optional packages (extras), and how to install them."""

from __future__ import annotations

from fer_core.paths import INSTALLED

_LISTS = {"train": "requirements-train.txt", "ray": "requirements-ray.txt"}
"""The requirements files in a checkout; all other extras are in requirements.txt."""


def install_command(extra: str) -> str:
    """The command that installs the packages of an extra of pyproject.toml."""
    if INSTALLED:
        return f"pip install 'fer-dashboard[{extra}]'"
    return f"pip install -r {_LISTS.get(extra, 'requirements.txt')}"


def missing_sentence(extra: str, error: ModuleNotFoundError) -> str:
    """The sentence for a user whose installation lacks a package of an extra.

    Raises ``error`` itself if a module of this program is missing, which is a bug.
    """
    package = (error.name or "").partition(".")[0]
    if not extra or package == "fer_core":
        raise error
    return f"This needs {package} of the extra {extra}. Install it: {install_command(extra)}"
