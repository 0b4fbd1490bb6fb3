"""The landmark network: a residual trunk, a map for each point, and one number for presence.

Residual blocks: He et al., Deep Residual Learning, 2016. Coarse maps added to finer ones: Lin et
al., Feature Pyramid Networks, 2017. Points as the expectation over a map: Sun et al., Integral
Human Pose Regression, 2018.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_core.models.landmarks.landmarks68 import POINTS
from fer_core.training.expression.network import convolution, standardise

STEM = 24
STAGES = (40, 80, 128)
"""Channels of the three blocks, which work on maps of 20, 10 and 5 pixels per side."""

NECK = 48
"""Channels where the three maps are added, at 20 pixels per side."""

_REACH = 1.3
"""The range of points in sides of the crop: the maps cover a larger square than the crop."""


class Landmarks68Net(nn.Module):
    """Grey crops ``(n, 1, 80, 80)`` float32 in 0..255 -> points and presence.

    The points ``(n, 68, 2)`` are shares of the crop's side, the presence ``(n,)`` is a logit. The
    normalisation is part of the network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*convolution(1, STEM, 3, stride=2), nn.ReLU(inplace=True))
        widths = (STEM, *STAGES)
        self.blocks = nn.ModuleList(
            _Block(before, after) for before, after in zip(widths, STAGES, strict=False)
        )
        self.necks = nn.ModuleList(nn.Sequential(*convolution(width, NECK, 1)) for width in STAGES)
        self.smooth = nn.Sequential(
            nn.ReLU(inplace=True), *convolution(NECK, NECK, 3), nn.ReLU(inplace=True)
        )
        self.maps = nn.Conv2d(NECK, POINTS, 1, bias=False)  # softmax would not see one
        self.presence = nn.Linear(STAGES[-1], 1)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.stem(standardise(crops))
        summed: Tensor | None = None
        levels = []
        for block in self.blocks:
            maps = block(maps)
            levels.append(maps)
        for neck, level in zip(reversed(self.necks), reversed(levels), strict=True):
            lateral = neck(level)
            if summed is None:
                summed = lateral
            else:
                summed = lateral + functional.interpolate(summed, scale_factor=2.0)
        presence = self.presence(maps.mean(dim=(2, 3)))[:, 0]
        return expectation(self.maps(self.smooth(summed))), presence


def expectation(maps: Tensor) -> Tensor:
    """The mean position under the softmax of each map: ``(n, k, s, s)`` -> ``(n, k, 2)``, x and
    y."""
    side = maps.shape[-1]
    shares = torch.softmax(maps.float().flatten(2), dim=2).unflatten(2, (side, side))
    steps = (torch.arange(side, device=maps.device) + 0.5) / side
    places = 0.5 + _REACH * (steps - 0.5)
    x = (shares.sum(dim=2) * places).sum(dim=2)
    y = (shares.sum(dim=3) * places).sum(dim=2)
    return torch.stack([x, y], dim=2)


class _Block(nn.Module):
    """Two 3x3 convolutions with a shortcut; halves the side."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *convolution(before, after, 3, stride=2),
            nn.ReLU(inplace=True),
            *convolution(after, after, 3),
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), *convolution(before, after, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.body(maps) + self.shortcut(maps))
