"""Blinks and attention, from the openness of the eyes and the head pose."""

from __future__ import annotations

from collections import deque

from fer_core.analysis.smoothing import gain
from fer_core.schema import HeadPose
from fer_core.schema.action_units import EYES_CLOSED

WINDOW_S = 60.0
"""Blinks are counted over the last minute."""

MIN_BLINK_S = 0.05
MAX_BLINK_S = 0.5
"""A dip of the eyes' openness of this length is a blink: lids take 0.1-0.4 s to close and open
(Schiffman 2001, BioNumbers 100706), and frames cut off the ends. A shorter dip is noise of the
landmarks; a longer one means closed eyes."""

EYES_OPEN = 0.8
"""Eyes that have closed (``EYES_CLOSED``) open when their openness rises above this share of the
person's open level. Two thresholds keep noise from looking like a series of blinks."""

LEVEL_UP_TAU_S = 1.0
LEVEL_DOWN_TAU_S = 10.0
"""The open level rises fast and falls slowly: eyes are mostly open, so values above the level say
more about it than values below. A blink of 0.3 s lowers it by at most 3 %."""

MAX_STEP_S = 0.15
"""A longer gap between two frames may hide a blink, so it does not count as observed, and a dip
around it is no blink. Eyes that are closed before and after it count as closed: a blink at both
would be a rare chance."""

MIN_OBSERVED_S = 20.0
"""Over a shorter time a rate would be chance: people blink every 2 to 20 seconds."""

MAX_YAW_DEG = 30.0
MAX_PITCH_DEG = 25.0
"""A face within these angles is turned to the camera, or to the screen below it: from half a metre,
the far edges of a screen of 60 x 35 cm are 31 degrees aside and 35 down, and the eyes alone turn
the last third."""


def eye_openness(aspect_ratio: float | None, blink: float | None) -> float | None:
    """How open the eyes are, for an ``EyeWatch``: by the ``blink`` coefficient (0..1, the mean of
    both) where the network tells it, else by their aspect ratio; None if neither is known.

    On pictures of closed and of open eyes, labelled by eye, the area under the ROC curve is 1.00
    for the coefficient and 0.70 for the ratio: a network that is not sure of a lid places its
    points in the middle (benchmarks/closed_eyes.py).
    """
    return aspect_ratio if blink is None else 1.0 - blink


class EyeWatch:
    """The eyes of one face: blinks per minute, and for how long they have been closed."""

    def __init__(self) -> None:
        self._level: float | None = None
        self._last_s: float | None = None
        self._closed_since_s: float | None = None
        self._dip_since_s: float | None = None  # the same, but not across a longer gap
        self._blinks: deque[float] = deque()
        self._observed: deque[tuple[float, float]] = deque()
        self._observed_s = 0.0

    def update(self, openness: float | None, t_s: float) -> None:
        """Add the ``eye_openness`` of the next frame, at ``t_s`` seconds; None if it is unknown."""
        self._forget_before(t_s - WINDOW_S)
        if openness is None:
            self._last_s = self._closed_since_s = self._dip_since_s = None
            return
        step_s = 0.0 if self._last_s is None else t_s - self._last_s
        self._last_s = t_s
        if self._level is None:
            self._level = openness
        if step_s > MAX_STEP_S:
            self._dip_since_s = None
        else:
            self._observe(t_s, step_s)
        self._judge(openness / max(self._level, 1e-6), t_s)
        tau_s = LEVEL_UP_TAU_S if openness > self._level else LEVEL_DOWN_TAU_S
        self._level += gain(step_s, tau_s) * (openness - self._level)

    @property
    def blinks_per_minute(self) -> float | None:
        """Over the observed part of the last minute; None if that is below ``MIN_OBSERVED_S``."""
        if self._observed_s < MIN_OBSERVED_S:
            return None
        return 60.0 * len(self._blinks) / self._observed_s

    def closed_s(self) -> float:
        """Seconds since the eyes closed; 0 while they are open."""
        if self._closed_since_s is None or self._last_s is None:
            return 0.0
        return self._last_s - self._closed_since_s

    def _judge(self, ratio: float, t_s: float) -> None:
        """``ratio`` is the openness relative to the open level."""
        if ratio < EYES_CLOSED:
            if self._closed_since_s is None:
                self._closed_since_s = t_s
            if self._dip_since_s is None:
                self._dip_since_s = t_s
        elif ratio > EYES_OPEN:
            dip_s = 0.0 if self._dip_since_s is None else t_s - self._dip_since_s
            if MIN_BLINK_S <= dip_s <= MAX_BLINK_S:
                self._blinks.append(t_s)
            self._closed_since_s = self._dip_since_s = None

    def _observe(self, t_s: float, step_s: float) -> None:
        self._observed.append((t_s, step_s))
        self._observed_s += step_s

    def _forget_before(self, t_s: float) -> None:
        while self._observed and self._observed[0][0] < t_s:
            self._observed_s -= self._observed.popleft()[1]
        while self._blinks and self._blinks[0] < t_s:
            self._blinks.popleft()


def attends(pose: HeadPose | None, eyes: EyeWatch) -> bool | None:
    """Whether a face is turned to the camera with its eyes open; a blink is not inattention.

    Says nothing about where the eyes look. None if the pose is unknown.
    """
    if pose is None:
        return None
    facing = abs(pose.yaw_deg) <= MAX_YAW_DEG and abs(pose.pitch_deg) <= MAX_PITCH_DEG
    return facing and eyes.closed_s() <= MAX_BLINK_S
