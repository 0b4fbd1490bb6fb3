"""aioice 0.13: sessions end on a busy computer, because a consent check is sent only once.

https://github.com/aiortc/aioice/issues/58
"""

from __future__ import annotations

import aioice.ice

WRITTEN_FOR = "aioice", "0.13.0"

CONSENT_RETRIES = 5
"""How often a consent check is repeated: with aioice's waits, an answer has 31.5 s."""

CONSENT_FAILURES = 1
"""How many unanswered checks end a connection: after at most 35 s, as long as with aioice."""


class RetryingStun(aioice.ice.StunProtocol):  # type: ignore[misc]
    """Waits long enough for the answer to a consent check.

    By RFC 7675 (section 5.1) a connection ends after 30 s without an answer. aioice drops each
    check after half a second, and ends the connection after six unanswered ones: on a busy computer
    answers take longer, and sessions ended by themselves. Here one check is repeated, and an answer
    to any repetition counts.
    """

    async def request(
        self,
        request: object,
        addr: tuple[str, int],
        integrity_key: bytes | None = None,
        retransmissions: int | None = None,
    ) -> object:
        """See ``StunProtocol.request``; only consent checks set no retransmissions."""
        if retransmissions == 0:
            retransmissions = CONSENT_RETRIES
        return await super().request(request, addr, integrity_key, retransmissions)


def install() -> None:
    """Use ``RetryingStun`` for new connections."""
    aioice.ice.StunProtocol = RetryingStun
    aioice.ice.CONSENT_FAILURES = CONSENT_FAILURES
