"""The session cookie a browser holds once the password was right: a signed time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from itsdangerous import BadSignature, TimestampSigner

COOKIE = "fer_session"

LIFETIME_S = 12 * 3600

SKEW_S = 60
"""How far the clocks of two servers may be apart."""

Clock = Callable[[], float]


def make_session_cookie(password_hash: str, clock_s: Clock = time.time) -> str:
    """A cookie that is valid for ``LIFETIME_S``, wherever the server has this hash."""
    return _Signer(password_hash, clock_s).sign("in").decode()


def is_valid_session(cookie: str | None, password_hash: str, clock_s: Clock = time.time) -> bool:
    """Whether it was made for this hash and is not too old. A new password ends all sessions."""
    if not cookie:
        return False
    try:
        _, made_at = _Signer(password_hash, clock_s).unsign(
            cookie.encode("utf-8", "replace"), return_timestamp=True
        )
    except BadSignature:
        return False
    return -SKEW_S <= clock_s() - made_at.timestamp() <= LIFETIME_S


class _Signer(TimestampSigner):
    """The key is derived from the hash of the password: there is no second secret to keep."""

    def __init__(self, password_hash: str, clock_s: Clock) -> None:
        super().__init__(
            password_hash, salt="fer session", key_derivation="hmac", digest_method=hashlib.sha256
        )
        self._clock_s = clock_s

    def get_timestamp(self) -> int:
        return int(self._clock_s())
