"""Copies a section of a video's sound into another video."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer

from fer_core.errors import UnreadableVideo
from fer_core.media.container import open_container, read_only, sound_stream

_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates in Hz that AAC and browsers support."""


class Sound:
    """Copies the first sound track of ``source`` that can be decoded into ``output``.

    ``output`` must have no frames yet. AAC is copied unchanged, all else is encoded as AAC. If the
    sound becomes unreadable, the copy ends there without an error. Write errors are PyAV's.
    """

    def __init__(self, source: Path, output: OutputContainer) -> None:
        self._output = output
        self._stack = ExitStack()
        with ExitStack() as stack:
            self._from = stack.enter_context(open_container(source))
            track = sound_stream(self._from)
            if track is None:  # the file was replaced by another
                raise UnreadableVideo("The sound of this video is gone.")
            self._track = track
            read_only(self._from, [track])
            self._stack = stack.pop_all()
        context = self._track.codec_context
        self._as_it_is = context.name == "aac" and bool(context.extradata)
        if self._as_it_is:
            self._into = output.add_stream_from_template(self._track)
        else:
            rate = min(_RATES, key=lambda known: abs(known - context.sample_rate))
            layout = "mono" if context.layout.nb_channels == 1 else "stereo"
            self._into = output.add_stream("aac", rate=rate, layout=layout)
        self._pieces: Iterator[av.Packet[av.AudioStream]] = iter(())
        self._next: av.Packet[av.AudioStream] | None = None
        self._origin_s = 0.0
        self._last = -math.inf

    def start(self, origin_s: float) -> None:
        """Start the output with the sound at ``origin_s``, in the source's own time."""
        self._origin_s = origin_s
        self._pieces = self._from_origin()
        self._next = next(self._pieces, None)

    def copy_until(self, end_s: float) -> None:
        """Copy all sound that begins before ``end_s``, in the source's own time."""
        while self._next is not None and _begins_s(self._next) < end_s:
            self._put(self._next)
            self._next = next(self._pieces, None)

    def finish(self) -> None:
        """Write what is left in the encoder."""
        if not self._as_it_is and self._into.codec_context.is_open:
            self._output.mux(self._into.encode(None))

    def close(self) -> None:
        """Close the source."""
        self._stack.close()

    def _put(self, packet: av.Packet[av.AudioStream]) -> None:
        shift = round(self._origin_s / packet.time_base)
        if self._as_it_is:
            packet.pts = packet.dts = (packet.pts or 0) - shift
            packet.stream = self._into
            self._output.mux(packet)
            return
        try:
            frames = packet.decode()
        except (av.error.FFmpegError, OSError):
            return
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._origin_s / (frame.time_base or Fraction(1)))
            self._output.mux(self._into.encode(frame))

    def _from_origin(self) -> Iterator[av.Packet[av.AudioStream]]:
        """The readable frames of sound from the origin on, in order."""
        _seek(self._from, self._origin_s)
        packets = self._from.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
            except (av.error.FFmpegError, OSError):
                return
            if packet is None:
                return
            if packet.pts is None or packet.pts <= self._last:
                continue
            if _begins_s(packet) >= self._origin_s:
                self._last = packet.pts
                yield packet


def _begins_s(packet: av.Packet[av.AudioStream]) -> float:
    return float((packet.pts or 0) * packet.time_base)


def _seek(container: InputContainer, t_s: float) -> None:
    """Seek to one second before a time; without seeking, what comes before is read and dropped."""
    try:
        container.seek(max(0, round((t_s - 1.0) * 1e6)))
    except (av.error.FFmpegError, OSError):
        return
