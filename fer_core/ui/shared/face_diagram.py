"""A drawn face whose regions light up as its action units show, and the strongest of them in words.

The face is as in the picture: the person's own left is on its right. It is drawn once, and an
update is numbers alone, which the browser puts into it (face_diagram.js): here and in the cards of
the live page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypedDict

import pandas as pd
import streamlit as st

from fer_core.schema import Face, FrameResult, Gaze
from fer_core.schema.action_units import Shown, strongest
from fer_core.schema.face import ACTION_UNIT_COLUMNS

NOTHING = "No movement stands out"

AHEAD_DEG = 5.0
"""Eyes turned by less look straight ahead."""

_FARTHEST_DEG, _FARTHEST = 30.0, (8.0, 3.0)
"""Eyes turned so far have their irises so far from the middle, across and up, in the drawing."""

_HERE = Path(__file__).parent


class Region(NamedTuple):
    """A part of the drawn face and the action units that light it, of which the strongest counts.

    With ``both``, the ``path`` is the half on the left of the picture, and the other half is its
    mirror image; each is lit by the unit's own side where that is known.
    """

    units: tuple[str, ...]
    path: str
    both: bool = True


# Roughly where the muscle of each unit lies, in a field of 200 x 240.
REGIONS = (
    Region(("AU01",), "M97 36Q86 29 75 32Q71 46 72 59Q86 57 97 66Z"),
    Region(("AU02",), "M70 33Q54 37 45 49Q40 57 40 65Q54 58 67 59Q66 46 70 33Z"),
    Region(("AU04",), "M42 73Q58 62 78 66Q90 69 97 78Q95 84 91 85Q82 76 70 73Q56 70 42 73Z"),
    Region(("AU05",), "M48 97Q68 66 88 97Q68 80 48 97Z"),
    Region(("AU07",), "M48 101Q68 128 88 101Q68 116 48 101Z"),
    Region(("AU45",), "M50 99Q68 81 86 99Q68 115 50 99Z"),
    Region(("AU10",), "M90 122Q80 134 79 152Q79 160 84 163Q90 162 94 159Q86 150 90 122Z"),
    Region(("AU12",), "M41 120Q54 116 66 124Q73 142 74 162Q70 168 65 166Q52 150 41 120Z"),
    Region(("AU14",), "M58 174A6 6 0 1 0 70 174A6 6 0 1 0 58 174Z"),
    Region(("AU20",), "M55 165Q46 160 38 152Q38 172 46 184Q52 184 55 183Q51 174 55 165Z"),
    Region(("AU15",), "M68 183Q62 190 59 201Q66 208 73 211Q80 200 81 190Q74 187 68 183Z"),
    Region(
        ("AU18", "AU22", "AU24", "AU28"),
        "M100 167Q97 165 94 165Q86 166 74 174Q86 189 100 189",
    ),
    Region(("AU17",), "M84 205A16 9 0 1 0 116 205A16 9 0 1 0 84 205Z", both=False),
    Region(
        ("AU26",),
        "M52 205Q74 232 100 232Q126 232 148 205Q142 216 130 225Q116 236 100 236Q84 236 70 225"
        "Q58 216 52 205Z",
        both=False,
    ),
)


class UnitWords(TypedDict):
    """A line of the list: ``AU12 lip corner puller``, ``64%``, and what is said of its sides."""

    name: str
    share: str
    note: str


class Diagram(TypedDict):
    """What the browser puts into the drawing.

    ``lit``: how much each of its parts shows, 0..1, in the order of ``face_svg``. ``irises``: how
    far they are from the middle of the eyes, right and down; None where the gaze is not known.
    ``label`` says all of it in words.
    """

    title: str
    lit: list[float]
    irises: tuple[float, float] | None
    units: list[UnitWords]
    gaze: str
    label: str


def face_diagram(diagrams: Sequence[Diagram], note: str, key: str) -> None:
    """Show a drawing for each face, and below them a ``note`` in small print."""
    _component(key=key, data={"faces": list(diagrams), "note": note})


def diagram_of_face(face: Face, title: str = "") -> Diagram | None:
    """The diagram of a face; None if its movements were not measured."""
    return diagram(face.action_units, face.gaze, title) if face.action_units else None


def diagram_of_row(row: pd.Series, title: str = "") -> Diagram | None:
    """The diagram of a row of ``timeline.columns``; None if its movements were not measured.

    A table has no sides: both halves of the face are lit alike.
    """
    known = row[list(ACTION_UNIT_COLUMNS)].dropna()
    if known.empty:
        return None
    angles = [f"gaze_{name}" for name in Gaze.__dataclass_fields__]
    gaze = None if row[angles].isna().any() else Gaze(*map(float, row[angles]))
    return diagram({str(name): float(value) for name, value in known.items()}, gaze, title)


def diagram_now(latest: FrameResult | None, row: pd.Series) -> Diagram | None:
    """The diagram of the face of a row as the ``latest`` frame has it, which knows both sides; of
    the row itself where it is not in that frame."""
    faces = latest.faces if latest else ()
    face = next((face for face in faces if face.track_id == row["track_id"]), None)
    return diagram_of_row(row) if face is None else diagram_of_face(face)


def diagram(action_units: Mapping[str, float], gaze: Gaze | None, title: str = "") -> Diagram:
    """The diagram of ``Face.action_units`` and ``Face.gaze``."""
    units = [_in_words(shown) for shown in strongest(action_units)]
    units = units or [UnitWords(name=NOTHING, share="", note="")]
    eyes = "" if gaze is None else _gaze_in_words(gaze)
    said = [" ".join(filter(None, (unit["name"], unit["share"], unit["note"]))) for unit in units]
    return Diagram(
        title=title,
        lit=[round(value, 3) for value in _lit(action_units)],
        irises=None if gaze is None else _irises(gaze),
        units=units,
        gaze=eyes,
        label=f"{title or 'Movements of the face'}: {'; '.join([*said, *filter(None, [eyes])])}",
    )


def face_svg() -> str:
    """The drawn face at rest; each part that can light up has the class ``fer-region``."""
    half = "".join(f'<path class="fer-region" d="{each.path}"/>' for each in REGIONS if each.both)
    middle = "".join(
        f'<path class="fer-region" d="{each.path}"/>' for each in REGIONS if not each.both
    )
    halves = "".join(
        f"<g{turn}>{_EYE}{half}{_LINES}</g>" for turn in ("", ' transform="matrix(-1 0 0 1 200 0)"')
    )
    return (
        '<svg class="fer-drawn" viewBox="20 4 160 236" role="img">'
        f'<path class="fer-skin" d="{_OUTLINE}"/>{halves}{middle}'
        f'<path class="fer-line" d="{_NOSE}"/><path class="fer-line" d="{_MOUTH}"/></svg>'
    )


_OUTLINE = (
    "M100 8C146 8 172 46 171 100C170 146 160 186 136 212C124 224 113 229 100 229"
    "C87 229 76 224 64 212C40 186 30 146 29 100C28 46 54 8 100 8Z"
)
_EYE = (
    '<path class="fer-white" d="M50 99Q68 81 86 99Q68 115 50 99Z"/>'
    '<circle class="fer-iris" cx="68" cy="98" r="5.5"/>'
)
_LINES = (
    '<path class="fer-line" d="M50 99Q68 81 86 99Q68 115 50 99Z"/>'
    '<path class="fer-brow" d="M43 74Q60 63 90 74"/>'
)
_NOSE = "M90 144Q86 151 92 152Q96 151 100 155Q104 151 108 152Q114 151 110 144"
_MOUTH = "M74 174Q88 177 100 177Q112 177 126 174"


def _lit(action_units: Mapping[str, float]) -> list[float]:
    """Half on the left of the picture, which is the person's right; the other half; the middle."""
    halves = [_value(each, action_units, side) for side in ("right", "left") for each in _HALF]
    return [*halves, *(_value(each, action_units, "") for each in REGIONS if not each.both)]


