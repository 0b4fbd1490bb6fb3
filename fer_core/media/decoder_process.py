"""The program of a process that decodes pictures: ``decoder_pool.py`` starts it, feeds it, ends it.

A picture that takes more than its time or memory ends the process or fails, by the kernel.

It is run by its path.

A message in either direction is its length (4 bytes, big endian) and JSON. In comes
``{"bytes", "max_megapixels", "formats"}`` and so many bytes; out goes ``{"width", "height"}`` once
the header is read, ``{"grown", "note"}`` once the rest is, and then the pixels, packed BGR; or, at
either place, ``{"reason", "sentence"}`` instead. A process that has grown is better ended.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import IO, Any

if __name__ == "__main__":
    # Without what the package's own __init__ imports: OpenCV, onnxruntime and 150 MB.
    _media = Path(__file__).parent
    for _name, _folder in (("fer_core", _media.parent), ("fer_core.media", _media)):
        _package = sys.modules[_name] = ModuleType(_name)
        _package.__path__ = [str(_folder)]

from fer_core.media import decoding

MEMORY_BASE = 150_000_000
"""Bytes beside the pixels: the program, libraries, the file, the stacks of threads."""

LENGTH = struct.Struct(">I")


def serve(asked: IO[bytes], answer: IO[bytes]) -> None:
    """Decode until nothing more is asked for."""
    while len(length := asked.read(LENGTH.size)) == LENGTH.size:
        wanted = json.loads(asked.read(*LENGTH.unpack(length)))
        _allow_memory(wanted["max_megapixels"])
        _decode(asked.read(wanted["bytes"]), wanted, answer)
        answer.flush()


def _decode(data: bytes, wanted: Mapping[str, Any], answer: IO[bytes]) -> None:
    _allow_seconds(decoding.OPEN_S)
    try:
        picture = decoding.open_picture(data, wanted["max_megapixels"], wanted["formats"])
        _send(answer, {"width": picture.width, "height": picture.height})
        _allow_seconds(decoding.allowed_s(picture.width, picture.height))
        decoded = picture.decode()
    except decoding.Unusable as error:
        _send(answer, {"reason": error.reason, "sentence": str(error)})
        return
    # A process that has loaded NumPy has maybe loaded OpenCV as well.
    _send(answer, {"grown": "numpy" in sys.modules, "note": decoded.note})
    for rows in decoded.rows:
        answer.write(rows)


def _send(answer: IO[bytes], message: Mapping[str, Any]) -> None:
    text = json.dumps(message).encode()
    answer.write(LENGTH.pack(len(text)) + text)
    answer.flush()


def _allow_seconds(seconds: float) -> None:
    """So much of a processor from now on; the kernel ends the process after it, to the second."""
    if sys.platform != "win32":
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        until = math.ceil(used.ru_utime + used.ru_stime + seconds)
        _limit(resource.RLIMIT_CPU, until)


def _allow_memory(max_megapixels: int) -> None:
    """What the largest picture takes; allocations beyond it fail.

    On Linux: other systems do not count what is mapped, or have no such limit.
    """
    if sys.platform == "linux":
        import resource

        most = MEMORY_BASE + decoding.BYTES_A_PIXEL * max_megapixels * 1_000_000
        _limit(resource.RLIMIT_DATA, most)


def _limit(what: int, most: int) -> None:
    import resource

    hard = resource.getrlimit(what)[1]
    resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
