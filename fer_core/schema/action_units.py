"""The movements of a face that the face network measures, and the action units derived from them.

``MOVEMENTS`` are the 52 coefficients of MediaPipe's face landmarker: 51 of the 52 blendshapes of
Apple's ARKit (without the tongue) and a neutral one. Action units are those of the Facial Action
Coding System (Ekman, Friesen and Hager, 2002), by their FACS numbers and names.

Which blendshape is which action unit is published: "ARKit to FACS Cheat Sheet" (M. Ozel, 2020,
melindaozel.com), as used for animation. Derived action units are therefore no judgement of a FACS
coder: their numbers are 0..1, not the intensities A to E, and nobody has coded the faces from which
the network learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# fmt: off
MOVEMENTS = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft",
    "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft",
    "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft",
    "mouthPressRight", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft",
    "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)
# fmt: on
"""The names of the movements, in the order of MediaPipe; left and right are the person's own."""


def mirrored(name: str) -> str:
    """The movement that the mirror image of a face shows instead of this one."""
    if name.endswith("Left"):
        return name.removesuffix("Left") + "Right"
    if name.endswith("Right"):
        return name.removesuffix("Right") + "Left"
    return name


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """An action unit by its FACS ``number`` and ``name``, and the movements that show it.

    ``movements`` are names of ``MOVEMENTS``; where either side of the face can do it alone,
    ``sided`` is true and the names lack their ending, Left or Right.
    """

    number: int
    name: str
    movements: tuple[str, ...]
    sided: bool

    @property
    def column(self) -> str:
        """Its name in tables and JSON, as Py-Feat writes it: AU01."""
        return f"AU{self.number:02d}"

    @property
    def title(self) -> str:
        """Its name on pages, as FACS writes it: ``AU1 inner brow raiser``."""
        return f"AU{self.number} {self.name}"

    def least(self, usual: float) -> float:
        """The value from which on it is spoken of, where others are from ``usual`` on."""
        return max(usual, LIDS_STAND_OUT) if self.number == 7 else usual


ACTION_UNITS = (
    ActionUnit(1, "inner brow raiser", ("browInnerUp",), sided=False),
    ActionUnit(2, "outer brow raiser", ("browOuterUp",), sided=True),
    ActionUnit(4, "brow lowerer", ("browDown",), sided=True),
    ActionUnit(5, "upper lid raiser", ("eyeWide",), sided=True),
    ActionUnit(7, "lid tightener", ("eyeSquint",), sided=True),
    ActionUnit(10, "upper lip raiser", ("mouthUpperUp",), sided=True),
    ActionUnit(12, "lip corner puller", ("mouthSmile",), sided=True),
    ActionUnit(14, "dimpler", ("mouthDimple",), sided=True),
    ActionUnit(15, "lip corner depressor", ("mouthFrown",), sided=True),
    ActionUnit(17, "chin raiser", ("mouthShrugLower",), sided=False),
    ActionUnit(18, "lip pucker", ("mouthPucker",), sided=False),
    ActionUnit(20, "lip stretcher", ("mouthStretch",), sided=True),
    ActionUnit(22, "lip funneler", ("mouthFunnel",), sided=False),
    ActionUnit(24, "lip pressor", ("mouthPress",), sided=True),
    ActionUnit(26, "jaw drop", ("jawOpen",), sided=False),
    ActionUnit(28, "lip suck", ("mouthRollLower", "mouthRollUpper"), sided=False),
    ActionUnit(45, "blink", ("eyeBlink",), sided=True),
)
"""In the order of their numbers. AU6 (cheek raiser: cheekSquint) and AU9 (nose wrinkler: noseSneer)
are absent: MediaPipe's network has these two movements but never moves them (a standard deviation
below 0.001 on 9,932 faces), so nothing could be learned from it."""

DERIVED = "Derived from the movements a network measures; not coded by a FACS coder."
"""What is said wherever action units are shown."""

SIDES = ("left", "right")

STANDS_OUT = 0.15
"""An action unit that shows less is not spoken of: a face at rest has many such values."""

LIDS_STAND_OUT = 0.6
"""AU7 (lid tightener) is not spoken of below this: on 2,000 neutral press photos, as MediaPipe
reads them, it is 0.33 in the median and 0.63 in the 95th percentile, and every other action unit at
most 0.11 in the median."""

EYES_CLOSED = 0.7
"""Eyes are closed when their openness, 1 - AU45, is below this share of the person's open level.

23 pictures of closed eyes and 45 of open, often narrow ones are told apart without an error at 0.63
of the median of the open ones; at 0.7, one narrow eye counts as closed (benchmarks/closed_eyes.py).
Between 0.64, its value, and 0.74 there is none.
"""

ONE_SIDED = 0.2
"""From this difference of its two sides on, an action unit shows more on one of them."""


def derive_action_units(movements: Mapping[str, float]) -> dict[str, float]:
    """How much each action unit shows, 0..1: ``AU01`` … ``AU45``, each the mean of its movements.

    Where both sides can act alone, ``AU02_left`` and ``AU02_right`` tell those of the person's own
    left and right; ``AU02`` is then their mean. ``movements`` has all names of ``MOVEMENTS``.
    """
    found: dict[str, float] = {}
    for unit in ACTION_UNITS:
        if not unit.sided:
            found[unit.column] = _mean([movements[name] for name in unit.movements])
            continue
        sides = {
            side: _mean([movements[name + side.capitalize()] for name in unit.movements])
            for side in SIDES
        }
        found[unit.column] = _mean(list(sides.values()))
        found |= {f"{unit.column}_{side}": value for side, value in sides.items()}
    return found


@dataclass(frozen=True, slots=True)
class Shown:
    """How much an action unit shows, 0..1: both sides together, and each where it is known."""

    unit: ActionUnit
    value: float
    left: float | None = None
    right: float | None = None

    @property
    def side(self) -> str:
        """``left`` or ``right``, the person's own, where that side shows clearly more; else ""."""
        if self.left is None or self.right is None or abs(self.left - self.right) < ONE_SIDED:
            return ""
        return "left" if self.left > self.right else "right"

    @property
    def strength(self) -> float:
        """The value by which it counts: that of one side where that shows clearly more."""
        return max(self.left or 0.0, self.right or 0.0) if self.side else self.value


def strongest(action_units: Mapping[str, float], most: int = 5) -> list[Shown]:
    """The action units that stand out, at most so many, the strongest first.

    ``action_units`` are those of ``derive_action_units``, or of a row of a table, which has no
    sides. An action unit counts by its ``strength``, from ``STANDS_OUT`` on; see ``least``.
    """
    shown = (
        Shown(
            unit,
            action_units[unit.column],
            action_units.get(f"{unit.column}_left"),
            action_units.get(f"{unit.column}_right"),
        )
        for unit in ACTION_UNITS
        if unit.column in action_units
    )
    found = [each for each in shown if each.strength >= each.unit.least(STANDS_OUT)]
    return sorted(found, key=lambda each: -each.strength)[:most]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
