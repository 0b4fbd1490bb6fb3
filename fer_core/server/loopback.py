"""What counts as this computer: loopback addresses, by loopback names, through no proxy."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

_HERE = ("localhost", "127.0.0.1", "::1")


_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


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
