"""Draws planned scenes with OpenCV, on a processor: some milliseconds each."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.training.detector.dice import Numbers
from fer_core.training.detector.plan import Plan

_LEVELS = 4
"""The levels of each tile: 160, 80, 40 and 20 pixels per side."""

_TEXTURE_MEAN = 110.0
_TEXTURE_PX = 128
_GRAIN_PX = 1024

_SHAPE_POINTS = 40
"""Corners of the polygon that stands for a curve."""

_FINE = 4
"""Corners are drawn to a sixteenth of a pixel (a shift of four bits)."""

Plane = NDArray[np.float32]
"""``(h, w)``, grey 0..255, or opacity 0..1."""

Person = Mapping[str, float]


class Renderer:
    """Draws the scenes of plans from tiles ``(n, 160, 160)`` and backgrounds ``(m, 512, 512)``,
    uint8, grey."""

    def __init__(self, tiles: NDArray[np.uint8], backgrounds: NDArray[np.uint8]) -> None:
        self._tiles, self._backgrounds = tiles, backgrounds
        self._grain = np.random.default_rng(0).normal(0.0, 1.0, (_GRAIN_PX, _GRAIN_PX))
        self._grain = self._grain.astype(np.float32)

    def draw(self, plan: Plan, seed: int) -> NDArray[np.uint8]:
        """``(n, height, width)`` uint8. ``seed`` is for the sensor noise."""
        scenes, people = _rows(plan.scenes), _rows(plan.people)
        canvases = [self._background(scene, plan.width, plan.height) for scene in scenes]
        for person in people:
            self._draw_person(canvases[int(person["scene"])], person)
        rng = np.random.default_rng(seed)
        return np.stack([self._camera(*pair, rng) for pair in zip(canvases, scenes, strict=True)])

    def _background(self, scene: Person, width: int, height: int) -> Plane:
        longer = max(width, height)
        picture = self._wall(scene, width, height, "background", swapped=False)
        if abs(scene["split"]) < 2.0:
            other = self._wall(scene, width, height, "other", swapped=True)
            x, y = _axes(width, height)
            x, y = x * (width / longer), y * (height / longer)
            angle = scene["split_angle"]
            behind = x * math.cos(angle) + y * math.sin(angle) > scene["split"]
            picture = np.where(behind, other, picture)
        mean = float(picture.mean())
        gain, detail = scene["background_gain"], scene["detail"]
        level = mean - gain * mean + scene["background_bias"]
        picture = picture * np.float32(gain * detail)
        picture += np.float32(level * detail + scene["tone"] * (1.0 - detail))
        return np.asarray(np.clip(picture, 0.0, 255.0, out=picture), np.float32)

    def _wall(self, scene: Person, width: int, height: int, name: str, *, swapped: bool) -> Plane:
        """A part of a photo; ``swapped``: across and down exchanged, and a little nearer."""
        photo = self._backgrounds[int(scene[name])]
        half, longer = photo.shape[0] / 2.0, max(width, height)
        cos, sin = math.cos(scene["turn"]), math.sin(scene["turn"])
        size = abs(scene["scale"])
        step = np.array([[cos * scene["scale"], -sin * scene["scale"]], [sin * size, cos * size]])
        place = np.array([scene["x"], scene["y"]])
        if swapped:
            step, place = 0.8 * step[::-1], 0.8 * place[::-1]
        step = step * (2.0 / longer) * half
        centre = half * (place + 1.0) - 0.5
        corner = centre - step @ np.array([(width - 1) / 2.0, (height - 1) / 2.0])
        matrix = np.column_stack([step, corner])
        scale = float(np.sqrt(abs(np.linalg.det(step))))
        if scale > 1.5:  # bilinear interpolation would skip pixels
            photo = _halved(photo)
            matrix = matrix / 2.0
            matrix[:, 2] -= 0.25
        return _warp(photo, matrix, width, height, cv2.BORDER_REFLECT)

    def _draw_person(self, canvas: Plane, p: Person) -> None:
        """Paint hair, neck, clothes, face and covers, from the back to the front."""
        height, width = canvas.shape
        left, top = max(0, int(p["left"])), max(0, int(p["top"]))
        right, bottom = min(width, int(p["right"])), min(height, int(p["bottom"]))
        if right <= left or bottom <= top:
            return
        part = canvas[top:bottom, left:right]
        shape = _Shape(p, left, top, part.shape)
        size = p["size"]
        texture: Plane | None = None

        def clothes(name: str) -> Plane | np.float32:
            nonlocal texture
            if p[f"{name}_texture"] * 255.0 < 8.0 or size < 14.0:
                return np.float32(p[f"{name}_tone"])
            if texture is None:
                texture = self._texture(p, left, top, part.shape)
            return np.asarray(p[f"{name}_tone"] + p[f"{name}_texture"] * texture, np.float32)

        light = shape.light()
        if p["torso"]:
            _paint(part, shape.torso(), clothes("torso"))
        if p["neck"]:
            skin = self._skin(p) * 0.9 * 0.85
            _paint(part, shape.in_box(0.0, 0.62, 0.34, 0.45, 3.0, 0.1), skin * light + p["bias"])
        if p["hair"]:
            hair = shape.in_box(0.0, p["hair_y"], p["hair_rx"], p["hair_ry"], 2.3, 0.08)
            _paint(part, hair, clothes("hair"))
        if p["face"]:
            _paint(part, shape.matte(), self._face(p, shape) * light + np.float32(p["bias"]))
        for name in ("cover1", "cover2"):
            if p[f"{name}_on"]:
                _paint(part, shape.cover(name), clothes(name))

    def _face(self, p: Person, shape: _Shape) -> Plane:
        """The tile at the scene's resolution, at times blurred further, or sharpened."""
        tile = self._tiles[int(p["tile"])]
        matrix = shape.to_tile()
        scale = max(p["tile_w"], p["tile_h"]) / p["size"]
        wanted = math.log2(max(scale, 0.125)) + p["blur"]
        level = min(max(round(wanted), 0), _LEVELS - 1)
        for _ in range(level):
            tile = _halved(tile)
        matrix = matrix / 2.0**level
        matrix[:, 2] += 0.5 / 2.0**level - 0.5
        face = _warp(tile, matrix, *shape.size, cv2.BORDER_REPLICATE)
        if p["sharp"] > 0.0:
            face = face + np.float32(p["sharp"]) * (face - cv2.blur(face, (3, 3)))
            np.clip(face, 0.0, 255.0, out=face)
        return np.asarray(face, np.float32)

    def _skin(self, p: Person) -> float:
        """The mean grey of the face's centre."""
        return float(self._tiles[int(p["tile"])][48:128:4, 48:112:4].mean())

    def _texture(self, p: Person, left: int, top: int, shape: tuple[int, ...]) -> Plane:
        """A part of a background, for hair and clothes."""
        photo = self._backgrounds[int(p["texture"])]
        photo = cv2.resize(photo, (_TEXTURE_PX, _TEXTURE_PX), interpolation=cv2.INTER_AREA)
        step = p["texture_scale"] * _TEXTURE_PX / 2.0 / p["size"]
        half = _TEXTURE_PX / 2.0
        x = half * (p["texture_x"] + 1.0) - 0.5 + step * (left + 0.5 - p["x"])
        y = half * (p["texture_y"] + 1.0) - 0.5 + step * (top + 0.5 - p["y"])
        matrix = np.array([[step, 0.0, x], [0.0, step, y]])
        found = _warp(np.asarray(photo, np.uint8), matrix, shape[1], shape[0], cv2.BORDER_REFLECT)
        return found - np.float32(_TEXTURE_MEAN)

    def _camera(self, picture: Plane, scene: Person, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Blur, light, noise and compression."""
        height, width = picture.shape
        if scene["blur_x"] > 0.05 or scene["blur_y"] > 0.05:
            sigma = max(scene["blur_x"], 0.05), max(scene["blur_y"], 0.05)
            blurred = cv2.GaussianBlur(picture, (9, 9), sigma[0], sigmaY=sigma[1])
            picture = np.asarray(blurred, np.float32)
        grey = np.arange(256.0) / 255.0
        curve = (grey + 1e-4) ** scene["gamma"] * 255.0
        curve = (curve - 128.0) * scene["contrast"] + 128.0
        curve = (curve + scene["lift"] * (1.0 - curve / 255.0)) * scene["gain"]
        levels = np.asarray(np.clip(picture, 0.0, 255.0), np.uint8)
        seen = np.asarray(curve.astype(np.float32)[levels], np.float32)
        x, y = _axes(width, height)
        if scene["light"]:
            angle = scene["light_angle"]
            slope = scene["light"] * (x * math.cos(angle) + y * math.sin(angle))
            seen *= (1.0 + slope).astype(np.float32)
        if scene["moire"]:
            angle = scene["moire_angle"]
            along = x * (math.cos(angle) * width) + y * (math.sin(angle) * height)
            waves = np.sin(math.pi * scene["moire_waves"] * along)
            seen *= (1.0 + scene["moire"] * waves).astype(np.float32)
        grain = scene["noise"] * min(max(scene["gain"], 0.3), 1.0) + scene["dark_noise"]
        row, column = rng.integers(0, _GRAIN_PX - np.array([height, width]) + 1)
        seen += np.float32(grain) * self._grain[row : row + height, column : column + width]
        out = np.asarray(np.clip(seen, 0.0, 255.0).round(), np.uint8)
        return _compressed(out, scene["jpeg"]) if scene["jpeg"] else out


class _Shape:
    """Where the parts of a person are: masks of a part of a scene, 0..1."""

    def __init__(self, p: Person, left: int, top: int, shape: tuple[int, ...]) -> None:
        self._p, self._shape = p, shape
        self.size = shape[1], shape[0]
        self._corner = np.array([left + 0.5, top + 0.5])
        self._centre = np.array([p["x"], p["y"]]) - self._corner
        self._to_tile = np.array([[p["m00"], p["m01"]], [p["m10"], p["m11"]]])
        self._to_scene = np.linalg.inv(self._to_tile)
        self._sides = np.array([p["tile_w"], p["tile_h"]])

    def to_tile(self) -> NDArray[np.float64]:
        """From this part's pixels to the tile's, ``(2, 3)``."""
        middle = np.array([self._p["tile_x"], self._p["tile_y"]])
        return np.column_stack([self._to_tile, middle - self._to_tile @ self._centre - 0.5])

    def light(self) -> Plane:
        p = self._p
        across, down = (self._to_tile / self._sides[:, None]).T @ np.array(
            [p["light_x"], p["light_y"]]
        )
        x = np.arange(self.size[0]) - self._centre[0]
        y = np.arange(self.size[1]) - self._centre[1]
        slope = 1.0 + across * x[None, :] + down * y[:, None]
        return np.asarray(p["gain"] * slope, np.float32)

    def in_box(
        self, x: float, y: float, rx: float, ry: float, power: float, soft: float, turn: float = 0.0
    ) -> Plane:
        """A Lamé curve in sides of the face's box, from its centre, with a soft edge in radii."""
        outline = _lame(rx, ry, power)
        cos, sin = math.cos(turn), math.sin(turn)
        outline = outline @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
        places = (outline * self._sides) @ self._to_scene.T + self._centre
        return self._filled(places, soft * min(rx, ry) * self._p["size"])

    def torso(self) -> Plane:
        p = self._p
        middle = np.array([p["torso_x"], p["torso_y"]])
        outline = _lame(p["torso_rx"], p["torso_ry"], 3.5) + middle
        cos, sin = math.cos(p["torso_turn"]), math.sin(p["torso_turn"])
        outline = outline @ np.array([[cos, sin], [-sin, cos]])
        soft = 0.04 * min(p["torso_rx"], p["torso_ry"]) * p["size"]
        return self._filled(outline * p["size"] + self._centre, soft)

    def matte(self) -> Plane:
        """The visibility of the tile; 0 on its rim, where the photo ended and its edge repeats."""
        p = self._p
        radii = p["matte_rx"], p["matte_ry"]
        matte = self.in_box(0.0, p["matte_y"], *radii, p["matte_power"], p["matte_soft"])
        soft = p["rim_soft"] / 2.0
        left, top, right, bottom = p["rim0"], p["rim1"], p["rim2"], p["rim3"]
        corners = np.array(
            [
                (left + soft, top + soft),
                (right - soft, top + soft),
                (right - soft, bottom - soft),
                (left + soft, bottom - soft),
            ]
        )
        places = (corners - (p["tile_x"], p["tile_y"])) @ self._to_scene.T + self._centre
        scale = p["size"] / max(self._sides)
        return matte * self._filled(places, p["rim_soft"] * scale)

    def cover(self, name: str) -> Plane:
        p = self._p
        x, y, rx, ry = (p[f"{name}_{key}"] for key in ("x", "y", "rx", "ry"))
        turn = math.atan2(p[f"{name}_sin"], p[f"{name}_cos"])
        return self.in_box(x, y, rx, ry, p[f"{name}_power"], p[f"{name}_soft"], turn)

    def _filled(self, places: NDArray[np.float64], soft_px: float) -> Plane:
        """A polygon ``(n, 2)`` in pixels, its edge ``soft_px`` wide."""
        mask = np.zeros(self._shape, np.uint8)
        corners = np.round(np.clip(places, -4000.0, 4000.0) * 2.0**_FINE).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, _FINE)
        width = int(soft_px) // 2 * 2 + 1
        if width > 1:
            mask = np.asarray(cv2.blur(mask, (width, width)), np.uint8)
        return mask.astype(np.float32) * np.float32(1.0 / 255.0)


