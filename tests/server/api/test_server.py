"""The API behind a real server: slow, dishonest, oversized and very many requests."""

from __future__ import annotations

import gzip
import http.client
import io
import json
import select
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from PIL import Image
from prometheus_client import REGISTRY
from starlette.requests import ClientDisconnect

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import UnreadablePicture
from fer_core.media.images import decode_noted, read_picture
from fer_core.server.api import analysis
from tests.conftest import SAMPLE
from tests.server.api.conftest import TOKEN
from tests.waiting import until

HEAD = (
    b"POST /api/v1/analyze?detector=scout&emotion=compact HTTP/1.1\r\n"
    b"Host: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\n"
)
PART = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a.jpg"\r\n\r\n'
END = b"\r\n--x--\r\n"


def answer_on(connection, gzipped=False):
    """Status, body and headers of the answer that waits in a socket."""
    response = http.client.HTTPResponse(connection)
    response.begin()
    body = response.read()
    if gzipped and response.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    return response.status, json.loads(body), response.headers


def ask(server, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, {"Host": "localhost", **headers})
        response = connection.getresponse()
        return response.status, response.read(), dict(response.headers)
    finally:
        connection.close()


def is_alive(server):
    return ask(server, "GET", "/healthz")[0] == 200


def small_face():
    """A picture that is quick to analyse."""
    file = io.BytesIO()
    bgr = read_picture(SAMPLE)[20:220, 120:320]
    Image.fromarray(bgr[:, :, ::-1].copy()).save(file, "JPEG")
    return file.getvalue()


def test_head_is_answered_like_get_without_a_body(start_server):
    server = start_server()
    status, body, headers = ask(server, "HEAD", "/healthz")
    assert (status, body) == (200, b"")
    assert headers["content-length"] == "14"
    assert ask(server, "HEAD", "/api/v1/analyze")[0] == 405


def test_an_endless_body_is_cut_off_while_it_arrives(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_BODY_MB", "1")
    server = start_server()
    piece = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with server.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"%x\r\n" % len(PART) + PART + b"\r\n")
        sent = 0
        while sent < 200_000_000 and not select.select([connection], [], [], 0)[0]:
            connection.sendall(piece)
            sent += len(piece)
        status, answer, _ = answer_on(connection)
    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert sent < 30_000_000  # the limit, and what was on its way
    assert is_alive(server)


@pytest.mark.parametrize("extra", [b"", b"Accept-Encoding: gzip\r\n"])
def test_the_answer_gets_through_to_a_client_that_is_still_sending(
    start_server, monkeypatch, extra
):
    monkeypatch.setenv("FER_API_MAX_BODY_MB", "1")
    server = start_server()
    with server.connect() as connection:
        connection.sendall(HEAD + extra + b"Content-Length: 3000000\r\n\r\n" + PART)
        if not extra:  # compressed, it is sent when it is complete
            select.select([connection], [], [], 15)
        for _ in range(20):
            connection.sendall(bytes(100_000))  # raises if the connection is closed by now
        status, answer, headers = answer_on(connection)
    assert (status, answer["error"]["code"]) == (413, "too_large")
    assert headers["Connection"] == "close"


