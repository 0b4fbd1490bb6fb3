"""The timeline of a stream: a table of faces over time.

Charts, summaries, files and the history read this table. It has a row for each face of each frame.
A frame without a face has one row with its time and no other values, which is a gap: it is neither
a zero nor filled in.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.schema import MEASURES, Box, Face, FaceQuality, FrameResult, Gaze, HeadPose
from fer_core.schema.face import ACTION_UNIT_COLUMNS
from fer_core.schema.quality import as_number, as_text, from_number, from_text
from fer_core.timeline.spreadsheet import table_to_csv

MAX_GAP_S = 2.1
"""The longest time for which a frame stands, so that one every two seconds is enough (at 29.97
frames a second they are 2.002 s apart). Frames further apart (another program used the camera,
or the browser suspended the tab) have a gap between them, which counts for no expression."""

_DETECTION = ("t_s", "track_id", "x", "y", "w", "h", "score")
_STREAM_MEASURES = ("blinks_per_minute", "attentive", "problems")
_ROWS_AT_ONCE = 2_000
_WHOLE_NUMBERS = ["track_id", "x", "y", "w", "h"]


def columns(labels: Sequence[str] = EMOTIONS) -> list[str]:
    """The columns of the table for a network that knows these labels.

    ``t_s`` seconds; ``track_id``; the box ``x, y, w, h`` in pixels; the detector's ``score``; the
    ``dominant`` expression; a share 0..1 for each label, smoothed and, under ``raw_…``, before
    smoothing (classified at most 22 times a second); and the measures of ``Face`` under their
    names. ``problems`` are those of its quality in the format of ``quality.as_text``: "" for a face
    that can be read well, missing if that was not measured.
    """
    shares = [str(label) for label in labels]
    measures = (*MEASURES, *_STREAM_MEASURES)
    return [*_DETECTION, "dominant", *shares, *measures, *(f"raw_{label}" for label in shares)]


def labels_of(table: pd.DataFrame) -> tuple[str, ...]:
    """The labels whose shares a table of ``columns`` holds."""
    names = list(table.columns)
    labels = tuple(names[names.index("dominant") + 1 : names.index(MEASURES[0])])
    return EMOTIONS if labels == EMOTIONS else labels


def frame_numbers(result: FrameResult, labels: Sequence[str]) -> list[list[float]]:
    """The rows of one frame, in the order of ``columns(labels)``; missing values are NaN.

    ``dominant`` is the index of its label, ``problems`` is ``quality.as_number``.
    Raises ``ValueError`` if the result is of a network with other labels.
    """
    if result.faces and result.labels != tuple(labels):
        raise ValueError(f"the labels of each frame must be {', '.join(labels)}")
    rows = [_face_numbers(result.t_s, face) for face in result.faces]
    return rows or [[result.t_s] + [np.nan] * (len(columns(labels)) - 1)]


def as_table(numbers: NDArray[np.float64], labels: Sequence[str]) -> pd.DataFrame:
    """The table of rows from ``frame_numbers``, ``(n, len(columns(labels)))``."""
    table = pd.DataFrame(numbers, columns=columns(labels))
    table[_WHOLE_NUMBERS] = table[_WHOLE_NUMBERS].astype("Int64")
    table["attentive"] = table["attentive"].astype("boolean")
    names = dict(enumerate(map(str, labels)))
    table["dominant"] = table["dominant"].map(names).astype("str")
    codes = {code: as_text(from_number(int(code))) for code in table["problems"].dropna().unique()}
    table["problems"] = table["problems"].map(codes).astype("str")
    return table


class Timeline:
    """Collects the faces of a stream over time. Thread-safe; holds numbers, never pictures.

    ``labels`` are the expressions that the network knows, which are columns of the table.
    """

    def __init__(self, labels: Sequence[str] = EMOTIONS) -> None:
        self.labels = tuple(labels)
        self._lock = threading.Lock()
        # A flat array of doubles: an hour of one face, 25 frames a second, takes 40 MB; as lists of
        # numbers it would take 160.
        self._rows = array("d")
        self._frames = 0
        self._last_s = -np.inf

    def __len__(self) -> int:
        """The number of frames."""
        with self._lock:
            return self._frames

    def append(self, result: FrameResult) -> None:
        """Add the next frame.

        Raises ``ValueError`` if it is not later than the last one, or if its labels differ.
        """
        rows = frame_numbers(result, self.labels)
        with self._lock:
            if not result.t_s > self._last_s:
                raise ValueError(f"frames must be in order: {result.t_s} s after {self._last_s} s")
            for numbers in rows:
                self._rows.extend(numbers)
            self._frames += 1
            self._last_s = result.t_s

    def to_frame(self, last_s: float = np.inf) -> pd.DataFrame:
        """The table of ``columns(labels)``, oldest row first; only the last ``last_s`` seconds."""
        return as_table(self._numbers(last_s), self.labels)

    def _numbers(self, last_s: float) -> NDArray[np.float64]:
        with self._lock:
            rows = np.frombuffer(self._rows).reshape(-1, len(columns(self.labels)))
            first = np.searchsorted(rows[:, 0], self._last_s - last_s) if len(rows) else 0
            # A copy, and no view at the end: the array cannot grow while a view of it exists.
            found = rows[first:].copy()
            del rows
            return found


def results_of(
    table: pd.DataFrame, width: int, height: int, model: str, detector: str
) -> Iterator[FrameResult]:
    """The results from which a table was made, in order, for a picture ``width`` x ``height``.

    They lack what a table does not hold: landmarks, single movements and latency.
    """
    labels = labels_of(table)
    for t_s, rows in groupby(_rows(table), key=itemgetter("t_s")):
        faces = tuple(_face(row, labels) for row in rows if not pd.isna(row["score"]))
        yield FrameResult(width, height, faces, model, detector, t_s=t_s, labels=labels)


def table_csv(table: pd.DataFrame, header: bool = True) -> bytes:
    """The table as CSV, by ``spreadsheet.table_to_csv``: times to the millisecond, shares to four
    digits."""
    digits: dict[Any, int] = dict.fromkeys(table.columns, 4)
    digits |= {"t_s": 3, "yaw_deg": 1, "pitch_deg": 1, "roll_deg": 1, "blinks_per_minute": 1}
    digits |= dict.fromkeys([name for name in table.columns if name.startswith("gaze_")], 1)
    rounded = table.round(digits)
    measured = rounded.select_dtypes("float64").columns
    rounded[measured] += 0.0  # -0.04° is 0.0, not -0.0
    return table_to_csv(rounded, header)


def time_held(seen_s: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """For how many seconds each of the rows at ``seen_s`` counts: until the next frame of the
    stream, whose frames are at ``times``, with or without this face; 0 before a long gap and at the
    end."""
    lengths = np.append(np.diff(times), 0.0)
    return np.where(lengths <= MAX_GAP_S, lengths, 0.0)[np.searchsorted(times, seen_s)]


def with_gaps(table: pd.DataFrame, track_id: int) -> pd.DataFrame:
    """The rows of one face of a table, with empty rows where it was not seen.

    There is a row for each frame of the stream, and an empty row in the middle of each gap longer
    than ``MAX_GAP_S``, so that a line drawn through the rows breaks there.
    """
    times = table["t_s"].unique()
    long = np.flatnonzero(np.diff(times) > MAX_GAP_S)
    times = np.sort(np.concatenate([times, (times[long] + times[long + 1]) / 2]))
    rows = table[table["track_id"] == track_id].set_index("t_s")
    return rows.reindex(pd.Index(times, name="t_s")).reset_index()


def _rows(table: pd.DataFrame) -> Iterator[dict[Hashable, Any]]:
    """The rows, some at a time: as dictionaries, those of an hour would take 300 MB at once."""
    for first in range(0, len(table), _ROWS_AT_ONCE):
        yield from table.iloc[first : first + _ROWS_AT_ONCE].to_dict("records")


def _face(row: Mapping[Any, Any], labels: tuple[str, ...]) -> Face:
    """The face of a row, the inverse of ``_face_numbers``."""
    known = {name: None if pd.isna(row[name]) else row[name] for name in row}
    gaze = _complete([known[f"gaze_{field.name}"] for field in fields(Gaze)])
    pose = _complete([known["yaw_deg"], known["pitch_deg"], known["roll_deg"]])
    return Face(
        box=Box(*(int(row[side]) for side in "xywh")),
        score=row["score"],
        probabilities=tuple(row[str(label)] for label in labels),
        track_id=known["track_id"],
        labels=labels,
        presence=known["presence"],
        pose=None if pose is None else HeadPose(*pose),
        eye_aspect_ratio=known["eye_aspect_ratio"],
        mouth_aspect_ratio=known["mouth_aspect_ratio"],
        action_units={name: row[name] for name in ACTION_UNIT_COLUMNS if known[name] is not None},
        gaze=None if gaze is None else Gaze(*gaze),
        raw_probabilities=_complete([known[f"raw_{label}"] for label in labels]),
        steady_label=next(label for label in labels if label == row["dominant"]),
        blinks_per_minute=known["blinks_per_minute"],
        attentive=known["attentive"],
        quality=_quality(known["problems"]),
    )


def _quality(problems: str | None) -> FaceQuality | None:
    return None if problems is None else FaceQuality(problems=from_text(problems))


def _complete(values: list[Any]) -> tuple[Any, ...] | None:
    """The values, or None if one of them is missing."""
    return None if None in values else tuple(values)


def _face_numbers(t_s: float, face: Face) -> list[float]:
    """The numbers of a row of ``columns``."""
    numbers: list[float | None] = [
        *(t_s, face.track_id, *face.box.to_list(), face.score),
        *(face.labels.index(face.dominant), *face.probabilities),
        *face.measures.values(),
        *(face.blinks_per_minute, face.attentive),
        None if face.quality is None else as_number(face.quality.problems),
        *(face.raw_probabilities or (None,) * len(face.labels)),
    ]
    return [np.nan if number is None else number for number in numbers]
