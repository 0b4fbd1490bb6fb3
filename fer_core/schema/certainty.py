"""Close readings: the two largest shares differ too little to tell which expression is shown."""

from __future__ import annotations

from collections.abc import Sequence

CLOSE = 0.2
"""Two shares that differ by less are close. On FER2013's public test the larger one is then right
for fewer than half of the faces, and one of the two for 87 % (benchmarks/close_readings.py).
"""


def rival(labels: Sequence[str], shares: Sequence[float], shown: str) -> str | None:
    """The other expression with the largest share, if that is close to the share of ``shown``.

    ``shares`` are 0..1, one for each of ``labels``; ``shown`` is one of the labels, usually that
    with the largest share. None if the reading is clear.
    """
    of = dict(zip(labels, shares, strict=True))
    second = max((label for label in of if label != shown), key=of.__getitem__)
    return second if of[shown] - of[second] < CLOSE else None


def reading_in_words(labels: Sequence[str], shares: Sequence[float], shown: str) -> str:
    """``happy``, or ``between sad and neutral`` if these two are close."""
    other = rival(labels, shares, shown)
    return shown if other is None else f"between {shown} and {other}"
