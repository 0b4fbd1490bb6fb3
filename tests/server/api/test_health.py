"""GET /readyz; tests/browser asks the running server for it."""

from __future__ import annotations

import asyncio
import json

from starlette.requests import Request
from starlette.responses import JSONResponse

from fer_core.errors import WeightsMissing
from fer_core.server.api.health import readyz


def ask() -> JSONResponse:
    return asyncio.run(readyz(Request({"type": "http"})))


def test_ready():
    answer = ask()
    assert answer.status_code == 200
    body = json.loads(bytes(answer.body))
    assert body["ready"] is True
    assert body["model"] == "compact"
    assert answer.headers["cache-control"] == "no-store"


def test_not_ready(monkeypatch):
    def fail(*_args, **_more):
        raise WeightsMissing("The compact network is not here.")

    monkeypatch.setattr("fer_core.server.api.health.Analyzer", fail)
    answer = ask()
    assert answer.status_code == 503
    assert json.loads(bytes(answer.body)) == {
        "ready": False,
        "error": "The compact network is not here.",
    }
