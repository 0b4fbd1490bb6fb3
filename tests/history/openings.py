"""Several threads at once that open a history whose server cannot be reached."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from fer_core.history import database
from tests.waiting import until

NOWHERE = "postgresql://a:s3cret@127.0.0.1:9/n"
"""A server that cannot be reached."""

_THREADS = 4


def told_together(
    ask: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], int]:
    """What several threads are told that ask during the first attempt to open a database, and how
    many attempts were made."""
    attempts: list[sa.Engine] = []
    go_on = threading.Event()
    create_or_upgrade = database._create_or_upgrade

    def attempt(engine: sa.Engine) -> None:
        attempts.append(engine)
        until(go_on.is_set)
        create_or_upgrade(engine)

    monkeypatch.setattr(database, "_create_or_upgrade", attempt)
    with ThreadPoolExecutor(_THREADS) as threads:
        asked = [threads.submit(ask) for _ in range(_THREADS)]
        try:
            until(lambda: _openings() == _THREADS)
        finally:
            go_on.set()
    return [str(each.exception()) for each in asked], len(attempts)


def _openings() -> int:
    """How many threads open a database, or wait for it."""
    return sum(map(_is_opening, sys._current_frames().values()))


def _is_opening(frame: object) -> bool:
    while frame is not None:
        if getattr(frame, "f_code", None) is database.Database._open.__code__:
            return True
        frame = getattr(frame, "f_back", None)
    return False
