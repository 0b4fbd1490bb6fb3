"""aioice 0.13: a busy computer ends sessions, because a question for consent is asked only once.

https://github.com/aiortc/aioice/issues/58
"""

from __future__ import annotations

import aioice.ice

WRITTEN_FOR = "aioice", "0.13.0"

CONSENT_RETRIES = 5
"""Times a question for consent is sent again: with aioice's waits, an answer has 31.5 s."""

CONSENT_FAILURES = 1
"""Questions that nobody answers end a connection: after 35 s at most, as long as with aioice."""


class RetryingStun(aioice.ice.StunProtocol):  # type: ignore[misc]
    """Waits as long as it should for an answer to whether the other end still wants to be sent to.

    RFC 7675 (section 5.1) lets a connection end when there was no answer for 30 s. aioice forgets
    each question after half a second, and ends it when six in a row came to nothing: on a busy
    computer answers take longer than that, and sessions ended by themselves. Here one question is
    repeated, and an answer to any of its repetitions will do.
    """

    async def request(
        self,
        request: object,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> object:
        """See ``StunProtocol.request``; only questions for consent ask for no retransmissions."""
        if retransmissions == 0:
            retransmissions = CONSENT_RETRIES
        return await super().request(request, addr, integrity_key, retransmissions)


def install() -> None:
    """Use ``RetryingStun`` for connections that begin from now on."""
    aioice.ice.StunProtocol = RetryingStun
    aioice.ice.CONSENT_FAILURES = CONSENT_FAILURES
