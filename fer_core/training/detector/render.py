"""Draws planned scenes, many at once, on the network's device."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fer_core.training.detector.dice import Numbers
from fer_core.training.detector.plan import SQUARES, Plan
from fer_core.training.device import device
from fer_core.training.jpeg import Jpeg

_LEVELS = 4
"""The levels of each tile: 160, 80, 40 and 20 pixels per side."""

_FINEST_LEVEL = {32: 3, 64: 2, 128: 1}
"""For each square, the finer of the two levels that its faces are drawn from."""

_BATCH_PIXELS = 48 << 20
"""Pixels of the squares that are drawn at once, which limits memory."""

_TEXTURE_MEAN = 110.0


class _Columns:
    """``Numbers`` on the device, sent there as one array; each ``(n, 1, 1)`` to broadcast over
    pixels."""

    def __init__(self, numbers: Numbers) -> None:
        stacked = np.stack(list(numbers.values())).astype(np.float32)
        self._names = {name: i for i, name in enumerate(numbers)}
        self._values = torch.from_numpy(stacked).to(device())

    def __getitem__(self, name: str) -> Tensor:
        return self._values[self._names[name], :, None, None]

    def index(self, name: str) -> Tensor:
        """A column of integers, ``(n,)``."""
        return self._values[self._names[name]].long()

    def rows(self, first: int, last: int) -> _Columns:
        part = object.__new__(_Columns)
        part._names, part._values = self._names, self._values[:, first:last]
        return part


class Renderer:
    """Draws the scenes of plans.

    Holds the tiles ``(n, 160, 160)`` and backgrounds ``(m, 512, 512)``, uint8, grey, on the device.
    """

    def __init__(self, tiles: NDArray[np.uint8], backgrounds: NDArray[np.uint8]) -> None:
        level = torch.from_numpy(tiles).to(device())[:, None]
        self._levels = [level]
        for _ in range(1, _LEVELS):
            level = torch.cat([_halved(part) for part in level.split(2048)])
            self._levels.append(level)
        self._backgrounds = torch.from_numpy(backgrounds).to(device())[:, None]
        self._textures = torch.cat(
            [functional.avg_pool2d(b.float(), 4).byte() for b in self._backgrounds.split(64)]
        )
        self._jpeg = Jpeg(device())

    @torch.no_grad()
    def draw(self, plan: Plan, seed: int) -> Tensor:
        """``(n, 1, height, width)`` float32 on the device, integers 0..255.

        ``seed`` is for the sensor noise.
        """
        scenes, people = _Columns(plan.scenes), _Columns(plan.people)
        canvas = self._background(scenes, plan).reshape(-1)
        canvas = torch.cat([canvas, canvas.new_zeros(1)])  # the last one takes what is outside
        drawn = {}
        for square in sorted({square for square, _, _ in plan.pastes}):
            rows = [(first, last) for kind, first, last in plan.pastes if kind == square]
            first, last = min(r[0] for r in rows), max(r[1] for r in rows)
            drawn[square] = first, *self._people(people.rows(first, last), plan, square)
        for square, first, last in plan.pastes:
            start, places, colour, left_open = drawn[square]
            now = slice(first - start, last - start)
            canvas[places[now]] = colour[now] + left_open[now] * canvas[places[now]]
        pictures = canvas[:-1].reshape(len(plan), plan.height, plan.width).clamp(0.0, 255.0)
        return self._camera(pictures, scenes, seed)[:, None]

    def _background(self, scenes: _Columns, plan: Plan) -> Tensor:
        longer = max(plan.height, plan.width)
        x, y = _axes(plan.height, plan.width)
        x, y = x * (plan.width / longer), y * (plan.height / longer)
        cos, sin = torch.cos(scenes["turn"]), torch.sin(scenes["turn"])
        size = scenes["scale"].abs()
        across = (cos * x - sin * y) * scenes["scale"] + scenes["x"]
        down = (sin * x + cos * y) * size + scenes["y"]
        grid = torch.stack([across, down], dim=-1)
        one = _sample(self._backgrounds[scenes.index("background")], grid, "reflection")
        other = _sample(self._backgrounds[scenes.index("other")], 0.8 * grid.flip(-1), "reflection")
        behind = x * torch.cos(scenes["split_angle"]) + y * torch.sin(scenes["split_angle"])
        picture = torch.where(behind > scenes["split"], other, one)
        mean = picture.mean(dim=(1, 2), keepdim=True)
        picture = (picture - mean) * scenes["background_gain"] + mean + scenes["background_bias"]
        picture = picture * scenes["detail"] + scenes["tone"] * (1.0 - scenes["detail"])
        return picture.clamp(0.0, 255.0)

    def _people(self, people: _Columns, plan: Plan, square: int) -> tuple[Tensor, Tensor, Tensor]:
        """Squares of one size: the canvas positions of their pixels, their colour times opacity,
        and one minus their opacity, each ``(n, side, side)``."""
        side = SQUARES[square] or max(plan.height, plan.width)
        steps = torch.arange(side, device=device())
        x = people["left"].long() + steps[None, None, :]
        y = people["top"].long() + steps[None, :, None]
        inside = (x >= 0) & (x < plan.width) & (y >= 0) & (y < plan.height)
        scene = people.index("scene")[:, None, None]
        places = (scene * plan.height + y) * plan.width + x
        places = torch.where(inside, places, len(plan) * plan.height * plan.width)
        n, most = len(places), max(1, _BATCH_PIXELS // (side * side))
        parts = [self._draw_people(people.rows(i, i + most), side) for i in range(0, n, most)]
        colour, opacity = (torch.cat(part) for part in zip(*parts, strict=True))
        return places, colour, 1.0 - opacity

    def _draw_people(self, p: _Columns, side: int) -> tuple[Tensor, Tensor]:
        """Colour times opacity, and opacity, from the back to the front.

        ``dx`` and ``dy`` are from the face's centre in its size; ``u`` and ``v`` pixels of the
        tile; ``a`` and ``b`` from the box's centre in its sides.
        """
        steps = torch.arange(side, device=device(), dtype=torch.float32) + 0.5
        across = steps[None, None, :] + p["left"] - p["x"]
        down = steps[None, :, None] + p["top"] - p["y"]
        u = p["tile_x"] + p["m00"] * across + p["m01"] * down
        v = p["tile_y"] + p["m10"] * across + p["m11"] * down
        a, b = (u - p["tile_x"]) / p["tile_w"], (v - p["tile_y"]) / p["tile_h"]
        dx, dy = across / p["size"] + 0.0 * down, down / p["size"] + 0.0 * across
        texture = self._texture(p, dx, dy)
        light = p["gain"] * (1.0 + p["light_x"] * a + p["light_y"] * b)
        face = self._face(p, u, v, side) * light + p["bias"]
        skin = self._skin(p) * light * 0.9 + p["bias"]

        paint = _Paint(_torso(p, dx, dy), p["torso_tone"] + p["torso_texture"] * texture)
        neck = _superellipse(a, b - 0.62, 0.34, 0.45, 3.0, 0.1) * p["neck"]
        paint.over(neck, skin * 0.85)
        hair = _superellipse(a, b - p["hair_y"], p["hair_rx"], p["hair_ry"], 2.3, 0.08)
        paint.over(hair * p["hair"], p["hair_tone"] + p["hair_texture"] * texture)
        paint.over(_matte(p, a, b, u, v), face)
        for name in ("cover1", "cover2"):
            tone = p[f"{name}_tone"] + p[f"{name}_texture"] * texture
            paint.over(_covered(p, name, a, b), tone * (1.0 + 0.5 * p["light_x"] * a))
        return paint.colour, paint.opacity

    def _face(self, p: _Columns, u: Tensor, v: Tensor, side: int) -> Tensor:
        """The tile, interpolated between the two levels closest to the scene's resolution."""
        tile = p.index("tile")
        grid = torch.stack([u / 80.0 - 1.0, v / 80.0 - 1.0], dim=-1)
        level = _FINEST_LEVEL.get(side, 0)
        face = _sample(self._levels[level][tile], grid, "border")
        if level < _LEVELS - 1:
            scale = p["size"] / torch.maximum(p["tile_w"], p["tile_h"])
            wanted = -torch.log2(scale.clamp(1e-3, 8.0)) + p["blur"] - 0.35
            coarser = _sample(self._levels[level + 1][tile], grid, "border")
            face = torch.lerp(face, coarser, (wanted - level).clamp(0.0, 1.0))
        if side >= 128:
            mean = functional.avg_pool2d(face[:, None], 3, 1, 1, count_include_pad=False)[:, 0]
            face = (face + p["sharp"] * (face - mean)).clamp(0.0, 255.0)
        return face

    def _skin(self, p: _Columns) -> Tensor:
        """The mean grey of each face's centre, ``(n, 1, 1)``."""
        middle = self._levels[-1][p.index("tile")][:, 0, 6:16, 6:14]
        return middle.float().mean(dim=(1, 2), keepdim=True)

    def _texture(self, p: _Columns, dx: Tensor, dy: Tensor) -> Tensor:
        """A part of a background, for hair and clothes."""
        x = p["texture_x"] + dx * p["texture_scale"]
        y = p["texture_y"] + dy * p["texture_scale"]
        textures = self._textures[p.index("texture")]
        return _sample(textures, torch.stack([x, y], dim=-1), "reflection") - _TEXTURE_MEAN

    def _camera(self, pictures: Tensor, scenes: _Columns, seed: int) -> Tensor:
        """Blur, light, noise and compression."""
        height, width = pictures.shape[1:]
        pictures = _blur(pictures, scenes)
        x, y = _axes(height, width)
        pictures = (pictures.clamp(0.0, 255.0) / 255.0 + 1e-4) ** scenes["gamma"] * 255.0
        pictures = (pictures - 128.0) * scenes["contrast"] + 128.0
        pictures = pictures + scenes["lift"] * (1.0 - pictures / 255.0)
        slope = x * torch.cos(scenes["light_angle"]) + y * torch.sin(scenes["light_angle"])
        pictures = pictures * scenes["gain"] * (1.0 + scenes["light"] * slope)
        along = x * torch.cos(scenes["moire_angle"]) * width
        along = along + y * torch.sin(scenes["moire_angle"]) * height
        waves = torch.sin(math.pi * along * scenes["moire_waves"])
        pictures = pictures * (1.0 + scenes["moire"] * waves)
        generator = torch.Generator(device()).manual_seed(seed)
        noise = torch.randn(pictures.shape, device=device(), generator=generator)
        grain = scenes["noise"] * scenes["gain"].clamp(0.3, 1.0) + scenes["dark_noise"]
        pictures = (pictures + noise * grain).clamp(0.0, 255.0)
        return self._jpeg.compress(pictures, scenes["jpeg"]).clamp(0.0, 255.0).round()


