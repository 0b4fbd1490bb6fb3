"""An upright rectangle in a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in whole pixels: left, top, width, height (both at least 1)."""

    x: int
    y: int
    w: int
    h: int

    def __post_init__(self) -> None:
        if self.w < 1 or self.h < 1:
            raise ValueError(
                f"a box needs a width and a height of at least 1, not {self.w}x{self.h}"
            )

    @classmethod
    def clipped(
        cls, x: float, y: float, w: float, h: float, width: int, height: int
    ) -> Self | None:
        """The part of a rectangle inside a ``width`` x ``height`` picture, or None."""
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = min(width, round(x + w)), min(height, round(y + h))
        if right <= left or bottom <= top:
            return None
        return cls(left, top, right - left, bottom - top)

    def inside(self, width: int, height: int) -> Self | None:
        """The part of the box inside a ``width`` x ``height`` picture, or None."""
        return self.clipped(self.x, self.y, self.w, self.h, width, height)

    def scaled(self, factor: float) -> Self:
        """A box with the same centre and ``factor`` times the sides, in whole pixels."""
        w, h = max(1, round(self.w * factor)), max(1, round(self.h * factor))
        return type(self)(self.x + round((self.w - w) / 2), self.y + round((self.h - h) / 2), w, h)

    @property
    def area(self) -> int:
        """Square pixels."""
        return self.w * self.h

    def iou(self, other: Box) -> float:
        """Intersection over union with ``other``, 0..1 (Jaccard, 1901)."""
        shared = self._shared(other)
        return shared / (self.area + other.area - shared)

    def overlap(self, other: Box) -> float:
        """The part of the smaller box that lies in the other, 0..1."""
        return self._shared(other) / min(self.area, other.area)

    def to_list(self) -> list[int]:
        """``[x, y, w, h]``."""
        return [self.x, self.y, self.w, self.h]

    def _shared(self, other: Box) -> int:
        """The intersection in square pixels."""
        across = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        down = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(0, across) * max(0, down)
