"""The files of the repository that are deployed to a dyno."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FETCHED = Path("models") / "downloaded"
"""The folder into which bin/post_compile downloads the weights; git ignores it."""


def slugignore() -> tuple[str, ...]:
    """The paths that .slugignore excludes: files or folders from the root, without patterns."""
    lines = (ROOT / ".slugignore").read_text().split()
    return tuple(line.removeprefix("/") for line in lines)


def shipped_files() -> list[Path]:
    """The deployed files of the repository, relative to its root, without those of .slugignore.

    Files that are not yet committed are included.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    left_out = slugignore()
    files = (Path(name) for name in listed.split("\0") if name)
    return [file for file in files if (ROOT / file).is_file() and not _within(file, left_out)]


def copy_tree(target: Path) -> None:
    """Copy the deployed files into a new folder."""
    for file in shipped_files():
        (target / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, target / file)


def procfile_command() -> str:
    """The command of the Procfile's only process, ``web``."""
    kind, _, command = (ROOT / "Procfile").read_text().strip().partition(": ")
    if kind != "web" or "\n" in command:
        raise ValueError("the Procfile has other processes than web")
    return command


def _within(file: Path, left_out: tuple[str, ...]) -> bool:
    return any(file.is_relative_to(path) for path in left_out)
