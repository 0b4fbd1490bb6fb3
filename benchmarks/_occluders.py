"""Made things before eyes, drawn on faces whose 68 points are known: for ``covered_eyes``.

What covers both eyes: dark, tinted and mirrored glasses of many shapes, bars, pixels, hands and
arms. What does not: clear glasses with any rim, shadows, little light. Lengths are in distances
between the eyes' middles, from the point between them, along the line of the eyes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]
Dice = np.random.Generator
Light = NDArray[np.floating]
"""A picture ``(height, width, 3)``, or a part of it for each pixel, ``(height, width)``."""

COVERS = ("dark glasses", "mirrored glasses", "bar", "pixels", "hand", "arm")
HARMLESS = ("clear glasses", "shadow", "little light")

# Half a width, half a height, squareness, how much narrower below, how far the outer end droops.
_LENSES: dict[str, tuple[tuple[float, float], ...]] = {
    "round": ((0.30, 0.42), (0.28, 0.40), (1.9, 2.2), (-0.05, 0.05), (-0.03, 0.03)),
    "oblong": ((0.36, 0.47), (0.20, 0.32), (2.5, 5.0), (-0.05, 0.10), (-0.05, 0.05)),
    "aviator": ((0.38, 0.48), (0.32, 0.44), (2.2, 3.0), (-0.05, 0.20), (0.05, 0.15)),
    "wayfarer": ((0.36, 0.46), (0.25, 0.38), (3.0, 5.0), (0.08, 0.25), (-0.05, 0.02)),
    "cat": ((0.38, 0.50), (0.22, 0.36), (2.2, 3.5), (0.10, 0.25), (-0.18, -0.08)),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where the eyes are."""

    middle: Points
    across: Points
    """From the one eye to the other, in the picture's pixels."""

    def at(self, points: Points) -> Points:
        """Points beside the eyes as points of the picture."""
        down = np.array([-self.across[1], self.across[0]])
        placed = self.middle + points[:, :1] * self.across + points[:, 1:] * down
        return np.asarray(placed, np.float64)

    @property
    def unit(self) -> float:
        return float(np.hypot(*self.across))


def put(picture: Picture, points: NDArray[np.floating], kind: str, dice: Dice) -> Picture:
    """A picture ``(height, width, 3)`` uint8 with one of ``COVERS`` or ``HARMLESS`` on its face."""
    eyes = np.asarray([points[36:42].mean(axis=0), points[42:48].mean(axis=0)], np.float64)
    place = _Place(eyes.mean(axis=0), eyes[1] - eyes[0])
    made = _DRAWN[kind](picture.astype(np.float32), place, dice)
    return np.clip(made, 0, 255).astype(np.uint8)


def _dark_glasses(picture: Light, place: _Place, dice: Dice) -> Light:
    tint = _tint(dice)
    top, below = dice.uniform(0.82, 1.0), dice.uniform(0.7, 1.0)
    strength = _ramp(picture, place, top, max(below, 0.72 * top))
    glass = picture * (1.0 - strength) * (tint / 128.0 + 0.4) + tint * strength
    return _glasses(picture, glass, place, dice, rim=(0.02, 0.10), glint=0.5)


def _mirrored_glasses(picture: Light, place: _Place, dice: Dice) -> Light:
    sky, ground = dice.uniform(60, 255, 3), dice.uniform(0, 160, 3)
    if dice.random() < 0.4:
        sky, ground = np.full(3, sky.mean()), np.full(3, ground.mean())
    mirrored = np.zeros_like(picture)
    mirrored += sky + _ramp(picture, place, 0.0, 1.0) * (ground - sky)
    stains = cv2.resize(dice.uniform(-1, 1, (6, 6, 3)).astype(np.float32), picture.shape[1::-1])
    mirrored += stains * dice.uniform(10, 70)
    strength = dice.uniform(0.75, 1.0)
    glass = picture * (1.0 - strength) + mirrored * strength
    return _glasses(picture, glass, place, dice, rim=(0.01, 0.08), glint=0.5)


def _clear_glasses(picture: Light, place: _Place, dice: Dice) -> Light:
    strength = dice.uniform(0.0, 0.15)
    glass = picture * (1.0 - strength) + dice.uniform(60, 255, 3) * strength
    return _glasses(picture, glass, place, dice, rim=(0.015, 0.12), glint=0.3)


def _glasses(
    picture: Light, glass: Light, place: _Place, dice: Dice, rim: tuple[float, float], glint: float
) -> Light:
    """The picture seen through ``glass`` where the lenses are, with a rim and perhaps a glint."""
    if dice.random() < glint:
        glass = _with_glint(glass, place, dice)
    lenses = _lenses(dice)
    mask = np.zeros(picture.shape[:2], np.float32)
    for lens in lenses:
        mask = np.maximum(mask, _filled(picture, place.at(lens)))
    worn: Light = picture + mask[..., None] * (glass - picture)
    color = _rim_color(dice)
    width = max(1, round(dice.uniform(*rim) * place.unit))
    if dice.random() < 0.85:
        for lens in lenses:
            worn = _line(worn, place.at(lens), color, width, closed=True)
    outer = max(float(np.abs(lens[:, 0]).max()) for lens in lenses)
    for side in (-1.0, 1.0):
        temple = np.array([[side * outer, -0.08], [side * (outer + 0.35), -0.12]])
        worn = _line(worn, place.at(temple), color, width)
    if len(lenses) == 2:
        bridge = np.array([[-0.16, -0.06], [0.0, -0.12], [0.16, -0.06]])
        worn = _line(worn, place.at(bridge), color, width)
    return worn


