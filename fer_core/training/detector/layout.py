"""The positions and sizes of the faces of synthetic scenes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

MOST_FACES = 64
"""Of a scene."""

_SMALLEST_PX = 7.0

Places = NDArray[np.float64]
"""``(n, 3)``: x and y of the face's centre and the longer side of its box, in pixels."""


def layout(rng: np.random.Generator, width: int, height: int) -> Places:
    """The faces of one scene, in no order: nobody, a few, a portrait, a group or a crowd."""
    kinds: tuple[tuple[float, Callable[..., Places]], ...] = (
        (0.07, _nobody),
        (0.33, _few),
        (0.12, _portrait),
        (0.20, _group),
        (0.28, _crowd),
    )
    choice = rng.choice(len(kinds), p=[share for share, _ in kinds])
    places = kinds[choice][1](rng, width, height)
    x, y, size = places.T
    size = np.clip(size, _SMALLEST_PX, 1.3 * max(width, height))
    reach = 0.2 * size
    near = (x > -reach) & (x < width + reach) & (y > -reach) & (y < height + reach)
    kept: Places = np.column_stack([x, y, size])[near][:MOST_FACES]
    return kept


def _nobody(rng: np.random.Generator, width: int, height: int) -> Places:  # noqa: ARG001
    return np.zeros((0, 3))


def _few(rng: np.random.Generator, width: int, height: int) -> Places:
    """One to five faces, of any size or of about the same."""
    n = int(rng.integers(1, 6))
    size = _between(rng, 11.0, 0.75 * min(width, height), n)
    if rng.random() < 0.5:
        size = size[0] * np.exp(rng.normal(0.0, 0.25, n))
    xy = rng.uniform(0.02, 0.98, (n, 2)) * (width, height)
    return np.column_stack([xy, size])


def _portrait(rng: np.random.Generator, width: int, height: int) -> Places:
    """One large face, which may extend beyond the picture."""
    shorter = min(width, height)
    size = _between(rng, 0.35 * shorter, 1.25 * shorter, 1)
    xy = (0.5 + rng.normal(0.0, 0.14, (1, 2))) * (width, height)
    return np.column_stack([xy, size])


def _group(rng: np.random.Generator, width: int, height: int) -> Places:
    """One to three rows of faces of nearly the same size."""
    size = float(_between(rng, 18.0, 0.28 * min(width, height), 1)[0])
    gap = rng.uniform(0.95, 2.2) * size
    x = np.arange(gap * rng.uniform(0.2, 1.0), width, gap)[:14]
    top, rows = rng.uniform(0.15, 0.6) * height, int(rng.integers(1, 4))
    places = []
    for row in range(rows):
        across = x + rng.normal(0.0, 0.18 * size, len(x)) + (row % 2) * gap / 2.0
        down = top + row * rng.uniform(1.0, 1.7) * size + rng.normal(0.0, 0.12 * size, len(x))
        places.append(np.column_stack([across, down, size * np.exp(rng.normal(0.0, 0.1, len(x)))]))
    return np.concatenate(places)


def _crowd(rng: np.random.Generator, width: int, height: int) -> Places:
    """Eight to sixty faces in rows as in a hall; nearer ones may be larger."""
    n = int(rng.integers(8, 61))
    size = float(_between(rng, 9.5, 0.14 * min(width, height), 1)[0])
    step = size * rng.uniform(1.1, 2.6)
    top = rng.uniform(0.0, 0.5) * height
    growth = rng.uniform(0.0, 0.012) if rng.random() < 0.5 else 0.0  # a pixel further down
    places: list[tuple[float, float, float]] = []
    y = top
    while y < height and len(places) < 3 * n:
        nearer = 1.0 + growth * (y - top)
        x = np.arange(rng.uniform(0.0, 1.0) * step * nearer, width, step * nearer)
        places += [(each, y, nearer) for each in x]
        y += step * nearer * rng.uniform(0.7, 1.2)
    grid = np.array(places).reshape(-1, 3)
    grid = grid[rng.permutation(len(grid))[:n]]
    xy = grid[:, :2] + rng.normal(0.0, 0.22 * size, (len(grid), 2))
    return np.column_stack([xy, size * grid[:, 2] * np.exp(rng.normal(0.0, 0.18, len(grid)))])


def _between(rng: np.random.Generator, low: float, high: float, n: int) -> NDArray[np.float64]:
    """Sizes whose logarithm is uniform."""
    return np.asarray(np.exp(rng.uniform(np.log(low), np.log(max(high, 1.01 * low)), n)))
