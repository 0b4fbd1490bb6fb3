"""The hash of the access password, by scrypt (RFC 7914) from the standard library.

``scrypt:N:r:p:SALT:KEY``, salt and key in base64url. It has colons instead of the usual dollar
signs, which a shell or a compose file would treat as variables.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import unicodedata

from fer_core.settings import _FORM

SHORTEST = 8
"""The shortest password that this program accepts (NIST SP 800-63B, 2017)."""

LONGEST = 500
"""The longest one. The form of the login page holds it, even if each character takes 12 bytes."""

# One of OWASP's equivalent settings (Password Storage Cheat Sheet, 2023): 32 MB and a quarter of a
# second.
_N, _R, _P = 2**15, 8, 3

_MOST_WRONG = 10_000
"""How many wrong passwords are remembered; then the oldest are dropped."""


def hash_password(password: str) -> str:
    """The line for ``FER_PASSWORD_HASH``. Raises ``ValueError`` for a password that is too short
    or too long."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password needs {SHORTEST} or more characters")
    if len(password) > LONGEST:
        raise ValueError(f"the password may have {LONGEST} characters at most")
    salt = secrets.token_bytes(16)
    return f"scrypt:{_N}:{_R}:{_P}:{_text(salt)}:{_text(_key(password, salt, _N, _R, _P))}"


def matches(password: str, line: str) -> bool:
    """Whether it is the password of this hash. Blocks, equally long for a wrong one."""
    found = _FORM.fullmatch(line)
    if not found:
        raise ValueError("not a hash of a password")
    n, r, p = (int(each) for each in found.groups()[:3])
    salt, key = _bytes(found[4]), _bytes(found[5])
    return hmac.compare_digest(_key(password, salt, n, r, p), key)


class Verdicts:
    """Remembers which passwords were right or wrong since the start.

    They need no second check: while somebody guesses many passwords, the right one does not wait
    behind wrong ones. Only hashes under a key of this process are stored.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right = b""
        self._wrong: dict[bytes, None] = {}

    def of(self, password: str) -> bool | None:
        """Whether it is the right one; None if it has not been checked."""
        digest = self._digest(password)
        if self._right:
            return hmac.compare_digest(digest, self._right)
        return False if digest in self._wrong else None

    def note(self, password: str, right: bool) -> None:
        """Remember the result of a check."""
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
    # The same letters may be different code points on another keyboard.
    return unicodedata.normalize("NFKC", password).encode(errors="replace")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
