"""How a face is moved."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True, slots=True)
class Expression:
    """How far each muscle acts, 0..1, by the numbers of Ekman and Friesen's coding system (1978);
    and where the head and the eyes point, in degrees."""

    inner_brow: float = 0.0  # AU 1
    outer_brow: float = 0.0  # AU 2
    brow_lower: float = 0.0  # AU 4
    upper_lid: float = 0.0  # AU 5
    cheek: float = 0.0  # AU 6
    lid_tight: float = 0.0  # AU 7
    nose_wrinkle: float = 0.0  # AU 9
    upper_lip: float = 0.0  # AU 10
    corner_up: float = 0.0  # AU 12
    corner_down: float = 0.0  # AU 15
    chin: float = 0.0  # AU 17
    stretch: float = 0.0  # AU 20
    tight: float = 0.0  # AU 23
    part: float = 0.0  # AU 25
    jaw: float = 0.0  # AU 26
    droop: float = 0.0  # upper lids heavy
    blink: float = 0.0  # AU 45
    turn_deg: float = 0.0
    nod_deg: float = 0.0
    tilt_deg: float = 0.0
    gaze_x: float = 0.0
    gaze_y: float = 0.0

    def towards(self, other: Self, share: float) -> Self:
        """On the way to another, 0..1."""
        return type(self)(
            *(
                (1.0 - share) * getattr(self, field.name) + share * getattr(other, field.name)
                for field in fields(self)
            )
        )
