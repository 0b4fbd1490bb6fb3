"""Eyes and brows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.demo_clip.canvas import Canvas, Field, mirrored, mixed, parabola, ramp
from tools.demo_clip.expression import Expression

BROW = (0.13, 0.17, 0.25)
LASH = (0.08, 0.09, 0.13)
WHITE = (0.95, 0.96, 0.97)
IRIS = (0.22, 0.36, 0.45)
CREASE = (0.40, 0.46, 0.62)
"""What a fold leaves of the light."""


class Eyes:
    """Both eyes with their lids and brows. ``side`` is -1 for the left one of the picture."""

    def __init__(self, canvas: Canvas, e: Expression) -> None:
        self.c, self.e = canvas, e

    def drawn(self, picture: Field) -> Field:
        """The eyes in the lit skin."""
        return self._eye(self._eye(picture, -1), 1)

    def brows_drawn(self, picture: Field) -> Field:
        """The brows on it."""
        return self._brow(self._brow(picture, -1), 1)

    def _eye(self, picture: Field, side: int) -> Field:
        c, e = self.c, self.e
        shut = 1.0 - e.blink
        upper = 0.118 + 0.052 * e.upper_lid - 0.045 * e.droop
        upper -= 0.030 * e.lid_tight + 0.028 * e.cheek
        lower = 0.068 - 0.034 * e.lid_tight - 0.040 * e.cheek + 0.012 * e.upper_lid
        upper = shut * upper - e.blink * (lower - 0.010)  # the upper lid does all of a blink
        inner, outer = 0.215, 0.625
        slant = -0.012 + 0.03 * e.droop  # the outer corner lies a little higher
        # The inner end of the lid rises with the inner brow, and sinks under a lowered one.
        lean = 0.035 * e.inner_brow * e.droop - 0.05 * e.brow_lower * shut
        t = np.linspace(0.0, 1.0, 40)
        x = inner + (outer - inner) * t
        base = -0.085 + slant * t
        arch = np.sin(np.pi * t**0.92) ** 0.78
        top = base - upper * arch - lean * (1.0 - t) * np.sin(np.pi * t)
        bottom = base + lower * np.sin(np.pi * t**1.1) ** 0.85
        bottom = np.maximum(bottom, top + 0.004)
        lid = np.column_stack([side * x, top])
        under = np.column_stack([side * x, bottom])
        opening = c.filled(np.vstack([lid, under[::-1]]), 0.004)

        cx, cy = side * 0.42 + 0.07 * e.gaze_x, -0.098 + 0.05 * e.gaze_y
        distance = np.sqrt((c.x - cx) ** 2 + (c.y - cy) ** 2)
        ball = mixed(np.ones_like(picture), WHITE, np.ones_like(c.x))
        ball = ball * (1.0 - 0.26 * ramp(np.abs(c.x - side * 0.42), 0.09, 0.26))[..., None]
        iris = 1.0 - ramp(distance, 0.116, 0.128)
        glow = 1.0 + 0.55 * c.bump(cx + 0.02, cy + 0.055, 0.06, 0.04)
        glow = glow * (1.0 - 0.6 * ramp(distance, 0.085, 0.123))
        ball = mixed(ball, np.asarray(IRIS, np.float32) * glow[..., None], iris)
        ball = mixed(ball, (0.03, 0.03, 0.04), 1.0 - ramp(distance, 0.045, 0.058))
        shadow = c.stroke(lid, 0.05, 0.03)  # of the lid, on the ball
        ball = ball * (1.0 - 0.50 * shadow)[..., None]
        glint = 1.0 - ramp(np.hypot(c.x - cx + 0.038, c.y - cy + 0.042), 0.020, 0.030)
        small = 1.0 - ramp(np.hypot(c.x - cx - 0.042, c.y - cy - 0.040), 0.008, 0.018)
        ball = mixed(ball, (1.0, 1.0, 1.0), np.clip(0.95 * glint + 0.45 * small, 0, 1))

        fold = np.column_stack([side * x, top - 0.045 - 0.02 * arch + 0.02 * e.upper_lid])
        picture = picture * (
            1.0
            - (0.38 * c.stroke(fold[3:-2], 0.014, 0.012))[..., None] * (1.0 - np.asarray(CREASE))
        )
        picture = mixed(picture, ball, opening)
        rim = c.stroke(under, 0.012, 0.006)
        picture = mixed(picture, (0.38, 0.42, 0.62), 0.55 * rim)
        lash = self._taper(lid, 0.020, 0.034)
        return mixed(picture, LASH, 0.92 * lash)

    def _taper(self, line: NDArray[np.float64], start: float, end: float) -> Field:
        """A line that gets wider from the inner corner to the outer one."""
        begins = np.minimum(1.0, np.linspace(0.2, 3.0, len(line)))
        half = np.linspace(start, end, len(line)) * begins
        upper, lower = line.copy(), line.copy()
        upper[:, 1] -= 0.75 * half
        lower[:, 1] += 0.25 * half
        return self.c.filled(np.vstack([upper, lower[::-1]]), 0.005)

    def _brow(self, picture: Field, side: int) -> Field:
        c, e = self.c, self.e
        raised = -0.165 * e.inner_brow + 0.150 * e.brow_lower
        arch = -0.02 * e.inner_brow - 0.13 * e.outer_brow + 0.045 * e.brow_lower
        tail = -0.13 * e.outer_brow + 0.03 * e.inner_brow - 0.005 * e.brow_lower
        near = 0.055 * e.brow_lower + 0.02 * e.inner_brow
        share = np.linspace(0.0, 1.0, 48)
        middle = parabola(
            (0.185 - near, -0.350 + raised),
            (0.45 - 0.3 * near, -0.428 + 0.30 * raised + arch),
            (0.71, -0.345 + tail),
            share,
        )
        half = 0.046 * np.clip(0.55 + 4.0 * share, 0, 1) * (1.0 - 0.75 * share**1.6)
        upper, lower = middle.copy(), middle.copy()
        upper[:, 1] -= half
        lower[:, 1] += half
        shape = np.vstack([upper, lower[::-1]])
        hairs = c.filled(shape if side > 0 else mirrored(shape), 0.012)
        return mixed(picture, BROW, 0.90 * hairs)
