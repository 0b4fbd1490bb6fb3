"""What a pass over a video lost, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fer_core.wording import count_of

_COPY_AGAIN = "Copy it again from the device that recorded it."


@dataclass(slots=True)
class Losses:
    """What a pass lost so far, in frames: ``left_out`` have times that do not increase, ``broken``
    cannot be decoded, ``damaged`` are decoded in part, ``not_found`` are in the file's index only.

    ``is_joined`` is whether those left out seem to be another recording, and ``has_gap`` whether
    something before the end is damaged; ``ends_s`` is where the readable part ends in seconds, None
    if that is the end.
    """

    left_out: int = 0
    is_joined: bool = False
    broken: int = 0
    damaged: int = 0
    not_found: int = 0
    has_gap: bool = False
    ends_s: float | None = None

    def told(self) -> str:
        """A sentence for each loss; empty if there was none."""
        return " ".join((*self._of_frames(), *self._of_parts()))

    def _of_frames(self) -> Iterator[str]:
        if count := self.left_out:
            why = "its time does" if count == 1 else "their times do"
            be = "was" if count == 1 else "were"
            yield f"{count_of(count, 'frame')} {be} left out because {why} not increase."
        if self.is_joined:
            yield (
                "The file seems to be several recordings, one behind the other. Save each as a "
                "file, or all as an MP4, and retry."
            )
        if count := self.broken:
            yield f"{count_of(count, 'frame')} could not be decoded and {_are(count)} missing."
        if count := self.damaged:
            yield f"{count_of(count, 'frame')} {_are(count)} damaged, and later ones may be, too."

    def _of_parts(self) -> Iterator[str]:
        if self.has_gap:
            yield "A part of this file before its end is damaged, and frames may be missing."
        if self.ends_s is not None:
            yield (
                f"From second {self.ends_s:.1f} on nothing could be read: the file is cut off or "
                f"damaged there. {_COPY_AGAIN}"
            )
        elif self.not_found:
            yield (
                f"{count_of(self.not_found, 'frame')} that the file lists could not be found, and "
                f"the times of what comes after are too early. {_COPY_AGAIN}"
            )
        elif self.has_gap:
            yield _COPY_AGAIN


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
