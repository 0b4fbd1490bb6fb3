"""What a stream showed, as numbers: a table of faces over time, and what it comes to.

A frame without a face is a row with nothing but its time: a gap, not a zero, and never filled in.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.schema import Face, FrameResult

MAX_GAP_S = 2.0
"""Between two frames further apart than this nothing is known: the camera was covered by another
program, the tab slept. Such a gap counts for no expression."""

_PLACE = ("t_s", "track_id", "x", "y", "w", "h", "score")
_MEASURES = (
    "valence",
    "arousal",
    "presence",
    "yaw_deg",
    "pitch_deg",
    "roll_deg",
    "eye_aspect_ratio",
    "mouth_aspect_ratio",
    "blinks_per_minute",
    "attentive",
)
_WHOLE_NUMBERS = ["track_id", "x", "y", "w", "h"]


def columns(labels: Sequence[str] = EMOTIONS) -> list[str]:
    """The columns of ``Timeline.to_frame`` for a network that knows these labels."""
    shares = [str(label) for label in labels]
    return [*_PLACE, "dominant", *shares, *_MEASURES, *(f"raw_{label}" for label in shares)]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of frames without a gap in which one expression was dominant."""

    emotion: str
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """What one face showed over a session.

    ``observed_s`` is the time the face was in the picture. ``shares`` is the part of that time in
    which each expression was dominant (they sum to 1; all 0 for a face seen in a single frame).
    ``switches`` counts the changes of the dominant expression, those across a long gap excepted.
    """

    track_id: int
    frames: int
    observed_s: float
    shares: dict[str, float]
    longest_run: Run
    switches: int


class Timeline:
    """The faces of a stream over time. Safe in several threads; holds numbers, never pictures.

    ``labels`` are the expressions the network knows, and columns of the table.
    """

    def __init__(self, labels: Sequence[str] = EMOTIONS) -> None:
        self.labels = tuple(labels)
        self._lock = threading.Lock()
        # One flat array of doubles: 15 frames a second for an hour are 14 MB, not 100 as objects.
        self._rows = array("d")
        self._frames = 0
        self._last_s = -np.inf

    def __len__(self) -> int:
        """The number of frames."""
        with self._lock:
            return self._frames

    def append(self, result: FrameResult) -> None:
        """Add the next frame.

        Raises ``ValueError`` if it is not later than the last one, or of a network that knows other
        expressions.
        """
        if any(face.labels != self.labels for face in result.faces):
            raise ValueError(f"the faces of this timeline show one of {', '.join(self.labels)}")
        faces = [self._row(result.t_s, face) for face in result.faces] or [self._empty(result.t_s)]
        with self._lock:
            if not result.t_s > self._last_s:
                raise ValueError(f"frames come in order: {result.t_s} s after {self._last_s} s")
            for numbers in faces:
                self._rows.extend(numbers)
            self._frames += 1
            self._last_s = result.t_s

    def to_frame(self, last_s: float = np.inf) -> pd.DataFrame:
        """The table of ``columns(labels)``, oldest row first; with ``last_s``, the last seconds.

        A row for each face of each frame: ``t_s`` seconds; ``track_id``; the box ``x, y, w, h`` in
        pixels; the detector's ``score``; the ``dominant`` expression; a probability for each label,
        as shown and, under ``raw_…``, before smoothing; and what else ``Face`` tells, under its
        names. A frame without a face is one row with ``t_s`` alone.
        """
        frame = pd.DataFrame(self._numbers(last_s), columns=columns(self.labels))
        frame[_WHOLE_NUMBERS] = frame[_WHOLE_NUMBERS].astype("Int64")
        frame["attentive"] = frame["attentive"].astype("boolean")
        names = dict(enumerate(map(str, self.labels)))
        frame["dominant"] = frame["dominant"].map(names).astype("str")
        return frame

    def summary(self) -> tuple[TrackSummary, ...]:
        """What each face showed, the one seen longest first."""
        frame = self.to_frame()
        times = frame["t_s"].unique()
        summaries = [
            _summary(int(str(track_id)), rows, times, self.labels)
            for track_id, rows in frame.groupby("track_id")
        ]
        return tuple(sorted(summaries, key=lambda summary: -summary.observed_s))

    def to_csv(self) -> bytes:
        """``to_frame`` as CSV, UTF-8: times to the millisecond, shares to four digits."""
        digits: dict[Any, int] = dict.fromkeys(columns(self.labels), 4)
        digits |= {"t_s": 3, "yaw_deg": 1, "pitch_deg": 1, "roll_deg": 1, "blinks_per_minute": 1}
        return self.to_frame().round(digits).to_csv(index=False, lineterminator="\n").encode()

    def _numbers(self, last_s: float) -> NDArray[np.float64]:
        with self._lock:
            rows = np.frombuffer(self._rows).reshape(-1, len(columns(self.labels)))
            first = np.searchsorted(rows[:, 0], self._last_s - last_s) if len(rows) else 0
            # A copy: the array cannot grow while a view of it is held.
            return rows[first:].copy()

    def _row(self, t_s: float, face: Face) -> list[float]:
        """The numbers of a row of ``columns``; ``dominant`` is the position of its label."""
        pose = face.pose
        turned = (pose.yaw_deg, pose.pitch_deg, pose.roll_deg) if pose else (None, None, None)
        raw = face.raw_probabilities or (None,) * len(self.labels)
        numbers: list[float | None] = [
            *(t_s, face.track_id, *face.box.to_list(), face.score),
            *(self.labels.index(face.dominant), *face.probabilities),
            *(face.valence, face.arousal, face.presence, *turned),
            *(face.eye_aspect_ratio, face.mouth_aspect_ratio, face.blinks_per_minute),
            *(face.attentive, *raw),
        ]
        return [np.nan if number is None else number for number in numbers]

    def _empty(self, t_s: float) -> list[float]:
        return [t_s] + [np.nan] * (len(columns(self.labels)) - 1)


