"""The endpoints, with what the OpenAPI document says about them.

They take the whole ``Request``: its body is read piece by piece, once the caller is known.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from fer_core.server.api.analysis import analyze
from fer_core.server.api.health import healthz, readyz
from fer_core.server.api.models import models_answer
from fer_core.server.api.schemas import (
    AnalyzeAnswer,
    ErrorAnswer,
    HealthAnswer,
    ModelsAnswer,
    ReadyAnswer,
)
from fer_core.server.api.tokens import authenticate
from fer_core.settings import settings

_ERRORS = {
    401: "No token, or one the server does not know.",
    408: "The body took too long to arrive.",
    413: "A picture, or the whole request, has too many bytes.",
    415: "The body is compressed, is neither multipart/form-data nor JSON, or its text is not "
    "UTF-8.",
    422: "The request is not valid, or no picture in it can be read.",
    429: "Too many requests in a minute.",
    503: "The server is busy, or a model's weights are unavailable.",
}

_HEADERS = {
    401: {"WWW-Authenticate": "The scheme: Bearer."},
    429: {"Retry-After": "Seconds to wait."},
}


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "model": ErrorAnswer,
            "description": _ERRORS[status],
            "headers": {
                name: {"description": meaning, "required": True, "schema": {"type": "string"}}
                for name, meaning in _HEADERS.get(status, {}).items()
            },
        }
        for status in statuses
    }


# For the document alone: ``authenticate`` decides.
_BEARER = Security(
    HTTPBearer(
        scheme_name="bearer",
        description="One of FER_API_TOKENS. A server without tokens answers only programs on its "
        "own computer, and those need none.",
        auto_error=False,
    )
)

v1 = APIRouter()
"""The routes below ``PREFIX``."""

probes = APIRouter()
"""The routes at the top level."""


@v1.post(
    "/analyze",
    operation_id="analyzePictures",
    summary="Find the faces in pictures and read their expressions.",
    response_model=AnalyzeAnswer,
    response_description="At least one picture could be read.",
    responses=_errors(*_ERRORS),
    dependencies=[_BEARER],
)
async def _analyze(request: Request) -> Response:
    state = request.app.state
    state.rates.take(authenticate(request), settings().api_requests_per_minute)
    return await analyze(request, state.gate, state.buffer)


@v1.get(
    "/models",
    operation_id="listModels",
    summary="The available models.",
    response_model=ModelsAnswer,
    responses=_errors(401),
    dependencies=[_BEARER],
)
async def _models(request: Request) -> Response:
    authenticate(request)
    # Looks at files, and may wait a moment for a download.
    return JSONResponse(await run_in_threadpool(models_answer))


probes.get(
    "/healthz",
    operation_id="getHealth",
    summary="Is the process alive?",
    response_model=HealthAnswer,
)(healthz)

probes.get(
    "/readyz",
    operation_id="getReadiness",
    summary="Can expressions be recognised and saved right now?",
    response_model=ReadyAnswer,
    responses={503: {"model": ReadyAnswer, "description": "No, and why."}},
)(readyz)


@probes.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics for Prometheus.",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **_errors(401),
    },
    dependencies=[_BEARER],
)
async def _metrics(request: Request) -> Response:
    authenticate(request)
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
