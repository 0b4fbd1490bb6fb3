"""GET /readyz; tests/browser asks the running server for it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import WeightsMissing
from fer_core.history import LOCAL, history
from fer_core.server.api.health import readyz
from fer_core.settings import settings


@pytest.fixture(autouse=True)
def _own_history() -> Iterator[None]:
    yield
    history().close()
    history.cache_clear()


def ask() -> JSONResponse:
    return asyncio.run(readyz(Request({"type": "http"})))


def test_ready():
    answer = ask()
    assert answer.status_code == 200
    body = json.loads(bytes(answer.body))
    assert body["ready"] is True
    assert body["model"] == "compact"
    assert answer.headers["cache-control"] == "no-store"


def test_not_ready_without_a_model(monkeypatch, caplog):
    def fail(*_args, **_more):
        raise WeightsMissing("The compact network is not here.")

    monkeypatch.setattr("fer_core.server.api.health.Analyzer", fail)
    assert "The compact network is not here." in reason(caplog, "A model")


def test_asking_makes_no_history():
    assert ask().status_code == 200
    assert not settings().data_dir.exists()


def test_a_history_that_is_there_is_read():
    history().count(LOCAL)
    assert ask().status_code == 200


def reason(caplog: pytest.LogCaptureFixture, what: str = "The history") -> str:
    """Why it is not ready, which anybody may ask but only the log says."""
    answer = ask()
    assert answer.status_code == 503
    sentence = f"{what} cannot be used: see the server's log."
    assert json.loads(bytes(answer.body)) == {"ready": False, "error": sentence}
    return caplog.text


@pytest.mark.parametrize("url", ["postgres://fer@127.0.0.1:9/fer", "mysql://nobody", "sqlite:///"])
def test_not_ready_with_a_database_that_cannot_be_had(monkeypatch, caplog, url):
    monkeypatch.setenv("DATABASE_URL", url)
    assert "DATABASE_URL" in reason(caplog)


def test_not_ready_with_a_damaged_history(caplog):
    file = settings().data_dir / "history.sqlite3"
    file.parent.mkdir()
    file.write_bytes(b"no database at all" * 999)
    assert "it is not a database" in reason(caplog)


def test_not_ready_with_a_place_where_no_history_can_be_made(monkeypatch, caplog, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "file" / "data"))
    assert "FER_DATA_DIR" in reason(caplog)


class Hanging:
    """Models that are loaded only once they may."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.may = threading.Event()
        monkeypatch.setattr("fer_core.server.api.health.Analyzer", self._load)

    def _load(self, detector: str, emotion: str, wait_s: float) -> Analyzer:
        self.asked.append(detector)
        assert self.may.wait(60.0)
        return Analyzer(detector, emotion, wait_s=wait_s)


async def statuses(count: int, models: Hanging | None = None) -> list[int]:
    """What so many who ask at the same time are told; the models may be loaded once all did."""
    asked = [asyncio.create_task(readyz(Request({"type": "http"}))) for _ in range(count)]
    await asyncio.sleep(0.0)
    if models:
        models.may.set()
    return [(await each).status_code for each in asked]


def test_all_who_ask_at_the_same_time_hold_one_thread(monkeypatch):
    models = Hanging(monkeypatch)
    assert asyncio.run(statuses(20, models)) == [200] * 20
    assert len(models.asked) == 1
    assert asyncio.run(statuses(1)) == [200]
    assert len(models.asked) == 2, "the next is not told what was"


def test_an_answer_does_not_wait_for_what_hangs(monkeypatch, caplog):
    monkeypatch.setattr("fer_core.server.api.health.WAIT_S", 0.01)
    models = Hanging(monkeypatch)

    async def late() -> list[int]:
        found = [*await statuses(1), *await statuses(1)]
        models.may.set()
        return found

    assert asyncio.run(late()) == [503, 503]
    assert len(models.asked) == 1
    assert "has not answered" in caplog.text
