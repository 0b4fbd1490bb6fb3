"""Authentication: by token; without tokens, only programs on this computer."""

from __future__ import annotations

import hashlib
import hmac

from starlette.requests import Request

from fer_core.server.api.errors import Refused
from fer_core.server.loopback import is_from_a_local_program
from fer_core.settings import settings

HASH_PREFIX = "sha256:"


def authenticate(request: Request) -> str:
    """A name for the caller that does not reveal its token. Raises ``Refused``."""
    known = token_hashes(settings().api_tokens.get_secret_value())
    if known:
        return _token_holder(request, known)
    if is_from_a_local_program(request):
        return "local"
    raise _unauthorized(
        "This API answers other computers only with a token. Set FER_API_TOKENS on the server "
        "(docs/API.md), and send `Authorization: Bearer TOKEN`."
    )


def token_hashes(configured: str) -> tuple[str, ...]:
    """The sha256 of each token of ``FER_API_TOKENS``, as 64 hexadecimal digits."""
    entries = (entry.strip() for entry in configured.split(","))
    return tuple(_hash_of(entry) for entry in entries if entry)


def _hash_of(entry: str) -> str:
    if entry.startswith(HASH_PREFIX):
        return entry.removeprefix(HASH_PREFIX).lower()
    return hashlib.sha256(entry.encode()).hexdigest()


def _token_holder(request: Request, known: tuple[str, ...]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("A token is needed: send `Authorization: Bearer TOKEN`.")
    # Starlette decodes headers as latin-1; encoding restores the token's bytes.
    presented = hashlib.sha256(token.strip().encode("latin-1")).hexdigest()
    # All are compared, each in constant time, so that the duration reveals nothing.
    matches = [hmac.compare_digest(presented, one) for one in known]
    if not any(matches):
        raise _unauthorized("This token is not one of the server's.", 'error="invalid_token"')
    return f"token {presented[:12]}"


def _unauthorized(sentence: str, detail: str = "") -> Refused:
    challenge = 'Bearer realm="fer"' + (f", {detail}" if detail else "")
    return Refused(401, "unauthorized", sentence, {"WWW-Authenticate": challenge})
