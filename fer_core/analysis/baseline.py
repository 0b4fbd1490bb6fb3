"""A person's resting expression, and expressions, movements and gaze relative to it.

Some faces at rest are not read as neutral, and some brows are always low. Measuring a face at rest
for a few seconds makes it possible to ask what has changed, instead of what the face looks like.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import RestNotMeasured
from fer_core.labels import Emotion
from fer_core.schema import Gaze
from fer_core.schema.action_units import MOVEMENTS, derive_action_units
from fer_core.wording import count_of

MIN_SEEN_S = 2.5
MIN_FRAMES = 10
"""How long, and in how many frames, a face at rest must be seen: the noise of a mean over fewer
would affect every later reading."""

GIVE_UP_S = 15.0
"""The measurement gives up after this time if it has not seen enough."""

MAX_STEP_S = 1.0
"""A longer gap between two frames does not count as observed. Slow computers manage two frames per
second."""

SMOOTHING = 0.02
"""The weight of a uniform distribution mixed into the measured rest (Laplace's rule): a share of
zero in a few dozen frames does not mean never, and would divide by zero."""

REST_SHARE = 0.1
"""The largest share of any expression except neutral in the corrected reading of a face at rest."""


@dataclass(frozen=True, slots=True)
class RestingExpression:
    """The reading of one face at rest: ``shares``, one for each of ``labels``, summing to 1.

    ``movements``: how much each of ``MOVEMENTS`` shows at rest, 0..1, and ``gaze``, where the eyes
    then look; empty and None if they were not measured, and then nothing is relative to them.
    """

    labels: tuple[str, ...]
    shares: tuple[float, ...]
    movements: tuple[float, ...] = ()
    gaze: Gaze | None = None

    @classmethod
    def measure(
        cls,
        labels: tuple[str, ...],
        t_s: NDArray[np.float64],
        shares: NDArray[np.float64],
        movements: NDArray[np.float64] | None = None,
        gaze: NDArray[np.float64] | None = None,
    ) -> Self:
        """The mean over time of a face at rest.

        ``t_s``: ``(n,)`` increasing times in seconds of the frames in which it was seen;
        ``shares``: ``(n, len(labels))``, unsmoothed; ``movements``: ``(n, 52)``, and ``gaze``:
        ``(n, 4)``, the fields of ``Gaze``, NaN in frames that lack them. Of these two, a mean over
        less than ``MIN_FRAMES`` frames is left out. Raises ``RestNotMeasured``.
        """
        steps = _watched(t_s)
        if rest_progress(t_s) < 1.0:
            raise RestNotMeasured(
                f"Your face was seen for {steps.sum():.1f} seconds in "
                f"{count_of(len(t_s), 'picture')}; {MIN_SEEN_S} seconds in {MIN_FRAMES} pictures "
                "are needed. Face the camera, with light on your face, and try again."
            )
        # Each frame is weighted with half of the time to its neighbours, for uneven frame times.
        weights = np.append(steps, 0.0) + np.append(0.0, steps)
        mean = weights @ shares / weights.sum()
        rest = _smoothed(mean / mean.sum())
        looks = _mean_of_known(gaze, weights)
        return cls(
            labels,
            tuple(float(share) for share in rest),
            _mean_of_known(movements, weights),
            Gaze(*looks) if looks else None,
        )

    @property
    def action_units(self) -> dict[str, float]:
        """How much each action unit shows at rest, by the names of ``Face.action_units``."""
        return derive_action_units(self._movements) if self.movements else {}

    @property
    def _movements(self) -> dict[str, float]:
        return dict(zip(MOVEMENTS, self.movements, strict=bool(self.movements)))

    def change(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The differences from rest, ``(..., k)``: -1..1, summing to 0, all 0 at rest."""
        return np.asarray(_smoothed(shares) - np.array(self.shares))

    def corrected(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The shares ``(..., k)`` as they would be if this face read as neutral at rest.

        A network's shares are posteriors that include its prior; to change the prior, each share
        is weighted with the ratio of the new prior to the old one (Saerens, Latinne and
        Decaestecker, "Adjusting the outputs of a classifier to new a priori probabilities", Neural
        Computation 14, 2002, eq. 2.4). Here the old prior is the reading of this face at rest. In
        the new one every expression except neutral is capped at ``REST_SHARE`` and the difference
        goes to neutral: the resting look no longer matters, and a face that was read as neutral
        hardly changes. The shares are smoothed like the rest, so that a face at rest is read as the
        new prior, however certain the network is.

        Raises ``ValueError`` if neutral is not among the labels.
        """
        rest = np.array(self.shares)
        neutral = self.labels.index(Emotion.NEUTRAL)
        new = np.minimum(rest, REST_SHARE)
        new[neutral] += 1.0 - new.sum()
        weighted = _smoothed(shares) * (new / rest)
        return np.asarray(weighted / weighted.sum(axis=-1, keepdims=True))

    def corrected_movements(self, shown: Mapping[str, float]) -> dict[str, float]:
        """Movements or action units by name, 0..1, as ``above_rest`` has them.

        Each is relative to its own rest, a side of the face to that side's. ``shown`` is a
        ``Face.movements`` or ``Face.action_units``, which themselves stay as they were seen. Where
        no movements were measured at rest, nothing changes.
        """
        rest = self._movements | self.action_units
        return {
            name: float(above_rest(value, rest[name])) if name in rest else value
            for name, value in shown.items()
        }

    def corrected_gaze(self, gaze: Gaze) -> Gaze:
        """A gaze in degrees from the gaze at rest: all its angles less those of the rest.

        So 0 is where this person looked at rest, by the same measure: the error of a face whose
        eyes lie deeper than the average face's is gone. Where no gaze was measured at rest, nothing
        changes.
        """
        if self.gaze is None:
            return gaze
        return Gaze(*(a - b for a, b in zip(astuple(gaze), astuple(self.gaze), strict=True)))


def above_rest(
    shown: NDArray[np.float64] | float, rest: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """How far a movement goes of the way that it could go from rest: 0 at rest or below, 1 at most.

    ``max(0, (shown - rest) / (1 - rest))``, for values 0..1 of shapes that fit: brows that are
    always low are at 0 until they go lower, and if they go as low as can be measured, still at 1.
    """
    rest = np.asarray(rest)
    return np.asarray(np.maximum(shown - rest, 0.0) / np.maximum(1.0 - rest, 1e-6))


def rest_progress(t_s: NDArray[np.float64]) -> float:
    """How far these frames suffice for ``RestingExpression.measure``: 0..1, 1 is enough.

    ``t_s``: ``(n,)`` increasing times in seconds of the frames in which the face was seen.
    """
    return min(1.0, float(_watched(t_s).sum()) / MIN_SEEN_S, len(t_s) / MIN_FRAMES)


def _watched(t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long the face was observed between each frame and the next, ``(n - 1,)`` seconds."""
    steps = np.diff(t_s)
    return np.where(steps <= MAX_STEP_S, steps, 0.0)


def _mean_of_known(
    values: NDArray[np.float64] | None, weights: NDArray[np.float64]
) -> tuple[float, ...]:
    """The mean ``(k,)`` of ``(n, k)`` over the rows without NaN; () of too few of them.

    Rows without weight, of frames far from all others, tell nothing.
    """
    if values is None:
        return ()
    known = ~np.isnan(values).any(axis=1) & (weights > 0.0)
    if known.sum() < MIN_FRAMES:
        return ()
    mean = np.average(values[known], axis=0, weights=weights[known])
    return tuple(float(value) for value in mean)


def _smoothed(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares ``(..., k)`` mixed with a uniform distribution of weight ``SMOOTHING``."""
    return np.asarray((1.0 - SMOOTHING) * shares + SMOOTHING / shares.shape[-1])
