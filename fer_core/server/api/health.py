"""GET /healthz: is the process alive? GET /readyz: can it recognise and save expressions?"""

from __future__ import annotations

import logging

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import FerError, HistoryError
from fer_core.history import history
from fer_core.settings import settings

_log = logging.getLogger(__name__)


async def healthz(_request: Request) -> JSONResponse:
    """200 as long as the event loop runs."""
    return JSONResponse({"alive": True})


async def readyz(_request: Request) -> JSONResponse:
    """200 and the models' names once a detector and an emotion model work and the history's
    database can be used, else 503 and what cannot be used."""
    # Loading a network would block the event loop, which the pages share, for too long.
    status, body = await run_in_threadpool(_probe)
    return JSONResponse(body, status_code=status, headers={"Cache-Control": "no-store"})


def _probe() -> tuple[int, dict[str, object]]:
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
