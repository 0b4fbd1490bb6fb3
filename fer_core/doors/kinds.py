"""The kinds of door, and what counts as this computer."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from urllib.parse import urlsplit

_HERE = ("localhost", "127.0.0.1", "::1")

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


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


def is_this_computer(address: str | None) -> bool:
    """Whether a server bound to ``address`` is reached from this computer alone. None: all."""
    return address in _HERE


def came_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request to a server bound to this computer was made on it.

    What a proxy passes on was not. The name it asks for matters, because a web page can make its
    own host name resolve to 127.0.0.1 (DNS rebinding). ``headers`` must ignore case.
    """
    if any(name in headers for name in _FORWARDED):
        return False
    try:
        return urlsplit(f"//{headers['host']}").hostname in _HERE if "host" in headers else True
    except ValueError:
        return False
