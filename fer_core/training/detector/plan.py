"""Plans synthetic scenes as numbers: people, light and camera. ``render`` draws them.

Lengths named ``_x``, ``_y``, ``_rx`` and ``_ry`` are in sides of the face's box, from its centre;
those of the torso in the face's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fer_core.training.detector.data import FaceTiles
from fer_core.training.detector.dice import Array, Dice, Numbers
from fer_core.training.detector.layout import MOST_FACES, layout
from fer_core.training.detector.looks import body, camera, cover, light, matte, texture

FACE, IGNORED = 1, 2
"""Kinds of labels. A face that is too small or too covered is ignored: finding it is neither right
nor wrong."""

_LEAST_PX, _LEAST_VISIBLE, _HIDDEN = 9.0, 0.34, 0.12
_FROM_BEHIND_SHARE = 0.10
_MIRROR = [1, 0, 2, 4, 3]
"""The index in the original of each of the five points of a mirrored face."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The faces of ``n`` scenes, ``MOST_FACES`` rows each, empty rows at the end.

    ``boxes``: ``(n, 64, 4)`` float32, left, top, right, bottom in pixels, within the scene.
    ``points``: ``(n, 64, 5, 2)`` float32, NaN where unknown. ``kinds``: ``(n, 64)`` int64, 0 for an
    empty row.
    """

    boxes: NDArray[np.float32]
    points: NDArray[np.float32]
    kinds: NDArray[np.int64]

    def of_scene(self, scene: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The boxes ``(k, 4)`` of a scene, and which of them are ignored."""
        there = self.kinds[scene] > 0
        return self.boxes[scene][there], self.kinds[scene][there] == IGNORED


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """``n`` scenes of ``width`` x ``height`` pixels.

    ``people`` are those of all scenes, each after those behind it; their ``left``, ``top``,
    ``right`` and ``bottom`` contain all of them.
    """

    width: int
    height: int
    people: Numbers
    scenes: Numbers
    labels: Labels


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """The people of one scene from the farthest to the nearest, and the labels of some of them."""

    people: Numbers
    boxes: Array
    points: Array
    kinds: NDArray[np.int64]


def plan(
    rng: np.random.Generator, tiles: FaceTiles, backgrounds: int, size: tuple[int, int], n: int
) -> Plan:
    """Plan ``n`` scenes of ``size`` (height, width), with that many backgrounds to choose from."""
    height, width = size
    scenes = [_plan_scene(rng, tiles, backgrounds, width, height) for _ in range(n)]
    people = {
        name: np.concatenate([scene.people[name] for scene in scenes]) for name in scenes[0].people
    }
    crowd = [len(scene.people["x"]) for scene in scenes]
    people["scene"] = np.repeat(np.arange(n), crowd) * 1.0
    return Plan(
        width=width,
        height=height,
        people=people,
        scenes=camera(Dice(rng, n), backgrounds),
        labels=_labels(scenes),
    )


def _labels(scenes: list[_Scene]) -> Labels:
    n = len(scenes)
    boxes = np.zeros((n, MOST_FACES, 4), np.float32)
    points = np.full((n, MOST_FACES, 5, 2), np.nan, np.float32)
    kinds = np.zeros((n, MOST_FACES), np.int64)
    for i, scene in enumerate(scenes):
        m = len(scene.kinds)
        boxes[i, :m], points[i, :m], kinds[i, :m] = scene.boxes, scene.points, scene.kinds
    return Labels(boxes, points, kinds)


@dataclass(frozen=True, slots=True, eq=False)
class _Pose:
    """The geometry of ``n`` faces in a scene.

    ``to_scene``: ``(n, 2, 2)``, from a tile's pixels to the scene's. ``turn``: radians. ``outline``
    ``(n, 4)`` and ``points`` ``(n, 5, 2)`` in pixels of the scene; ``in_box`` ``(n, 5, 2)``, the
    points relative to the centre of the tile's box, in its sides.
    """

    to_scene: Array
    turn: Array
    outline: Array
    points: Array
    in_box: Array


