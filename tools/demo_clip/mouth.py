"""Lips, teeth and tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.demo_clip.canvas import Canvas, Field, mixed, ramp
from tools.demo_clip.expression import Expression

CAVITY = (0.10, 0.08, 0.22)
TOOTH = (0.88, 0.92, 0.95)
TONGUE = (0.38, 0.36, 0.72)

_LEVEL = 0.735


class Mouth:
    """The lines of the mouth, from the left corner to the right one."""

    def __init__(self, canvas: Canvas, e: Expression) -> None:
        self.c, self.e = canvas, e
        x = np.linspace(-1.0, 1.0, 81)
        self.corner = half, corner_y = self._corner()
        rise = 0.035 * e.jaw + 0.055 * e.upper_lip + 0.028 * e.part
        rise += 0.012 * e.corner_up + 0.015 * e.chin
        drop = 0.400 * e.jaw + 0.040 * e.part - 0.03 * e.chin + 0.03 * e.stretch * e.part
        self.open = max(0.0, rise + drop)
        # Flat in the middle and steep at the corners when open; else one soft bow.
        bow = 1.0 - np.abs(x) ** (2.0 + 1.2 * min(1.0, self.open / 0.2))
        middle = _LEVEL + 0.018 * e.corner_up - 0.012 * e.corner_down
        self.x = half * x
        self.upper_in = corner_y + (middle - rise - corner_y) * bow
        self.lower_in = np.maximum(self.upper_in, corner_y + (middle + drop - corner_y) * bow)
        full = 0.92 - 0.45 * e.tight
        cupid = 0.82 + 0.30 * np.exp(-(((np.abs(x) - 0.26) / 0.17) ** 2))
        cupid -= 0.10 * np.exp(-((x / 0.08) ** 2))
        upper = 0.082 * full * (1.0 - 0.25 * e.corner_up)
        lower = 0.105 * full * (1.0 + 0.10 * e.chin - 0.15 * e.corner_up)
        self.upper_out = self.upper_in - upper * cupid * (1.0 - np.abs(x) ** 2.2)
        self.lower_out = self.lower_in + lower * (1.0 - np.abs(x) ** 2.6)

    def _corner(self) -> tuple[float, float]:
        """Where the right corner is."""
        e = self.e
        x = 0.315 + 0.125 * e.corner_up + 0.02 * e.corner_down + 0.07 * e.stretch
        x -= 0.055 * e.tight + 0.06 * e.jaw * (1.0 - e.corner_up)
        y = _LEVEL - 0.115 * e.corner_up + 0.085 * e.corner_down
        return x, y + 0.12 * e.jaw * (1.0 - 0.5 * e.corner_up)

    def height(self) -> Field:
        """How the lips stand out, in units."""
        c = self.c
        upper = c.filled(self._between(self.upper_out, self.upper_in), 0.018)
        lower = c.filled(self._between(self.lower_in, self.lower_out), 0.022)
        seam = c.stroke(np.column_stack([self.x, self.upper_in]), 0.012, 0.012)
        return np.asarray(0.035 * upper + 0.055 * lower - 0.02 * seam, np.float32)

    def drawn(self, picture: Field, lip: tuple[float, float, float]) -> Field:
        """The mouth on the lit skin."""
        c = self.c
        lips = c.filled(self._between(self.upper_out, self.lower_out), 0.010)
        shade = picture.mean(-1, keepdims=True) / 0.72
        picture = mixed(picture, np.asarray(lip, np.float32) * shade, 0.80 * lips)
        upper = c.filled(self._between(self.upper_out, self.upper_in), 0.010)
        picture = picture * (1.0 - 0.16 * upper)[..., None]
        if self.open > 0.012:
            picture = self._inside(picture)
        seam = c.stroke(np.column_stack([self.x, self.upper_in]), 0.016, 0.007)
        picture = mixed(picture, (0.16, 0.15, 0.33), (0.75 if self.open < 0.03 else 0.4) * seam)
        half, y = self.corner
        for side in (-1, 1):
            dimple = c.bump(side * (half + 0.01), y, 0.035, 0.028)
            picture = picture * (1.0 - 0.22 * dimple)[..., None]
        low = float(self.lower_out[40])
        return picture * (1.0 - 0.16 * c.bump(0.0, low + 0.035, 0.17, 0.03))[..., None]

    def _inside(self, picture: Field) -> Field:
        c, e = self.c, self.e
        opening = c.filled(self._between(self.upper_in, self.lower_in), 0.005)
        half, _ = self.corner
        inside = np.broadcast_to(np.asarray(CAVITY, np.float32), picture.shape).copy()
        low = float(self.lower_in[40])
        tongue = c.bump(0.0, low + 0.02, 0.55 * half, 0.10)
        seen = float(np.clip((self.open - 0.1) / 0.2, 0.0, 1.0))
        inside = mixed(inside, TONGUE, seen * np.clip(1.2 * tongue, 0, 1))
        round_off = 1.0 - 0.55 * np.clip(np.abs(c.x) / half, 0, 1) ** 2
        teeth = np.asarray(TOOTH, np.float32) * round_off[..., None]
        edge = 0.125 * np.clip(1.0 - (self.x / (0.95 * half)) ** 4, 0.0, 1.0)
        show = min(1.0, 0.55 + 0.6 * e.upper_lip + 0.6 * e.corner_up)
        upper = c.filled(self._between(self.upper_in - 0.05, self.upper_in + show * edge), 0.006)
        inside = mixed(inside, teeth, upper)
        if e.stretch > 0.05:
            top = self.lower_in - 0.8 * e.stretch * edge
            row = c.filled(self._between(top, self.lower_in + 0.05), 0.006)
            inside = mixed(inside, 0.92 * teeth, row)
        gap = np.abs(np.mod(c.x / 0.083 + 0.5, 1.0) - 0.5)
        inside = inside * (1.0 - 0.10 * (1.0 - ramp(gap, 0.0, 0.10)))[..., None]
        cast = c.stroke(np.column_stack([self.x, self.upper_in]), 0.05, 0.025)
        inside = inside * (1.0 - 0.45 * cast)[..., None]
        return mixed(picture, inside, opening)

    def _between(
        self, upper: NDArray[np.float64], lower: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return np.vstack([np.column_stack([self.x, upper]), np.column_stack([self.x, lower])[::-1]])
