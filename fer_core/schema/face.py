"""A face in a picture: where it is, its expression, and what else was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from fer_core.labels import EMOTIONS
from fer_core.schema.action_units import ACTION_UNITS, MOVEMENTS
from fer_core.schema.affect import derive_affect
from fer_core.schema.asymmetry import overall_asymmetry
from fer_core.schema.box import Box
from fer_core.schema.quality import FaceQuality

Point = tuple[float, float]
"""``(x, y)`` in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Detection:
    """A detected face that is not yet classified.

    ``score`` is the detector's confidence, 0..1. ``landmarks`` are points in pixels: iBUG's 68 if a
    landmark network was used; otherwise those of the detector, which are five for YuNet (right eye,
    left eye, nose tip, right and left mouth corner, as the person's own right and left) and none
    for Haar.
    """

    box: Box
    score: float
    landmarks: tuple[Point, ...] = ()

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"a score is 0..1, not {self.score}")


@dataclass(frozen=True, slots=True)
class HeadPose:
    """The orientation of a head in degrees; all 0 if the face looks straight into the camera.

    ``yaw_deg`` > 0: turned to the right of the picture (the person's own left). ``pitch_deg`` > 0:
    raised. ``roll_deg`` > 0: tilted clockwise in the picture.
    """

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the eyes look, in degrees; signs as in ``HeadPose``.

    ``yaw_deg`` and ``pitch_deg`` are those of the eyes in the head, 0 straight ahead of the face;
    ``room_yaw_deg`` and ``room_pitch_deg`` include the head's: 0 for eyes that look into the
    camera.
    """

    yaw_deg: float
    pitch_deg: float
    room_yaw_deg: float
    room_pitch_deg: float


@dataclass(frozen=True, slots=True)
class Face(Detection):
    """A face and its expression. Measures that are None were not or cannot be measured.

    ``probabilities`` has one share per label, each 0..1, summing to 1 (within 1e-3). ``labels`` are
    the expressions that the network knows; they differ from ``EMOTIONS`` only in an adapted
    network.

    From the landmarks: ``presence``, the probability 0..1 that this is a face; the ``pose`` of the
    head; ``eye_aspect_ratio`` and ``mouth_aspect_ratio``, the height of eyes and mouth over their
    width.

    From a network that measures them: ``coefficients``, how much each of ``MOVEMENTS`` shows, 0..1
    (``movements`` by name); ``action_units`` derived from them, 0..1 (``AU12``, and ``AU12_left``
    where a side can act alone; see ``action_units``); ``gaze``, where the eyes look.

    ``quality``: how well the face can be read; in a stream, when it was last classified.

    In a stream only: ``track_id`` identifies the face; ``probabilities`` and ``coefficients`` are
    smoothed over time; ``raw_probabilities`` are the last ones before smoothing, from this frame
    or, above 22 frames a second, from one shortly before; ``raw_coefficients`` are this frame's;
    ``steady_label`` is the dominant expression without flicker; ``blinks_per_minute`` counts the
    last minute; ``attentive`` is whether the face is turned to the camera with
    its eyes open.
    """

    probabilities: tuple[float, ...] = ()
    track_id: int | None = None
    labels: tuple[str, ...] = EMOTIONS
    presence: float | None = None
    pose: HeadPose | None = None
    eye_aspect_ratio: float | None = None
    mouth_aspect_ratio: float | None = None
    coefficients: tuple[float, ...] = ()
    raw_coefficients: tuple[float, ...] = ()
    action_units: Mapping[str, float] = field(default_factory=dict, hash=False)
    gaze: Gaze | None = None
    raw_probabilities: tuple[float, ...] | None = None
    steady_label: str | None = None
    blinks_per_minute: float | None = None
    attentive: bool | None = None
    quality: FaceQuality | None = None

    def __post_init__(self) -> None:
        Detection.__post_init__(self)
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise ValueError(f"a face needs two or more labels, all different, not {self.labels}")
        self._check(self.probabilities)
        if self.raw_probabilities is not None:
            self._check(self.raw_probabilities)
        if self.steady_label is not None and self.steady_label not in self.labels:
            raise ValueError(f"{self.steady_label} is none of {', '.join(self.labels)}")
        for values in (self.coefficients, self.raw_coefficients):
            if len(values) not in (0, len(MOVEMENTS)):
                raise ValueError(f"a face has {len(MOVEMENTS)} movements, not {len(values)}")
            if not all(0.0 <= value <= 1.0 for value in values):
                raise ValueError(f"movements are 0..1, not {values}")

    @property
    def emotions(self) -> dict[str, float]:
        """The share of each expression, in the order of ``labels``."""
        return dict(zip(self.labels, self.probabilities, strict=True))

    @property
    def dominant(self) -> str:
        """The steady label if there is one, else the (first) expression with the largest share."""
        if self.steady_label is not None:
            return self.steady_label
        return self.labels[self.probabilities.index(max(self.probabilities))]

    @property
    def confidence(self) -> float:
        """The share of the dominant expression, 0..1."""
        return self.probabilities[self.labels.index(self.dominant)]

    @property
    def valence(self) -> float | None:
        """How pleasant the expression looks, -1..1, derived from the shares; see ``affect``."""
        affect = derive_affect(self.labels, self.probabilities)
        return None if affect is None else affect.valence

    @property
    def arousal(self) -> float | None:
        """How activated the expression looks, -1..1, derived from the shares; see ``affect``."""
        affect = derive_affect(self.labels, self.probabilities)
        return None if affect is None else affect.arousal

    @property
    def asymmetry(self) -> float | None:
        """How unequally both sides move, 0..1, derived from the action units; see ``asymmetry``."""
        return overall_asymmetry(self.action_units)

    @property
    def movements(self) -> dict[str, float]:
        """How much each of ``MOVEMENTS`` shows, 0..1; empty if it was not measured."""
        return dict(zip(MOVEMENTS, self.coefficients, strict=bool(self.coefficients)))

    @property
    def measures(self) -> dict[str, float | None]:
        """The values of the columns in ``MEASURES``, by name."""
        found: dict[str, float | None] = {name: getattr(self, name, None) for name in MEASURES}
        for part, prefix in ((self.pose, ""), (self.gaze, "gaze_")):
            if part is not None:
                found |= {prefix + name: value for name, value in asdict(part).items()}
        return found | {unit: self.action_units.get(unit) for unit in ACTION_UNIT_COLUMNS}

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
        if self.raw_probabilities is not None:
            out["raw_emotions"] = dict(zip(out["emotions"], self.raw_probabilities, strict=True))
        if self.pose is not None:
            out["pose"] = asdict(self.pose)
        if self.coefficients:
            out["movements"] = self.movements
        if self.action_units:
            out["action_units"] = dict(self.action_units)
        if self.raw_coefficients:
            out["raw_movements"] = dict(zip(MOVEMENTS, self.raw_coefficients, strict=True))
        if self.gaze is not None:
            out["gaze"] = asdict(self.gaze)
        if self.quality is not None:
            out["quality"] = self.quality.to_dict()
        plain = {name: getattr(self, name) for name in (*_PLAIN, *_DERIVED)}
        return out | {name: value for name, value in plain.items() if value is not None}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote.

        Raises ``KeyError``, ``TypeError`` or ``ValueError`` for anything else.
        """
        emotions = data["emotions"]
        labels = EMOTIONS if set(emotions) == set(EMOTIONS) else tuple(emotions)
        raw, pose = data.get("raw_emotions"), data.get("pose")
        quality, gaze = data.get("quality"), data.get("gaze")
        return cls(
            box=Box(*data["box"]),
            score=data["score"],
            landmarks=_points(data.get("landmarks", ())),
            probabilities=tuple(emotions[label] for label in labels),
            labels=labels,
            raw_probabilities=None if raw is None else tuple(raw[label] for label in labels),
            pose=None if pose is None else HeadPose(**pose),
            quality=None if quality is None else FaceQuality.from_dict(quality),
            coefficients=_coefficients(data.get("movements")),
            raw_coefficients=_coefficients(data.get("raw_movements")),
            action_units=dict(data.get("action_units", {})),
            gaze=None if gaze is None else Gaze(**gaze),
            **{name: data.get(name) for name in _PLAIN},
        )

    def _check(self, shares: tuple[float, ...]) -> None:
        if len(shares) != len(self.labels):
            raise ValueError(f"a face needs {len(self.labels)} probabilities, not {len(shares)}")
        # Negated, because every comparison with NaN is false.
        if not (min(shares) >= 0.0 and abs(sum(shares) - 1.0) <= 1e-3):
            raise ValueError(f"probabilities are 0..1 and sum to 1, not {shares}")


_PLAIN = (
    "track_id",
    "presence",
    "eye_aspect_ratio",
    "mouth_aspect_ratio",
    "steady_label",
    "blinks_per_minute",
    "attentive",
)
"""The fields of ``Face`` that are written to JSON unchanged, unless they are None."""

_DERIVED = ("valence", "arousal", "asymmetry")
"""The properties of ``Face`` that are written to JSON beside them."""

ACTION_UNIT_COLUMNS = tuple(unit.column for unit in ACTION_UNITS)
"""Both sides of the face together; named as Py-Feat's, whose values are 0..1 as well."""

MEASURES = (
    "valence",
    "arousal",
    "presence",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "eye_aspect_ratio",
    "mouth_aspect_ratio",
    "gaze_yaw_deg",
    "gaze_pitch_deg",
    "gaze_room_yaw_deg",
    "gaze_room_pitch_deg",
    *ACTION_UNIT_COLUMNS,
)
"""The columns of every table of faces in addition to the shares; units and ranges as in ``Face``.
"""


def _coefficients(movements: Mapping[str, float] | None) -> tuple[float, ...]:
    return () if movements is None else tuple(movements[name] for name in MOVEMENTS)


def _points(rows: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    return tuple((float(x), float(y)) for x, y in rows)