class _Paint:
    """A stack of painted layers: colour times opacity, and opacity."""

    def __init__(self, opacity: Tensor, colour: Tensor) -> None:
        self.opacity, self.colour = opacity, opacity * colour

    def over(self, opacity: Tensor, colour: Tensor) -> None:
        self.colour = self.colour * (1.0 - opacity) + opacity * colour
        self.opacity = self.opacity * (1.0 - opacity) + opacity


def _torso(p: _Columns, dx: Tensor, dy: Tensor) -> Tensor:
    cos, sin = torch.cos(p["torso_turn"]), torch.sin(p["torso_turn"])
    x, y = cos * dx + sin * dy - p["torso_x"], cos * dy - sin * dx - p["torso_y"]
    return _superellipse(x, y, p["torso_rx"], p["torso_ry"], 3.5, 0.04) * p["torso"]


def _matte(p: _Columns, a: Tensor, b: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The visibility of the tile; 0 on its rim, where the photo ended and its edge repeats."""
    soft = p["rim_soft"]
    matte = p["face"] * _superellipse(
        a, b - p["matte_y"], p["matte_rx"], p["matte_ry"], p["matte_power"], p["matte_soft"]
    )
    for inwards in (u - p["rim0"], v - p["rim1"], p["rim2"] - u, p["rim3"] - v):
        matte = matte * (inwards / soft).clamp(0.0, 1.0)
    return matte


def _covered(p: _Columns, name: str, a: Tensor, b: Tensor) -> Tensor:
    x, y = a - p[f"{name}_x"], b - p[f"{name}_y"]
    cos, sin = p[f"{name}_cos"], p[f"{name}_sin"]
    shape = (p[f"{name}_{key}"] for key in ("rx", "ry", "power", "soft"))
    return _superellipse(cos * x + sin * y, cos * y - sin * x, *shape) * p[f"{name}_on"]


def _superellipse(
    x: Tensor,
    y: Tensor,
    rx: Tensor | float,
    ry: Tensor | float,
    power: Tensor | float,
    soft: Tensor | float,
) -> Tensor:
    """1 inside and 0 outside a Lamé curve, with a soft edge ``soft`` wide, in radii."""
    across, down = (x / rx).abs().clamp(1e-4, 20.0), (y / ry).abs().clamp(1e-4, 20.0)
    distance = (across**power + down**power) ** (1.0 / power)
    return ((1.0 - distance) / soft + 0.5).clamp(0.0, 1.0)


def _axes(height: int, width: int) -> tuple[Tensor, Tensor]:
    """x ``(1, 1, width)`` and y ``(1, height, 1)``, -1..1."""
    x = torch.linspace(-1.0, 1.0, width, device=device())
    y = torch.linspace(-1.0, 1.0, height, device=device())
    return x[None, None, :], y[None, :, None]


def _sample(pictures: Tensor, grid: Tensor, beyond: str) -> Tensor:
    """Bilinear, ``(n, 1, h, w)`` uint8 at ``(n, a, b, 2)`` in -1..1 -> ``(n, a, b)`` float32."""
    return functional.grid_sample(pictures.float(), grid, padding_mode=beyond, align_corners=False)[
        :, 0
    ]


def _halved(pictures: Tensor) -> Tensor:
    return functional.avg_pool2d(pictures.float(), 2).round().byte()


def _blur(pictures: Tensor, scenes: _Columns) -> Tensor:
    """Blur each with its own Gaussian, across and down."""
    steps = torch.arange(-4.0, 5.0, device=device())
    padded = functional.pad(pictures[None], (4, 4, 4, 4), mode="replicate")
    for name, shape in (("blur_x", (1, 1, 9)), ("blur_y", (1, 9, 1))):
        kernels = torch.exp(-0.5 * (steps / scenes[name].clamp(0.05)) ** 2)
        kernels = (kernels / kernels.sum(dim=2, keepdim=True)).reshape(-1, *shape)
        padded = functional.conv2d(padded, kernels, groups=len(pictures))
    return padded[0]
