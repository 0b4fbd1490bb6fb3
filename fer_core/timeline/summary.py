"""Summarizes a timeline: the expressions, peaks and gaps of each face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.schema import PROBLEMS, Problem
from fer_core.schema.action_units import ACTION_UNITS, ActionUnit
from fer_core.timeline.eyes import EyeClosure, eye_closure
from fer_core.timeline.table import MAX_GAP_S, labels_of, time_held
from fer_core.wording import count_of

VISIBLE = 0.3
"""From this value on, 0..1, an action unit counts as visible."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive frames without a gap in which the same expression was dominant."""

    emotion: str
    start_s: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The largest share of an expression (or value of an action unit), 0..1, and when it first
    was."""

    share: float
    t_s: float


@dataclass(frozen=True, slots=True)
class Gap:
    """A period in which a face was not seen."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class UnitSummary:
    """An action unit over a session, in the time in which it was measured.

    ``share`` is the part of that time, 0..1, in which it was visible (``VISIBLE``); ``mean`` its
    mean value, 0..1.
    """

    share: float
    mean: float
    peak: Peak


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """The summary of one face over a session.

    ``observed_s`` is the time in which the face was in the picture. ``shares`` is the part of that
    time in which each expression was dominant (they sum to 1; all 0 for a face seen in a single
    frame). ``means`` are the mean shares over that time, and ``valence_mean`` and ``arousal_mean``
    the means of the derived values (None if the network's labels have none); if ``observed_s`` is
    0, they are means over frames. ``switches`` counts the changes of the dominant expression,
    except across a long gap. ``gaps`` are the periods in which frames lacked the face, or in which
    there was no frame.

    ``problems`` is the part of the time, 0..1, in which each problem occurred, the most frequent
    first; ``poor_share`` is the part with any problem. Both refer to the time in which problems
    were measured; ``poor_share`` is None if they never were.

    ``action_units`` has those that were measured, by column: ``AU01`` … ``AU45``; ``eye_closure``
    is None if the eyes never were.
    """

    track_id: int
    frames: int
    start_s: float
    end_s: float
    observed_s: float
    shares: dict[str, float]
    means: dict[str, float]
    peaks: dict[str, Peak]
    valence_mean: float | None
    arousal_mean: float | None
    longest_run: Run
    switches: int
    gaps: tuple[Gap, ...]
    poor_share: float | None
    problems: dict[Problem, float]
    action_units: dict[str, UnitSummary]
    eye_closure: EyeClosure | None


def summarize(table: pd.DataFrame) -> tuple[TrackSummary, ...]:
    """The summary of each face of a table of ``timeline.columns``, the face seen longest first."""
    times = table["t_s"].unique()
    summaries = [
        _summary(int(str(track_id)), rows, times) for track_id, rows in table.groupby("track_id")
    ]
    return tuple(sorted(summaries, key=lambda summary: -summary.observed_s))


def _summary(track_id: int, rows: pd.DataFrame, times: NDArray[np.float64]) -> TrackSummary:
    """``rows`` are those of one face, ``times`` those of all frames of the stream."""
    labels = labels_of(rows)
    seen_s = rows["t_s"].to_numpy()
    position = np.searchsorted(times, seen_s)
    held_s = time_held(seen_s, times)
    dominant = pd.Index(labels).get_indexer(pd.Index(rows["dominant"]))
    observed_s = float(held_s.sum())
    by_emotion = np.bincount(dominant, weights=held_s, minlength=len(labels))
    shares = by_emotion / observed_s if observed_s else by_emotion
    changed = dominant[1:] != dominant[:-1]
    apart = np.diff(seen_s) > MAX_GAP_S
    missing = np.diff(position) > 1
    measured = rows["problems"].notna().to_numpy(bool)
    return TrackSummary(
        track_id=track_id,
        frames=len(rows),
        start_s=float(seen_s[0]),
        end_s=float(seen_s[-1]),
        observed_s=observed_s,
        shares={label: float(share) for label, share in zip(labels, shares, strict=True)},
        means={label: _mean(rows[str(label)], held_s) for label in labels},
        peaks={label: _peak(rows[str(label)], seen_s) for label in labels},
        valence_mean=_mean_or_none(rows["valence"], held_s),
        arousal_mean=_mean_or_none(rows["arousal"], held_s),
        longest_run=_longest_run(
            starts=np.flatnonzero(changed | apart | missing) + 1,
            dominant=dominant,
            times=seen_s,
            held_s=held_s,
            labels=labels,
        ),
        switches=int((changed & ~apart).sum()),
        gaps=tuple(
            Gap(float(seen_s[i]), float(seen_s[i + 1])) for i in np.flatnonzero(apart | missing)
        ),
        poor_share=_part(rows["problems"].ne(""), measured, held_s),
        problems=_problems(rows["problems"], measured, held_s),
        action_units={
            unit.column: _unit_summary(unit, rows[unit.column], seen_s, held_s)
            for unit in ACTION_UNITS
            if rows[unit.column].notna().any()
        },
        eye_closure=eye_closure(rows, times),
    )


