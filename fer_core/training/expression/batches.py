"""Draws and augments batches of faces from several sources on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fer_core.training.device import device
from fer_core.training.expression.augment import augment, frame, mix
from fer_core.training.expression.sources import Source

FIRST_SHARE = 0.56
"""The part of a batch that is FER2013's tiles; the folders of pictures share the rest evenly."""

_HINTS = "hints"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The faces of one source in a batch: their ``rows`` of the batch, and their targets."""

    rows: slice
    targets: dict[str, Tensor]
    log_prior: Tensor | None
    hints: Tensor | None = None
    hint_weight: float = 0.0


class Batches:
    """The sources on the device. An epoch is one pass through the first of them."""

    def __init__(self, sources: Sequence[Source], size: int, side: int) -> None:
        self._sources = [_Loaded(source) for source in sources]
        others = len(sources) - 1
        self._others = max(1, round(size * (1.0 - FIRST_SHARE) / others)) if others else 0
        self._size = max(1, size - others * self._others)
        self._side = side
        n = len(sources[0].faces)
        # The last incomplete batch, which may be too small for batch normalisation, is left out.
        self._starts = range(0, max(n - n % self._size, 1), self._size)

    def __len__(self) -> int:
        return len(self._starts)

    def epoch(
        self, generator: torch.Generator, strength: float, mixup_share: float = 0.0
    ) -> Iterator[tuple[Tensor, list[Part]]]:
        """Yields batches ``(n, 1, side, side)`` float32 in 0..255, and the parts of each.

        ``strength`` is that of ``augment``; with 0, faces are unchanged. In ``mixup_share`` of the
        batches, each face is blended with another one of its source.
        """
        first, *others = self._sources
        order = torch.randperm(len(first), generator=generator, device=generator.device)
        for start in self._starts:
            chosen = [order[start : start + self._size]]
            chosen += [source.draw(self._others, generator) for source in others]
            mixed = mixup_share > 0.0 and float(_number(generator)) < mixup_share
            faces, parts, begin = [], [], 0
            for source, rows in zip(self._sources, chosen, strict=True):
                pixels = source.augmented(rows, self._side, generator, strength)
                targets = {name: values[rows] for name, values in source.targets.items()}
                if mixed:
                    pixels, targets = mix(pixels, targets, generator)
                hints = targets.pop(_HINTS, None)
                end = begin + len(rows)
                rows_here = slice(begin, end)
                parts.append(Part(rows_here, targets, source.log_prior, hints, source.hint_weight))
                faces.append(pixels)
                begin = end
            yield torch.cat(faces).contiguous(memory_format=torch.channels_last), parts


class _Loaded:
    """A source on the device."""

    def __init__(self, source: Source) -> None:
        self._augmentation = source.augmentation
        self.hint_weight = source.hint_weight
        self._faces = torch.from_numpy(source.faces).to(device())
        weights = source.draw_weights
        if weights is None:
            weights = np.ones(len(source.faces), np.float32)
        self._draw_weights = torch.from_numpy(weights).to(device())
        targets = source.targets | ({} if source.hints is None else {_HINTS: source.hints})
        self.targets = {name: torch.from_numpy(v).to(device()) for name, v in targets.items()}
        prior = source.log_prior
        self.log_prior = None if prior is None else torch.from_numpy(prior).to(device())

    def __len__(self) -> int:
        return len(self._faces)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` random rows with replacement, by their weights."""
        return torch.multinomial(self._draw_weights, n, replacement=True, generator=generator)

    def augmented(
        self, rows: Tensor, side: int, generator: torch.Generator, strength: float
    ) -> Tensor:
        """The faces of these rows for the network; unchanged if ``strength`` is 0."""
        tiles = self._faces[rows]
        if strength == 0.0:
            return frame(tiles, side, self._augmentation)
        return augment(tiles, side, self._augmentation, generator, strength)


def _number(generator: torch.Generator) -> Tensor:
    return torch.rand((), generator=generator, device=generator.device)
