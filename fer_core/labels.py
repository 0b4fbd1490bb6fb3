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

    def luminance(self) -> float:
        """The relative luminance of WCAG 2.2: 0 for black, 1 for white."""
        red, green, blue = (_linear(channel / 255) for channel in (self.r, self.g, self.b))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    def contrast(self, other: Color) -> float:
        """The contrast ratio of WCAG 2.2, 1..21."""
        darker, lighter = sorted((self.luminance(), other.luminance()))
        return (lighter + 0.05) / (darker + 0.05)

    def ink(self) -> Color:
        """For a text on this colour: near-black or white, whichever is easier to read."""
        return max(_INKS, key=self.contrast)


def _linear(channel: float) -> float:
    """Undo the gamma of sRGB, 0..1."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


_INKS = (Color(20, 20, 20), Color(255, 255, 255))

# The hues of Tol's "bright" scheme (Paul Tol, Colour Schemes, SRON/EPS/TN/09-002, 2021), in
# lightnesses that have a contrast of 3:1 with the pages, light and dark. The seven remain distinct
# in normal, deutan, protan and tritan vision. A label always accompanies the colour.
COLORS: dict[Emotion, Color] = {
    Emotion.ANGRY: Color.from_hex("#DF5669"),
    Emotion.DISGUST: Color.from_hex("#187D2B"),
    Emotion.FEAR: Color.from_hex("#B53F82"),
    Emotion.HAPPY: Color.from_hex("#A78700"),
    Emotion.SAD: Color.from_hex("#3A76B8"),
    Emotion.SURPRISE: Color.from_hex("#1D99BA"),
    Emotion.NEUTRAL: Color.from_hex("#8D8D8D"),
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
