"""Makes the API's routes for ``st.App(routes=…)``."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Mount, Route

from fer_core.server.api.endpoints import probes, v1
from fer_core.server.api.errors import (
    Refused,
    answer_bug,
    answer_nobody,
    answer_refused,
    answer_routing,
)
from fer_core.server.api.limits import Buffer, Gate, RateLimiter
from fer_core.server.api.middleware import ApiBoundary
from fer_core.server.api.openapi import PREFIX
from fer_core.settings import settings

# Requests hold pictures and tokens: nothing of them goes to OpenTelemetry, whatever the environment
# says.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}

_BODIES_AT_ONCE = 2
"""How many bodies of the largest size fit into memory together; of smaller ones, many more."""


def routes() -> list[BaseRoute]:
    """All routes, with their own limits: those of the settings at this moment."""
    paths = _paths(probes)
    known = frozenset([*(PREFIX + path for path in _paths(v1)), *paths])
    beside = _application(probes, known)
    return [Mount(PREFIX, _application(v1, known)), *(Route(path, beside) for path in paths)]


def _paths(router: APIRouter) -> list[str]:
    return [route.path for route in router.routes if isinstance(route, APIRoute)]


def _application(router: APIRouter, known: frozenset[str]) -> ApiBoundary:
    """These routes with the errors and headers of this API, whatever they are mounted in."""
    application = FastAPI(
        openapi_url=None,  # ``openapi.py`` has its own, with the limits in force
        telemetry=_NO_TELEMETRY,
        redirect_slashes=False,  # another address is a 404, not an empty 307
        exception_handlers={
            Refused: answer_refused,
            HTTPException: answer_routing,
            ClientDisconnect: answer_nobody,
            Exception: answer_bug,
        },
    )
    limits = settings()
    application.state.gate = Gate(limits.api_max_analyses)
    application.state.buffer = Buffer(_BODIES_AT_ONCE * limits.api_max_body_mb * 1_000_000)
    application.state.rates = RateLimiter()
    application.include_router(router)
    # Around all of it: Starlette's outermost layer makes the answer 500.
    return ApiBoundary(application, known)
