"""Numbers that came from outside: a browser, a provider."""

from __future__ import annotations


def bounded(value: object, low: float, high: float) -> float | None:
    """The number, if it lies in ``low..high``; None for whatever else it may be.

    Such as a text, NaN, or a whole number that no float can hold.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None
