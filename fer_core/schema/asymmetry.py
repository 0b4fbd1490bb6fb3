"""How unequally the two sides of a face move, from its action units.

A head that is turned, or lit from one side, looks asymmetric too: compare only frames of a face
that looks into the camera.
"""

from __future__ import annotations

from collections.abc import Mapping

from fer_core.schema.action_units import ACTION_UNITS, SIDES


def sided_differences(units: Mapping[str, float]) -> dict[str, float]:
    """``AU12`` -> its left less its right, -1..1, for each action unit that a side can do alone.

    ``units`` is a ``Face.action_units``; of those that lack a side, nothing is said. Left and right
    are the person's own.
    """
    found = {}
    for unit in ACTION_UNITS:
        left, right = (units.get(f"{unit.column}_{side}") for side in SIDES)
        if left is not None and right is not None:
            found[unit.column] = left - right
    return found


def overall_asymmetry(units: Mapping[str, float]) -> float | None:
    """How unequal the sides are, 0..1: the mean of the absolute ``sided_differences``, each
    weighted by how much its action unit shows.

    0 for a face that does not move. An index of the form |left - right| / (left + right) would be
    1 for the slightest twitch of one side; this one is never larger than what is seen to differ.
    None without action units of both sides.
    """
    differences = sided_differences(units)
    if not differences:
        return None
    weights = {name: (units[f"{name}_left"] + units[f"{name}_right"]) / 2.0 for name in differences}
    whole = sum(weights.values())
    return sum(weights[name] * abs(value) for name, value in differences.items()) / (whole or 1.0)
