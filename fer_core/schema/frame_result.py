"""One picture, or one frame of a stream, with the faces in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from fer_core.labels import EMOTIONS
from fer_core.schema.face import Face


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The analysis of one picture, or of one frame of a stream: its faces, the largest first.

    ``width`` and ``height`` are the size of the picture in pixels. ``model`` and ``detector`` are
    the names of the emotion model and the detector that were used. ``t_s`` is the frame's time in
    seconds since the start of its stream (0 for a picture). ``latency_ms`` is the duration of the
    analysis. ``labels`` are the expressions that the emotion model knows, which are those of every
    face. ``turned_deg`` is the clockwise turn that makes the picture's faces upright: 0, 90, 180 or
    270; boxes, points and poses are those in the picture before the turn.
    """

    width: int
    height: int
    faces: tuple[Face, ...]
    model: str
    detector: str
    t_s: float = 0.0
    latency_ms: float = 0.0
    labels: tuple[str, ...] = EMOTIONS
    turned_deg: int = 0

    def __post_init__(self) -> None:
        if self.turned_deg not in (0, 90, 180, 270):
            raise ValueError(f"a picture is turned by 0, 90, 180 or 270°, not {self.turned_deg}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture needs at least one pixel, not {self.width}x{self.height}")
        if any(face.labels != self.labels for face in self.faces):
            raise ValueError(f"the labels of each face must be {', '.join(self.labels)}")

    def numbered(self) -> Self:
        """The same result with the faces' ``track_id`` counted from 1, for photos.

        To be called before ``readable``: a face that stays keeps the number by which it is known.
        """
        faces = (replace(face, track_id=i) for i, face in enumerate(self.faces, start=1))
        return replace(self, faces=tuple(faces))

    def readable(self) -> Self:
        """The same result without the faces that cannot be read well; unmeasured faces stay."""
        faces = (f for f in self.faces if f.quality is None or not f.quality.problems)
        return replace(self, faces=tuple(faces))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``from_dict`` reads it back. It takes ``labels`` from the faces."""
        return {
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "detector": self.detector,
            "t_s": self.t_s,
            "latency_ms": self.latency_ms,
            **({"turned_deg": self.turned_deg} if self.turned_deg else {}),
            "faces": [face.to_dict() for face in self.faces],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else.
        """
        faces = tuple(Face.from_dict(face) for face in data["faces"])
        return cls(
            width=data["width"],
            height=data["height"],
            model=data["model"],
            detector=data["detector"],
            t_s=data["t_s"],
            latency_ms=data["latency_ms"],
            faces=faces,
            labels=faces[0].labels if faces else EMOTIONS,
            turned_deg=data.get("turned_deg", 0),
        )
