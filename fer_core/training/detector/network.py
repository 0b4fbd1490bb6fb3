"""The face detector: anchor-free, single shot, in the manner of YuNet, on grey pictures.

YuNet: Wu et al., Machine Intelligence Research 2023. Depthwise, then pointwise convolutions: Howard
et al., MobileNets, 2017. Coarse maps added to finer ones: Lin et al., Feature Pyramid Networks,
2017.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_core.models.detectors.scout import POINTS, STRIDES

STEM, QUARTER = 16, 32
"""Channels at a half and at a quarter of the picture's sides."""

STAGES = ((48, 2, 3), (96, 3, 3), (128, 3, 5))
"""Channels, further layers and their kernel at each of ``STRIDES``. The last level's wide kernels
cover a whole face of 200 pixels."""

NECK = 48
"""Channels where the three maps are added."""

OUTPUTS = 5 + 2 * POINTS
"""Values per cell: a score, the centre and the logarithmic sides of a box, and points."""

_SCALE = 1.0 / 64.0
"""Grey values are divided by 64 before the first layer. No mean is subtracted: the normalisation
after that layer does it, and the padding of a picture stays zero."""

_PRIOR = -4.6
"""The logit of 0.01, about the share of cells with a face (Lin et al., Focal Loss, 2017)."""


class DetectorNet(nn.Module):
    """Grey pictures ``(n, 1, h, w)`` float32 in 0..255, sides multiples of 32 -> three maps.

    Each map is ``(n, 15, h / stride, w / stride)``. A cell gives the logit of its score, the box's
    centre and the logarithms of its sides, and five points, x and y in turn, in strides from the
    cell's corner.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _convolution(1, STEM, 3, stride=2)
        self.quarter = _Separable(STEM, QUARTER, stride=2)
        before = QUARTER
        stages: list[nn.Module] = []
        for width, more, kernel in STAGES:
            further = [_Separable(width, width, kernel) for _ in range(more)]
            stages.append(nn.Sequential(_Separable(before, width, stride=2), *further))
            before = width
        self.stages = nn.ModuleList(stages)
        self.lateral = nn.ModuleList(_convolution(width, NECK, 1) for width, _, _ in STAGES)
        self.smooth = nn.ModuleList(_Separable(NECK, NECK) for _ in STRIDES)
        self.heads = nn.ModuleList(_Separable(NECK, NECK) for _ in STRIDES)
        self.outputs = nn.ModuleList(nn.Conv2d(NECK, OUTPUTS, 1) for _ in STRIDES)
        self._initialise()

    def forward(self, pictures: Tensor) -> list[Tensor]:
        maps = functional.relu(self.stem(pictures * _SCALE))
        # A picture of one channel has no memory format that the layers could inherit.
        maps = self.quarter(maps.contiguous(memory_format=torch.channels_last))
        levels = []
        for stage in self.stages:
            maps = stage(maps)
            levels.append(maps)
        found: list[Tensor] = []
        summed: Tensor | None = None
        for level in range(len(STRIDES) - 1, -1, -1):
            lateral = self.lateral[level](levels[level])
            if summed is not None:
                lateral = lateral + functional.interpolate(summed, scale_factor=2.0)
            summed = self.smooth[level](functional.relu(lateral))
            found.insert(0, self.outputs[level](self.heads[level](summed)))
        return found

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                mode = "fan_out" if module.groups == 1 else "fan_in"
                nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
        # Every cell starts with a box of 2.7 strides around its centre.
        start = [_PRIOR, 0.5, 0.5, 1.0, 1.0, *[0.5] * (2 * POINTS)]
        for output in self.outputs:
            assert isinstance(output, nn.Conv2d)
            assert output.bias is not None
            nn.init.normal_(output.weight, std=0.01)
            output.bias.data = torch.tensor(start)


class _Separable(nn.Module):
    """A depthwise and a pointwise convolution, with a shortcut if the shape stays."""

    def __init__(self, before: int, after: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = _convolution(before, before, kernel, stride, groups=before)
        self.pointwise = _convolution(before, after, 1)
        self.shortcut = before == after and stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        new = self.pointwise(functional.relu(self.depthwise(maps)))
        return functional.relu(new + maps if self.shortcut else new)


def _convolution(
    before: int, after: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3),
    )


def cells(maps: Sequence[Tensor]) -> Tensor:
    """The column and the row of each cell, in strides, and its stride in pixels: ``(cells, 3)``."""
    grids = []
    for each, stride in zip(maps, STRIDES, strict=True):
        height, width = each.shape[-2:]
        column = torch.arange(width, dtype=torch.float32, device=each.device)
        row = torch.arange(height, dtype=torch.float32, device=each.device)
        columns = column[None, :].expand(height, width).reshape(-1)
        rows = row[:, None].expand(height, width).reshape(-1)
        grids.append(torch.stack([columns, rows, torch.full_like(rows, stride)], dim=1))
    return torch.cat(grids)


def decode(maps: Sequence[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Decode maps into the cells' scores, boxes and points, in pixels.

    Returns the logits of the scores ``(n, cells)``, boxes ``(n, cells, 4)`` as left, top, right,
    bottom, and points ``(n, cells, 5, 2)``.
    """
    grid = cells(maps)
    corner, stride = grid[:, :2], grid[:, 2:]
    flat = torch.cat([each.float().flatten(2) for each in maps], dim=2).transpose(1, 2)
    centre = (flat[..., 1:3] + corner) * stride
    half = flat[..., 3:5].clamp(-6.0, 6.0).exp() * stride / 2.0
    points = flat[..., 5:].unflatten(2, (POINTS, 2))
    points = (points + corner[:, None]) * stride[:, None]
    return flat[..., 0], torch.cat([centre - half, centre + half], dim=2), points


def fused(network: DetectorNet) -> DetectorNet:
    """A copy for inference in which every normalisation is folded into its convolution."""
    merged: DetectorNet = copy.deepcopy(network).cpu().eval()
    for module in merged.modules():
        if isinstance(module, nn.Sequential) and isinstance(module[-1], nn.BatchNorm2d):
            convolution, normalisation = module
            assert isinstance(convolution, nn.Conv2d)
            module[0] = nn.utils.fusion.fuse_conv_bn_eval(convolution, normalisation)
            module[1] = nn.Identity()
    return merged
