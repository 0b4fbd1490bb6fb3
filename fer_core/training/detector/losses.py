"""Assigns cells to faces, and calculates the losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fer_core.training.detector.network import cells, decode
from fer_core.training.detector.plan import FACE, IGNORED, Labels
from fer_core.training.device import device

BOX_WEIGHT, POINTS_WEIGHT = 2.0, 2.0
"""Weights of the losses; that of the scores is 1."""

_NEAR_STRIDES = 2.0
"""How far the centre of a face may be from a cell's, across and down, for a full candidate."""

_USUAL_STRIDES, _FREE_OCTAVES = 3.5, 1.2
"""The face size of a level in strides, and the range around it in octaves without a penalty."""

_CANDIDATES = 10
_OVERLAP_COST, _LEVEL_COST = 3.0, 2.0
_ASIDE, _OUTSIDE, _NO_FACE = 1e3, 1e5, 1e7
_EPSILON = 1e-6

_NEGATIVE_WEIGHT, _NEGATIVE_POWER = 1.5, 1.5
"""The exponent for cells without a face, as in VarifocalNet (Zhang et al. 2021): confident ones
count more."""

_POINT_BEND = 0.05
"""Error of a point, in sides of the face, beyond which the loss is linear instead of quadratic."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """``Labels`` on the device, cut to the most faces that a scene has: boxes ``(n, k, 4)``, points
    ``(n, k, 5, 2)``, kinds ``(n, k)``."""

    boxes: Tensor
    points: Tensor
    kinds: Tensor


def as_target(labels: Labels) -> Target:
    """Send labels to the device."""
    most = max(1, int((labels.kinds > 0).sum(axis=1).max()))

    def send(values: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values[:, :most])).to(device())

    return Target(send(labels.boxes), send(labels.points), send(labels.kinds))


def losses(maps: Sequence[Tensor], target: Target) -> Tensor:
    """The losses of the scores, the boxes and the points: ``(3,)``.

    Scores: binary cross-entropy towards the overlap of box and face (VarifocalNet, Zhang et al.
    2021). Boxes: EIoU (Zhang et al. 2022). Points: smooth L1 in sides of the face. The sums over
    cells are divided by the number of cells assigned to a face.
    """
    logits, boxes, points = decode(maps)
    grid = cells(maps)
    middles = (grid[:, :2] + 0.5) * grid[:, 2:]
    faces = assign(logits, boxes, middles, grid[:, 2], target)
    answers = faces >= 0
    scene, cell = torch.nonzero(answers, as_tuple=True)
    face = faces[scene, cell]
    count = max(1, len(scene))
    overlap, box_loss = eiou(boxes[scene, cell], target.boxes[scene, face])
    wanted = torch.zeros_like(logits)
    wanted[scene, cell] = overlap.detach().clamp(0.05, 1.0)
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    weight = _NEGATIVE_WEIGHT * torch.sigmoid(logits.detach()) ** _NEGATIVE_POWER
    weight = torch.where(answers, 1.0, weight)
    weight = weight * ~(_ignored(middles, target) & ~answers)
    return torch.stack(
        [
            (entropy * weight).sum() / count,
            box_loss.sum() / count,
            _point_loss(points[scene, cell], target.points[scene, face], target.boxes[scene, face]),
        ]
    )


@torch.no_grad()
def assign(
    logits: Tensor, boxes: Tensor, middles: Tensor, strides: Tensor, target: Target
) -> Tensor:
    """The face that each cell is assigned to, or -1: ``(n, cells)``.

    SimOTA (Ge et al., YOLOX, 2021), with a penalty for levels that do not suit a face's size.
    ``logits``: ``(n, cells)``; ``boxes``: ``(n, cells, 4)``; ``middles``: ``(cells, 2)`` in pixels;
    ``strides``: ``(cells,)``.
    """
    overlap = _pairwise_iou(target.boxes, boxes)
    corner, far = target.boxes[..., None, :2], target.boxes[..., None, 2:]
    inside = ((middles > corner) & (middles < far)).all(dim=3)
    away = (middles - (corner + far) / 2.0).abs().amax(dim=3)
    near = away < _NEAR_STRIDES * strides
    size = (far - corner).prod(dim=3).clamp(min=1.0).sqrt()
    octaves = torch.log2(size / (strides * _USUAL_STRIDES)).abs()
    cost = functional.softplus(-logits)[:, None] - _OVERLAP_COST * torch.log(overlap + _EPSILON)
    cost = cost + _LEVEL_COST * (octaves - _FREE_OCTAVES).clamp(min=0.0)
    cost = cost + _ASIDE * ~(near & inside) + _OUTSIDE * ~(near | inside)
    cost = cost + _NO_FACE * (target.kinds != FACE)[..., None]

    candidates = min(_CANDIDATES, cost.shape[2])
    good = (overlap * (near | inside)).topk(candidates, dim=2).values.sum(dim=2)
    wanted = good.int().clamp(1, candidates)
    cheapest, where = cost.topk(candidates, dim=2, largest=False)
    rank = torch.arange(candidates, device=cost.device)
    taken = (rank < wanted[..., None]) & (cheapest < _OUTSIDE / 10.0)
    taken = torch.zeros_like(cost, dtype=torch.bool).scatter(2, where, taken)
    least, face = torch.where(taken, cost, torch.inf).min(dim=1)
    return torch.where(torch.isfinite(least), face, -1)


def eiou(found: Tensor, true: Tensor) -> tuple[Tensor, Tensor]:
    """Intersection over union of boxes ``(n, 4)``, and the loss of efficient IoU: ``(n,)`` each.

    The loss adds the distance of the centres and the differences of the sides, relative to the
    rectangle around both (Zhang et al., Focal and Efficient IOU Loss, 2022).
    """
    near, far = torch.maximum(found[:, :2], true[:, :2]), torch.minimum(found[:, 2:], true[:, 2:])
    shared = (far - near).clamp(min=0.0).prod(dim=1)
    sides, true_sides = found[:, 2:] - found[:, :2], true[:, 2:] - true[:, :2]
    overlap = shared / (sides.prod(dim=1) + true_sides.prod(dim=1) - shared + _EPSILON)
    around = torch.maximum(found[:, 2:], true[:, 2:]) - torch.minimum(found[:, :2], true[:, :2])
    squared = around**2 + _EPSILON
    apart = ((found[:, :2] + found[:, 2:] - true[:, :2] - true[:, 2:]) ** 2).sum(dim=1) / 4.0
    loss = 1.0 - overlap + apart / squared.sum(dim=1)
    return overlap, loss + ((sides - true_sides) ** 2 / squared).sum(dim=1)


def _pairwise_iou(faces: Tensor, boxes: Tensor) -> Tensor:
    """``(n, k, 4)``, ``(n, cells, 4)`` -> ``(n, k, cells)``."""
    one, other = faces[:, :, None], boxes[:, None]
    near = torch.maximum(one[..., :2], other[..., :2])
    shared = (torch.minimum(one[..., 2:], other[..., 2:]) - near).clamp(min=0.0).prod(dim=3)
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0.0).prod(dim=3) for each in (one, other)]
    return shared / (areas[0] + areas[1] - shared + _EPSILON)


def _ignored(middles: Tensor, target: Target) -> Tensor:
    """The cells on ignored faces: ``(n, cells)`` bool."""
    corner, far = target.boxes[..., None, :2], target.boxes[..., None, 2:]
    on = ((middles > corner) & (middles < far)).all(dim=3)
    return (on & (target.kinds == IGNORED)[..., None]).any(dim=1)


def _point_loss(found: Tensor, true: Tensor, boxes: Tensor) -> Tensor:
    known = torch.isfinite(true).flatten(1).all(dim=1)
    size = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=4.0).sqrt()[:, None, None]
    errors = functional.smooth_l1_loss(
        found / size, torch.nan_to_num(true) / size, beta=_POINT_BEND, reduction="none"
    )
    return (errors.mean(dim=(1, 2)) * known).sum() / known.sum().clamp(min=1)
