"""The style sheet is in Streamlit's page, which is otherwise unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import streamlit
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from fer_core.ui.styled_pages import (
    ELEMENTS,
    OUR_TITLE,
    ROOT_ELEMENT,
    ROUTES,
    STYLE_URL,
    TITLE,
    StyledPages,
    links,
)

PAGE = Path(streamlit.__file__).parent / "static" / "index.html"
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def page(_request: Request) -> FileResponse:
    return FileResponse(PAGE)


def data(_request: Request) -> JSONResponse:
    return JSONResponse({"page": ROOT_ELEMENT.decode()})


def other(_request: Request) -> HTMLResponse:
    return HTMLResponse("<p>other</p>")


@pytest.fixture
def client() -> TestClient:
    routes = [Route("/live", page), Route("/data", data), Route("/other", other), *ROUTES]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(StyledPages)]))


def test_the_page_has_the_link_once_after_the_head(client):
    answer = client.get("/live", headers=BROWSER)
    assert answer.content.count(links()) == 1
    assert answer.content.index(links()) > answer.content.index(b"</head>")
    theirs = PAGE.read_bytes()
    assert theirs.count(TITLE) == 1
    assert answer.content.replace(links(), b"") == theirs.replace(TITLE, OUR_TITLE)
    assert int(answer.headers["content-length"]) == len(answer.content)
    # What the browser has may be a page without it.
    known = {**BROWSER, "If-None-Match": answer.headers["etag"]}
    assert client.get("/live", headers=known).status_code == 200


def test_streamlit_has_the_scripts_that_are_named():
    assert STYLE_URL.encode() in links()
    scripts = re.findall(rb'modulepreload" href="/(static/js/[^"]+)"', links())
    assert len(scripts) == len(ELEMENTS)
    assert all((PAGE.parent / script.decode()).is_file() for script in scripts)


def test_everything_else_is_as_it_was(client):
    assert client.get("/data", headers=BROWSER).json() == {"page": ROOT_ELEMENT.decode()}
    assert client.get("/other", headers=BROWSER).text == "<p>other</p>"
    assert client.get("/live").content == PAGE.read_bytes()  # no browser asks for it
    assert client.head("/live", headers=BROWSER).status_code == 200


def test_the_sheet_is_sent_and_asked_for_anew(client):
    answer = client.get(STYLE_URL)
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["cache-control"] == "no-cache"
    again = client.get(STYLE_URL, headers={"If-None-Match": answer.headers["etag"]})
    assert "stMainBlockContainer" in answer.text
    assert again.status_code in (200, 304)
