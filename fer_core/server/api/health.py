"""GET /healthz: is the process alive? GET /readyz: can it recognise and save expressions?"""

from __future__ import annotations

import asyncio
import logging

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import FerError, HistoryError
from fer_core.history import history
from fer_core.settings import settings

WAIT_S = 60.0
"""The longest time before an answer: networks are loaded faster, and a locked table is given up
sooner."""

_Answer = tuple[int, dict[str, object]]

_log = logging.getLogger(__name__)
_latest: asyncio.Task[_Answer] | None = None


async def healthz(_request: Request) -> JSONResponse:
    """200 as long as the event loop runs."""
    return JSONResponse({"alive": True})


async def readyz(_request: Request) -> JSONResponse:
    """200 and the models' names once a detector and an emotion model work and the history's
    database can be used, else 503 and what cannot be used."""
    probe = _shared_probe()
    await asyncio.wait({probe}, timeout=WAIT_S)
    status, body = probe.result() if probe.done() else _late()
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})


def _shared_probe() -> asyncio.Task[_Answer]:
    """The probe for all who ask at the same time. A database that hangs, hangs it too; one for each
    would soon hold all threads of the server."""
    global _latest
    loop = asyncio.get_running_loop()
    if _latest is None or _latest.done() or _latest.get_loop() is not loop:
        # Loading a network would block the event loop, which the pages share, for too long.
        _latest = loop.create_task(run_in_threadpool(_probe))
    return _latest


def _late() -> _Answer:
    _log.warning("not ready: a model or the database has not answered for %.0f s", WAIT_S)
    return 503, {"ready": False, "error": "A model or the history does not answer."}


def _probe() -> _Answer:
    wanted = settings()
    try:
        analyzer = Analyzer(wanted.detector, wanted.emotion, wait_s=0.0)
        analyzer.detector.detect(np.zeros((64, 64, 3), np.uint8))
        analyzer.emotion.predict(np.zeros((1, 48, 48), np.uint8))
        history().check()
    except FerError as error:
        # The sentence names folders and hosts, and anybody may ask: they belong in the log only.
        _log.warning("not ready: %s", error)
        what = "The history" if isinstance(error, HistoryError) else "A model"
        return 503, {"ready": False, "error": f"{what} cannot be used: see the server's log."}
    return 200, {"ready": True, "detector": analyzer.detector.name, "model": analyzer.emotion.name}
