"""Tables of sessions with known content, for tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, Face, FrameResult, Gaze
from fer_core.schema.action_units import MOVEMENTS, derive_action_units
from fer_core.timeline.table import Timeline

Course = Callable[[float], float]
"""The share of happy (0..1) at a time in seconds; the rest is neutral."""


@dataclass(frozen=True)
class HandMark:
    """A mark as the history has them."""

    t_s: float
    label: str
    note: str = ""
    id: int = 1


def bump(center_s: float, height: float = 0.9, width_s: float = 0.7) -> Course:
    """A smooth rise and fall."""
    return lambda t_s: height * float(np.exp(-(((t_s - center_s) / width_s) ** 2)))


def face(happy: float, track_id: int = 1, labels: Sequence[str] = EMOTIONS) -> Face:
    """A face with a share of ``happy`` (or the first label); the rest is of the last label."""
    shares = [0.0] * len(labels)
    shares[labels.index(Emotion.HAPPY) if Emotion.HAPPY in labels else 0] = happy
    shares[-1] = 1.0 - happy
    return Face(
        *(Box(10, 10, 40, 40), 0.9),
        probabilities=tuple(shares),
        labels=tuple(labels),
        track_id=track_id,
    )


def session(
    courses: dict[int, Course],
    seconds: float = 10.0,
    fps: float = 10.0,
    gone: Callable[[float], bool] = lambda t_s: False,
    start_s: float = 0.0,
    labels: Sequence[str] = EMOTIONS,
) -> pd.DataFrame:
    """A table of faces with these courses by ``track_id``; none is seen while ``gone(t_s)``."""
    timeline = Timeline(labels)
    for t_s in np.arange(0.0, seconds, 1.0 / fps).round(6).tolist():
        faces = [] if gone(t_s) else [face(c(t_s), i, labels) for i, c in courses.items()]
        timeline.append(
            FrameResult(64, 48, tuple(faces), "m", "d", start_s + t_s, labels=tuple(labels))
        )
    return timeline.to_frame()


def moving(seen: Face, movements: Mapping[str, float], gaze: Gaze | None = None) -> Face:
    """The face with these of ``MOVEMENTS``, 0..1, and no others."""
    whole = dict.fromkeys(MOVEMENTS, 0.0) | dict(movements)
    return replace(
        seen,
        coefficients=tuple(whole.values()),
        action_units=derive_action_units(whole),
        gaze=gaze,
    )


def moving_session(
    courses: Mapping[str, Course],
    seconds: float = 10.0,
    fps: float = 10.0,
    gone: Callable[[float], bool] = lambda t_s: False,
) -> pd.DataFrame:
    """A table of one face whose movements have these courses by name; see ``session``."""
    timeline = Timeline()
    for t_s in np.arange(0.0, seconds, 1.0 / fps).round(6).tolist():
        moved = {name: course(t_s) for name, course in courses.items()}
        faces = () if gone(t_s) else (moving(face(0.2), moved, Gaze(12.0, 0.0, 12.0, 0.0)),)
        timeline.append(FrameResult(64, 48, faces, "m", "d", t_s))
    return timeline.to_frame()


SHARES = (0.02, 0.03, 0.05, 0.7, 0.1, 0.04, 0.06)


def mixed_face(track_id: int = 1, shares: tuple[float, ...] = SHARES) -> Face:
    """A face with a share of every expression, happy the largest."""
    return Face(Box(1, 2, 30, 40), 0.9, probabilities=shares, track_id=track_id)


def mixed_table(seconds: float, fps: float = 10.0, *, gone: tuple[float, ...] = ()) -> pd.DataFrame:
    """One mixed face all the time, except in the frames at ``gone``."""
    timeline = Timeline()
    for t_s in np.arange(0, seconds, 1 / fps).round(6):
        faces = () if t_s in gone else (mixed_face(),)
        timeline.append(FrameResult(64, 48, faces, "model", "detector", t_s=float(t_s)))
    return timeline.to_frame()
