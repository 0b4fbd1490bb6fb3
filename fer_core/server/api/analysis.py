"""POST /analyze: answers pictures with the same records as the command line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.quality import left_out
from fer_core.errors import PictureError, UnknownModel, WeightsError, WeightsMissing
from fer_core.export.records import picture_record
from fer_core.media.decoder_pool import decode_apart
from fer_core.server.api.errors import Refused
from fer_core.server.api.limits import Buffer, Gate
from fer_core.server.api.request_body import Picture, read_upload
from fer_core.server.api.schemas import Options
from fer_core.settings import settings
from fer_core.telemetry import ANALYSIS_SECONDS, ERRORS, PICTURES

DOWNLOAD_WAIT_S = 0.3
"""Enough to find out that there is no connection; a longer download continues after the request."""

_log = logging.getLogger(__name__)


async def analyze(request: Request, gate: Gate, buffer: Buffer) -> Response:
    """Answer one request: 200 if at least one picture could be read. Raises ``Refused``."""
    with buffer.share() as reserve:
        upload = await read_upload(request, settings(), reserve)
        async with gate.slot(), _caller(request) as gone:
            analyzer = await run_in_threadpool(_analyzer, upload.options)
            records = []
            for picture in upload.pictures:
                readable_only = bool(upload.options.readable_only)
                records.append(
                    await run_in_threadpool(_record, analyzer, picture, gone, readable_only)
                )
                _go_on_unless(gone)
    faults = [record for record in records if "error" in record]
    if len(faults) == len(records):
        sentence = faults[0]["error"] if len(faults) == 1 else "None of the pictures can be read."
        raise Refused(422, "unreadable", sentence, pictures=faults)
    return JSONResponse({"pictures": records})


@asynccontextmanager
async def _caller(request: Request) -> AsyncIterator[Future[None]]:
    """A future that is done once the caller has closed the connection."""
    gone: Future[None] = Future()

    async def listen() -> None:
        # The body has been read, so nothing else can come.
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set_result(None)

    listening = asyncio.create_task(listen())
    try:
        yield gone
    finally:
        listening.cancel()


def _analyzer(options: Options) -> Analyzer:
    wanted = settings()
    detector, emotion = options.detector or wanted.detector, options.emotion or wanted.emotion
    try:
        return Analyzer(detector, emotion, wait_s=DOWNLOAD_WAIT_S)
    except UnknownModel as error:
        raise Refused(422, "unknown_engine", str(error)) from error
    except WeightsMissing as error:
        raise Refused(503, "engine_unavailable", str(error), {"Retry-After": "10"}) from error
    except WeightsError as error:
        # The sentence names folders of the server, which belong in its log only.
        _log.warning("a model is unavailable: %s", error)
        sentence = (
            "This model's weights are unavailable: see the server's log, or choose another model."
        )
        raise Refused(503, "engine_unavailable", sentence) from error


def _go_on_unless(gone: Future[None], _done: float = 0.0) -> None:
    """End the work, which takes seconds for a large picture, once the caller is gone."""
    if gone.done():
        raise ClientDisconnect


def _record(
    analyzer: Analyzer, picture: Picture, gone: Future[None], readable_only: bool
) -> dict[str, Any]:
    try:
        decoded = decode_apart(picture.data, gone)
        result = analyzer.analyze(decoded.bgr, on_progress=partial(_go_on_unless, gone))
    except Exception as error:  # one bad picture must not cost the others their answer
        _go_on_unless(gone)  # it was ended because nobody waits for it
        ERRORS.labels("api").inc()
        return {"file": picture.name, "error": _sentence(error)}
    PICTURES.labels("api").inc()
    ANALYSIS_SECONDS.labels("picture").observe(result.latency_ms / 1e3)
    notes = [decoded.note] if decoded.note else []
    if readable_only and (count := len(result.faces) - len(result.readable().faces)):
        result = result.readable()
        notes.append(left_out(count))
    return picture_record(picture.name, result, " ".join(notes))


def _sentence(error: Exception) -> str:
    """What is wrong with a picture; what only the operator can understand is in the log."""
    if isinstance(error, PictureError):
        return str(error)
    _log.error("a picture could not be analysed", exc_info=error)
    return "This picture could not be analysed: see the server's log, or send another."
