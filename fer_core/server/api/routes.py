"""The routes, put together for ``st.App(routes=…)``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from fer_core.server.api.analysis import analyze
from fer_core.server.api.errors import (
    Refused,
    answer_bug,
    answer_nobody,
    answer_refused,
    answer_routing,
)
from fer_core.server.api.health import healthz, readyz
from fer_core.server.api.limits import Buffer, Gate, RateLimiter
from fer_core.server.api.middleware import ApiBoundary
from fer_core.server.api.models import models_answer
from fer_core.server.api.openapi import PREFIX, document
from fer_core.server.api.tokens import authenticate
from fer_core.settings import settings

Endpoint = Callable[[Request], Awaitable[Response]]

_BODIES_AT_ONCE = 2
"""How many bodies of the largest size fit into memory together; of smaller ones, many more."""


def routes() -> list[BaseRoute]:
    """All of them, with limits of their own: as many as the settings say at this moment."""
    limits = settings()
    gate = Gate(limits.api_max_analyses)
    buffer = Buffer(_BODIES_AT_ONCE * limits.api_max_body_mb * 1_000_000)
    rates = RateLimiter()

    async def post_analyze(request: Request) -> Response:
        rates.take(authenticate(request), settings().api_requests_per_minute)
        return await analyze(request, gate, buffer)

    v1 = [
        Route("/analyze", post_analyze, methods=["POST"]),
        Route("/models", _for_callers(_models)),
        Route("/openapi.json", _openapi),
    ]
    beside = [
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/metrics", _for_callers(_metrics)),
    ]
    known = frozenset([*(PREFIX + route.path for route in v1), *(route.path for route in beside)])
    probes = _application(beside, known)
    return [Mount(PREFIX, _application(v1, known)), *(Route(r.path, probes) for r in beside)]


def _application(inside: Sequence[BaseRoute], known: frozenset[str]) -> ApiBoundary:
    """These routes with the errors and headers of this API, whatever they are mounted in."""
    application = Starlette(
        routes=inside,
        exception_handlers={
            Refused: answer_refused,
            HTTPException: answer_routing,
            ClientDisconnect: answer_nobody,
            Exception: answer_bug,
        },
    )
    application.router.redirect_slashes = False  # another address is a 404, not an empty 307
    # Around all of it: a 500 is made by Starlette's own outermost layer.
    return ApiBoundary(application, known)


def _for_callers(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        authenticate(request)
        return await endpoint(request)

    return guarded


async def _models(_request: Request) -> Response:
    # Looks at files, and waits a moment for a download.
    return JSONResponse(await run_in_threadpool(models_answer))


async def _openapi(_request: Request) -> Response:
    return JSONResponse(document(settings()))


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
