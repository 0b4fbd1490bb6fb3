"""A drawn face that can move: brows, lids, cheeks, nose, mouth and jaw, by action units.

The face is a field of heights with a colour at each place, lit softly from the upper left and then
turned in space. Nobody in particular is drawn.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo_clip.canvas import Canvas, Field, Points, mirrored, mixed, ramp, smooth
from tools.demo_clip.expression import Expression
from tools.demo_clip.eyes import CREASE, Eyes
from tools.demo_clip.mouth import Mouth

SKIN = (0.66, 0.77, 0.93)
BLUSH = (0.52, 0.55, 0.90)
LIP = (0.47, 0.47, 0.80)
HAIR = (0.13, 0.17, 0.25)
SHIRT = (0.55, 0.45, 0.27)


def draw_head(canvas: Canvas, e: Expression) -> tuple[Field, Field, Field]:
    """The head seen from the front: its colours lit, its mask, and its heights."""
    head = _Head(canvas, e)
    return head.lit(), head.mask, head.height


class _Head:
    """One head while it is drawn."""

    def __init__(self, canvas: Canvas, e: Expression) -> None:
        self.c, self.e = canvas, e
        self.mouth, self.eyes = Mouth(canvas, e), Eyes(canvas, e)
        self.face = canvas.filled(self._outline(), 0.008)
        self.hair = self._hair()
        self.ears = self._ears()
        self.mask: Field = np.maximum.reduce([self.face, self.hair, self.ears])
        self.height = self._height()

    def lit(self) -> Field:
        """The colours under the light."""
        color = self._skin()
        picture: Field = color * self._light(color)
        picture = self._creases(picture)
        picture = self.mouth.drawn(self.eyes.drawn(picture), LIP)
        return self._hair_drawn(self.eyes.brows_drawn(picture))

    # The shape

    def _outline(self) -> NDArray[np.float64]:
        drop = 0.30 * self.e.jaw
        full = 0.03 * self.e.cheek
        right = smooth(
            [
                (0.0, -1.30), (0.50, -1.20), (0.83, -0.85), (0.93, -0.40), (0.92, 0.05),
                (0.88 + full, 0.42), (0.80 + full, 0.76 + 0.3 * drop),
                (0.59, 1.07 + 0.75 * drop), (0.30, 1.27 + drop), (0.0, 1.32 + drop),
            ],
            120,
        )  # fmt: skip
        return np.vstack([right, mirrored(right)[::-1]])

    def _height(self) -> Field:
        c, e = self.c, self.e
        inside = (self.face > 0.5).astype(np.uint8)
        rim = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / c.scale
        round_off = np.sqrt(np.clip(1.0 - (1.0 - np.clip(rim / 0.55, 0, 1)) ** 2, 0, 1))
        egg = np.sqrt(np.clip(1.15 - (c.x / 1.15) ** 2 - ((c.y - 0.05) / 1.55) ** 2, 0.0, None))
        z = c.blur((0.80 * egg * (0.35 + 0.65 * round_off)).astype(np.float32), 0.05)
        low = 0.16 * e.jaw
        up = 0.13 * e.cheek
        for side in (-1, 1):
            z -= 0.12 * c.bump(side * 0.41, -0.10, 0.21, 0.13)  # socket
            z += 0.07 * c.bump(side * 0.42, -0.36, 0.26, 0.09, side * 8)  # ridge of the brow
            z += (0.06 + 0.10 * e.cheek + 0.03 * e.corner_up) * c.bump(
                side * 0.53, 0.40 - up, 0.21, 0.17
            )
            z += 0.060 * c.bump(side * 0.135, 0.365 - 0.04 * e.nose_wrinkle, 0.060, 0.06)  # wing
            z -= (0.008 + 0.020 * e.corner_up + 0.02 * e.upper_lip) * c.stroke(
                self._fold(side), 0.02, 0.035
            )
        bridge = ramp(c.y, -0.40, 0.30) * (1.0 - ramp(c.y, 0.30, 0.52))
        z += 0.21 * bridge * np.exp(-0.5 * (c.x / (0.085 + 0.05 * ramp(c.y, 0.0, 0.35))) ** 2)
        z += 0.07 * c.bump(0.0, 0.31 - 0.03 * e.nose_wrinkle, 0.11, 0.10)  # tip
        z += 0.10 * c.bump(0.0, 0.74 + 0.3 * low, 0.30, 0.22)  # the teeth under the lips
        z += self.mouth.height()
        z -= 0.05 * c.bump(0.0, 0.985 + 0.9 * low, 0.18, 0.055)
        z += (0.11 + 0.04 * e.chin) * c.bump(0.0, 1.14 + 1.6 * low, 0.19, 0.12)
        z += 0.05 * c.blur(self.hair, 0.06)
        return c.blur(z.astype(np.float32), 0.012)

    def _fold(self, side: int) -> NDArray[np.float64]:
        x, y = self.mouth.corner
        return smooth(
            [(side * 0.20, 0.32), (side * (0.31 + 0.05 * self.e.corner_up), 0.47),
             (side * (x + 0.07), y - 0.12), (side * (x + 0.09), y - 0.03)]
        )  # fmt: skip

    # The light

    def _skin(self) -> Field:
        c, e = self.c, self.e
        color = np.broadcast_to(np.asarray(SKIN, np.float32), (*c.x.shape, 3)).copy()
        for side in (-1, 1):
            color = mixed(
                color, BLUSH, (0.30 + 0.12 * e.cheek) * c.bump(side * 0.55, 0.38, 0.22, 0.17)
            )
        color = mixed(color, BLUSH, 0.22 * c.bump(0.0, 0.33, 0.13, 0.10))
        shell = sum(c.bump(side * 0.965, 0.05, 0.045, 0.12) for side in (-1, 1))
        return mixed(color, BLUSH, (0.25 + 0.5 * shell) * self.ears * (1.0 - self.face))

    def _light(self, color: Field) -> Field:
        """What falls on each place, 0..1 and a little more, for each of the three colours."""
        c = self.c
        # Turned with the head, the light must turn the other way to stay where it is.
        yaw, pitch = np.radians(self.e.turn_deg), np.radians(self.e.nod_deg)
        slope_x = cv2.Sobel(self.height, cv2.CV_32F, 1, 0, ksize=3) * c.scale / 8.0
        slope_y = cv2.Sobel(self.height, cv2.CV_32F, 0, 1, ksize=3) * c.scale / 8.0
        length = np.sqrt(slope_x**2 + slope_y**2 + 1.0)

        def lambert(x: float, y: float, z: float, wrap: float) -> Field:
            x, y = x - z * np.sin(yaw), y - z * np.sin(pitch)
            facing = (-slope_x * x - slope_y * y + z) / (length * np.sqrt(x * x + y * y + z * z))
            return np.asarray(np.clip((facing + wrap) / (1.0 + wrap), 0.0, None), np.float32)

        key, fill = lambert(-0.50, -0.62, 0.78, 0.35), lambert(0.75, -0.05, 0.65, 0.5)
        shine = lambert(-0.30, -0.50, 1.0, 0.0) ** 28
        light = 0.34 + 0.56 * key + 0.24 * fill
        # Light that has gone through skin is red: shadows are warm.
        warm = (1.0 - np.clip(light, 0.0, 1.0))[..., None] * np.array((0.02, 0.04, 0.12))
        return np.asarray(light[..., None] + warm + 0.10 * shine[..., None] / color, np.float32)

    # What lies on the skin

    def _creases(self, picture: Field) -> Field:
        c, e = self.c, self.e

        def crease(points: Points, width: float, soft: float, much: float) -> None:
            nonlocal picture
            if much > 0.01:
                line = c.stroke(smooth(points), width, soft)
                picture = picture * (1.0 - (much * line)[..., None] * (1.0 - np.asarray(CREASE)))

        up = 0.5 * (e.inner_brow + e.outer_brow)
        for row in range(3):
            y = -0.70 - 0.11 * row - 0.03 * up
            crease([(-0.42, y + 0.03), (-0.2, y), (0.2, y), (0.42, y + 0.03)], 0.012, 0.012,
                   0.45 * up * (1.0 - 0.5 * e.brow_lower))  # fmt: skip
        for side in (-1, 1):
            crease([(side * 0.085, -0.52), (side * 0.065, -0.42), (side * 0.085, -0.30)],
                   0.024, 0.030, 0.46 * e.brow_lower)  # fmt: skip
            crease([(side * 0.20, 0.13), (side * 0.12, 0.02), (side * 0.07, -0.08)],
                   0.016, 0.020, 0.38 * e.nose_wrinkle)  # fmt: skip
            beside = 0.10 + 0.26 * e.corner_up + 0.30 * e.upper_lip + 0.12 * e.corner_down
            crease(self._fold(side), 0.018, 0.018, beside)
            crease([(side * 0.25, 0.05), (side * 0.42, 0.10 - 0.02 * e.cheek), (side * 0.58, 0.05)],
                   0.020, 0.024, 0.14 + 0.26 * e.cheek)  # fmt: skip
            x, y = self.mouth.corner
            crease([(side * (x + 0.02), y), (side * (x + 0.06), y + 0.05),
                    (side * (x + 0.07), y + 0.13)], 0.018, 0.022, 0.35 * e.corner_down)  # fmt: skip
            crease([(side * 0.655, -0.08), (side * 0.76, -0.12)], 0.01, 0.01, 0.4 * e.cheek)
            crease([(side * 0.655, -0.06), (side * 0.76, -0.03)], 0.01, 0.01, 0.4 * e.cheek)
            # Between the socket and the bridge of the nose; under it; and the nostrils.
            picture *= 1.0 - 0.20 * c.bump(side * 0.20, -0.17, 0.06, 0.11)[..., None]
            nostril = c.bump(side * 0.080, 0.420, 0.036, 0.016, side * -14)
            picture = mixed(picture, (0.10, 0.12, 0.30), 0.62 * nostril)
        picture *= 1.0 - 0.12 * c.bump(0.0, 0.47, 0.15, 0.03)[..., None]
        return picture

    def _ears(self) -> Field:
        c = self.c
        ears = [
            1.0 - ramp(((c.x - side * 0.945) / 0.135) ** 2 + ((c.y - 0.06) / 0.25) ** 2, 0.92, 1.08)
            for side in (-1, 1)
        ]
        return np.asarray(np.maximum(*ears), np.float32)

    def _hair(self) -> Field:
        c = self.c
        outside = smooth(
            [(-0.985, -0.02), (-1.06, -0.45), (-0.98, -0.95), (-0.62, -1.38), (-0.05, -1.53),
             (0.55, -1.43), (0.95, -1.02), (1.06, -0.48), (0.985, -0.02)], 100
        )  # fmt: skip
        line = smooth(
            [(0.90, -0.05), (0.87, -0.45), (0.74, -0.80), (0.40, -0.95), (0.0, -0.90),
             (-0.30, -0.86), (-0.62, -0.74), (-0.84, -0.48), (-0.90, -0.05)], 100
        )  # fmt: skip
        return c.filled(np.vstack([outside, line]), 0.012)

    def _hair_drawn(self, picture: Field) -> Field:
        c = self.c
        # Strands run from the parting at the upper left, around the head.
        around = np.arctan2(c.y + 1.55, c.x + 0.35)
        reach = np.hypot(c.x + 0.35, c.y + 1.55)
        strand = (
            np.sin(around * 46 + 3 * np.sin(3.1 * reach)) + np.sin(around * 97 + 2 * reach)
        ).astype(np.float32)
        shine = c.bump(-0.35, -1.18, 0.50, 0.10, -14) + 0.6 * c.bump(0.62, -1.08, 0.25, 0.10, 35)
        tone = 0.85 + 0.045 * strand + (1.0 + 0.25 * strand) * 0.9 * shine
        edge = 0.55 + 0.45 * ramp(c.blur(self.hair, 0.07), 0.25, 0.9)
        drawn = np.asarray(HAIR, np.float32) * (tone * edge)[..., None]
        # It casts a soft shadow on the forehead.
        cast = np.roll(c.blur(self.hair, 0.05), round(0.03 * c.scale), 0)
        picture = picture * (1.0 - 0.35 * (cast * (1.0 - self.hair))[..., None])
        return mixed(picture, drawn, self.hair)
