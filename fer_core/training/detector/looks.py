"""The look of people and camera in a synthetic scene, as numbers for ``render``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fer_core.training.detector.dice import Array, Dice, Numbers

_USUAL_POINTS = np.array([[-0.2, -0.1], [0.2, -0.1], [0.0, 0.1], [-0.15, 0.28], [0.15, 0.28]])
"""The approximate positions of the five points in YuNet's boxes."""


def matte(dice: Dice) -> tuple[Numbers, NDArray[np.bool_]]:
    """How a tile is cropped: loosely, with hair and background, or tightly, only the face."""
    loose = dice.hits(0.45)

    def either(one: tuple[float, float], other: tuple[float, float]) -> Array:
        return np.where(loose, dice.uniform(*one), dice.uniform(*other))

    matte = {
        "matte_rx": either((0.75, 1.1), (0.56, 0.72)),
        "matte_ry": either((0.72, 1.0), (0.55, 0.68)),
        "matte_y": either((-0.12, 0.05), (-0.1, -0.02)),
        "matte_power": np.where(
            loose & dice.hits(0.6), dice.uniform(4.0, 12.0), dice.uniform(2.0, 3.0)
        ),
        "matte_soft": np.where(dice.hits(0.25), 0.01, dice.uniform(0.03, 0.22)),
        "rim_soft": np.where(dice.hits(0.25), 1.0, dice.uniform(2.0, 12.0)),
    }
    return matte, loose


def light(dice: Dice, size: Array) -> Numbers:
    """The brightness and direction of each person's light, and the sharpening of large faces."""
    common = dice.rng.normal(0.0, 0.15)
    return {
        "gain": np.exp(common + dice.normal(0.0, 0.18)),
        "bias": dice.normal(0.0, 12.0),
        "light_x": dice.normal(0.0, 0.35) * dice.hits(0.35),
        "light_y": dice.normal(0.0, 0.25) * dice.hits(0.3),
        "sharp": np.where((size > 90.0) & dice.hits(0.6), dice.uniform(0.0, 1.5), 0.0),
    }


def body(dice: Dice, turn: Array, behind: NDArray[np.bool_]) -> Numbers:
    """Hair, neck and shoulders; a quarter of the scenes have none."""
    bodies = dice.rng.random() < 0.75
    return {
        "hair": (dice.hits(0.5 * bodies) | behind) * 1.0,
        "hair_rx": dice.uniform(0.62, 0.95),
        "hair_ry": dice.uniform(0.62, 0.95),
        "hair_y": dice.uniform(-0.22, -0.05),
        "hair_tone": np.where(dice.hits(0.7), dice.uniform(8, 75), dice.uniform(60, 220)),
        "hair_texture": dice.uniform(0.05, 0.5),
        "neck": dice.hits(0.6 * bodies) * 1.0,
        "torso": dice.hits(0.7 * bodies) * 1.0,
        "torso_rx": dice.uniform(0.75, 1.35),
        "torso_ry": dice.uniform(0.7, 1.1),
        "torso_x": dice.normal(0.0, 0.12),
        "torso_y": dice.uniform(1.35, 1.7),
        "torso_tone": dice.uniform(8.0, 245.0),
        "torso_texture": dice.uniform(0.1, 1.0),
        "torso_turn": turn * dice.uniform(0.0, 0.7),
    }


def texture(dice: Dice, backgrounds: int) -> Numbers:
    """Textures of clothes and covers: a part of a background each."""
    return {
        "texture": dice.rng.integers(0, backgrounds, dice.n) * 1.0,
        "texture_x": dice.uniform(-1.0, 1.0),
        "texture_y": dice.uniform(-1.0, 1.0),
        "texture_scale": np.exp(dice.uniform(-2.0, 0.7)),
    }


