"""Decodes uploaded pictures in separate processes with a time limit.

What a decoder does with a forged file cannot be predicted. A thread that is busy in C cannot be
stopped, but a process can. Its memory is limited as well (``decoder_process.py``).

The processes are started by ``subprocess``, because ``multiprocessing`` and what is built on it run
the main module again in each process (under Streamlit, Streamlit itself or a page), and pass a
picture on in three more copies.
"""

from __future__ import annotations

import atexit
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np

from fer_core.errors import UnreadablePicture
from fer_core.media import decoder_process
from fer_core.media.decoding import FORMATS
from fer_core.media.decoding_limits import OPEN_S, Unusable, allowed_s
from fer_core.media.images import DecodedPicture, picture_error, refuse_file
from fer_core.settings import settings

_PATIENCE = 4.0
"""The wall-clock limit as a multiple of ``allowed_s``, because the processor is shared. On Windows,
where the kernel does not limit processor time, it is the only limit."""

_IDLE = 2
"""Idle processes that are kept for the next pictures, 25 MB each."""

_OUT_OF_TIME = -getattr(signal, "SIGPROF", 0)
"""How a process ends that has used up its processor time."""

_PROGRAM = Path(decoder_process.__file__)
_PIPE_BYTES = 1 << 20


class DecoderPool:
    """Runs one process for each picture being decoded. Callers limit how many: nobody waits here
    for another caller's picture."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: set[_Decoder] = set()
        self._idle: list[_Decoder] = []

    @property
    def processes(self) -> list[int]:
        """The process IDs of all processes."""
        with self._lock:
            return sorted(decoder.pid for decoder in self._all)

    def decode(
        self,
        data: bytes,
        abandoned: Future[None] | None = None,
        max_megapixels: int | None = None,
        formats: Sequence[str] = FORMATS,
    ) -> DecodedPicture:
        """Like ``decode_noted``, with a time limit.

        Takes at most the processor time of ``allowed_s``, and ends at once when ``abandoned`` is
        done. ``max_megapixels`` is that of the settings if None.
        Raises ``EmptyFile``, ``UnreadablePicture`` or ``PictureTooLarge``.
        """
        refuse_file(len(data))
        wanted = {
            "bytes": len(data),
            "max_megapixels": max_megapixels or settings().max_megapixels,
            "formats": list(formats),
        }
        decoder = self._take()
        watch = _Watch(decoder.end)
        if abandoned is not None:
            abandoned.add_done_callback(lambda _: watch.end())
        try:
            picture = decoder.decode(data, wanted, watch)
        except Unusable as error:
            raise picture_error(error) from error
        except (OSError, EOFError) as error:
            late = decoder.close() == _OUT_OF_TIME or watch.over
            raise UnreadablePicture(
                "This picture took too long to decode. Open it in another program, save it as a "
                "JPEG and retry."
                if late
                else "This picture cannot be decoded: it made the decoder crash. Open it "
                "in another program, save it as a JPEG and retry."
            ) from error
        finally:
            watch.stop()
            self._give_back(decoder)
        return picture

    def close(self) -> None:
        """End all processes, including busy ones."""
        with self._lock:
            every, idle, self._all, self._idle = self._all, self._idle, set(), []
        for decoder in every:
            decoder.end()
        for decoder in idle:
            decoder.close()

    def _take(self) -> _Decoder:
        with self._lock:
            while self._idle:
                decoder = self._idle.pop()
                if decoder.alive:
                    return decoder
                self._all.discard(decoder)  # ended from outside in the meantime
                decoder.close()
        decoder = _Decoder()
        with self._lock:
            self._all.add(decoder)
        return decoder

    def _give_back(self, decoder: _Decoder) -> None:
        with self._lock:
            if decoder.reusable and decoder in self._all and len(self._idle) < _IDLE:
                self._idle.append(decoder)
                return
            self._all.discard(decoder)
        decoder.close()


class _Watch:
    """A timer that ends something unless it is stopped first."""

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False
        self.over = False

    def allow(self, seconds: float) -> None:
        """Restart with this much time."""
        with self._lock:
            self._cancel()
            if not self._stopped:
                self._timer = threading.Timer(seconds, self.end)
                self._timer.daemon = True
                self._timer.start()

    def end(self) -> None:
        """End it now."""
        with self._lock:
            if not self._stopped:
                self._stopped = self.over = True
                self._end()

    def stop(self) -> None:
        """Stop for good: nothing is ended any more."""
        with self._lock:
            self._stopped = True
            self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


class _Decoder:
    """One process, and the pipes to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            # -P: nothing is imported from the program's folder.
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C is for the server
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._asked: IO[bytes] = self._process.stdin
        self._answer: IO[bytes] = self._process.stdout
        for pipe in (self._asked, self._answer):
            _widen(pipe)
        self.reusable = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def decode(self, data: bytes, wanted: Mapping[str, Any], watch: _Watch) -> DecodedPicture:
        """Raises ``Unusable``, or ``OSError`` or ``EOFError`` if the process ends."""
        self.reusable = False
        watch.allow(_PATIENCE * OPEN_S)
        text = json.dumps(wanted).encode()
        self._write(decoder_process.LENGTH.pack(len(text)) + text)
        self._write(data)
        size = self._message()
        width, height = size["width"], size["height"]
        watch.allow(_PATIENCE * allowed_s(width, height))
        decoded = self._message()
        picture = np.empty((height, width, 3), np.uint8)
        self._read(picture.reshape(-1).data)
        self.reusable = not decoded["grown"]
        return DecodedPicture(picture, decoded["note"])

    def end(self) -> None:
        """Kill it. May be called from any thread."""
        self._process.kill()

    def close(self) -> int:
        """Close it and return how it ended, as ``Popen.returncode``."""
        self.end()
        code = self._process.wait()
        for pipe in (self._asked, self._answer):
            with suppress(OSError):
                pipe.close()
        return code

    def _message(self) -> dict[str, Any]:
        length = bytearray(decoder_process.LENGTH.size)
        self._read(length)
        text = bytearray(*decoder_process.LENGTH.unpack(length))
        self._read(text)
        message: dict[str, Any] = json.loads(text)
        if "sentence" in message:
            self.reusable = True
            raise Unusable(message["reason"], message["sentence"])
        return message

    def _write(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._asked.write(left) :]

    def _read(self, into: bytearray | memoryview) -> None:
        left = memoryview(into)
        while left:
            got = self._answer.readinto(left)  # type: ignore[attr-defined]
            if not got:
                raise EOFError
            left = left[got:]


def _widen(pipe: IO[bytes]) -> None:
    """Enlarge the pipe beyond 64 kB, where the system can."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # the user's limit is reached
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


@atexit.register
def _end() -> None:
    POOL.close()


POOL = DecoderPool()
"""The pool of this program, shared by page, API and snapshots."""

decode_apart = partial(POOL.decode)
