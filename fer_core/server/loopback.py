"""Tells whether a request was made on this computer: loopback address and name, no proxy.

The host name in a request matters, because a web page can make its own host name resolve to
127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_NAMES = ("localhost", "127.0.0.1", "::1")

_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers set by a proxy: a request with one did not start here, whatever its address."""


def is_this_computer(address: str | None) -> bool:
    """Whether a server bound to ``address`` is reachable only from this computer. None: all."""
    return address in _NAMES


def came_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a request to a server bound to this computer was made on it, judged by its headers.

    ``headers`` must ignore case.
    """
    if any(name in headers for name in _FORWARDED):
        return False
    return _names_this_computer(f"//{headers['host']}") if "host" in headers else True


def is_from_a_local_program(asked: HTTPConnection) -> bool:
    """Whether a request to a server bound to any address was made on this computer, and not by
    another site's page, which may post to any address."""
    headers = asked.headers
    if asked.client is None or not _is_loopback(asked.client.host):
        return False
    if "host" not in headers or not came_from_here(headers):
        return False
    if "origin" in headers and not _names_this_computer(headers["origin"]):
        return False
    return headers.get("sec-fetch-site", "none") not in ("cross-site", "same-site")


def _is_loopback(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)  # ::ffff:127.0.0.1, on a dual-stack socket
    return bool((mapped or ip).is_loopback)


def _names_this_computer(url: str) -> bool:
    try:
        return urlsplit(url).hostname in _NAMES
    except ValueError:
        return False
