"""The picture: a head on its shoulders, turned in space, before a plain background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.demo_clip.canvas import Canvas, Field, mirrored, mixed, ramp, smooth
from tools.demo_clip.expression import Expression
from tools.demo_clip.face import SHIRT, SKIN, draw_head

WIDTH, HEIGHT = 640, 480
UNIT_PX = 112.0
"""Pixels of a unit in the finished picture."""

EYES_PX = 320.0, 226.0
"""Where the point between the eyes is while the head looks straight ahead."""


def draw(e: Expression, detail: float = 2.0) -> NDArray[np.uint8]:
    """The picture ``(480, 640, 3)`` uint8, BGR. ``detail`` is how much finer it is drawn."""
    scale = UNIT_PX * detail
    left, top = -EYES_PX[0] / UNIT_PX, -EYES_PX[1] / UNIT_PX
    whole = Canvas(left, top, WIDTH / UNIT_PX, HEIGHT / UNIT_PX, scale)
    picture = _behind(whole, e)
    head = Canvas(-1.5, -1.75, 3.0, 3.7, scale)
    color, mask, height = draw_head(head, e)
    x, y = _seen_from(whole, head, height, e)
    at = (x - head.left) * scale - 0.5, (y - head.top) * scale - 0.5
    color, mask = (_remapped(each, *at) for each in (color, mask))
    picture = mixed(picture, color, mask)
    small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small * 255.0 + 0.5, 0, 255), np.uint8)


def _remapped(field: Field, x: Field, y: Field) -> Field:
    return np.asarray(cv2.remap(field, x, y, cv2.INTER_LINEAR), np.float32)


def _seen_from(whole: Canvas, head: Canvas, height: Field, e: Expression) -> tuple[Field, Field]:
    """Which place of the head, seen from the front, is at each place of the picture."""
    turn, nod, tilt = (np.radians(a) for a in (e.turn_deg, e.nod_deg, e.tilt_deg))
    pivot = 1.0  # the neck, below the eyes
    across = whole.x * np.cos(tilt) + (whole.y - pivot) * np.sin(tilt)
    down = (whole.y - pivot) * np.cos(tilt) - whole.x * np.sin(tilt) + pivot
    depth = head.blur(height, 0.03) - 0.35
    x, y = across.astype(np.float32), down.astype(np.float32)
    for _ in range(5):
        at = (x - head.left) * head.scale - 0.5, (y - head.top) * head.scale - 0.5
        z = cv2.remap(depth, *at, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        x = ((across - z * np.sin(turn)) / np.cos(turn)).astype(np.float32)
        y = ((down - z * np.sin(nod)) / np.cos(nod)).astype(np.float32)
    return x, y


def _behind(c: Canvas, e: Expression) -> Field:
    glow = np.exp(-0.5 * ((c.x + 0.5) ** 2 + (c.y + 0.5) ** 2) / 2.2**2)[..., None]
    picture = np.asarray((0.60, 0.57, 0.53)) + glow * np.asarray((0.26, 0.27, 0.27))
    picture = picture.astype(np.float32)
    lean = 0.10 * np.sin(np.radians(e.tilt_deg)) + 0.10 * np.sin(np.radians(e.turn_deg))
    right = smooth(
        [(0.36, 0.7), (0.38, 1.35), (0.50, 1.52), (0.95, 1.68), (1.55, 1.88), (1.85, 2.5)]
    )
    body = np.vstack([right, mirrored(right)[::-1]])
    body[:, 0] += lean * np.clip(1.6 - body[:, 1], 0.0, 1.0)
    neck = c.filled(body, 0.01)
    round_off = 1.0 - 0.35 * np.clip(np.abs(c.x + 0.06) / 0.55, 0.0, 1.0) ** 2
    under_chin = 1.0 - 0.42 * (1.0 - ramp(c.y, 1.38, 1.95 + 0.15 * e.jaw))
    light = np.asarray(0.92 * round_off * under_chin)[..., None]
    skin = np.asarray(SKIN, np.float32) * light * np.asarray((0.95, 0.97, 1.0))
    picture = mixed(picture, skin, neck)
    collar = smooth([(-0.62, 1.50), (-0.35, 1.72), (0.0, 1.82), (0.35, 1.72), (0.62, 1.50)])
    cloth_side = smooth([(0.62, 1.50), (1.05, 1.66), (1.62, 1.86), (1.98, 2.6)])
    cloth = np.vstack([collar, cloth_side, mirrored(cloth_side)[::-1]])
    shirt = c.filled(cloth, 0.008)
    fall = 0.96 - 0.060 * (c.x + 0.35) ** 2 - 0.04 * c.x
    picture = mixed(picture, np.asarray(SHIRT, np.float32) * fall[..., None], shirt)
    hem = c.stroke(collar, 0.05, 0.006)
    return mixed(picture, np.asarray(SHIRT) * 0.78, 0.9 * hem * shirt)
