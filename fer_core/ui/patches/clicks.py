"""Streamlit 1.67: on a busy computer a click is counted twice, lost, stopped half done, or answered
with an error.

- A button's message leaves in the browser's next turn, and until then its click is in every other
  message of the page. If the clock of a fragment is due in between, the click is counted twice.
- A request ends what runs, and takes the place of requests that have not begun, with their clicks.
- It also ends the callbacks of the request before it, at their next use of Streamlit.
- That the browser went back or forward is forgotten if another request comes before the answer.
- Two runs of one session, of which the older is about to end, each have a lock of their own for the
  state that they share: "dictionary changed size during iteration".

There is no public issue for these. Of 40 clicks that another request followed at once, 10 to 29
were counted, and 8 of 40 switches; of 300 runs of a page with 400 new widgets, 9 ended so.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import _has_active_trigger_value
from streamlit.runtime.state.safe_session_state import SafeSessionState

WRITTEN_FOR = "streamlit", "1.67.0"

_NUMBER = "fer_number_of_the_request"
"""A widget that no page has: where a request's number travels, as Streamlit joins requests."""


class _Request(NamedTuple):
    number: int
    states: WidgetStates
    navigations: int
    """How many times the browser had gone back or forward."""


class Inbox:
    """What a browser has sent and no callback has been called for yet. Thread-safe.

    ``navigations`` is how many times it had gone back or forward when it asked for the latest run.
    ``state_lock`` guards the session's state, and is held while callbacks run. A run that has to
    end does not wait for it: its next use of the state ends it.
    """

    def __init__(self) -> None:
        self.state_lock = threading.RLock()
        self._lock = threading.Lock()
        self._number = self._navigations = self.navigations = 0
        self._waiting: list[_Request] = []

    def post(self, request: ClientState) -> None:
        """Number a request. One for the whole page gets what is waiting, as it ends those."""
        states = request.widget_states
        posted = WidgetStates(widgets=states.widgets)  # copies
        with self._lock:
            if not request.fragment_id:
                for waiting in self._waiting:
                    _add_missing(states, waiting.states)
            self._number += 1
            self._navigations += request.is_history_navigation
            self._waiting.append(_Request(self._number, posted, self._navigations))
            states.widgets.add(id=_NUMBER, int_value=self._number)

    def take(self, states: WidgetStates) -> WidgetStates:
        """The states that a run begins with, without clicks that another run has taken."""
        number = max((each.int_value for each in states.widgets if each.id == _NUMBER), default=0)
        with self._lock:
            taken = [each for each in self._waiting if each.number <= number]
            self._waiting = [each for each in self._waiting if each.number > number]
            self.navigations = max((each.navigations for each in taken), default=self.navigations)
        clicked = {each.id for one in taken for each in one.states.widgets if _is_click(each)}
        fresh = (
            each
            for each in states.widgets
            if each.id != _NUMBER and (each.id in clicked or not _is_click(each))
        )
        return WidgetStates(widgets=fresh)


def _is_click(state: WidgetState) -> bool:
    """Whether it counts once, as a button's does, and is no lasting value."""
    return _has_active_trigger_value(state)


def _add_missing(states: WidgetStates, others: WidgetStates) -> None:
    """Add the others' values and clicks, where there are none yet."""
    for other in others.widgets:
        mine = next((each for each in states.widgets if each.id == other.id), None)
        if mine is None:
            states.widgets.append(other)
        elif _is_click(other) and not _is_click(mine):
            mine.CopyFrom(other)


_inboxes: WeakValueDictionary[str, Inbox] = WeakValueDictionary()
"""By the id of the browser session, which owns its inbox."""

_at_callbacks = threading.local()


def inbox_of(session: AppSession) -> Inbox:
    """The inbox of a browser session."""
    inbox = vars(session).setdefault("fer_inbox", Inbox())
    return _inboxes.setdefault(session.id, inbox)


def navigations() -> int:
    """How many times the browser had gone back or forward when it asked for this run.

    Unlike ``ScriptRunContext.is_history_navigation``, it counts what came with another request, or
    before a run that another one ended.
    """
    run = get_script_run_ctx()
    inbox = _inboxes.get(run.session_id) if run else None
    return inbox.navigations if inbox else 0


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no other request end what this thread does, until it is done."""
    _at_callbacks.here = True
    try:
        yield
    finally:
        _at_callbacks.here = False


@cache
def install() -> None:
    """Count every click once in all browser sessions of this process, and do it whole."""
    their_request, their_init, their_begin, their_yield = (
        AppSession.request_rerun,
        ScriptRunner.__init__,
        SafeSessionState.on_script_will_rerun,
        ScriptRunner._maybe_handle_execution_control_request,
    )

    def request_rerun(session: AppSession, client_state: ClientState | None) -> None:
        inbox = inbox_of(session)
        fragment = client_state.fragment_id if client_state else ""
        if client_state and not (fragment and not session.has_fragment(fragment)):
            if client_state.is_auto_rerun:
                _drop_clicks(client_state.widget_states)
            inbox.post(client_state)
        their_request(session, client_state)

    def init(runner: ScriptRunner, session_id: str, *others: Any, **named: Any) -> None:
        their_init(runner, session_id, *others, **named)
        if inbox := _inboxes.get(session_id):
            object.__setattr__(runner._session_state, "_lock", inbox.state_lock)

    def on_script_will_rerun(
        state: SafeSessionState, fresh_widget_states: WidgetStates | None, **others: Any
    ) -> None:
        run = get_script_run_ctx()
        inbox = _inboxes.get(run.session_id) if run else None
        if inbox is None or fresh_widget_states is None:
            their_begin(state, fresh_widget_states, **others)
            return
        with inbox.state_lock, uninterrupted():
            their_begin(state, inbox.take(fresh_widget_states), **others)

    def maybe_handle_execution_control_request(runner: ScriptRunner) -> None:
        if not getattr(_at_callbacks, "here", False):
            their_yield(runner)

    AppSession.request_rerun = request_rerun  # type: ignore[method-assign, assignment]
    ScriptRunner.__init__ = init  # type: ignore[method-assign, assignment]
    SafeSessionState.on_script_will_rerun = on_script_will_rerun  # type: ignore[method-assign, assignment]
    setattr(ScriptRunner, their_yield.__name__, maybe_handle_execution_control_request)


def _drop_clicks(states: WidgetStates) -> None:
    """Their own message is on its way."""
    lasting = [each for each in states.widgets if not _is_click(each)]
    del states.widgets[:]
    states.widgets.extend(lasting)
