"""Streamlit 1.67: on a busy computer, what a fragment no longer draws stays on the page, and a
chart that a fragment draws by the clock is built anew, without its zoom.

Before a run begins, messages that have not left yet are thrown away. Where it is the run of a
fragment, this tears runs apart that have ended:

- The end of another fragment's run becomes one of a run that was stopped, after which the browser
  removes nothing: of a fragment with a button that goes when it is pressed, the button stays.
- Of a run of the whole page, what it drew in this fragment is thrown away, but not its end, at
  which the browser removes all that the run did not draw.

There is no public issue for these. On two busy cores, the first came in 9 of 16 runs of
tests/browser/test_film.py. Where messages left 0.25 s late, the second came in 11 of 30 runs of a
small page.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

WRITTEN_FOR = "streamlit", "1.67.0"


_their_clear = ForwardMsgQueue.clear


@cache
def install() -> None:
    """Let runs that have ended reach the browser whole, before the run of a fragment."""
    ForwardMsgQueue.clear = clear  # type: ignore[method-assign, assignment]


def clear(
    queue: ForwardMsgQueue,
    retain_lifecycle_msgs: bool = False,
    fragment_ids_this_run: list[str] | None = None,
) -> None:
    """Throw away what has not left yet, but for runs that have ended where a fragment is to run."""
    ended: list[ForwardMsg] = []
    if fragment_ids_this_run is not None:
        count = _length_of_ended_runs(queue._queue)
        ended, queue._queue = queue._queue[:count], queue._queue[count:]
    _their_clear(queue, retain_lifecycle_msgs, fragment_ids_this_run)
    queue._queue = ended + queue._queue


def _length_of_ended_runs(messages: Sequence[ForwardMsg]) -> int:
    """How many messages there are up to the last end of a run."""
    ends = (i for i, each in enumerate(messages, 1) if each.WhichOneof("type") == "script_finished")
    return max(ends, default=0)
