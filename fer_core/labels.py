"""The seven expressions: their names, order and colours.

The order is DeepFace's. Column ``i`` of every ``(n, 7)`` probability array in this project is
``EMOTIONS[i]``, whichever network made it. Only a network that was adapted to a user's own classes
has other labels, which are stored in its file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Emotion(StrEnum):
    """An expression a network can report; a member is its own label, ``HAPPY == "happy"``."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    SAD = "sad"
    SURPRISE = "surprise"
    NEUTRAL = "neutral"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)
"""The columns of the probability arrays, in order."""


@dataclass(frozen=True, slots=True)
class Color:
    """An sRGB colour, each channel 0-255."""

    r: int
    g: int
    b: int

    @classmethod
    def from_hex(cls, text: str) -> Color:
        """``"#EE6677"`` -> ``Color(238, 102, 119)``."""
        return cls(*bytes.fromhex(text.removeprefix("#")))

    def as_hex(self) -> str:
        """``"#EE6677"``, for Plotly and CSS."""
        return f"#{self.r:02X}{self.g:02X}{self.b:02X}"

    def as_bgr(self) -> tuple[int, int, int]:
        """``(119, 102, 238)``, for OpenCV."""
        return (self.b, self.g, self.r)


# Tol's "bright" scheme (Paul Tol, Colour Schemes, SRON/EPS/TN/09-002, 2021): the seven remain
# distinct in normal, deutan, protan and tritan vision. A label always accompanies the colour.
COLORS: dict[Emotion, Color] = {
    Emotion.ANGRY: Color.from_hex("#EE6677"),
    Emotion.DISGUST: Color.from_hex("#228833"),
    Emotion.FEAR: Color.from_hex("#AA3377"),
    Emotion.HAPPY: Color.from_hex("#CCBB44"),
    Emotion.SAD: Color.from_hex("#4477AA"),
    Emotion.SURPRISE: Color.from_hex("#66CCEE"),
    Emotion.NEUTRAL: Color.from_hex("#BBBBBB"),
}


def color_of(label: str, labels: Sequence[str]) -> Color:
    """The colour of one of the ``labels`` that a network knows.

    An expression always has its own colour. A user's own class has a colour that no expression in
    ``labels`` has, chosen by its position among the own classes; the colours repeat when they are
    used up.
    """
    if label in COLORS:
        return COLORS[Emotion(label)]
    free = [color for emotion, color in COLORS.items() if emotion not in labels]
    own = [each for each in labels if each not in COLORS]
    palette = free or list(COLORS.values())
    return palette[own.index(label) % len(palette)]
