"""Tests of the history that all pages share, and of what the server does at its end."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fer_core.history import LOCAL, History
from fer_core.paths import SAMPLE_CLIP
from fer_core.ui import services
from fer_core.ui.shared.assets import PLOTLY_URL
from tests.forked import ForkedProcess, run_streamlit
from tests.history.frames import begin
from tests.history.openings import NOWHERE, told_together
from tests.servers import free_port
from tests.waiting import DEADLINE_S, until

JOBS = 30
"""More than are analysed before the server ends."""


def answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("localhost", port, timeout=DEADLINE_S)) as server:
        try:
            server.request("GET", "/healthz")
            return server.getresponse().status == 200
        except OSError:
            return False


def paused_download(port: int) -> socket.socket:
    """A connection that holds back most of a large file, as a browser with a paused video does."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(DEADLINE_S)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET {PLOTLY_URL} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def add_job(history: History, folder: Path, number: int) -> None:
    copy = shutil.copy(SAMPLE_CLIP, folder / f"{number:032x}.video")
    session_id = begin(history, "film.mp4")
    history.add_job(
        "film.mp4", str(copy), session_id, owner=LOCAL, detector="haar", emotion="compact"
    )


def test_visitors_do_not_wait_in_turn_for_a_database_that_cannot_be_reached(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", NOWHERE)
    told, attempts = told_together(services.shared_history, monkeypatch)
    assert all("does not answer" in each for each in told)
    assert attempts == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_job_can_be_resumed_at_once_after_a_server_was_ended_by_sigterm(tmp_path):
    data = tmp_path / "data"
    (data / "videos").mkdir(parents=True)
    history = History(f"sqlite:///{data / 'history.sqlite3'}")
    for number in range(JOBS):
        add_job(history, data / "videos", number)
    port = free_port()
    arguments = ["run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = {**os.environ, "FER_DATA_DIR": str(data)}
    server = ForkedProcess(run_streamlit, arguments, environment, tmp_path / "server.log")
    try:
        until(lambda: answers(port))
        until(lambda: any(job.done_s for job in history.jobs(LOCAL)))
        with paused_download(port):
            server.terminate()
            # As every process that SIGTERM ends; to systemd, any other status would be a failure.
            assert server.wait(DEADLINE_S) == -signal.SIGTERM
        states = {job.state for job in history.jobs(LOCAL)}
    finally:
        server.kill()
        history.close()
        print((tmp_path / "server.log").read_text())
    assert "waiting" in states  # it was in the middle of its work
    assert "running" not in states
