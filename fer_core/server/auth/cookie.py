"""The two signed cookies that a browser gets after the right password.

The session cookie gives access. The device cookie lasts longer and shows that the browser was
signed in before, so that it does not wait because of other people's attempts (OWASP, "Slow Down
Online Guessing Attacks with Device Cookies"); it gives no access.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

from itsdangerous import BadSignature, TimestampSigner

COOKIE = "fer_session"

LIFETIME_S = 12 * 3600

DEVICE_COOKIE = "fer_device"

DEVICE_LIFETIME_S = 400 * 24 * 3600
"""The longest time that browsers keep a cookie."""

SKEW_S = 60
"""How far the clocks of two servers may be apart."""

Clock = Callable[[], float]


def make_session_cookie(password_hash: str, clock_s: Clock = time.time) -> str:
    """A cookie that is valid for ``LIFETIME_S`` on every server with this hash."""
    return _Signer(password_hash, _SESSION, clock_s).sign("in").decode()


def is_valid_session(cookie: str | None, password_hash: str, clock_s: Clock = time.time) -> bool:
    """Whether it was made for this hash and has not expired. A new password ends all sessions."""
    return _Signer(password_hash, _SESSION, clock_s).read(cookie, LIFETIME_S) is not None


def make_device_cookie(password_hash: str, clock_s: Clock = time.time) -> str:
    """A unique cookie for a browser that has signed in."""
    return _Signer(password_hash, _DEVICE, clock_s).sign(secrets.token_hex(16)).decode()


def device_of(cookie: str | None, password_hash: str, clock_s: Clock = time.time) -> str | None:
    """The identity of the browser with this cookie; None if it was not made here."""
    return _Signer(password_hash, _DEVICE, clock_s).read(cookie, DEVICE_LIFETIME_S)


_SESSION, _DEVICE = "fer session", "fer device"


class _Signer(TimestampSigner):
    """The key is derived from the password's hash, so there is no second secret to store."""

    def __init__(self, password_hash: str, purpose: str, clock_s: Clock) -> None:
        super().__init__(
            password_hash, salt=purpose, key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._clock_s = clock_s

    def get_timestamp(self) -> int:
        return int(self._clock_s())

    def read(self, signed: str | None, lifetime_s: float) -> str | None:
        """The signed text; None if it was not signed here or has expired."""
        if not signed:
            return None
        try:
            text, made_at = self.unsign(signed.encode("utf-8", "replace"), return_timestamp=True)
        except BadSignature:
            return None
        fresh = -SKEW_S <= self._clock_s() - made_at.timestamp() <= lifetime_s
        return text.decode() if fresh else None
