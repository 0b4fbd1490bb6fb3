"""All error responses: ``{"error": {"code": …, "message": a sentence}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core.errors import FerError

_BUSY_RETRY_S = 5

_CLIENT_GONE = 499
"""nginx's status for a client that did not wait; only the metrics show it."""

_ROUTING = {
    404: ("not_found", "There is no such address. GET /api/v1/openapi.json lists all addresses."),
    405: (
        "method_not_allowed",
        "This address does not take this method; see the header Allow.",
    ),
}


class Refused(FerError):
    """A request is answered with an error. ``str()`` is the sentence, ``code`` is for programs."""

    def __init__(
        self,
        status: int,
        code: str,
        sentence: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """``more`` is added to the error beside code and message; it must be JSON."""
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = more


def invalid(sentence: str) -> Refused:
    """422: the request is not valid."""
    return Refused(422, "invalid_request", sentence)


def too_large(sentence: str) -> Refused:
    """413: more bytes than the limit."""
    return Refused(413, "too_large", sentence)


def wrong_type(sentence: str) -> Refused:
    """415: a body of an unsupported type."""
    return Refused(415, "unsupported_media_type", sentence)


def busy() -> Refused:
    """503: the server is busy with other requests."""
    return Refused(
        503,
        "busy",
        "The server is busy with other pictures. Try again in a few seconds.",
        {"Retry-After": str(_BUSY_RETRY_S)},
    )


async def answer_refused(_request: Request, error: Exception) -> JSONResponse:
    """Exception handler for ``Refused``."""
    assert isinstance(error, Refused)
    return _answer(error.status, error.code, str(error), error.headers, error.more)


async def answer_routing(_request: Request, error: Exception) -> JSONResponse:
    """Exception handler for Starlette's own errors: unknown path, wrong method."""
    assert isinstance(error, HTTPException)
    code, sentence = _ROUTING.get(error.status_code, ("http_error", f"{error.detail}."))
    return _answer(error.status_code, code, sentence, error.headers or {})


async def answer_nobody(_request: Request, _error: Exception) -> Response:
    """Exception handler for ``ClientDisconnect``, which is not the server's fault."""
    return Response(status_code=_CLIENT_GONE)


async def answer_bug(_request: Request, _error: Exception) -> JSONResponse:
    """Exception handler for everything else. Starlette re-raises it, so that the server logs it."""
    sentence = "Something went wrong on the server. Its log has the details."
    return _answer(500, "internal", sentence, {})


def _answer(
    status: int,
    code: str,
    sentence: str,
    headers: Mapping[str, str],
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:
    error = {"code": code, "message": sentence, **(more or {})}
    return JSONResponse({"error": error}, status_code=status, headers=dict(headers))
