"""Every answer that is an error: ``{"error": {"code": …, "message": a sentence}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fer_core.errors import FerError

_BUSY_RETRY_S = 5

_CLIENT_GONE = 499
"""nginx's status for a client that did not wait; nobody reads it but the metrics."""

_ROUTING = {
    404: ("not_found", "There is no such address: GET /api/v1/openapi.json lists those there are."),
    405: ("method_not_allowed", "This address takes other methods: the header Allow names them."),
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
        """``more`` goes into the error beside code and message, ready for JSON."""
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
        self.more = more


def invalid(sentence: str) -> Refused:
    """422: the request is understood, and not what this API takes."""
    return Refused(422, "invalid_request", sentence)


def too_large(sentence: str) -> Refused:
    """413: more bytes than the limit."""
    return Refused(413, "too_large", sentence)


def wrong_type(sentence: str) -> Refused:
    """415: a body of another kind."""
    return Refused(415, "unsupported_media_type", sentence)


def busy() -> Refused:
    """503: others are being served; soon there will be room again."""
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
    """Exception handler for what Starlette itself raises: no such path, not this method."""
    assert isinstance(error, HTTPException)
    code, sentence = _ROUTING.get(error.status_code, ("http_error", f"{error.detail}."))
    return _answer(error.status_code, code, sentence, error.headers or {})


async def answer_nobody(_request: Request, _error: Exception) -> Response:
    """Exception handler for ``ClientDisconnect``, which is no fault of the server."""
    return Response(status_code=_CLIENT_GONE)


async def answer_bug(_request: Request, _error: Exception) -> JSONResponse:
    """Exception handler for all else. Starlette raises it again, so that the server logs it."""
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