def test_nothing_is_uploaded_for_a_refusal_that_is_known_before(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_TOKENS", TOKEN)
    server = start_server()
    with server.connect() as connection:
        connection.sendall(HEAD + b"Expect: 100-continue\r\nContent-Length: 30000000\r\n\r\n")
        status, answer, _ = answer_on(connection)
    assert (status, answer["error"]["code"]) == (401, "unauthorized")


def test_a_body_that_drips_runs_into_the_deadline(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_BODY_S", "1")
    server = start_server()
    stop = threading.Event()
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100000\r\n\r\n" + PART)

        def drip():
            with suppress(OSError):
                while not stop.wait(0.05):
                    connection.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        status, answer, headers = answer_on(connection)
        # The connection is closed too, not left to drip on.
        until(lambda: not dripping.is_alive())
        stop.set()
    assert (status, answer["error"]["code"]) == (408, "timeout")
    assert headers["Connection"] == "close"
    assert is_alive(server)


def test_a_body_shorter_than_announced_does_not_hold_the_server(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_BODY_S", "1")
    server = start_server()
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + PART)
        assert answer_on(connection)[0] == 408


def test_what_is_sent_beyond_the_announced_length_is_no_picture(start_server):
    server = start_server()
    with server.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(PART))
        connection.sendall(PART + SAMPLE.read_bytes() + END)
        status, answer, _ = answer_on(connection)
    assert (status, answer["error"]["code"]) == (422, "invalid_request")


def test_bodies_that_stall_take_a_bounded_amount_of_memory(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_BODY_MB", "1")
    server = start_server()  # with room for two bodies of 1 MB
    stalled = [server.connect() for _ in range(5)]
    try:
        for connection in stalled:
            connection.sendall(HEAD + b"Content-Length: 990000\r\n\r\n" + PART + bytes(900_000))

        def answered():
            return select.select(stalled, [], [], 0)[0]

        until(lambda: len(answered()) >= 3)
        refused = answered()
        assert len(refused) == 3
        for connection in refused:
            status, answer, headers = answer_on(connection)
            assert (status, answer["error"]["code"]) == (503, "busy")
            assert headers["Retry-After"]
        assert is_alive(server)
    finally:
        for connection in stalled:
            connection.close()
    # What those held who went away is free again: these zeros are no picture, but have room.
    body, kind = PART + bytes(900_000) + END, {"Content-Type": "multipart/form-data; boundary=x"}
    until(lambda: ask(server, "POST", "/api/v1/analyze", body, **kind)[0] == 422)


def test_no_more_than_the_setting_are_analysed_at_once(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_ANALYSES", "1")
    go_on = threading.Event()

    def wait_and_decode(data, _gone):
        assert go_on.wait(30)
        return decode_noted(data)

    monkeypatch.setattr(analysis, "decode_apart", wait_and_decode)
    server = start_server()
    body, kind = PART + small_face() + END, {"Content-Type": "multipart/form-data; boundary=x"}
    path = "/api/v1/analyze?detector=scout&emotion=compact"
    with ThreadPoolExecutor(4) as clients:
        uploads = [clients.submit(ask, server, "POST", path, body, **kind) for _ in range(4)]
        try:
            # The first holds the only place; the others give up waiting for it.
            until(lambda: sum(upload.done() for upload in uploads) == 3)
        finally:
            go_on.set()
        statuses = Counter(upload.result()[0] for upload in uploads)
    assert statuses == {200: 1, 503: 3}


def test_who_closes_the_connection_ends_the_work(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_ANALYSES", "1")
    begun = threading.Event()

    def wait_for_the_end(data, gone):
        begun.set()
        gone.result(timeout=60)
        raise UnreadablePicture("It was ended.")

    def errors() -> float:
        return REGISTRY.get_sample_value("fer_errors_total", {"where": "api"}) or 0.0

    server, before = start_server(), errors()
    body, kind = PART + small_face() + END, {"Content-Type": "multipart/form-data; boundary=x"}
    path = "/api/v1/analyze?detector=scout&emotion=compact"
    with monkeypatch.context() as forged:
        forged.setattr(analysis, "decode_apart", wait_for_the_end)
        with server.connect() as connection:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert begun.wait(30)
    # The only place is free again: it would be held for a minute.
    assert ask(server, "POST", path, body, **kind)[0] == 200
    assert errors() == before  # nor is it an error


def test_who_closes_the_connection_ends_the_search(start_server, monkeypatch):
    searches, last = [], threading.Event()

    def search_on(_analyzer, bgr, on_progress):
        searches.append(bgr.shape)
        try:
            while not last.wait(0.01):
                on_progress(0.5)
        except ClientDisconnect:
            searches.append("ended")
            raise

    server = start_server()
    body, kind = PART + small_face() + END, {"Content-Type": "multipart/form-data; boundary=x"}
    path = "/api/v1/analyze?detector=scout&emotion=compact"
    with monkeypatch.context() as forged:
        forged.setattr(Analyzer, "analyze", search_on)
        try:
            with server.connect() as connection:
                connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                until(lambda: len(searches) == 1)
            until(lambda: searches[1:] == ["ended"])
        finally:
            last.set()
    assert ask(server, "POST", path, body, **kind)[0] == 200


def test_200_uploads_at_once(start_server, monkeypatch):
    monkeypatch.setenv("FER_API_REQUESTS_PER_MINUTE", "30")
    server = start_server()
    body = PART + small_face() + END
    path = "/api/v1/analyze?detector=scout&emotion=compact"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    together = threading.Barrier(201)

    def upload(_number):
        together.wait()
        return ask(server, "POST", path, body, **kind)

    with ThreadPoolExecutor(200) as clients:
        uploads = [clients.submit(upload, number) for number in range(200)]
        together.wait()
        assert is_alive(server)
        answers = [upload.result() for upload in uploads]
    count = Counter(status for status, _, _ in answers)
    assert set(count) <= {200, 429, 503}
    assert count[200] >= 1
    assert count[429] >= 100  # 30 at once, and one more every two seconds
    for status, text, headers in answers:
        if status != 200:
            assert set(json.loads(text)["error"]) == {"code", "message"}
            assert int(headers["retry-after"]) >= 1
    assert is_alive(server)
