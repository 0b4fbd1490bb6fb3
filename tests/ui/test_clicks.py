"""Requests of a browser that come together, sent to a real server with and without the patch."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

import pytest
import streamlit as st
from starlette.testclient import TestClient, WebSocketTestSession
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.runtime.state.safe_session_state import SafeSessionState

from fer_core.paths import ROOT
from fer_core.ui.patches import clicks
from tests.forked import Piped
from tests.waiting import until

PAGE = """
import streamlit as st
from tests.ui.test_clicks import calls, note_navigation, slow

st.button("whole", on_click=calls.append, args=("whole",))
st.button("slow", on_click=slow)
st.toggle("switch", on_change=calls.append, args=("switch",))


@st.fragment
def part():
    st.button("part", on_click=calls.append, args=("part",))


@st.fragment(run_every=3600)
def clock():
    st.text("the clock")


note_navigation()
part()
clock()
"""
ROUNDS = 30

calls: list[str] = []
begun, go_on = threading.Event(), threading.Event()


def slow() -> None:
    """A callback that uses Streamlit only once another request has come."""
    begun.set()
    go_on.wait()
    st.session_state["slow"] = True
    calls.append("slow")


def note_navigation() -> None:
    """Count each time that the browser went back or forward, with the patch or without."""
    run = get_script_run_ctx()
    assert run is not None
    known = clicks.navigations() or int(run.is_history_navigation)
    if known > calls.count("navigated"):
        calls.append("navigated")


class Browser:
    """One browser session of a page."""

    def __init__(self, socket: WebSocketTestSession) -> None:
        self._socket = socket
        self._session: Any = None
        self._sent = self._received = 0
        self.locks: list[object] = []
        self._widgets: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        theirs = AppSession.request_rerun

        def request_rerun(session: AppSession, state: Any) -> None:
            theirs(session, state)
            self._session = session
            self.locks.append(self._session._scriptrunner._session_state._lock)
            self._received += 1

        AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
        self.send()
        self._read()

    def send(
        self, *clicked: str, fragment: str = "", switch: bool | None = None, back: bool = False
    ) -> None:
        """Ask for a run of the page, or of the fragment with this widget or text."""
        message = BackMsg()
        request = message.rerun_script
        request.widget_states.SetInParent()
        for name in clicked:
            request.widget_states.widgets.add(id=self._widgets[name], trigger_value=True)
        if switch is not None:
            request.widget_states.widgets.add(id=self._widgets["switch"], bool_value=switch)
        request.fragment_id = self._fragments.get(fragment, "")
        request.is_auto_rerun = fragment == "the clock"
        request.is_history_navigation = back
        self._socket.send_bytes(message.SerializeToString())
        self._sent += 1

    def wait_for_receipt(self) -> None:
        until(lambda: self._received == self._sent, "the server has all requests")

    def wait_for_rest(self) -> None:
        self.wait_for_receipt()
        until(lambda: self._session._scriptrunner is None, "all runs are over")

    def _read(self) -> None:
        """Learn the names of widgets and fragments from the page's first run."""
        while (message := self._next()).WhichOneof("type") != "script_finished":
            element = message.delta.new_element
            kind = element.WhichOneof("type")
            if kind is None:
                continue
            widget = getattr(element, kind)
            name = widget.label if kind in ("button", "checkbox") else widget.body
            self._widgets[name] = getattr(widget, "id", "")
            self._fragments[name] = message.delta.fragment_id
        self.wait_for_rest()

    def _next(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(self._socket.receive_bytes())
        return message


def click_while_the_clock_is_due(browser: Browser) -> None:
    browser.send("part", fragment="the clock")
    browser.wait_for_rest()
    browser.send("part", fragment="part")


def click_before_another_request(browser: Browser) -> None:
    with held(browser, SafeSessionState, "on_script_will_rerun"):
        browser.send(fragment="the clock")
        begun.wait()
        browser.send("part", fragment="part")
        browser.send()


def switch_before_another_request(browser: Browser) -> None:
    """As one that leaves the page does: without the states of its widgets."""
    with held(browser, SafeSessionState, "on_script_will_rerun"):
        browser.send(switch=True)
        begun.wait()
        browser.send()


def back_before_another_request(browser: Browser) -> None:
    with held(browser, ScriptRequests, "on_scriptrunner_ready"):
        browser.send(back=True)
        begun.wait()
        browser.send(fragment="part")


def another_request_ends_the_way_back(browser: Browser) -> None:
    with held(browser, SafeSessionState, "on_script_will_rerun"):
        browser.send(back=True)
        begun.wait()
        browser.send()


@contextmanager
def held(browser: Browser, owner: type, method: str) -> Iterator[None]:
    """Hold the first call of a method, which sets ``begun``, until the server has all requests."""
    theirs = getattr(owner, method)

    def wait(*arguments: Any, **named: Any) -> Any:
        setattr(owner, method, theirs)
        begun.set()
        go_on.wait()
        return theirs(*arguments, **named)

    setattr(owner, method, wait)
    yield
    browser.wait_for_receipt()
    go_on.set()


def request_during_a_callback(browser: Browser) -> None:
    browser.send("slow")
    begun.wait()
    browser.send()
    browser.wait_for_receipt()
    go_on.set()


def at_any_moment(browser: Browser) -> None:
    for each in range(ROUNDS):
        browser.send(fragment="the clock")
        browser.send(back=True)
        browser.send("part", fragment="part")
        browser.send(switch=each % 2 == 0)
        browser.send()
        browser.wait_for_rest()


def two_clicks(browser: Browser) -> None:
    for _ in range(2):
        browser.send("whole")
        browser.wait_for_rest()


def one_state_has_one_lock(browser: Browser) -> None:
    for _ in range(2):
        browser.send()
        browser.wait_for_rest()
    calls.append(f"{len(set(browser.locks))} lock of {len(browser.locks)} runs")


Scenario = Callable[[Browser], None]


def serve(page: Path, scenario: Scenario, patched: bool, pipe: Connection) -> None:
    """Send how often each callback was called to the end."""
    if patched:
        clicks.install()
    app = st.App(page)
    headers = {"origin": "http://testserver"}
    with (
        TestClient(app) as client,
        client.websocket_connect("/_stcore/stream", ["streamlit"], headers=headers) as socket,
    ):
        browser = Browser(socket)
        scenario(browser)
        browser.wait_for_rest()
        pipe.send(calls)


@pytest.fixture
def called(tmp_path):
    def run(scenario: Scenario, patched: bool) -> list[str]:
        page = tmp_path / "page.py"
        page.write_text(PAGE)
        server = Piped(serve, page, scenario, patched)
        try:
            return cast("list[str]", server.pipe.recv())
        finally:
            server.kill()

    return run


@pytest.mark.parametrize(
    ("scenario", "once"),
    [
        (click_while_the_clock_is_due, ["part"]),
        (click_before_another_request, ["part"]),
        (switch_before_another_request, ["switch"]),
        (back_before_another_request, ["navigated"]),
        (another_request_ends_the_way_back, ["navigated"]),
        (request_during_a_callback, ["slow"]),
        (one_state_has_one_lock, ["1 lock of 3 runs"]),
    ],
)
def test_a_click_counts_once_whatever_comes_with_it(called, scenario, once):
    assert called(scenario, patched=True) == once
    # Once this fails, Streamlit does it by itself.
    assert called(scenario, patched=False) != once


def test_every_click_counts(called):
    assert called(two_clicks, patched=True) == ["whole"] * 2
    counted = sorted(called(at_any_moment, patched=True))
    assert counted == ["navigated"] * ROUNDS + ["part"] * ROUNDS + ["switch"] * ROUNDS


BUTTONS = {"button", "form_submit_button", "download_button"}


def test_what_a_click_does_is_a_callback():
    """Only callbacks are called whole. A run that asks whether a button was clicked may end before
    it comes to that, because another request has arrived, and the click is lost."""
    pages = [*(ROOT / "pages").glob("*.py"), *(ROOT / "fer_core" / "ui").rglob("*.py")]
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in pages
        for node in ast.walk(_without_statements(ast.parse(path.read_text("utf-8"))))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in BUTTONS
    ]
    assert asked == []


def _without_statements(tree: ast.Module) -> ast.Module:
    """Without the calls that are a statement each, so that nobody asks for what they return."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            node.value = ast.Constant(None)
    return tree