_HALF = tuple(each for each in REGIONS if each.both)


def _value(region: Region, action_units: Mapping[str, float], side: str) -> float:
    return max(
        action_units.get(f"{unit}_{side}", action_units.get(unit, 0.0)) for unit in region.units
    )


def _irises(gaze: Gaze) -> tuple[float, float]:
    across, up = (
        reach * max(-1.0, min(1.0, angle / _FARTHEST_DEG))
        for angle, reach in zip((gaze.yaw_deg, gaze.pitch_deg), _FARTHEST, strict=True)
    )
    return round(across, 1), round(-up, 1)


def _gaze_in_words(gaze: Gaze) -> str:
    """``Eyes 12° to its left, 6° up``: turned in the head, and the person's own left."""
    turns = (
        (gaze.yaw_deg, "to its left" if gaze.yaw_deg > 0 else "to its right"),
        (gaze.pitch_deg, "up" if gaze.pitch_deg > 0 else "down"),
    )
    parts = [f"{abs(angle):.0f}° {way}" for angle, way in turns if abs(angle) >= AHEAD_DEG]
    return f"Eyes {', '.join(parts) or 'straight ahead'}"


def _in_words(shown: Shown) -> UnitWords:
    note = ""
    if shown.side:
        more, less = sorted((shown.left or 0.0, shown.right or 0.0), reverse=True)
        note = f"more on its {shown.side}: {more:.0%} against {less:.0%}"
    return UnitWords(name=shown.unit.title, share=f"{shown.value:.0%}", note=note)


TEMPLATE = f"""
<template class="fer-face-template">
  <div class="fer-moves">
    {face_svg()}
    <div class="fer-moves-words">
      <p class="fer-moves-title"></p>
      <ul></ul>
      <p class="fer-gaze"></p>
    </div>
  </div>
</template>
"""
"""The markup of one face, which face_diagram.js fills."""

DIAGRAM_CSS = (_HERE / "face_diagram.css").read_text("utf-8")
DIAGRAM_JS = (_HERE / "face_diagram.js").read_text("utf-8")

_component = st.components.v2.component(
    "fer_face_diagram",
    html=f'{TEMPLATE}<div class="fer-diagrams"></div><p class="fer-moves-note"></p>',
    css=DIAGRAM_CSS,
    js=DIAGRAM_JS + (_HERE / "face_diagrams.js").read_text("utf-8"),
)
