"""How well a face can be read: the values in ``Face``, and how tables store them.

``fer_core.analysis.quality`` measures the values and describes each problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

Problem = Literal[
    "small", "blurred", "dark", "bright", "turned", "mouth_covered", "eyes_covered", "unclear"
]
"""Why a face cannot be read well; ``fer_core.analysis.quality`` has the descriptions."""

PROBLEMS: tuple[Problem, ...] = get_args(Problem)

_EARLIER: dict[str, Problem] = {"covered": "mouth_covered"}
"""Codes in files of earlier versions."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How well a face can be read.

    ``size_px``: the longer edge of its box. ``sharpness``: of its edges, 0.3 and more for sharp
    faces. ``contrast``: the standard deviation of its grey values, 0..128. ``glare``: the part of
    it that is white, 0..1. ``turn_deg``: the angle between the line of sight and the nose's
    direction, 0..90. ``mouth_covered``, ``eyes_covered``: the probability, 0..1. A measure is None
    if it was not taken or not stored: tables of streams hold only the problems.

    ``problems``: measures beyond their limits, which lower the accuracy of expressions, in the
    order of ``PROBLEMS``; in a stream, those of the majority of recent frames.
    """

    size_px: int | None = None
    sharpness: float | None = None
    contrast: float | None = None
    glare: float | None = None
    turn_deg: float | None = None
    mouth_covered: float | None = None
    eyes_covered: float | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def hides_eyes(self) -> bool:
        """Whether something covers the eyes: what is measured of them is then a guess."""
        return "eyes_covered" in self.problems

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; ``from_dict`` reads it back."""
        return asdict(self) | {"problems": list(self.problems)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` wrote. Raises ``TypeError`` for anything else."""
        return cls(**{**data, "problems": in_order(data.get("problems", ()))})


def in_order(found: Iterable[str]) -> tuple[Problem, ...]:
    """The problems among these codes, in the order of ``PROBLEMS``."""
    there = {_EARLIER.get(code, code) for code in found}
    return tuple(problem for problem in PROBLEMS if problem in there)


def as_text(problems: Iterable[Problem]) -> str:
    """Problems as in tables: their codes separated by spaces, in order; "" for none."""
    return " ".join(in_order(problems))


def from_text(text: str) -> tuple[Problem, ...]:
    """The problems from ``as_text``."""
    return in_order(text.split())


def as_number(problems: Iterable[Problem]) -> int:
    """Problems as an integer, one bit each in order, for compact tables; 0 for none."""
    there = set(problems)
    return sum(1 << i for i, problem in enumerate(PROBLEMS) if problem in there)


def from_number(number: int) -> tuple[Problem, ...]:
    """The problems from ``as_number``."""
    return tuple(problem for i, problem in enumerate(PROBLEMS) if number >> i & 1)
