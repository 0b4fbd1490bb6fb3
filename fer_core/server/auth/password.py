"""The hash of the access password, by scrypt (RFC 7914) from the standard library.

``scrypt:N:r:p:SALT:KEY``, salt and key in base64url. With colons rather than the usual dollar
signs, which a shell or a compose file would take for variables.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

from fer_core.settings import _FORM

SHORTEST = 8
"""Characters of a password that this program makes a hash of (NIST SP 800-63B, 2017)."""

# One of the settings that OWASP counts as equal (Password Storage Cheat Sheet, 2023): 32 MB, and a
# quarter of a second.
_N, _R, _P = 2**15, 8, 3


def hash_password(password: str) -> str:
    """The line for ``FER_PASSWORD_HASH``. Raises ``ValueError`` if the password is too short."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password needs {SHORTEST} or more characters")
    salt = secrets.token_bytes(16)
    return f"scrypt:{_N}:{_R}:{_P}:{_text(salt)}:{_text(_key(password, salt, _N, _R, _P))}"


def matches(password: str, line: str) -> bool:
    """Whether it is the password of this hash. Takes as long for a wrong one, and blocks."""
    found = _FORM.fullmatch(line)
    if not found:
        raise ValueError("not a hash of a password")
    n, r, p = (int(each) for each in found.groups()[:3])
    salt, key = _bytes(found[4]), _bytes(found[5])
    return hmac.compare_digest(_key(password, salt, n, r, p), key)


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    # The same letters typed on another keyboard may be other code points.
    typed = unicodedata.normalize("NFKC", password).encode(errors="replace")
    memory = 128 * r * (n + p + 2)
    return hashlib.scrypt(typed, salt=salt, n=n, r=r, p=p, dklen=32, maxmem=memory)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
