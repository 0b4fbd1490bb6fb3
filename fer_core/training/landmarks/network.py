"""The face network: a residual trunk, a map for each point, presence, movements and irises.

Residual blocks: He et al., Deep Residual Learning, 2016. Coarse maps added to finer ones: Lin et
al., Feature Pyramid Networks, 2017. Points as the expectation over a map: Sun et al., Integral
Human Pose Regression, 2018. Features read at the points: Wu et al., Look at Boundary, 2018, and
before it the shape-indexed features of Cao et al., Explicit Shape Regression, 2012.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_core.models.landmarks.crops import LANDMARK_PX
from fer_core.models.landmarks.face import IRISES, POINTS
from fer_core.schema.action_units import MOVEMENTS
from fer_core.training.expression.network import convolution, standardise

STEM = 24
STAGES = (40, 80, 128)
"""Channels of the three blocks, which work on maps of 20, 10 and 5 pixels per side."""

NECK = 48
"""Channels where the three maps are added, at 20 pixels per side."""

FINE = 16
"""Channels of the maps with 40 pixels per side, in which the irises are found."""

READ = 16
"""Numbers read from both maps at each place where a feature may move."""

RANK = 48
"""What is read comes down to so many numbers first: a full layer would be most of the file."""

HIDDEN = 192

MESH = 146
"""Further points of the face that a teacher may mark (those from which MediaPipe tells movements).
Movements are read there, too; the exported file does not tell the points themselves."""

_REACH = 1.3
"""The range of points in sides of the crop: the maps cover a larger square than the crop."""

_FIRST_INNER = 17
"""The points before are the outline, where no feature moves."""

_EYES = range(36, 42), range(42, 48)


class Shown(NamedTuple):
    """What the movements are told from.

    Maps ``coarse`` ``(n, 48, 20, 20)`` and ``fine`` ``(n, 16, 40, 40)``, the mean of the last maps
    ``pooled`` ``(n, 128)``, and the ``places`` ``(n, 199, 2)`` of the inner points, the irises and
    the ``mesh`` ``(n, 146, 2)`` in shares of the crop's side.
    """

    coarse: Tensor
    fine: Tensor
    pooled: Tensor
    places: Tensor
    mesh: Tensor


class FaceNet(nn.Module):
    """Grey crops ``(n, 1, 80, 80)`` float32 in 0..255 -> points, presence, movements and irises.

    The points ``(n, 68, 2)`` and the centres of the irises ``(n, 2, 2)`` are shares of the crop's
    side, the presence ``(n,)`` is a logit, and the movements ``(n, 52)`` are at least 0 but not yet
    cut off at 1. The normalisation is part of the network.

    It tells roots of movements, which spread more evenly: most movements are near 0.
    ``movement_mean`` and ``movement_scale`` are those of the roots, ``deviation`` ``(52,)`` is that
    of the movements of the training faces.
    """

    movement_mean: Tensor
    movement_scale: Tensor
    deviation: Tensor

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
        self.expectation = Expectation(LANDMARK_PX // 4)
        self.mesh_maps = nn.Conv2d(NECK, MESH, 1, bias=False)
        nn.init.zeros_(self.mesh_maps.weight)  # not learned yet: all in the middle of the crop
        self.presence = nn.Linear(STAGES[-1], 1)
        self.fine_necks = nn.ModuleList(
            nn.Sequential(*convolution(width, FINE, 1)) for width in (STEM, NECK)
        )
        self.fine = nn.Sequential(
            nn.ReLU(inplace=True), *convolution(FINE, FINE, 3), nn.ReLU(inplace=True)
        )
        self.iris_maps = nn.Conv2d(FINE, IRISES, 1, bias=False)
        self.fine_expectation = Expectation(LANDMARK_PX // 2)
        self.movements = Movements()
        self.register_buffer("movement_mean", torch.zeros(len(MOVEMENTS)))
        self.register_buffer("movement_scale", torch.ones(len(MOVEMENTS)))
        self.register_buffer("deviation", torch.ones(len(MOVEMENTS)))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        points, irises, shown = self.look(crops)
        return points, self.present(shown), self.moved(shown), irises

    def present(self, shown: Shown) -> Tensor:
        """The logit of presence, ``(n,)``."""
        logit: Tensor = self.presence(shown.pooled)[:, 0]
        return logit

    def moved(self, shown: Shown) -> Tensor:
        """The movements, ``(n, 52)``."""
        return self.squared(self.movements(shown))

    def squared(self, told: Tensor) -> Tensor:
        """The movements of what ``Movements`` tells."""
        return (self.movement_mean + self.movement_scale * told).clamp(min=0.0).square()

    def look(self, crops: Tensor) -> tuple[Tensor, Tensor, Shown]:
        """Points and irises, and what the movements are told from."""
        stem = maps = self.stem(standardise(crops))
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
        pooled = maps.mean(dim=(2, 3))
        coarse = self.smooth(summed)
        both = torch.cat([self.maps.weight, self.mesh_maps.weight])  # as one, it is quicker
        found = self.expectation(functional.conv2d(coarse, both))
        points, mesh = found[:, :POINTS], found[:, POINTS:]
        wide = functional.interpolate(self.fine_necks[1](coarse), scale_factor=2.0)
        fine = self.fine(self.fine_necks[0](stem) + wide)
        irises = self.fine_expectation(self.iris_maps(fine))
        # Points are learned from their own labels alone.
        places = torch.cat([points[:, _FIRST_INNER:], irises, mesh], dim=1).detach()
        return points, irises, Shown(coarse, fine, pooled, places, mesh)


class Movements(nn.Module):
    """The roots of movements, in units of their deviation, from what the maps show at the points,
    where these are, and the whole face."""

    across: Tensor
    turns: Tensor

    def __init__(self) -> None:
        super().__init__()
        places = POINTS - _FIRST_INNER + IRISES + MESH
        self.read = nn.Linear(NECK + FINE, READ)
        self.layers = nn.Sequential(
            _Normalised(places * (READ + 2) + STAGES[-1]),
            nn.Linear(places * (READ + 2) + STAGES[-1], RANK, bias=False),
            nn.Linear(RANK, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, len(MOVEMENTS)),
        )
        # From the middle of the right eye to that of the left one.
        across = torch.zeros(1, places)
        for eye, sign in zip(_EYES, (-1.0, 1.0), strict=True):
            across[0, [number - _FIRST_INNER for number in eye]] = sign / len(eye)
        self.register_buffer("across", across, persistent=False)
        turns = torch.tensor([[1.0, 0.0, 0.0, -1.0], [0.0, 1.0, 1.0, 0.0]])
        self.register_buffer("turns", turns, persistent=False)

    def forward(self, shown: Shown) -> Tensor:
        places = shown.places
        # Of whole maps first, as there is less to read then; it comes to the same.
        weights = self.read.weight[:, :, None, None]
        coarse = read_at(functional.conv2d(shown.coarse, weights[:, :NECK]), places)
        fine = read_at(functional.conv2d(shown.fine, weights[:, NECK:]), places)
        return self.tell(coarse + fine + self.read.bias, shown.pooled, places)

    def tell(self, seen: Tensor, pooled: Tensor, places: Tensor) -> Tensor:
        """The same ``(n, 52)`` from what is ``seen`` ``(n, 199, 16)`` in the maps at ``places``."""
        parts = [functional.relu(seen), self.upright(places)]
        found: Tensor = self.layers(torch.cat([*(p.flatten(1) for p in parts), pooled], dim=1))
        return found.float()

    def upright(self, places: Tensor) -> Tensor:
        """Places ``(n, m, 2)`` of a face turned so that its eyes are level.

        They are relative to their mean, in units of the distance between the eyes.
        """
        across = self.across @ places
        axes = (across @ self.turns).unflatten(2, (2, 2))[:, 0]
        size = across.square().sum(dim=2, keepdim=True).clamp(min=0.05**2)
        return (places - places.mean(dim=1, keepdim=True)) @ (axes / size)


class _Normalised(nn.BatchNorm1d):
    """In use, a product and a sum: onnxruntime takes several times as long for the operator."""

    running_mean: Tensor
    running_var: Tensor

    def forward(self, values: Tensor) -> Tensor:
        if self.training:
            return super().forward(values)
        scale = self.weight * (self.running_var + self.eps).rsqrt()
        return values * scale + (self.bias - self.running_mean * scale)


def read_at(maps: Tensor, places: Tensor) -> Tensor:
    """What maps ``(n, c, s, s)`` show at places ``(n, m, 2)``: ``(n, m, c)``."""
    grid = (2.0 * places - 1.0)[:, :, None].to(maps.dtype)
    read = functional.grid_sample(maps, grid, padding_mode="border", align_corners=False)
    return read.flatten(2).transpose(1, 2)


class Expectation(nn.Module):
    """The mean position under the softmax of each map: ``(n, k, s, s)`` -> ``(n, k, 2)``, x and y
    in shares of the crop's side."""

    cells: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        steps = torch.arange(float(side))
        # Whole numbers, which half precision keeps.
        cells = torch.cartesian_prod(steps, steps).flip(1)
        self.register_buffer("cells", cells, persistent=False)
        self._step = _REACH / side
        self._first = 0.5 + _REACH * (0.5 / side - 0.5)

    def forward(self, maps: Tensor) -> Tensor:
        shares = torch.softmax(maps.float().flatten(2), dim=2)
        with torch.autocast(maps.device.type, enabled=False):  # half precision is too coarse
            return self._first + self._step * (shares @ self.cells)


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
        return functional.relu(self.body(maps) + self.short(maps))

    def short(self, maps: Tensor) -> Tensor:
        """The shortcut: as one convolution, its mean and its mixture take half the time."""
        _, mixture, normalisation = self.shortcut
        weights = 0.25 * mixture.weight.expand(-1, -1, 2, 2)
        short: Tensor = normalisation(functional.conv2d(maps, weights, stride=2))
        return short
