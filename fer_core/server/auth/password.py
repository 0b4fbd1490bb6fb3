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

_MOST_WRONG = 10_000
"""Wrong passwords that are remembered; beyond them the first are forgotten."""


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


class Verdicts:
    """Which passwords were right and which wrong, of those that were checked since the start.

    Known from then on without another check: while somebody tries many passwords, the right one
    does not wait behind the wrong ones. What is kept are hashes under a key of this process.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = b""
        self._wrong: dict[bytes, None] = {}

    def of(self, password: str) -> bool | None:
        """Whether it is the right one; None where that takes a check."""
        digest = self._digest(password)
        if self._right:
            return hmac.compare_digest(digest, self._right)
        return False if digest in self._wrong else None

    def note(self, password: str, right: bool) -> None:
        """Remember what a check found."""
        digest = self._digest(password)
        if right:
            self._right = digest
            self._wrong.clear()
            return
        self._wrong[digest] = None
        if len(self._wrong) > _MOST_WRONG:
            del self._wrong[next(iter(self._wrong))]

    def _digest(self, password: str) -> bytes:
        return hashlib.blake2b(_typed(password), key=self._key).digest()


def _key(password: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    memory = 128 * r * (n + p + 2)
    return hashlib.scrypt(_typed(password), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=memory)


def _typed(password: str) -> bytes:
    # The same letters typed on another keyboard may be other code points.
    return unicodedata.normalize("NFKC", password).encode(errors="replace")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
