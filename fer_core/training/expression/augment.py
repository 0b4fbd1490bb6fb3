"""Augments training faces.

FER2013's tiles are clean, and framed tightly and uniformly; faces from a detector are not. So the
frame is shifted, scaled and rotated as much as the boxes of YuNet and Haar vary, and some faces are
blurred, compressed, darkened or partly covered. Every step processes a whole batch on its device.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from fer_core.training.jpeg import Jpeg

_SHIFT = 0.12  # of half a side: about 3 of 48 pixels
_SCALE = 0.12  # most faces: 0.88 .. 1.14 of their size
_WIDE_SHARE, _WIDE_SCALE = 0.2, 0.27  # some faces: 0.76 .. 1.31, for a loose or a tight detector
_COMPRESSED_SHARE, _DARK_SHARE, _NOISY_SHARE = 0.15, 0.08, 0.3
_ERASED_SHARE, _MASKED_SHARE = 0.3, 0.05


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How the faces of a source are augmented.

    ``visible`` is the side of the square that the network sees, as a part of the tile's side: less
    than 1 leaves a margin, so that a shifted frame stays inside the picture. ``turn_deg`` is the
    largest rotation, ``blur_share`` the part of the faces that is blurred.
    """

    visible: float = 1.0
    turn_deg: float = 15.0
    blur_share: float = 0.08


def frame(tiles: Tensor, side: int, augmentation: Augmentation) -> Tensor:
    """Unchanged faces: ``(n, p, p)`` uint8 -> ``(n, 1, side, side)`` float32 in 0..255."""
    theta = torch.zeros(len(tiles), 2, 3, device=tiles.device)
    theta[:, 0, 0] = theta[:, 1, 1] = augmentation.visible
    return _sample(tiles, theta, side)


def augment(
    tiles: Tensor,
    side: int,
    augmentation: Augmentation,
    generator: torch.Generator,
    strength: float = 1.0,
) -> Tensor:
    """A random variant of each face.

    ``tiles``: ``(n, p, p)`` uint8, on the device of ``generator``. ``strength`` (0..1) scales the
    geometric changes and the parts of the faces that are blurred, compressed, darkened or covered.
    Returns ``(n, 1, side, side)`` float32 in 0..255; ``side`` is a multiple of 8. The same state of
    ``generator`` gives the same result.
    """
    faces = _Faces(
        _sample(tiles, _framings(len(tiles), augmentation, generator, strength), side), generator
    )
    faces.blur(augmentation.blur_share * strength)
    faces.compress(_COMPRESSED_SHARE * strength)
    faces.relight(strength)
    faces.cover(strength)
    return faces.pixels.clamp(0.0, 255.0)


