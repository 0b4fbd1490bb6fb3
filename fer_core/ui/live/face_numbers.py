"""The numbers that the live charts draw: each face now, and over the last minute.

They are all that an update sends to the browser; what they are drawn into is there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.analysis.quality import IN_WORDS
from fer_core.schema.certainty import CLOSE, reading_in_words, rival
from fer_core.schema.quality import from_text
from fer_core.timeline.eyes import eye_closure
from fer_core.timeline.table import MAX_GAP_S, with_gaps
from fer_core.ui.live.view_state import LiveView, against_rest
from fer_core.ui.shared.face_diagram import Diagram, diagram_now
from fer_core.ui.shared.timeline_view import GLIMPSE_S
from fer_core.wording import count_of

WINDOW_S = 60.0
"""How much of the session the live charts show."""

MOST_FACES = 4
"""Faces that are drawn at once."""

MOST_POINTS = 300
"""Points of a line that is sent to the browser twice a second."""

TRAIL_S = 10.0
"""How much of valence and arousal is drawn as a trail."""

STRAIGHT_DEG = 8.0
"""A head turned by less faces the camera."""

AWAY_S = 1.0
"""A face unseen for longer has left the picture; shorter, and its bars would only flicker."""

NOBODY = -1
"""Stands for the position of an expression where there is none."""


class Now(TypedDict):
    """A face in the picture: the position of its ``dominant`` expression among the labels, and of
    the ``rival`` that may be meant as well (``NOBODY`` if none); both in words; the ``share`` of
    the dominant one, and ``since`` when it has been that, as text."""

    dominant: int
    rival: int
    reading: str
    share: str
    since: str


class Bars(TypedDict):
    """The length of the bar of each label, and what is written at its end.

    ``change``: lengths are -1..1, against the face at rest; otherwise shares, 0..1.
    """

    change: bool
    x: list[float]
    text: list[str]


class Trail(TypedDict):
    """Valence and arousal, oldest first."""

    x: list[float | None]
    y: list[float | None]


class Minute(TypedDict):
    """Shares over time: ``y`` has a line for each label, with None where the face was not seen.

    ``dominant`` and ``rival`` are as in ``Now``, for each point; ``poor`` is whether the face was
    too poor to be read well. ``range`` of the time axis in seconds, and a ``note`` that belongs to
    it.
    """

    x: list[float | None]
    y: list[list[float | None]]
    dominant: list[int]
    rival: list[int]
    poor: list[bool]
    range: tuple[float, float]
    note: str
    summary: str


class FaceCharts(TypedDict):
    """What the browser draws for one face; ``now`` and ``bars`` are None while it is not in the
    picture, and ``affect`` and ``movements`` where they are not asked for or not known. ``problem``
    is what keeps it from being read well, in words."""

    id: int
    title: str
    now: Now | None
    facts: str
    problem: str
    bars: Bars | None
    affect: Trail | None
    movements: Diagram | None
    minute: Minute


def long_enough(window: pd.DataFrame) -> list[int]:
    """The faces that were in the window for more than a glimpse, in order of their id."""
    times = window.groupby("track_id")["t_s"]
    spans = times.max() - times.min()
    return sorted(int(track_id) for track_id in spans[spans >= GLIMPSE_S].index)


def face_charts(
    window: pd.DataFrame, view: LiveView, affect: bool = False, movements: bool = False
) -> list[FaceCharts]:
    """The charts of the faces the user did not hide: those in the picture, then those that left it,
    each in order of their id. Of more than ``MOST_FACES``, the ones in the picture and seen most.

    ``window`` is a ``Timeline.to_frame`` table of the last ``WINDOW_S`` seconds.
    """
    chosen = [track_id for track_id in long_enough(window) if track_id not in view.hidden]
    times_s = window.groupby("track_id")["t_s"]
    away = (window["t_s"].max() - times_s.max() > AWAY_S).to_dict()
    frames = times_s.size().to_dict()
    most = sorted(chosen, key=lambda track_id: (away[track_id], -frames[track_id]))
    shown = against_rest(window, view)
    order = sorted(most[:MOST_FACES], key=lambda track_id: (away[track_id], track_id))
    return [_charts(track_id, shown, view, affect, movements) for track_id in order]


def _charts(
    track_id: int, window: pd.DataFrame, view: LiveView, affect: bool, movements: bool
) -> FaceCharts:
    labels = list(map(str, view.session.timeline.labels))
    rows = window[window["track_id"] == track_id]
    newest = rows.iloc[-1]
    here = window["t_s"].iloc[-1] - newest["t_s"] <= AWAY_S
    trail = rows[rows["t_s"] > newest["t_s"] - TRAIL_S]
    # Against rest, there is the row alone.
    latest = None if track_id in view.rests else view.session.latest
    knows_affect = affect and here and bool(newest.notna()["valence"])
    return FaceCharts(
        id=track_id,
        title=view.name(track_id),
        now=_now(rows, labels, window["t_s"].iloc[0]) if here else None,
        facts=_facts(window, rows, track_id, view) if here else "",
        problem=problem_in_words(newest["problems"]) if here else "",
        bars=_bars(newest, labels, track_id, view) if here else None,
        affect=Trail(x=_plain(trail["valence"]), y=_plain(trail["arousal"]))
        if knows_affect
        else None,
        movements=diagram_now(latest, newest) if movements and here else None,
        minute=_minute(window, track_id, labels),
    )


def _now(rows: pd.DataFrame, labels: list[str], window_begins_s: float) -> Now:
    newest = rows.iloc[-1]
    dominant = str(newest["dominant"])
    shares = newest[labels].to_numpy(np.float64).tolist()
    other = rival(labels, shares, dominant)
    return Now(
        dominant=labels.index(dominant),
        rival=NOBODY if other is None else labels.index(other),
        reading=reading_in_words(labels, shares, dominant),
        share=f"{shares[labels.index(dominant)]:.0%}",
        since=_since(rows, window_begins_s),
    )


def _since(rows: pd.DataFrame, window_begins_s: float) -> str:
    """``for 12 s``: how long the dominant expression has been the same without a pause."""
    times_s = rows["t_s"].to_numpy(np.float64)
    dominant = rows["dominant"].to_numpy()
    changes = (dominant[1:] != dominant[:-1]) | (np.diff(times_s) > MAX_GAP_S)
    begins = np.flatnonzero(changes)
    begin_s = times_s[begins[-1] + 1] if len(begins) else times_s[0]
    lasted_s = times_s[-1] - begin_s
    older = not len(begins) and begin_s - window_begins_s < AWAY_S and lasted_s > WINDOW_S - AWAY_S
    return "for a minute or longer" if older else f"for {lasted_s:.0f} s"


def problem_in_words(problems: object) -> str:
    """``too small to read well``: the first of those in a cell of the column ``problems``.

    "" where there is none, or where it was not measured.
    """
    found = from_text(problems) if isinstance(problems, str) else ()
    return IN_WORDS[found[0]] if found else ""


def _bars(newest: pd.Series, labels: list[str], track_id: int, view: LiveView) -> Bars:
    """The shares now; where the rest of the face is known, what has changed against it."""
    rest = view.rests.get(track_id)
    if rest is None:
        shares = newest[labels].to_numpy(np.float64).tolist()
        return Bars(change=False, x=_digits(shares), text=[f"{share:.0%}" for share in shares])
    raw = newest[[f"raw_{label}" for label in labels]].to_numpy(np.float64)
    changes = rest.change(raw).tolist()
    text = [f"{round(100 * change):+d}".replace("+0", "0") for change in changes]
    return Bars(change=True, x=_digits(changes), text=text)


def _minute(window: pd.DataFrame, track_id: int, labels: list[str]) -> Minute:
    rows = with_gaps(window[["t_s", "track_id", "problems", *labels]], track_id)
    times_s = rows["t_s"].to_numpy(np.float64)
    newest_s = max(WINDOW_S, float(times_s[-1]))
    poor = (rows["problems"].fillna("") != "").to_numpy(np.float64)
    values = np.column_stack([rows[labels].to_numpy(np.float64), poor])
    note = ""
    if len(rows) > MOST_POINTS:
        bin_s = WINDOW_S / MOST_POINTS
        times_s, values = _means(times_s, values, bin_s)
        note = f" (means over {bin_s:.1f} s)"
    shares = values[:, :-1]
    dominant, close = _strip(shares)
    return Minute(
        x=_plain(times_s),
        y=[_plain(column) for column in shares.T],
        dominant=dominant.tolist(),
        rival=close.tolist(),
        poor=(values[:, -1] >= 0.5).tolist(),
        range=(round(newest_s - WINDOW_S, 4), round(newest_s, 4)),
        note=note,
        summary=_summary(dominant, labels),
    )


def _strip(shares: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The positions of the largest of the shares ``(n, k)`` of each row, and of one that is close.

    ``NOBODY`` in rows of NaN, and where none is close.
    """
    known = np.nan_to_num(shares, nan=0.0)
    first, second = np.argsort(-known, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(shares))
    clear = known[rows, first] - known[rows, second] >= CLOSE
    seen = ~np.isnan(shares).any(axis=1)
    return np.where(seen, first, NOBODY), np.where(seen & ~clear, second, NOBODY)


