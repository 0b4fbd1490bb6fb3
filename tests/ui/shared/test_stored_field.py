"""Widgets of what is stored; tests/ui/history has them on a page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fer_core.ui.shared.stored_field import follow, write


def test_a_change_before_the_last_one_was_drawn_is_written_too(monkeypatch):
    state: dict[str, Any] = {}
    monkeypatch.setattr(st, "session_state", state)
    saved: list[str] = []
    follow("name", "Ada")
    assert state["name"] == "Ada"
    for typed in ("Grace", "Hedy"):
        state["name"] = typed
        write("name", saved.append)
    assert saved == ["Grace", "Hedy"]