def _plan_scene(
    rng: np.random.Generator, tiles: FaceTiles, backgrounds: int, width: int, height: int
) -> _Scene:
    x, y, size = layout(rng, width, height).T
    dice = Dice(rng, len(x))
    far_to_near = np.argsort(y + 0.6 * size + dice.normal(0.0, 0.25) * size)
    x, y, size = x[far_to_near], y[far_to_near], size[far_to_near]
    tile = rng.integers(0, len(tiles), len(x))
    pose, placed = _pose(dice, tiles.subset(tile), x, y, size)
    portrait = len(x) == 1 and size[0] > 0.4 * min(width, height)
    behind = dice.hits(0.0 if portrait else _FROM_BEHIND_SHARE)
    cut, loose = matte(dice)
    people: Numbers = {
        **placed,
        "tile": tile * 1.0,
        **cut,
        "face": ~behind * 1.0,
        **light(dice, size),
        **body(dice, pose.turn, behind),
        **texture(dice, backgrounds),
        "blur": np.where(dice.hits(0.15) & (size > 16.0), dice.uniform(0.0, 1.7), 0.0),
    }
    uncovered = np.ones(len(x))
    for name, share in (("cover1", 0.22), ("cover2", 0.08)):
        covering, part = cover(dice, share, size, pose.in_box)
        people |= {f"{name}_{key}": value for key, value in covering.items()}
        uncovered = uncovered - part
    people |= _extent(people, loose, pose.turn)
    visible = _visible(people, pose.to_scene, loose, width, height) * uncovered.clip(0.2, 1.0)
    boxes = np.clip(pose.outline, 0.0, [width, height, width, height])
    kinds = _kinds(visible, boxes[:, 2:] - boxes[:, :2], behind)
    kept = kinds > 0
    return _Scene(people, boxes[kept], pose.points[kept], kinds[kept])


def _pose(dice: Dice, tiles: FaceTiles, x: Array, y: Array, size: Array) -> tuple[_Pose, Numbers]:
    """Rotate, squeeze and mirror a tile for each position."""
    sides = tiles.boxes[:, 2:].astype(np.float64)
    middle = tiles.boxes[:, :2] + sides / 2.0
    turn = _turns(dice)
    to_scene, mirrored = _matrices(dice, turn, size / sides.max(axis=1, initial=1.0))
    centre = np.column_stack([x, y])
    half = np.sqrt(((to_scene * sides[:, None] / 2.0) ** 2).sum(axis=2))
    in_tile = tiles.points - middle[:, None]
    points = np.einsum("nij,nkj->nki", to_scene, in_tile) + centre[:, None]
    points[mirrored] = points[mirrored][:, _MIRROR]
    outline = np.concatenate([centre - half, centre + half], axis=1)
    numbers: Numbers = {
        "x": x,
        "y": y,
        "size": size,
        "tile_x": middle[:, 0],
        "tile_y": middle[:, 1],
        "tile_w": sides[:, 0],
        "tile_h": sides[:, 1],
        **_flat_matrices(np.linalg.inv(to_scene)),
        **{f"rim{k}": tiles.rims[:, k] for k in range(4)},
    }
    return _Pose(to_scene, turn, outline, points, in_tile / sides[:, None]), numbers


