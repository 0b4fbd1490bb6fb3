"""Valence and arousal, derived from the shares of the expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fer_core.labels import Emotion


@dataclass(frozen=True, slots=True)
class Affect:
    """A point on the circumplex: how pleasant and how activated an expression looks, -1..1."""

    valence: float
    arousal: float


COORDINATES: dict[str, Affect] = {
    Emotion.ANGRY: Affect(-0.51, 0.59),
    Emotion.DISGUST: Affect(-0.60, 0.35),
    Emotion.FEAR: Affect(-0.64, 0.60),
    Emotion.HAPPY: Affect(0.81, 0.51),
    Emotion.SAD: Affect(-0.63, -0.27),
    Emotion.SURPRISE: Affect(0.40, 0.67),
    Emotion.NEUTRAL: Affect(0.0, 0.0),
}
"""Mean ratings of pleasure and arousal for the words angry, disgusted, fearful, happy, sad and
surprised from Russell and Mehrabian, "Evidence for a three-factor theory of emotions", Journal of
Research in Personality 11, 1977, 273-294 (table of 151 terms, scaled to -1..1). Neutral was not
rated; it is the centre of the circumplex (Russell, "A circumplex model of affect", 1980)."""


def derive_affect(labels: Sequence[str], shares: Sequence[float]) -> Affect | None:
    """The mean of the labels' coordinates, weighted by their shares (which sum to 1).

    It adds no information to the shares; no network measured it. None if a label has no
    coordinates.
    """
    if not all(label in COORDINATES for label in labels):
        return None
    points = [COORDINATES[label] for label in labels]
    return Affect(
        valence=sum(share * at.valence for at, share in zip(points, shares, strict=True)),
        arousal=sum(share * at.arousal for at, share in zip(points, shares, strict=True)),
    )