def mix(
    faces: Tensor, targets: dict[str, Tensor], generator: torch.Generator, alpha: float = 0.2
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mixup (Zhang et al. 2018): blend each face, and its targets, with another of the batch."""
    seed = torch.randint(0, 2**31, (), generator=generator, device=generator.device)
    share = float(np.random.default_rng(int(seed)).beta(alpha, alpha))
    order = torch.randperm(len(faces), generator=generator, device=generator.device)
    mixed = {
        name: share * target + (1.0 - share) * target[order] for name, target in targets.items()
    }
    return share * faces + (1.0 - share) * faces[order], mixed


def _framings(
    n: int, augmentation: Augmentation, generator: torch.Generator, strength: float
) -> Tensor:
    """Random mirroring, rotation, scale, stretch and shift: ``(n, 2, 3)`` for ``affine_grid``."""

    def uniform() -> Tensor:
        return (2.0 * _random(generator, n) - 1.0) * strength

    wide = _random(generator, n) < _WIDE_SHARE * strength
    scale = torch.exp(uniform() * torch.where(wide, _WIDE_SCALE, _SCALE)) * augmentation.visible
    stretch = torch.exp(uniform() * 0.06)
    mirror = torch.where(_random(generator, n) < 0.5, -1.0, 1.0)
    angle = uniform() * math.radians(augmentation.turn_deg)
    shear = uniform() * 0.08
    cos, sin = torch.cos(angle), torch.sin(angle)
    shift = _SHIFT * augmentation.visible
    across = (cos * scale * stretch * mirror, (shear - sin) * scale * mirror, uniform() * shift)
    down = (sin * scale * stretch, cos * scale / stretch, uniform() * shift)
    return torch.stack([torch.stack(across, dim=1), torch.stack(down, dim=1)], dim=1)


def _sample(tiles: Tensor, theta: Tensor, side: int) -> Tensor:
    grid = functional.affine_grid(theta, [len(tiles), 1, side, side], align_corners=False)
    return functional.grid_sample(
        tiles[:, None].float(), grid, padding_mode="border", align_corners=False
    )


class _Faces:
    """A batch of faces, ``pixels`` ``(n, 1, s, s)`` float32, with methods that change it."""

    def __init__(self, pixels: Tensor, generator: torch.Generator) -> None:
        self.pixels = pixels
        self._generator = generator
        self._side = pixels.shape[-1]

    def blur(self, share: float) -> None:
        """Scale some faces down by a factor of 1.3-2.8 and up again, like small or blurred ones."""
        chosen = self._some(share)
        if not len(chosen):
            return
        factor = 1.3 + 1.5 * float(self._random(1))
        small = functional.interpolate(
            self.pixels[chosen], size=round(self._side / factor), mode="bilinear", antialias=True
        )
        self.pixels[chosen] = functional.interpolate(small, size=self._side, mode="bilinear")

    def compress(self, share: float) -> None:
        """Compress some faces like JPEG at quality 15-75."""
        chosen = self._some(share)
        if not len(chosen):
            return
        quality = 15.0 + 60.0 * self._random(len(chosen))
        factor = torch.where(quality < 50.0, 50.0 / quality, 2.0 - quality / 50.0)
        jpeg = Jpeg(self.pixels.device)
        self.pixels[chosen, 0] = jpeg.compress(self.pixels[chosen, 0], factor[:, None, None])

    def relight(self, strength: float) -> None:
        """Change gamma, add light from one side, and make some faces dark and some noisy."""
        self.pixels = 255.0 * (self.pixels / 255.0).clamp(0.0, 1.0).pow(
            torch.exp(self._each() * 0.3 * strength)
        )
        ramp = torch.linspace(-1.0, 1.0, self._side, device=self.pixels.device)
        self.pixels = self.pixels + self._each() * 25.0 * strength * ramp
        self.pixels = self.pixels + self._each() * 10.0 * strength * ramp[:, None]
        dark = self._chosen(_DARK_SHARE * strength)
        gain = 0.3 + 0.2 * self._each()
        level = self._chosen(_NOISY_SHARE) * (4.0 + 4.0 * self._each()) * strength
        noise = torch.randn(
            self.pixels.shape, generator=self._generator, device=self._generator.device
        )
        self.pixels = torch.where(dark, self.pixels * gain, self.pixels)
        self.pixels = self.pixels + noise * torch.where(dark, 3.0, level)

    def cover(self, strength: float) -> None:
        """Cover a rectangle of some faces with a random grey (Zhong et al. 2020), and the lower
        half of a few, like a hand or a mask."""
        height, width = self._between(0.125, 0.42), self._between(0.125, 0.42)
        top, left = self._random() * (1.0 - height), self._random() * (1.0 - width)
        self._fill(_ERASED_SHARE * strength, top, left, height, width)
        top, left = self._between(0.5, 0.64), self._between(0.05, 0.2)
        height, width = self._between(0.4, 0.5), self._between(0.6, 0.8)
        self._fill(_MASKED_SHARE * strength, top, left, height, width)

    def _fill(self, share: float, top: Tensor, left: Tensor, height: Tensor, width: Tensor) -> None:
        """Fill a rectangle of ``share`` of the faces; positions are parts of the side, 0..1."""
        positions = (torch.arange(self._side, device=self.pixels.device) + 0.5) / self._side
        rows = (positions >= top[:, None]) & (positions < (top + height)[:, None])
        columns = (positions >= left[:, None]) & (positions < (left + width)[:, None])
        inside = rows[:, None, :, None] & columns[:, None, None, :]
        grey = 127.5 + 127.5 * self._each()
        self.pixels = torch.where(inside & self._chosen(share), grey, self.pixels)

    def _random(self, n: int | None = None) -> Tensor:
        """``(n,)`` float32 in 0..1, one per face."""
        return _random(self._generator, len(self.pixels) if n is None else n)

    def _between(self, low: float, high: float) -> Tensor:
        return low + (high - low) * self._random()

    def _each(self) -> Tensor:
        """``(n, 1, 1, 1)`` float32 in -1..1."""
        return (2.0 * self._random() - 1.0)[:, None, None, None]

    def _chosen(self, share: float) -> Tensor:
        """``(n, 1, 1, 1)`` bool, true for about ``share`` of the faces."""
        return (self._random() < share)[:, None, None, None]

    def _some(self, share: float) -> Tensor:
        """Indices of ``share`` of the faces, rounded down."""
        n = len(self.pixels)
        order = torch.randperm(n, generator=self._generator, device=self._generator.device)
        return order[: int(n * share)]


def _random(generator: torch.Generator, n: int) -> Tensor:
    """``(n,)`` float32 in 0..1 on the generator's device."""
    return torch.rand(n, generator=generator, device=generator.device)