def _kinds(visible: Array, sides: Array, behind: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The kind of each face's label; 0 for none. ``sides``: ``(n, 2)``, of the part in the
    scene."""
    size = sides.max(axis=1, initial=0.0)
    kinds = np.where((visible < _LEAST_VISIBLE) | (size < _LEAST_PX), IGNORED, FACE)
    nothing = (size < 4.0) & (visible >= _HIDDEN)
    kinds[nothing | behind | (sides <= 1.0).any(axis=1)] = 0
    return kinds


def _turns(dice: Dice) -> Array:
    """The tilt of heads in radians; in one of eight scenes the camera is tilted as well."""
    turn = np.where(dice.hits(0.25), dice.uniform(-1.05, 1.05), dice.normal(0.0, 0.16))
    if dice.rng.random() < 0.12:
        return turn * 0.4 + dice.rng.uniform(-0.9, 0.9)
    return turn


def _matrices(dice: Dice, turn: Array, scale: Array) -> tuple[Array, NDArray[np.bool_]]:
    """From a tile's pixels to the scene's, ``(n, 2, 2)``, and which faces are mirrored.

    Some faces are squeezed, because a face turned aside looks narrower.
    """
    squeeze = np.where(dice.hits(0.22), dice.uniform(0.62, 1.0), np.exp(dice.normal(0.0, 0.05)))
    mirrored = dice.hits(0.5)
    shear = dice.normal(0.0, 0.06) * dice.hits(0.5)
    across = scale * squeeze * np.where(mirrored, -1.0, 1.0)
    cos, sin = np.cos(turn), np.sin(turn)
    first = np.stack([cos * across, (cos * shear - sin) * scale], axis=1)
    second = np.stack([sin * across, (sin * shear + cos) * scale], axis=1)
    return np.stack([first, second], axis=1), mirrored


def _flat_matrices(matrices: Array) -> Numbers:
    return {f"m{row}{column}": matrices[:, row, column] for row in (0, 1) for column in (0, 1)}


def _extent(people: Numbers, loose: NDArray[np.bool_], turn: Array) -> Numbers:
    """The edges of rectangles that contain all of each person."""
    size = people["size"]
    dressed = (people["torso"] > 0) | (people["neck"] > 0)
    wide = (np.abs(turn) > 0.5) | loose
    across = np.maximum(np.where(dressed, 1.55, 1.0), 0.95 * people["matte_rx"] + 0.25)
    across = np.where(wide, np.maximum(across, 1.45), across) * size
    up, down = np.where(wide, 1.45, 1.15) * size, np.where(dressed, 2.35, 1.2) * size
    x, y = people["x"], people["y"]
    return {
        "left": np.floor(x - across),
        "top": np.floor(y - up),
        "right": np.ceil(x + across),
        "bottom": np.ceil(y + down),
    }


_PROBES = np.array([(x, y) for x in (-0.36, 0.0, 0.36) for y in (-0.4, -0.13, 0.13, 0.4)])


def _visible(
    people: Numbers,
    to_scene: Array,
    loose: NDArray[np.bool_],
    width: int,
    height: int,
) -> Array:
    """The visible share of twelve points in each face, not hidden by nearer people or the rim."""
    x, y, size = people["x"], people["y"], people["size"]
    sides = np.column_stack([people["tile_w"], people["tile_h"]])
    places = np.einsum("nij,nkj->nki", to_scene, _PROBES * sides[:, None])
    places = places + np.column_stack([x, y])[:, None]
    across, down = places[..., 0], places[..., 1]
    hidden = (across < 0) | (across >= width) | (down < 0) | (down >= height)
    head_ry = np.where(people["hair"] > 0, 0.72, 0.5)
    head_rx = np.where(loose, np.maximum(0.9 * head_ry, 0.75), 0.9 * head_ry)
    head_ry = np.where(loose, np.maximum(head_ry, 0.8), head_ry)
    dx, dy = (across[:, :, None] - x) / size, (down[:, :, None] - y) / size
    head = (dx / head_rx) ** 2 + ((dy + 0.05) / head_ry) ** 2 < 1.0
    torso = (people["torso"] > 0) & (np.abs(dx) < people["torso_rx"]) & (dy > 0.65) & (dy < 2.3)
    nearer = np.triu(np.ones((len(x), len(x)), bool), 1)
    hidden |= ((head | torso) & nearer[:, None, :]).any(axis=2)
    return np.asarray(1.0 - hidden.mean(axis=1))