def with_gaps(frame: pd.DataFrame, track_id: int) -> pd.DataFrame:
    """One face of a ``Timeline`` table, with an empty row wherever it was not seen.

    A row for each frame of the stream, and one in the middle of each gap longer than
    ``MAX_GAP_S``, so that a line drawn through the rows breaks where nothing is known.
    """
    times = frame["t_s"].unique()
    long = np.flatnonzero(np.diff(times) > MAX_GAP_S)
    times = np.sort(np.concatenate([times, (times[long] + times[long + 1]) / 2]))
    rows = frame[frame["track_id"] == track_id].set_index("t_s")
    return rows.reindex(pd.Index(times, name="t_s")).reset_index()


def _summary(
    track_id: int, rows: pd.DataFrame, times: NDArray[np.float64], labels: tuple[str, ...]
) -> TrackSummary:
    """``rows`` are those of one face, ``times`` those of all frames of the stream."""
    position = np.searchsorted(times, rows["t_s"].to_numpy())
    # A frame stands for the time until the next one, whoever is in that; the last for none.
    lengths = np.append(np.diff(times), 0.0)
    held_s = np.where(lengths <= MAX_GAP_S, lengths, 0.0)[position]
    dominant = pd.Index(labels).get_indexer(pd.Index(rows["dominant"]))
    observed_s = float(held_s.sum())
    by_emotion = np.bincount(dominant, weights=held_s, minlength=len(labels))
    shares = by_emotion / observed_s if observed_s else by_emotion
    changed = dominant[1:] != dominant[:-1]
    apart = np.diff(times[position]) > MAX_GAP_S
    return TrackSummary(
        track_id=track_id,
        frames=len(rows),
        observed_s=observed_s,
        shares={label: float(share) for label, share in zip(labels, shares, strict=True)},
        longest_run=_longest_run(
            starts=np.flatnonzero(changed | apart | (np.diff(position) > 1)) + 1,
            dominant=dominant,
            times=times[position],
            held_s=held_s,
            labels=labels,
        ),
        switches=int((changed & ~apart).sum()),
    )


def _longest_run(
    starts: NDArray[np.intp],
    dominant: NDArray[np.intp],
    times: NDArray[np.float64],
    held_s: NDArray[np.float64],
    labels: tuple[str, ...],
) -> Run:
    """``starts`` are the rows at which a run begins, the first row excepted."""
    starts = np.concatenate([[0], starts]).astype(np.intp)
    durations = np.add.reduceat(held_s, starts)
    longest = int(durations.argmax())
    first = starts[longest]
    return Run(labels[dominant[first]], float(times[first]), float(durations[longest]))
