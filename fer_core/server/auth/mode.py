"""How a dashboard may be entered."""

from __future__ import annotations

from enum import Enum


class AuthMode(Enum):
    """How this server is entered."""

    SIGN_IN = "accounts of an OpenID Connect provider"
    PASSWORD = "one access password"
    OPEN = "open to everybody, because FER_OPEN says so"
    LOCALHOST = "open to this computer alone"
    LOCKED = "locked: others could reach it and no sign-in is set up"


NOT_SET_UP = (
    "Others can reach this dashboard and no sign-in is set up, so it stays locked. Whoever runs "
    "it: set FER_PASSWORD_HASH (python -m fer_core password prints one) or sign-in with accounts, "
    "or FER_OPEN=1 if everybody may use it. docs/AUTH.md shows how."
)