def _summary(dominant: NDArray[np.int64], labels: Sequence[str]) -> str:
    """``happy 80%, neutral 20%``: the expressions of the minute for who cannot see the chart."""
    seen = dominant[dominant != NOBODY]
    counts = np.bincount(seen, minlength=len(labels))
    order = np.argsort(-counts, kind="stable")[:3]
    parts = [f"{labels[i]} {counts[i] / len(seen):.0%}" for i in order if counts[i]]
    return ", ".join(parts) or "not in the picture"


def _means(
    times_s: NDArray[np.float64], values: NDArray[np.float64], bin_s: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of ``times_s`` ``(n,)`` and ``values`` ``(n, k)`` over bins that start at whole
    multiples of ``bin_s``: in a window that moves on, a point keeps its value. Gaps stay gaps."""
    bins = times_s // bin_s
    starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1.0))
    sizes = np.diff(starts, append=len(times_s))
    seen = np.add.reduceat(~np.isnan(values), starts, dtype=np.float64)
    sums = np.add.reduceat(np.nan_to_num(values), starts)
    means = np.divide(sums, seen, out=np.full_like(sums, np.nan), where=seen > 0)
    return np.add.reduceat(times_s, starts) / sizes, means


def _plain(values: pd.Series | NDArray[np.float64]) -> list[float | None]:
    """As JSON has it: four digits behind the point, None for NaN."""
    return [None if value != value else value for value in _digits(values)]


def _digits(values: pd.Series | NDArray[np.float64] | list[float]) -> list[float]:
    rounded: list[float] = np.asarray(values, np.float64).round(4).tolist()
    return rounded


def _facts(window: pd.DataFrame, rows: pd.DataFrame, track_id: int, view: LiveView) -> str:
    """``turned 12° to its left, still towards the camera · 14 blinks a minute, eyes closed for 2%
    of it``: what is known of a face with these ``rows`` of the ``window``."""
    newest, parts = rows.iloc[-1], []
    if rest := view.rests.get(track_id):
        label, share = max(zip(rest.labels, rest.shares, strict=True), key=lambda each: each[1])
        parts.append(f"against rest, which reads as {label} {share:.0%}")
    known = newest.notna()
    if known["yaw_deg"] and known["attentive"]:
        parts.append(_attention(float(newest["yaw_deg"]), bool(newest["attentive"])))
    if known["blinks_per_minute"]:
        blinks = f"{count_of(round(newest['blinks_per_minute']), 'blink')} a minute"
        closed = eye_closure(rows, window["t_s"].unique())
        parts.append(f"{blinks}, eyes closed for {closed.share:.0%} of it" if closed else blinks)
    return " · ".join(parts)


def _attention(yaw_deg: float, attentive: bool) -> str:
    if abs(yaw_deg) < STRAIGHT_DEG:
        return "facing the camera" if attentive else "eyes closed, or looking up or down"
    turn = f"turned {abs(yaw_deg):.0f}° to its {'left' if yaw_deg > 0 else 'right'}"
    return f"{turn}, still towards the camera" if attentive else turn
