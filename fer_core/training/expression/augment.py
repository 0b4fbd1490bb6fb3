"""What a face goes through before the network sees it in training.

FER2013's tiles are tightly and evenly framed and clean; what a detector hands over is not. So the
frame is shifted, scaled and turned as YuNet and Haar boxes are, and some tiles are blurred,
compressed, darkened or partly covered. Every step works on a whole batch at once.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_ROTATION = math.radians(15.0)
_SHIFT = 0.12  # of half a side: about 3 of 48 pixels
_SCALE = 0.12  # most tiles: 0.88 .. 1.14 of their size
_WIDE_SHARE, _WIDE_SCALE = 0.2, 0.27  # some tiles: 0.76 .. 1.31, as a loose or a tight detector
_COMPRESSED_SHARE, _BLURRED_SHARE, _DARK_SHARE = 0.08, 0.08, 0.08
_ERASED_SHARE = 0.3


def augment(tiles: Tensor, generator: torch.Generator, strength: float = 1.0) -> Tensor:
    """A random variant of each tile.

    ``tiles``: ``(n, 1, 48, 48)`` uint8. ``strength`` (0..1) scales how far tiles are moved and
    bent, and the shares of those that are spoilt. Returns ``(n, 1, 48, 48)`` float32 in 0..255.
    The same state of ``generator`` gives the same result.
    """
    compressed = _compress(tiles, generator, strength).float()
    framed = _reframe(compressed, generator, strength)
    lit = _relight(_blur(framed, generator, strength), generator, strength)
    return _erase(lit, generator, strength).clamp(0.0, 255.0)


def mix(
    tiles: Tensor, targets: dict[str, Tensor], generator: torch.Generator, alpha: float = 0.2
) -> tuple[Tensor, dict[str, Tensor]]:
    """Mixup (Zhang et al. 2018): blend each tile, and its targets, with another of the batch."""
    share = float(np.random.default_rng(_seed(generator)).beta(alpha, alpha))
    order = torch.randperm(len(tiles), generator=generator)
    mixed = {
        name: share * target + (1.0 - share) * target[order] for name, target in targets.items()
    }
    return share * tiles + (1.0 - share) * tiles[order], mixed


def _reframe(tiles: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Mirror, turn, scale, stretch and shift, in a single resampling."""
    n = len(tiles)

    def uniform() -> Tensor:
        return _uniform(n, generator) * strength

    wide = torch.rand(n, generator=generator) < _WIDE_SHARE * strength
    scale = torch.exp(uniform() * torch.where(wide, _WIDE_SCALE, _SCALE))
    stretch = torch.exp(uniform() * 0.06)
    mirror = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    angle = uniform() * _ROTATION
    shear = uniform() * 0.08
    cos, sin = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [
            torch.stack(
                [
                    cos * scale * stretch * mirror,
                    (shear - sin) * scale * mirror,
                    uniform() * _SHIFT,
                ],
                dim=1,
            ),
            torch.stack(
                [sin * scale * stretch, cos * scale / stretch, uniform() * _SHIFT],
                dim=1,
            ),
        ],
        dim=1,
    )
    grid = functional.affine_grid(theta, list(tiles.shape), align_corners=False)
    return functional.grid_sample(tiles, grid, padding_mode="border", align_corners=False)


def _compress(tiles: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """JPEG at quality 15-70 for some tiles."""
    chosen = _choose(len(tiles), _COMPRESSED_SHARE * strength, generator)
    qualities = torch.randint(15, 71, (len(chosen),), generator=generator)
    out = tiles.clone()
    for i, quality in zip(chosen.tolist(), qualities.tolist(), strict=True):
        _, encoded = cv2.imencode(".jpg", tiles[i, 0].numpy(), [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
        out[i, 0] = torch.from_numpy(np.asarray(decoded, dtype=np.uint8))
    return out


def _blur(tiles: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Scale some tiles down by a factor of 1.3-3 and up again: a small or unsharp face."""
    out = tiles.clone()
    chosen = _choose(len(tiles), _BLURRED_SHARE * strength, generator)
    if len(chosen):
        factor = 1.3 + 1.7 * float(torch.rand((), generator=generator))
        side = tiles.shape[-1]
        small = functional.interpolate(
            tiles[chosen], size=round(side / factor), mode="bilinear", antialias=True
        )
        out[chosen] = functional.interpolate(small, size=side, mode="bilinear")
    return out


def _relight(tiles: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Bend the grey scale of every tile a little; make some dark, flat and noisy."""
    n = len(tiles)
    gamma = torch.exp(_uniform(n, generator) * 0.3 * strength)[:, None, None, None]
    out = 255.0 * (tiles / 255.0).clamp(0.0, 1.0).pow(gamma)
    slope = _uniform(n, generator)[:, None, None, None] * 25.0 * strength  # light from one side
    out = out + slope * torch.linspace(-1.0, 1.0, tiles.shape[-1])
    chosen = _choose(n, _DARK_SHARE * strength, generator)
    gain = 0.1 + 0.4 * torch.rand((len(chosen), 1, 1, 1), generator=generator)
    noise = torch.randn((len(chosen), *tiles.shape[1:]), generator=generator)
    out[chosen] = out[chosen] * gain + 3.0 * noise
    return out


def _erase(tiles: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Cover a rectangle of some tiles with a grey of their own (Zhong et al. 2020)."""
    out = tiles.clone()
    side = tiles.shape[-1]
    for i in _choose(len(tiles), _ERASED_SHARE * strength, generator).tolist():
        height, width = torch.randint(6, 21, (2,), generator=generator).tolist()
        top = int(torch.randint(0, side - height + 1, (), generator=generator))
        left = int(torch.randint(0, side - width + 1, (), generator=generator))
        grey = 255.0 * torch.rand((), generator=generator)
        out[i, :, top : top + height, left : left + width] = grey
    return out


def _uniform(n: int, generator: torch.Generator) -> Tensor:
    """``(n,)`` float32 in -1..1."""
    return 2.0 * torch.rand(n, generator=generator) - 1.0


def _choose(n: int, share: float, generator: torch.Generator) -> Tensor:
    """Indices of about ``share`` of ``n`` tiles."""
    return torch.nonzero(torch.rand(n, generator=generator) < share).flatten()


def _seed(generator: torch.Generator) -> int:
    return int(torch.randint(0, 2**31, (), generator=generator))
