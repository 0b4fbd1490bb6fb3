"""How well a face can be read, as ``Face`` holds it and as tables tell it.

``fer_core.analysis.quality`` measures it, and has the words for each problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, get_args

Problem = Literal[
    "small", "blurred", "dark", "bright", "turned", "mouth_covered", "eyes_covered", "unclear"
]
"""Why a face cannot be read well; ``fer_core.analysis.quality`` says it in words."""

PROBLEMS: tuple[Problem, ...] = get_args(Problem)

_EARLIER: dict[str, Problem] = {"covered": "mouth_covered"}
"""Codes that files of earlier versions have."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """How well a face can be read.

    ``size_px``: longer edge of its box. ``sharpness``: of its edges, 0.3 and more for sharp faces.
    ``contrast``: standard deviation of its greys, 0..128. ``glare``: the part of it that is white,
    0..1. ``turn_deg``: the angle between the line of sight and where the nose points, 0..90.
    ``mouth_covered``, ``eyes_covered``: how surely they are, 0..1. None is what could not be
    measured, or was not kept: tables of streams hold the problems only.
    ``problems``: what is beyond its limit, so that expressions are read less well, in the order of
    ``PROBLEMS``; in a stream, what was so for most of the last moments.
    """

    size_px: int | None = None
    sharpness: float | None = None
    contrast: float | None = None
    glare: float | None = None
    turn_deg: float | None = None
    mouth_covered: float | None = None
    eyes_covered: float | None = None
    problems: tuple[Problem, ...] = ()

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
    """Problems as tables tell them: their codes with a blank between, in order; "" for none."""
    return " ".join(in_order(problems))


def from_text(text: str) -> tuple[Problem, ...]:
    """What ``as_text`` was given."""
    return in_order(text.split())


def as_number(problems: Iterable[Problem]) -> int:
    """Problems as a whole number, for tables in flat memory: a bit each, in order; 0 for none."""
    there = set(problems)
    return sum(1 << i for i, problem in enumerate(PROBLEMS) if problem in there)


def from_number(number: int) -> tuple[Problem, ...]:
    """What ``as_number`` was given."""
    return tuple(problem for i, problem in enumerate(PROBLEMS) if number >> i & 1)
