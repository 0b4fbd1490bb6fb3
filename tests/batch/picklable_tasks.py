"""Functions that processes of a pool run in tests; they use only the name and path of an item."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from fer_core.batch.files import Item, Piece
from fer_core.batch.pool import Workers


def named(folder: Path, *files: str) -> Piece:
    return tuple(Item(folder / file, file, "picture", 1, 1) for file in files)


def note(piece: Piece) -> int:
    """Write a file for each item; kill the process at ``poison``, and once at ``once``."""
    for each in piece:
        mark = each.path.with_suffix(".tried")
        if each.file == "poison" or (each.file == "once" and not mark.exists()):
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        each.path.touch()
    return len(piece)


def refuse(piece: Piece) -> int:
    raise ValueError(piece[0].file)


def give_up(piece: Piece) -> int:
    for each in piece:
        each.path.with_suffix(".lost").touch()
    return len(piece)


def tell_pid_and_wait(piece: Piece) -> int:
    name = f"{os.getpid()}"
    (piece[0].path.parent / f"{name}.tmp").write_text(name)
    (piece[0].path.parent / f"{name}.tmp").rename(piece[0].path.parent / f"{name}.pid")
    time.sleep(600)
    return 1


if __name__ == "__main__":
    with Workers(tell_pid_and_wait, give_up, 1) as workers:
        list(workers.run([named(Path(sys.argv[1]), "a")]))
