"""Batches of faces from several sources, drawn and augmented on the device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fer_core.training.device import device
from fer_core.training.expression.augment import augment, frame, mix
from fer_core.training.expression.sources import Source

FIRST_SHARE = 0.56
"""What FER2013's tiles are of a batch; the folders of pictures share the rest evenly."""

_HINTS = "hints"


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The faces of one source in a batch: which ``rows`` they are, and what is learned of them."""

    rows: slice
    targets: dict[str, Tensor]
    log_prior: Tensor | None
    hints: Tensor | None = None
    hint_weight: float = 0.0


class Batches:
    """The sources on the device. An epoch goes once through the first of them."""

    def __init__(self, sources: Sequence[Source], size: int, side: int) -> None:
        self._sources = [_Loaded(source) for source in sources]
        others = len(sources) - 1
        self._others = max(1, round(size * (1.0 - FIRST_SHARE) / others)) if others else 0
        self._size = max(1, size - others * self._others)
        self._side = side
        n = len(sources[0].faces)
        # The rest of an epoch, too small for batch normalisation, is left out.
        self._starts = range(0, max(n - n % self._size, 1), self._size)

    def __len__(self) -> int:
        return len(self._starts)

    def epoch(
        self, generator: torch.Generator, strength: float, mixup_share: float = 0.0
    ) -> Iterator[tuple[Tensor, list[Part]]]:
        """Faces ``(n, 1, side, side)`` float32 in 0..255, and the parts they consist of.

        ``strength`` is that of ``augment``; with 0 faces are as they are. In ``mixup_share`` of the
        batches faces are blended, each with another of its source.
        """
        first, *others = self._sources
        order = torch.randperm(len(first), generator=generator, device=generator.device)
        for start in self._starts:
            chosen = [order[start : start + self._size]]
            chosen += [source.draw(self._others, generator) for source in others]
            mixed = mixup_share > 0.0 and float(_number(generator)) < mixup_share
            faces, parts, begin = [], [], 0
            for source, rows in zip(self._sources, chosen, strict=True):
                seen = source.seen(rows, self._side, generator, strength)
                learned = {name: values[rows] for name, values in source.learned.items()}
                if mixed:
                    seen, learned = mix(seen, learned, generator)
                hints = learned.pop(_HINTS, None)
                end = begin + len(rows)
                rows_here = slice(begin, end)
                parts.append(Part(rows_here, learned, source.log_prior, hints, source.hint_weight))
                faces.append(seen)
                begin = end
            yield torch.cat(faces).contiguous(memory_format=torch.channels_last), parts


class _Loaded:
    """A source on the device."""

    def __init__(self, source: Source) -> None:
        self._look = source.look
        self.hint_weight = source.hint_weight
        self._faces = torch.from_numpy(source.faces).to(device())
        self._drawn = None if source.drawn is None else torch.from_numpy(source.drawn).to(device())
        known = {**source.targets} | ({} if source.hints is None else {_HINTS: source.hints})
        self.learned = {name: torch.from_numpy(v).to(device()) for name, v in known.items()}
        prior = source.log_prior
        self.log_prior = None if prior is None else torch.from_numpy(prior).to(device())

    def __len__(self) -> int:
        return len(self._faces)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """``n`` rows with replacement, by their weights."""
        weights = torch.ones(len(self), device=device()) if self._drawn is None else self._drawn
        return torch.multinomial(weights, n, replacement=True, generator=generator)

    def seen(self, rows: Tensor, side: int, generator: torch.Generator, strength: float) -> Tensor:
        """The faces of these rows as the network sees them."""
        tiles = self._faces[rows]
        if strength == 0.0:
            return frame(tiles, side, self._look)
        return augment(tiles, side, self._look, generator, strength)


def _number(generator: torch.Generator) -> Tensor:
    return torch.rand((), generator=generator, device=generator.device)
