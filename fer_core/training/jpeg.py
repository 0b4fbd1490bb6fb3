"""JPEG compression of grey pictures, many at once, on one device."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_JPEG_LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Quantisation of grey values at quality 50 (ITU-T T.81, 1992, table K.1)."""


class Jpeg:
    """Compresses pictures as JPEG does (ITU-T T.81, 1992), without its entropy coding."""

    def __init__(self, device: torch.device) -> None:
        self._quantisation = torch.tensor(_JPEG_LUMINANCE, dtype=torch.float32, device=device)
        self._cosines = _cosine_transform().to(device)

    def compress(self, pictures: Tensor, factor: Tensor) -> Tensor:
        """``pictures`` ``(n, height, width)`` 0..255, sides multiples of 8, after compression.

        ``factor`` ``(n, 1, 1)`` multiplies the quantisation; 0 leaves a picture unchanged.
        """
        n, height, width = pictures.shape
        blocks = pictures.reshape(n, height // 8, 8, width // 8, 8).transpose(2, 3) - 128.0
        step = self._quantisation * factor.clamp(0.05)[..., None, None]
        spectrum = self._cosines @ blocks @ self._cosines.T
        blocks = self._cosines.T @ (torch.round(spectrum / step) * step) @ self._cosines + 128.0
        coded = blocks.transpose(2, 3).reshape(n, height, width)
        return torch.where(factor > 0, coded, pictures)


def _cosine_transform() -> Tensor:
    """The orthonormal discrete cosine transform of eight values, ``(8, 8)``."""
    k = torch.arange(8.0)
    rows = torch.cos((2.0 * k[None] + 1.0) * k[:, None] * math.pi / 16.0) * 0.5
    rows[0] /= math.sqrt(2.0)
    return rows
