"""Distributes work over processes of this machine, any of which may be killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from typing import Self

from fer_core.batch.files import Piece

Do = Callable[[Piece], int]
"""Does a piece of work and returns the number of files. It must be picklable."""

_QUEUED = 2
"""Pieces submitted per process: one being worked on, and the next one."""


class Workers:
    """A context manager for ``count`` processes that ``do`` pieces of work.

    When a process is killed, all unfinished pieces are repeated file by file in a single process.
    If that process is killed too, the file is passed to ``give_up``, in this process.
    """

    def __init__(self, do: Do, give_up: Do, count: int) -> None:
        self._do = do
        self._give_up = give_up
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._close(at_once=kind is not None)

    def run(self, pieces: Iterable[Piece]) -> Iterator[int]:
        """Do all pieces; yields the number of files of each finished piece. Raises what ``do``
        raises."""
        waiting = iter(pieces)
        while lost := (yield from self._attempt(waiting, self._count)):
            for item in (item for piece in lost for item in piece):
                if (yield from self._attempt(iter([(item,)]), 1)):
                    yield self._give_up((item,))

    def _attempt(self, waiting: Iterator[Piece], size: int) -> Generator[int, None, list[Piece]]:
        """Work with this many processes until one is killed; returns the unfinished pieces."""
        pool = self._of_size(size)
        running: dict[Future[int], Piece] = {}
        lost: list[Piece] = []
        while not lost:
            for piece in islice(waiting, _QUEUED * size - len(running)):
                try:
                    with _without_ctrl_c():
                        running[pool.submit(self._do, piece)] = piece
                except BrokenProcessPool:
                    lost.append(piece)
                    break
            if not running:
                break
            done = wait(running, return_when=FIRST_COMPLETED).done
            for future in [each for each in running if each in done]:  # in the order of the work
                yield from _settle(future, running.pop(future), lost)
        if lost:
            for future, piece in running.items():
                yield from _settle(future, piece, lost)
            self._close(at_once=True)
        return lost

    def _of_size(self, size: int) -> ProcessPoolExecutor:
        if self._pool is not None and self._size != size:
            self._close(at_once=False)
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(size, context, _begin)
            self._size = size
        return self._pool

    def _close(self, at_once: bool) -> None:
        if self._pool is None:
            return
        if at_once:
            for process in multiprocessing.active_children():
                process.terminate()
        self._pool.shutdown(cancel_futures=True)
        self._pool = None


def _settle(future: Future[int], piece: Piece, lost: list[Piece]) -> Iterator[int]:
    try:
        yield future.result()
    except BrokenProcessPool:
        lost.append(piece)


def _begin() -> None:
    """At the start of each process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is handled by the parent
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with the parent; a process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C even before ``_begin``; this process gets it later."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