def _rows(numbers: Numbers) -> list[dict[str, float]]:
    names = list(numbers)
    columns = [numbers[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _paint(part: Plane, opacity: Plane, colour: Plane | np.float32) -> None:
    part += opacity * (colour - part)


def _lame(rx: float, ry: float, power: float) -> NDArray[np.float64]:
    """Corners ``(n, 2)`` of the curve |x / rx|^power + |y / ry|^power = 1 (Lamé)."""
    angle = np.linspace(0.0, 2.0 * math.pi, _SHAPE_POINTS, endpoint=False)
    ends = np.column_stack([np.cos(angle), np.sin(angle)])
    rounded: NDArray[np.float64] = np.sign(ends) * np.abs(ends) ** (2.0 / power) * (rx, ry)
    return rounded


def _axes(width: int, height: int) -> tuple[Plane, Plane]:
    """x ``(1, width)`` and y ``(height, 1)``, -1..1."""
    x = np.linspace(-1.0, 1.0, width, dtype=np.float32)
    y = np.linspace(-1.0, 1.0, height, dtype=np.float32)
    return x[None, :], y[:, None]


def _warp(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], width: int, height: int, beyond: int
) -> Plane:
    """``picture`` at the pixels that ``matrix`` ``(2, 3)`` gives for each of the result's."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(picture, matrix, (width, height), flags=flags, borderMode=beyond)
    return np.asarray(found, np.float32)


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape
    small = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def _compressed(picture: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """After JPEG, whose quantisation at quality 50 is multiplied by ``factor``."""
    # libjpeg: 50 / quality below, and 2 - quality / 50 above the middle.
    quality = round(50.0 / factor if factor > 1.0 else 100.0 - 50.0 * factor)
    _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, max(1, quality)])
    return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
