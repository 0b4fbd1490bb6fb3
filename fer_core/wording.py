"""Words around numbers, in sentences for users."""

from __future__ import annotations


def count_of(number: int, thing: str) -> str:
    """``1 frame``, ``0 frames``, ``1,200 frames``: ``thing`` is one of them."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
