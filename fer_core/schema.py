"""What comes out of a picture: ``FrameResult`` and its parts.

Small frozen dataclasses, validated once when they are made. Everything that draws, charts, stores
or exports reads these and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from fer_core.labels import EMOTIONS

Point = tuple[float, float]
"""``(x, y)`` in pixels of the picture."""


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
        """The part of a rectangle that lies in a ``width`` x ``height`` picture, or None."""
        left, top = max(0, round(x)), max(0, round(y))
        right, bottom = min(width, round(x + w)), min(height, round(y + h))
        if right <= left or bottom <= top:
            return None
        return cls(left, top, right - left, bottom - top)

    @property
    def area(self) -> int:
        """Square pixels."""
        return self.w * self.h

    def iou(self, other: Box) -> float:
        """Intersection over union with ``other``, 0..1 (Jaccard, 1901)."""
        across = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        down = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        overlap = max(0, across) * max(0, down)
        return overlap / (self.area + other.area - overlap)

    def to_list(self) -> list[int]:
        """``[x, y, w, h]``."""
        return [self.x, self.y, self.w, self.h]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face that a detector found, not yet classified.

    ``score`` is the detector's confidence, 0..1. ``landmarks`` are the points the detector gives,
    in pixels: five for YuNet (right eye, left eye, nose tip, right and left mouth corner, as the
    person's own right and left), none for Haar.
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score lies in 0..1, not {self.score}")


@dataclass(frozen=True, slots=True)
class Face(Detection):
    """A face and its expression.

    ``probabilities`` has one share per label, each 0..1, summing to 1 (within 1e-3); ``labels``
    are the expressions the network knows, others than ``EMOTIONS`` only if it was adapted to them.
    ``track_id`` tells faces of a stream apart; it is None in a single picture.
    """

    probabilities: tuple[float, ...] = ()
    track_id: int | None = None
    labels: tuple[str, ...] = EMOTIONS

    def __post_init__(self) -> None:
        Detection.__post_init__(self)
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"a face needs two or more labels that differ, not {self.labels}")
        if len(self.probabilities) != len(self.labels):
            raise ValueError(
                f"a face needs {len(self.labels)} probabilities, not {len(self.probabilities)}"
            )
        # Asked this way round because every comparison with NaN is false.
        if not (min(self.probabilities) >= 0.0 and abs(sum(self.probabilities) - 1.0) <= 1e-3):
            raise ValueError(f"probabilities are 0..1 and sum to 1, not {self.probabilities}")

    @property
    def emotions(self) -> dict[str, float]:
        """The share of each expression, in the order of ``labels``."""
        return dict(zip(self.labels, self.probabilities, strict=True))

    @property
    def dominant(self) -> str:
        """The expression with the largest share (the first of equals)."""
        return self.labels[self.probabilities.index(max(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The share of the dominant expression, 0..1."""
        return max(self.probabilities)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``from_dict`` reads it back."""
        out: dict[str, Any] = {
            "box": self.box.to_list(),
            "score": self.score,
            "dominant": str(self.dominant),
            "emotions": {str(emotion): share for emotion, share in self.emotions.items()},
        }
        if self.landmarks:
            out["landmarks"] = [list(point) for point in self.landmarks]
        if self.track_id is not None:
            out["track_id"] = self.track_id
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else.
        """
        emotions = data["emotions"]
        labels = EMOTIONS if set(emotions) == set(EMOTIONS) else tuple(emotions)
        return cls(
            box=Box(*data["box"]),
            score=data["score"],
            landmarks=_points(data.get("landmarks", ())),
            probabilities=tuple(emotions[label] for label in labels),
            track_id=data.get("track_id"),
            labels=labels,
        )


@dataclass(frozen=True, slots=True)
class FrameResult:
    """One picture, or one frame of a stream, and the faces in it (largest first).

    ``width`` and ``height`` are the picture's, in pixels; ``model`` and ``detector`` name the
    engines that made it; ``t_s`` is the frame's own time in seconds since its stream began (0 for
    a picture); ``latency_ms`` is what the analysis took.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    model: str
    detector: str
    t_s: float = 0.0
    latency_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture has at least one pixel, not {self.width}x{self.height}")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``from_dict`` reads it back."""
        return {
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "detector": self.detector,
            "t_s": self.t_s,
            "latency_ms": self.latency_ms,
            "faces": [face.to_dict() for face in self.faces],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else.
        """
        return cls(
            width=data["width"],
            height=data["height"],
            model=data["model"],
            detector=data["detector"],
            t_s=data["t_s"],
            latency_ms=data["latency_ms"],
            faces=tuple(Face.from_dict(face) for face in data["faces"]),
        )


def _points(rows: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in rows)
