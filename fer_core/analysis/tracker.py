"""Tracking: gives the faces of a frame the identities of earlier ones.

Detected faces are assigned to known ones all at once with the least total cost (Jonker and
Volgenant, 1987: the result of the Hungarian method, faster). A pair costs little if the face is
where the known one was expected. A face that is not found stays known and keeps moving for a while,
as behind a hand or another face.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import lap
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.smoothing import gain
from fer_core.schema import Box

MEMORY_S = 0.5
"""How long a face may be missing and keep its identity."""

MAX_GAP_S = 2.1
"""After a longer gap between two frames nothing is known: a face at the same position is a new one.
One frame every two seconds is enough (at 29.97 frames a second they are 2.002 s apart)."""

MAX_COST = 1.5
"""A pair that costs more is two different faces. A face costs this much at a distance of 0.7 of its
size from where it was expected: 0.8 for boxes that share a fifth, and 0.7 for the distance."""

VELOCITY_TAU_S = 0.15
"""Time constant of a face's velocity: one frame's error does not mislead the prediction, and a face
that turns back is followed within a few frames."""

SIZE_TAU_S = 1.0
"""Time constant of the size of a face that another one may be covering."""

HEAD = 1.5
"""The size of a head with hair relative to the box of its face."""

HIDDEN = 0.1
"""From this overlap on, a missing face may be behind the other."""

_EPSILON_S = 1e-6  # frame times are sums of floats


class Track:
    """A known face, with a number that no other face ever gets."""

    def __init__(self, track_id: int, seen: DetectedFace, t_s: float) -> None:
        self.track_id = track_id
        self.seen = seen
        self.missing = False
        self._size_px = seen.size_px
        self._missing_s = 0.0
        self._seen_s = self._last_s = t_s
        self._velocity = np.zeros(2)

    def moved(self, t_s: float) -> NDArray[np.float64]:
        """The distance moved since it was last seen at constant velocity, ``(2,)`` pixels."""
        return self._velocity * max(0.0, t_s - self._seen_s)

    def predict(self, t_s: float) -> Box:
        """The expected box at that time, in the size of the uncovered face."""
        across, down = self.moved(t_s)
        box = self.seen.box.scaled(self._size_px / self.seen.size_px)
        return Box(round(box.x + across), round(box.y + down), box.w, box.h)

    def see(self, seen: DetectedFace, t_s: float, *, apart: bool) -> None:
        """Note that it was found at ``t_s`` seconds; ``apart``: no other face covers it.

        Velocity and size are only updated while it is apart: of a face that goes behind another,
        only the visible part is found, which shrinks and hardly moves.
        """
        step_s = t_s - self._seen_s
        if apart and step_s > 0.0:
            way = _centre(seen.box) - _centre(self.seen.box)
            weight = gain(step_s, VELOCITY_TAU_S)
            # In this order a tiny step does no harm: weight / step is at most 1 / tau.
            self._velocity = self._velocity * (1.0 - weight) + way * (weight / step_s)
        weight = 1.0 if apart else gain(step_s, SIZE_TAU_S)
        self._size_px += weight * (seen.size_px - self._size_px)
        self.seen = seen
        self._seen_s = self._last_s = t_s
        self.missing, self._missing_s = False, 0.0

    def miss(self, t_s: float, *, hidden: bool) -> bool:
        """Note that it was not found at ``t_s`` seconds; return whether to remember it.

        The time counts from the first frame without it, so that a face may be missed once even at
        one frame per second. Time ``hidden`` by another face does not count.
        """
        if self.missing and not hidden:
            self._missing_s += t_s - self._last_s
        self.missing = True
        self._last_s = t_s
        return self._missing_s <= MEMORY_S + _EPSILON_S

    def lapsed(self, t_s: float) -> bool:
        """Whether it was last seen too long ago to know where it is."""
        return t_s - self._seen_s > MAX_GAP_S + _EPSILON_S

    def rescale(self, across: float, down: float) -> None:
        """Adapt to frames scaled by these factors."""
        self.seen = self.seen.rescaled(across, down)
        self._size_px *= math.sqrt(across * down)
        self._velocity = self._velocity * (across, down)


class Tracker:
    """The faces of one stream. Numbers count from 1 and are never reused."""

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._last_id = 0

    def update(self, faces: Sequence[DetectedFace], t_s: float) -> list[Track]:
        """The track of each face of the next frame, known or new, all different.

        ``t_s`` is the frame's time in seconds and never decreases. Tracks that have been missing
        for longer than ``MEMORY_S`` are forgotten.
        """
        known = [track for track in self.tracks if not track.lapsed(t_s)]
        pairs = _assign(faces, known, t_s)
        missed = [track for number, track in enumerate(known) if number not in pairs.values()]
        remembered = [
            track for track in missed if track.miss(t_s, hidden=_hidden(track.predict(t_s), faces))
        ]
        found = []
        for number, face in enumerate(faces):
            if number in pairs:
                track = known[pairs[number]]
                others = [other.box for other in faces if other is not face]
                others += [other.predict(t_s) for other in remembered]
                track.see(face, t_s, apart=not _crowded(face.box, others))
            else:
                track = self._new(face, t_s)
            found.append(track)
        self.tracks = found + remembered
        return found

    def rescale(self, across: float, down: float) -> None:
        """Adapt to frames scaled by these factors."""
        for track in self.tracks:
            track.rescale(across, down)

    def _new(self, face: DetectedFace, t_s: float) -> Track:
        self._last_id += 1
        return Track(self._last_id, face, t_s)


def _hidden(box: Box, faces: Sequence[DetectedFace]) -> bool:
    return any(box.overlap(face.box) >= HIDDEN for face in faces)


def _crowded(box: Box, others: Sequence[Box]) -> bool:
    """Whether the head of one of ``others`` touches that of ``box``, and may cover part of it."""
    return any(box.scaled(HEAD).overlap(other.scaled(HEAD)) > 0.0 for other in others)


def _assign(faces: Sequence[DetectedFace], known: Sequence[Track], t_s: float) -> dict[int, int]:
    """Index of a face -> index of its track, for the pairs with the least total cost."""
    if not faces or not known:
        return {}
    costs = np.array([[_cost(face, track, t_s) for track in known] for face in faces])
    # All forbidden pairs cost the same; otherwise they would influence the good ones.
    capped = np.minimum(costs, 2.0 * MAX_COST)
    partners, _ = lap.lapjv(capped, extend_cost=True, return_cost=False)  # -1 for none
    return {i: int(j) for i, j in enumerate(partners) if j >= 0 and costs[i, j] <= MAX_COST}


def _cost(face: DetectedFace, track: Track, t_s: float) -> float:
    """The cost of assigning a face to a track: 1 - IoU of its box with the expected one (0..1),
    plus the mean distance of the points in face sizes."""
    size_px = math.sqrt(track.seen.size_px * face.size_px)
    moved = track.moved(t_s)
    if face.points is None or track.seen.points is None:
        off = _centre(face.box) - _centre(track.seen.box) - moved
        distance_px = math.hypot(*off)
    else:
        off = face.points - track.seen.points - moved
        distance_px = float(np.hypot(off[:, 0], off[:, 1]).mean())
    return 1.0 - face.box.iou(track.predict(t_s)) + distance_px / size_px


def _centre(box: Box) -> NDArray[np.float64]:
    return np.array([box.x + box.w / 2.0, box.y + box.h / 2.0])
