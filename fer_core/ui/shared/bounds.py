"""Numbers sent by a browser or an identity provider."""

from __future__ import annotations


def bounded(value: object, low: float, high: float) -> float | None:
    """The number if it lies in ``low..high``, else None.

    None also for anything that is no number, NaN, and an integer too large for a float.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if low <= value <= high else None
