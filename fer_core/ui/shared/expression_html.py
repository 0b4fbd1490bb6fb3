"""Expressions as HTML: names in ink, with a swatch, a bar or a ribbon that has their colour.

Its look is in style.css. Texts are escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby

from fer_core.analysis.quality import IN_WORDS
from fer_core.history.ribbons import most_frequent
from fer_core.labels import color_of
from fer_core.schema import Face
from fer_core.schema.certainty import rival

_STRIPE_PX = 5


def paint(label: str, labels: Sequence[str], other: str | None = None) -> str:
    """A CSS background: the colour of an expression, or stripes of it and of ``other``."""
    color = color_of(label, labels).as_hex()
    if other is None:
        return color
    second = color_of(other, labels).as_hex()
    return (
        f"repeating-linear-gradient(135deg,{color} 0 {_STRIPE_PX}px,"
        f"{second} {_STRIPE_PX}px {2 * _STRIPE_PX}px)"
    )


def problems_in_words(face: Face) -> str:
    """Why a face cannot be read well, "" for one that can."""
    return "; ".join(IN_WORDS[problem] for problem in face.quality.problems) if face.quality else ""


def share_bars_html(labels: Sequence[str], shares: Sequence[float], shown: str) -> str:
    """A list: a line for each expression, with its name, a bar and its share (0..1) in percent.

    Where the reading ``shown`` is close to another, its bar has stripes of both colours.
    """
    other = rival(labels, shares, shown)
    lines = "".join(
        f'<li><span class="fer-name">{escape(label)}</span>'
        f'<span class="fer-track"><span class="fer-fill" style="width:{100 * share:.1f}%;'
        f'background:{paint(label, labels, other if label == shown else None)}"></span></span>'
        f'<span class="fer-share">{share:.0%}</span></li>'
        for label, share in zip(labels, shares, strict=True)
    )
    return f'<ul class="fer-bars">{lines}</ul>'


def reading_html(face: Face, who: str = "") -> str:
    """One line: a swatch, whose face it is, and what it shows, or between what it lies."""
    poor = problems_in_words(face)
    other = rival(face.labels, face.probabilities, face.dominant)
    swatch = "" if poor else f' style="background:{paint(face.dominant, face.labels, other)}"'
    shown = escape(face.dominant)
    words = (
        f"<strong>{shown}</strong> {face.confidence:.0%}"
        if other is None
        else f"between <strong>{shown}</strong> and <strong>{escape(other)}</strong>"
    )
    name = f'<span class="fer-who">{escape(who)}</span> ' if who else ""
    kind = "fer-reading fer-poor" if poor else "fer-reading"
    return f'<p class="{kind}"><span class="fer-swatch"{swatch}></span>{name}{words}</p>'


def face_html(face: Face, who: str = "") -> str:
    """A face: what it shows, a bar for each expression, why it cannot be read well, and facts."""
    poor = problems_in_words(face)
    problem = f'<p class="fer-problem">{escape(poor.capitalize())}</p>' if poor else ""
    facts = "".join(f"<li>{escape(fact)}</li>" for fact in _facts(face))
    below = f'<ul class="fer-facts">{facts}</ul>' if facts else ""
    return (
        f'<div class="fer-card">{reading_html(face, who)}{problem}'
        f"{share_bars_html(face.labels, face.probabilities, face.dominant)}"
        f"{below}</div>"
    )


def course_ribbon_html(parts: Sequence[Mapping[str, int]], labels: Sequence[str]) -> str:
    """A band over time. Each part has the colour of the expression that was dominant most often in
    it, and none where no face was seen."""
    winners = map(most_frequent, parts)
    return _ribbon_html(((label, len(list(run))) for label, run in groupby(winners)), labels)


def mix_ribbon_html(times: Mapping[str, int], labels: Sequence[str]) -> str:
    """A band of what has no course: each expression as wide as it was dominant often."""
    return _ribbon_html(((label, times[label]) for label in labels if times.get(label)), labels)


def _ribbon_html(pieces: Iterable[tuple[str | None, int]], labels: Sequence[str]) -> str:
    """Hidden from screen readers: whoever shows it says the same in words."""
    spans = "".join(
        f'<span style="flex:{width};background:{paint(label, labels) if label else "none"}"></span>'
        for label, width in pieces
    )
    return f'<div class="fer-ribbon" aria-hidden="true">{spans}</div>'


def _facts(face: Face) -> list[str]:
    """What the landmarks tell, and what is derived from the shares."""
    facts = []
    if face.pose:
        yaw, pitch, roll = face.pose.yaw_deg, face.pose.pitch_deg, face.pose.roll_deg
        facts.append(f"Head: yaw {yaw:+z.0f}°, pitch {pitch:+z.0f}°, roll {roll:+z.0f}°")
    if face.valence is not None:
        facts.append(f"Derived: valence {face.valence:+z.2f}, arousal {face.arousal:+z.2f}")
    return facts