def _lenses(dice: Dice) -> list[Points]:
    lift = dice.uniform(-0.06, 0.12)
    if dice.random() < 0.2:
        shape = _oval(dice.uniform(0.92, 1.15), dice.uniform(0.28, 0.45), dice.uniform(2.5, 6.0))
        return [_moved(shape, 0.0, lift)]
    limits = _LENSES[str(dice.choice(list(_LENSES)))]
    half_w, half_h, square, taper, droop = (dice.uniform(*each) for each in limits)
    lens = _oval(half_w, half_h, square)
    lens[:, 0] *= 1.0 - taper * lens[:, 1] / half_h
    lens[:, 1] += droop * lens[:, 0] / half_w
    right = _moved(lens, dice.uniform(0.46, 0.56), lift)
    return [right * np.array([-1.0, 1.0]), right]


def _oval(half_w: float, half_h: float, square: float) -> Points:
    """A superellipse: 2 is an ellipse, more is nearer to a rectangle."""
    turn = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    x, y = np.cos(turn), np.sin(turn)
    bent = [np.sign(v) * np.abs(v) ** (2.0 / square) for v in (x, y)]
    return np.stack([half_w * bent[0], half_h * bent[1]], axis=1)


def _with_glint(glass: Light, place: _Place, dice: Dice) -> Light:
    light = np.zeros(glass.shape[:2], np.float32)
    for side in (-0.5, 0.5):
        spot = _oval(dice.uniform(0.04, 0.25), dice.uniform(0.03, 0.12), 2.0)
        at = (side + dice.uniform(-0.2, 0.2), dice.uniform(-0.25, 0.1))
        light = np.maximum(light, _filled(glass, place.at(_moved(spot, *at))))
    soft = cv2.GaussianBlur(light, (0, 0), dice.uniform(0.01, 0.12) * place.unit + 0.3)
    return glass + soft[..., None] * dice.uniform(0.15, 0.9) * (255.0 - glass)


def _bar(picture: Light, place: _Place, dice: Dice) -> Light:
    grey = dice.choice([0.0, dice.uniform(0, 60), 255.0, dice.uniform(60, 255)])
    color = np.full(3, grey) if dice.random() < 0.8 else dice.uniform(0, 255, 3)
    box = _oval(dice.uniform(0.85, 1.35), dice.uniform(0.2, 0.5), 40.0)
    mask = _filled(picture, place.at(_turned(box, dice.normal(0.0, 3.0))))
    return picture + mask[..., None] * (color.astype(np.float32) - picture)


