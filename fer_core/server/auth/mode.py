"""The kinds of door, and what counts as this computer."""

from __future__ import annotations

from enum import Enum


class Door(Enum):
    """How this server is entered."""

    SIGN_IN = "accounts of an OpenID Connect provider"
    PASSWORD = "one access password"
    OPEN = "open to everybody, because FER_OPEN says so"
    HERE = "open to this computer alone"
    SHUT = "shut: others could reach it and no door is set"


NOT_SET_UP = (
    "This dashboard can be reached by others and has no door, so it stays shut. Whoever runs it: "
    "set FER_PASSWORD_HASH (python -m fer_core password prints one) or sign-in with accounts, or "
    "FER_OPEN=1 if everybody may use it. docs/DOORS.md shows how."
)
