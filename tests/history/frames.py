"""Frames for the tests of the history. Also imported by the processes that tests start."""

from __future__ import annotations

from collections.abc import Iterable

from fer_core.history import LOCAL, History
from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, Face, FrameResult

OWN = ("serious", "smiling")


def face(emotion: Emotion = Emotion.HAPPY, track_id: int | None = 1, share: float = 0.7) -> Face:
    rest = (1.0 - share) / (len(EMOTIONS) - 1)
    shares = tuple(share if each is emotion else rest for each in EMOTIONS)
    return Face(Box(10, 20, 30, 40), 0.9, probabilities=shares, track_id=track_id)


def frame(t_s: float, *faces: Face, labels: tuple[str, ...] = EMOTIONS) -> FrameResult:
    return FrameResult(64, 48, faces, "model", "detector", t_s=t_s, labels=labels)


def frames(count: int, start: int = 0) -> list[FrameResult]:
    return [frame(number / 30, face()) for number in range(start, start + count)]


def begin(history: History, name: str = "name", owner: str = LOCAL, kept: bool = True) -> int:
    return history.begin("live", name, EMOTIONS, "model", "detector", owner=owner, kept=kept)


def times(history: History, session_id: int) -> list[float]:
    return list(history.table(session_id, LOCAL)["t_s"])


def whole(results: Iterable[FrameResult]) -> list[float]:
    return [result.t_s for result in results]