def _unit_summary(
    unit: ActionUnit, values: pd.Series, seen_s: NDArray[np.float64], held_s: NDArray[np.float64]
) -> UnitSummary:
    known = values.notna().to_numpy(bool)
    values, seen_s, held_s = values[known], seen_s[known], held_s[known]
    visible = values >= unit.least(VISIBLE)
    return UnitSummary(
        share=_mean(visible.astype(np.float64), held_s),
        mean=_mean(values, held_s),
        peak=_peak(values, seen_s),
    )


def _problems(
    texts: pd.Series, measured: NDArray[np.bool_], held_s: NDArray[np.float64]
) -> dict[Problem, float]:
    """The part of the time with each problem, the largest first, without those that never
    occurred."""
    # No code contains another one.
    parts = {p: _part(texts.str.contains(p), measured, held_s) for p in PROBLEMS}
    return dict(sorted(((p, part) for p, part in parts.items() if part), key=lambda one: -one[1]))


def _part(
    there: pd.Series, measured: NDArray[np.bool_], held_s: NDArray[np.float64]
) -> float | None:
    """The part of the measured time in which ``there`` is true; None if nothing was measured."""
    if not measured.any():
        return None
    return _mean(there[measured].astype(np.float64), held_s[measured])


def _mean(values: pd.Series, held_s: NDArray[np.float64]) -> float:
    """The mean over time, or over frames if their time is 0."""
    numbers = values.to_numpy(np.float64)
    return float(np.average(numbers, weights=held_s if held_s.any() else None))


def _mean_or_none(values: pd.Series, held_s: NDArray[np.float64]) -> float | None:
    return None if bool(values.isna().any()) else _mean(values, held_s)


def _peak(values: pd.Series, seen_s: NDArray[np.float64]) -> Peak:
    numbers = values.to_numpy(np.float64)
    first = int(numbers.argmax())
    return Peak(float(numbers[first]), float(seen_s[first]))


def _longest_run(
    starts: NDArray[np.intp],
    dominant: NDArray[np.intp],
    times: NDArray[np.float64],
    held_s: NDArray[np.float64],
    labels: tuple[str, ...],
) -> Run:
    """``starts`` are the rows at which a run begins, except the first row."""
    starts = np.concatenate([[0], starts]).astype(np.intp)
    durations = np.add.reduceat(held_s, starts)
    longest = int(durations.argmax())
    first = starts[longest]
    return Run(labels[dominant[first]], float(times[first]), float(durations[longest]))


def summary_table(face: TrackSummary) -> pd.DataFrame:
    """One row per expression: shares 0..1, and the time of the largest share in seconds."""
    return pd.DataFrame(
        {
            "expression": list(map(str, face.shares)),
            "share of time": list(face.shares.values()),
            "mean share": [face.means[label] for label in face.shares],
            "largest share": [face.peaks[label].share for label in face.shares],
            "at (s)": [face.peaks[label].t_s for label in face.shares],
        }
    )


def unit_table(face: TrackSummary) -> pd.DataFrame:
    """One row per measured action unit, in order of their numbers: how long it was visible, its
    mean and its largest value, 0..1, and the time of that in seconds."""
    known = [unit for unit in ACTION_UNITS if unit.column in face.action_units]
    of = [face.action_units[unit.column] for unit in known]
    return pd.DataFrame(
        {
            "action unit": [unit.title for unit in known],
            "share of time": [each.share for each in of],
            "mean": [each.mean for each in of],
            "largest": [each.peak.share for each in of],
            "at (s)": [each.peak.t_s for each in of],
        }
    )


def most_visible(face: TrackSummary, most: int = 3) -> list[ActionUnit]:
    """The action units of a face that were visible for longest, at most so many.

    Without AU45: blinks are counted, and lids that hang for half of the time are none.
    """
    known = [u for u in ACTION_UNITS if u.number != 45 and u.column in face.action_units]
    shares = {unit: face.action_units[unit.column].share for unit in known}
    return sorted((unit for unit in known if shares[unit]), key=lambda u: -shares[u])[:most]


def part_in_words(part: float) -> str:
    """``12%`` for a part 0..1 of the time: no ``0%`` of what occurred, no ``100%`` of what stopped.

    So ``under 1%`` and ``over 99%`` stand for what would be rounded to these.
    """
    if 0.0 < part <= 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= part < 1.0 else f"{part:.0%}"


def key_figures(face: TrackSummary) -> dict[str, str]:
    """The key figures of one face as short texts by title, most important first.

    Those over time are left out of a face that was seen for a moment only.
    """
    timed = face.observed_s > 0.0
    emotion, share = max((face.shares if timed else face.means).items(), key=lambda item: item[1])
    run = face.longest_run
    figures = {
        "Most of the time" if timed else "Largest mean share": f"{emotion} {share:.0%}",
        **({"Longest run": f"{run.emotion} {run.duration_s:.1f} s"} if timed else {}),
        **({"Switches": str(face.switches)} if timed else {}),
        "In the picture": f"{face.observed_s:.1f} s" if timed else count_of(face.frames, "frame"),
    }
    if face.valence_mean is not None:
        means = f"{face.valence_mean:+z.2f} · {face.arousal_mean:+z.2f}"
        figures["Mean valence · arousal"] = means
    if face.poor_share:
        figures["Hard to read"] = part_in_words(face.poor_share)
    return figures
