"""Changes through one owner's view do not affect other owners."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

import pytest

from fer_core.errors import SessionUnknown
from fer_core.history import History, OwnedHistory
from tests.history.frames import begin, frames

ARGUMENTS: dict[str, Any] = {
    "session_ids": None, "session_id": None, "results": frames(2, start=9), "name": "taken",
    "note": "taken", "names": ["taken"], "jpeg": b"taken", "track_id": 1, "mark_id": 1,
    "t_s": 0.5, "label": "taken",
}  # fmt: skip
"""What a stranger would give; None is a number of somebody else's session."""


def fill(history: History, owner: str) -> int:
    """A session with all there can be; its number."""
    session_id = begin(history, f"{owner}'s", owner=owner)
    history.append(session_id, frames(3))
    view = history.of(owner)
    view.set_note(session_id, "a note")
    view.set_tags(session_id, ["a tag"])
    view.name_face(session_id, 1, "a name")
    view.add_mark(session_id, 0.0, "a mark")
    view.set_thumbnail(session_id, b"a picture")
    return session_id


def contents(history: History, session_id: int, owner: str) -> list[Any]:
    view = history.of(owner)
    parts = view.session, view.face_names, view.marks, view.thumbnail
    return [*(part(session_id) for part in parts), view.table(session_id).to_csv()]


METHODS = [
    name for name, _ in inspect.getmembers(OwnedHistory, inspect.isfunction) if name[0] != "_"
]


@pytest.mark.parametrize("name", METHODS)
def test_no_method_reaches_what_others_have(history, name):
    mine, theirs, deleted = fill(history, "ann"), fill(history, "bob"), fill(history, "bob")
    before = contents(history, theirs, "bob")
    before_deleted = contents(history, deleted, "bob")
    history.of("bob").delete([deleted])
    method = getattr(history.of("ann"), name)
    for number in (theirs, deleted):
        wanted = inspect.signature(method).parameters
        given = {key: value for key, value in ARGUMENTS.items() if key in wanted}
        given |= {"session_id": number} if "session_id" in given else {}
        given |= {"session_ids": [number]} if "session_ids" in given else {}
        if name == "begin":
            given |= {"kind": "live", "labels": ["a", "b"], "model": "m", "detector": "d"}
        with suppress(SessionUnknown):
            method(**given)
    history.of("bob").restore([deleted])
    assert contents(history, theirs, "bob") == before
    assert contents(history, deleted, "bob") == before_deleted
    assert name == "delete_all" or history.of("ann").session(mine).name == "ann's"


def test_an_owner_is_given_once_and_not_with_each_call():
    for name in METHODS:
        assert "owner" not in inspect.signature(getattr(OwnedHistory, name)).parameters


def test_only_what_is_named_and_deleted_is_removed_for_good(history):
    view = history.of("ann")
    gone, hidden, kept = (fill(history, "ann") for _ in range(3))
    view.delete([gone, hidden])
    assert view.purge([gone, kept, 2**40]) == 1
    view.restore([hidden])
    assert [each.id for each in view.sessions()] == [kept, hidden]
    assert view.restore([gone]) == 0


def test_a_session_is_written_by_its_owner(history):
    view = history.of("ann")
    session_id = view.begin("live", "mine", ["a", "b"], "m", "d")
    view.finish(session_id)
    assert view.session(session_id).finished
    for act in (lambda: history.of("bob").append(session_id, frames(1)),
                lambda: history.of("bob").finish(session_id)):  # fmt: skip
        with pytest.raises(SessionUnknown):
            act()
