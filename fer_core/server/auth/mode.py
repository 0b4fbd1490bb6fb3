"""The modes of access."""

from __future__ import annotations

from enum import Enum


class AuthMode(Enum):
    """How users get access to this server."""

    SIGN_IN = "accounts of an OpenID Connect provider"
    PASSWORD = "one access password"
    OPEN = "open to everybody, because FER_OPEN says so"
    LOCALHOST = "open to this computer only"
    LOCKED = "locked: others can reach it and no sign-in is set up"


NOT_SET_UP = (
    "Others can reach this dashboard and no sign-in is set up, so it stays locked. Its operator "
    "can set FER_PASSWORD_HASH (python -m fer_core password prints one), sign-in with accounts, or "
    "FER_OPEN=1 if everybody may use it. docs/AUTH.md shows how."
)