def cover(dice: Dice, share: float, size: Array, points: Array) -> tuple[Numbers, Array]:
    """A mask or scarf, dark glasses, a hat, or a hand or an edge anywhere.

    ``points``: ``(n, 5, 2)``, from the box's centre, relative to its sides. Returns the numbers,
    and the covered share of the face.
    """
    points = np.where(np.isfinite(points), points, _USUAL_POINTS)
    kind = dice.rng.random(dice.n)
    masked, glasses, hat = kind < 0.3, (kind >= 0.3) & (kind < 0.45), (kind >= 0.45) & (kind < 0.6)
    placed = masked | glasses | hat
    angle, away = dice.uniform(0.0, 2.0 * np.pi), dice.uniform(0.3, 0.75)
    eyes, nose = (points[:, 0] + points[:, 1]) / 2.0, points[:, 2]

    def choose(mask: Any, shade: Any, cap: Any, other: Any) -> Array:
        return np.asarray(np.select([masked, glasses, hat], [mask, shade, cap], other))

    rx = choose(
        dice.uniform(0.42, 0.55),
        dice.uniform(0.36, 0.48),
        dice.uniform(0.5, 0.9),
        dice.uniform(0.1, 0.35),
    )
    ry = choose(
        dice.uniform(0.18, 0.28),
        dice.uniform(0.07, 0.13),
        dice.uniform(0.22, 0.36),
        dice.uniform(0.1, 0.6),
    )
    turn = np.where(placed, dice.normal(0.0, 0.06), dice.uniform(0.0, np.pi))
    here = dice.hits(share) & (size > 14.0)
    elsewhere = np.pi * rx * ry * np.clip(1.1 - away, 0.3, 1.0)
    part: Array = np.asarray(here * np.clip(choose(0.4, 0.15, 0.2, elsewhere), 0.0, 0.6), float)
    numbers = {
        "on": here * 1.0,
        "x": choose(
            dice.normal(0.0, 0.03) + nose[:, 0] * 0.5,
            eyes[:, 0],
            dice.normal(0.0, 0.05),
            away * np.cos(angle),
        ),
        "y": choose(
            dice.uniform(0.24, 0.34), eyes[:, 1], dice.uniform(-0.62, -0.5), away * np.sin(angle)
        ),
        "rx": rx,
        "ry": ry,
        "power": dice.uniform(2.0, 5.0),
        "cos": np.cos(turn),
        "sin": np.sin(turn),
        "tone": np.where(glasses, dice.uniform(5.0, 50.0), dice.uniform(10.0, 245.0)),
        "texture": dice.uniform(0.0, 0.5),
        "soft": dice.uniform(0.02, 0.12),
    }
    return numbers, part


def camera(dice: Dice, backgrounds: int) -> Numbers:
    """Background, light, lens, sensor and compression of each scene."""
    dark = dice.hits(0.18)
    gain = np.where(dice.hits(0.15), dice.uniform(1.0, 1.7), np.exp(dice.normal(0.0, 0.12)))
    negative = np.where(dice.hits(0.04), -1.0, 1.0)
    return {
        "background": dice.rng.integers(0, backgrounds, dice.n) * 1.0,
        "other": dice.rng.integers(0, backgrounds, dice.n) * 1.0,
        "scale": np.exp(dice.uniform(-1.3, 0.25)) * np.where(dice.hits(0.5), -1.0, 1.0),
        "turn": dice.normal(0.0, 0.12),
        "x": dice.uniform(-0.6, 0.6),
        "y": dice.uniform(-0.6, 0.6),
        "background_gain": np.exp(dice.normal(0.0, 0.25)) * negative,
        "background_bias": dice.normal(0.0, 15.0),
        "detail": np.where(dice.hits(0.12), dice.uniform(0.0, 0.25), 1.0),
        "tone": dice.uniform(0.0, 255.0),
        "split": np.where(dice.hits(0.25), dice.uniform(-1.0, 1.0), 9.0),
        "split_angle": dice.uniform(0.0, 2.0 * np.pi),
        "blur_x": np.where(dice.hits(0.35), dice.uniform(0.3, 1.5), 0.0),
        "blur_y": np.where(dice.hits(0.35), dice.uniform(0.3, 1.5), 0.0),
        "gain": np.where(dark, dice.between(0.08, 0.5), gain),
        "gamma": np.exp(dice.normal(0.0, 0.2)),
        "contrast": np.where(dice.hits(0.2), dice.uniform(0.35, 0.9), 1.0),
        "lift": np.where(dice.hits(0.15), dice.uniform(0.0, 70.0), 0.0),
        "light": dice.normal(0.0, 0.3) * dice.hits(0.3),
        "light_angle": dice.uniform(0.0, 2.0 * np.pi),
        "moire": np.where(dice.hits(0.06), dice.uniform(0.05, 0.3), 0.0),
        "moire_waves": dice.uniform(0.15, 0.5),
        "moire_angle": dice.uniform(0.0, 2.0 * np.pi),
        "noise": np.where(dice.hits(0.5), dice.between(1.0, 18.0), 0.5),
        "dark_noise": np.where(dark, dice.uniform(0.0, 5.0), 0.0),
        "jpeg": np.where(dice.hits(0.55), dice.between(0.4, 5.0), 0.0),
    }