def _pixels(picture: Light, place: _Place, dice: Dice) -> Light:
    block = max(2, round(dice.uniform(0.22, 0.45) * place.unit))
    height, width = picture.shape[:2]
    few = cv2.resize(
        picture, (max(1, width // block), max(1, height // block)), interpolation=cv2.INTER_AREA
    )
    way = cv2.INTER_NEAREST if dice.random() < 0.6 else cv2.INTER_LINEAR
    coarse = cv2.resize(few, (width, height), interpolation=way)
    region = _oval(dice.uniform(0.9, 1.3), dice.uniform(0.28, 0.5), 12.0)
    return picture + _filled(picture, place.at(region))[..., None] * (coarse - picture)


def _hand(picture: Light, place: _Place, dice: Dice) -> Light:
    """Fingers side by side over both eyes, or a palm on each eye, in a color like the face's."""
    skin = _skin(picture, place) * dice.uniform(0.7, 1.15) + dice.normal(0.0, 6.0, 3)
    if dice.random() < 0.35:
        for side in (-0.5, 0.5):
            palm = _turned(_oval(dice.uniform(0.4, 0.6), dice.uniform(0.45, 0.7), 2.6), side * 40.0)
            picture = _rounded(
                picture, place, _moved(palm, side, dice.uniform(-0.1, 0.25)), skin, dice
            )
        return picture
    count, thick = int(dice.integers(2, 5)), dice.uniform(0.26, 0.4)
    lean, reach = dice.normal(0.0, 9.0), dice.uniform(1.2, 1.6)
    for i in range(count):
        finger = _oval(reach * dice.uniform(0.92, 1.0), thick / 2.0 * dice.uniform(1.0, 1.1), 3.5)
        across = (i - (count - 1) / 2.0) * thick * 0.95
        finger = _turned(_moved(finger, dice.normal(0.0, 0.06), across), lean)
        picture = _rounded(picture, place, finger, skin, dice)
    return picture


def _arm(picture: Light, place: _Place, dice: Dice) -> Light:
    arm = _turned(_oval(2.2, dice.uniform(0.35, 0.6), 5.0), dice.normal(0.0, 12.0))
    arm = _moved(arm, 0.0, dice.uniform(-0.15, 0.1))
    return _rounded(picture, place, arm, dice.uniform(10, 230, 3), dice)


def _rounded(
    picture: Light,
    place: _Place,
    outline: Points,
    color: NDArray[np.float64],
    dice: Dice,
) -> Light:
    """Something round in its depth: darker towards its edges, with a little texture."""
    mask = _filled(picture, place.at(outline))
    depth = cv2.GaussianBlur(mask, (0, 0), 0.06 * place.unit + 0.5)
    texture = dice.normal(0.0, dice.uniform(1.0, 5.0), picture.shape[:2]).astype(np.float32)
    soft = cv2.GaussianBlur(texture, (0, 0), 0.8)
    lit = color.astype(np.float32) * (0.45 + 0.55 * depth[..., None]) + soft[..., None]
    return picture + mask[..., None] * (lit - picture)


def _shadow(picture: Light, place: _Place, dice: Dice) -> Light:
    """As of a cap or of light from a side or above: dark to a soft edge somewhere on the face."""
    edge, soft = dice.uniform(-0.1, 0.7), dice.uniform(0.05, 0.4)
    field = _field(picture, place, dice.uniform(-180.0, 180.0) if dice.random() < 0.4 else 0.0)
    dark = 1.0 / (1.0 + np.exp((field - edge) / soft))
    return np.asarray(picture * (1.0 - dice.uniform(0.3, 0.75) * dark)[..., None])


def _little_light(picture: Light, _: _Place, dice: Dice) -> Light:
    """As in the dark, or of a dark skin: less light, and more of it lost where there is little."""
    gain, gamma = dice.uniform(0.25, 0.8), dice.uniform(1.0, 1.6)
    lit = 255.0 * gain * (picture / 255.0) ** gamma
    return np.asarray(lit + dice.normal(0.0, 2.0, picture.shape))


def _tint(dice: Dice) -> NDArray[np.float64]:
    dark = dice.uniform(0.0, 55.0)
    color = np.array([dark, dark, dark])
    if dice.random() < 0.4:
        color += dice.uniform(0.0, 60.0, 3) * (dice.random(3) < 0.5)
    return color


def _rim_color(dice: Dice) -> tuple[float, float, float]:
    kinds = ([dice.uniform(0, 50)] * 3, [dice.uniform(120, 230)] * 3, [30, 60, 110], [60, 140, 190])
    color = np.asarray(kinds[int(dice.choice(4, p=(0.55, 0.2, 0.15, 0.1)))], np.float64)
    return float(color[0]), float(color[1]), float(color[2])


def _skin(picture: Light, place: _Place) -> NDArray[np.float64]:
    """The color of the cheeks."""
    cheeks = _filled(picture, place.at(_moved(_oval(0.55, 0.12, 3.0), 0.0, 0.55))) > 0.5
    seen = picture[cheeks] if cheeks.any() else picture.reshape(-1, 3)
    return np.asarray(np.median(seen, axis=0), np.float64)


def _moved(points: Points, x: float, y: float) -> Points:
    return np.asarray(points + np.array([x, y]), np.float64)


def _turned(points: Points, degrees: float) -> Points:
    turn = np.radians(degrees)
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return np.asarray(points @ matrix, np.float64)


def _field(picture: Light, place: _Place, degrees: float) -> Light:
    """How far below the eyes each pixel lies, or beyond them in another direction."""
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width) - place.middle[0], np.arange(height) - place.middle[1])
    down = _turned(np.array([[-place.across[1], place.across[0]]]), degrees)[0] / place.unit**2
    return np.asarray(x * down[0] + y * down[1], np.float32)


def _ramp(picture: Light, place: _Place, top: float, below: float) -> Light:
    """From one value above the eyes to another below, ``(height, width, 1)``."""
    part = np.clip((_field(picture, place, 0.0) + 0.35) / 0.7, 0.0, 1.0)
    return np.asarray(top + part * (below - top), np.float32)[..., None]


def _filled(picture: Light, outline: Points) -> Light:
    """1 inside of an outline, 0 outside, smooth at the edge."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline * 16.0).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
    return np.asarray(mask, np.float32) / 255.0


def _line(
    picture: Light,
    points: Points,
    color: tuple[float, float, float],
    width: int,
    closed: bool = False,
) -> Light:
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(
        mask, [np.round(points * 16.0).astype(np.int32)], closed, 255, width, cv2.LINE_AA, shift=4
    )
    return picture + (np.asarray(mask, np.float32) / 255.0)[..., None] * (
        np.asarray(color, np.float32) - picture
    )


_DRAWN: dict[str, Callable[[Light, _Place, Dice], Light]] = {
    "dark glasses": _dark_glasses,
    "mirrored glasses": _mirrored_glasses,
    "bar": _bar,
    "pixels": _pixels,
    "hand": _hand,
    "arm": _arm,
    "clear glasses": _clear_glasses,
    "shadow": _shadow,
    "little light": _little_light,
}
