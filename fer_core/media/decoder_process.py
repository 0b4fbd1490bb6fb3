"""A program that decodes pictures in its own process, which ``decoder_pool.py`` runs by its path.

The kernel limits its processor time and memory: a picture that needs more fails or ends the
process.

A message in either direction is its length (4 bytes, big endian) and JSON. A request is
``{"bytes", "max_megapixels", "formats"}``, followed by that many bytes. The answer is
``{"width", "height"}`` once the header is read, ``{"grown", "note"}`` once the rest is, and then
the pixels, packed BGR. In place of either message it may be ``{"reason", "sentence"}``. A process
that has grown should be ended.
"""

from __future__ import annotations

import json
import signal
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import IO, Any

if __name__ == "__main__":
    # Stand-ins for the packages, so that their __init__ does not import OpenCV and onnxruntime.
    _media = Path(__file__).parent
    for _name, _folder in (("fer_core", _media.parent), ("fer_core.media", _media)):
        _package = sys.modules[_name] = ModuleType(_name)
        _package.__path__ = [str(_folder)]

from fer_core.media import decoding_limits
from fer_core.media.decoding import open_picture

MEMORY_BASE = 150_000_000
"""Bytes needed beside the pixels: program, libraries, the file, thread stacks."""

LENGTH = struct.Struct(">I")


def serve(asked: IO[bytes], answer: IO[bytes]) -> None:
    """Answer requests until ``asked`` ends."""
    while len(length := asked.read(LENGTH.size)) == LENGTH.size:
        wanted = json.loads(asked.read(*LENGTH.unpack(length)))
        _allow_memory(wanted["max_megapixels"])
        _allow_seconds(decoding_limits.OPEN_S)
        _decode(asked.read(wanted["bytes"]), wanted, answer)
        answer.flush()


def _decode(data: bytes, wanted: Mapping[str, Any], answer: IO[bytes]) -> None:
    try:
        picture = open_picture(data, wanted["max_megapixels"], wanted["formats"])
        _send(answer, {"width": picture.width, "height": picture.height})
        _allow_seconds(decoding_limits.allowed_s(picture.width, picture.height))
        decoded = picture.decode()
    except decoding_limits.Unusable as error:
        _send(answer, {"reason": error.reason, "sentence": str(error)})
        return
    # A process that has loaded NumPy may have loaded OpenCV as well.
    _send(answer, {"grown": "numpy" in sys.modules, "note": decoded.note})
    for rows in decoded.rows:
        answer.write(rows)


def _send(answer: IO[bytes], message: Mapping[str, Any]) -> None:
    text = json.dumps(message).encode()
    answer.write(LENGTH.pack(len(text)) + text)
    answer.flush()


def _allow_seconds(seconds: float) -> None:
    """Let the kernel end the process after so much more processor time.

    With a timer, because ``RLIMIT_CPU`` is compared with a clock that cannot be read: the more a
    process has done, the more that clock differs from the time that it is said to have used.
    """
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _allow_memory(max_megapixels: int) -> None:
    """Let allocations beyond what the largest picture needs fail.

    Only on Linux: other systems do not count mapped memory, or have no such limit.
    """
    if sys.platform == "linux":
        import resource

        most = MEMORY_BASE + decoding_limits.BYTES_A_PIXEL * max_megapixels * 1_000_000
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
