"""What the face shows, and when."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tools.demo_clip.expression import Expression

POSES = {
    "neutral": Expression(),
    "happy": Expression(
        corner_up=1.0, cheek=0.7, part=1.0, lid_tight=0.1, jaw=0.12, nod_deg=-2.0, tilt_deg=2.0
    ),
    "surprise": Expression(
        inner_brow=1.0, outer_brow=1.0, upper_lid=1.0, jaw=0.7, nod_deg=-2.5
    ),
    "sad": Expression(
        inner_brow=1.0, brow_lower=0.4, corner_down=1.0, droop=0.75, chin=0.5,
        nod_deg=3.5, tilt_deg=-4.0, gaze_y=0.25,
    ),
    "angry": Expression(
        brow_lower=1.0, upper_lid=0.6, lid_tight=0.25, nose_wrinkle=0.85, corner_down=0.6,
        chin=0.5, stretch=0.13, tight=0.3, jaw=0.30, nod_deg=3.0,
    ),
}  # fmt: skip
"""By the expression that people are meant to see."""

MUSCLES = {
    "sad": ("inner_brow", "brow_lower", "corner_down", "droop", "chin", "lid_tight"),
    "angry": (
        *("brow_lower", "lid_tight", "upper_lid", "nose_wrinkle", "upper_lip", "corner_down"),
        *("chin", "stretch", "tight", "part", "jaw"),
    ),
}
"""Which ``search.py`` may move: those that people use for it (Ekman and Friesen, 1978)."""

LENGTH_S = 24.0

HOLDS = (
    ("neutral", -3.4, 2.4),
    ("happy", 3.2, 6.8),
    ("surprise", 7.3, 10.3),
    ("sad", 11.4, 15.1),
    ("angry", 15.9, 19.5),
    ("neutral", 20.6, LENGTH_S + 2.4),
)
"""Which pose is held from when to when, in seconds; the face moves from one to the next between.
The last goes on in the first, as the clip loops."""

BLINKS_S = (1.3, 4.9, 10.9, 13.6, 15.5, 20.1, 22.6)
BLINK_S = 0.11
"""Half of what a blink takes."""


def at(t_s: float) -> Expression:
    """What the face shows at ``t_s`` seconds, 0 up to ``LENGTH_S``."""
    e = _pose(t_s)
    # Nobody holds a head or a face quite still. All periods fit into the length.
    turn_deg = 4.5 * _wave(t_s, 12.0) + 1.5 * _wave(t_s, 4.8, 1.0)
    blink = max((1.0 - abs(t_s - b) / BLINK_S for b in BLINKS_S), default=0.0)
    return replace(
        e,
        turn_deg=e.turn_deg + turn_deg,
        nod_deg=e.nod_deg + 1.2 * _wave(t_s, 6.0, 2.0),
        tilt_deg=e.tilt_deg + 1.6 * _wave(t_s, 8.0, 0.5),
        blink=float(np.clip(1.4 * blink, 0.0, 1.0)),
        gaze_x=e.gaze_x - turn_deg / 14.0,  # the eyes stay with who looks at them
    )


def _pose(t_s: float) -> Expression:
    for (name, _, end_s), (after, next_s, _) in pairwise(HOLDS):
        if t_s < next_s:
            share = float(np.clip((t_s - end_s) / (next_s - end_s), 0.0, 1.0))
            eased = share * share * (3.0 - 2.0 * share)
            return POSES[name].towards(POSES[after], eased)
    return POSES[HOLDS[-1][0]]


def _wave(t_s: float, period_s: float, phase: float = 0.0) -> float:
    return float(np.sin(2.0 * np.pi * t_s / period_s + phase))
