"""A person's resting expression, and expressions seen against it.

Some faces at rest do not read as neutral. A few seconds of rest tell how this one reads, and from
then on there is a better question than "what does it look like": what has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from fer_core.errors import RestNotMeasured
from fer_core.labels import Emotion

MIN_SEEN_S = 2.5
MIN_FRAMES = 10
"""How long, and in how many frames, a face at rest must be seen: a mean of fewer would carry their
noise into every later reading."""

GIVE_UP_S = 15.0
"""A measurement that has not seen that much after so long is given up."""

MAX_STEP_S = 1.0
"""Between two frames further apart than this the face was not watched. Slow computers manage two
frames a second."""

SMOOTHING = 0.02
"""Part of an even distribution mixed into the measured rest (Laplace's rule): a share of zero in
some dozens of frames does not mean never, and would divide by zero."""

REST_SHARE = 0.1
"""The most that any expression but neutral gets in the corrected reading of a face at rest."""


@dataclass(frozen=True, slots=True)
class RestingExpression:
    """How one face reads at rest: ``shares``, one for each of ``labels``, summing to 1."""

    labels: tuple[str, ...]
    shares: tuple[float, ...]

    @classmethod
    def measure(
        cls, labels: tuple[str, ...], t_s: NDArray[np.float64], shares: NDArray[np.float64]
    ) -> Self:
        """The mean over time of a face at rest.

        ``t_s``: ``(n,)`` seconds, rising, the frames in which it was seen; ``shares``:
        ``(n, len(labels))``, unsmoothed. Raises ``RestNotMeasured``.
        """
        steps = _watched(t_s)
        if rest_progress(t_s) < 1.0:
            raise RestNotMeasured(
                f"Your face was seen for {steps.sum():.1f} seconds in {len(t_s)} pictures; "
                f"{MIN_SEEN_S} seconds in {MIN_FRAMES} pictures are needed. Face the camera, with "
                "light on your face, and try again."
            )
        # Half of the time around a frame is its weight, so that uneven frame times do no harm.
        weights = np.append(steps, 0.0) + np.append(0.0, steps)
        mean = weights @ shares / weights.sum()
        rest = _smoothed(mean / mean.sum())
        return cls(labels, tuple(float(share) for share in rest))

    def change(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """What differs from rest, ``(..., k)``: -1..1, summing to 0, all 0 at rest."""
        return np.asarray(_smoothed(shares) - np.array(self.shares))

    def corrected(self, shares: NDArray[np.float64]) -> NDArray[np.float64]:
        """The shares ``(..., k)`` as they would be if this face read as neutral at rest.

        A network's shares are posteriors, and hold its prior; another prior is put in by weighting
        each with the ratio of the new prior to the old one (Saerens, Latinne and Decaestecker,
        "Adjusting the outputs of a classifier to new a priori probabilities", Neural Computation
        14, 2002, eq. 2.4). The old prior is here the reading of this face at rest. The new one is
        the same with every other expression than neutral cut to ``REST_SHARE`` and the rest of it
        given to neutral: what a face at rest looks like decides nothing any more, and a face that
        read as neutral before is left nearly as it was. The shares are smoothed as the rest is, so
        that a face at rest, however sure the network is of it, reads as the new prior.

        Raises ``ValueError`` if neutral is not among the labels.
        """
        rest = np.array(self.shares)
        neutral = self.labels.index(Emotion.NEUTRAL)
        new = np.minimum(rest, REST_SHARE)
        new[neutral] += 1.0 - new.sum()
        weighted = _smoothed(shares) * (new / rest)
        return np.asarray(weighted / weighted.sum(axis=-1, keepdims=True))


def rest_progress(t_s: NDArray[np.float64]) -> float:
    """How much of what ``RestingExpression.measure`` needs these frames are: 0..1, 1 is enough.

    ``t_s``: ``(n,)`` seconds, rising, the frames in which the face was seen.
    """
    return min(1.0, float(_watched(t_s).sum()) / MIN_SEEN_S, len(t_s) / MIN_FRAMES)


def _watched(t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How long the face was watched between each frame and the next, ``(n - 1,)`` seconds."""
    steps = np.diff(t_s)
    return np.where(steps <= MAX_STEP_S, steps, 0.0)


def _smoothed(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares ``(..., k)`` with ``SMOOTHING`` of an even distribution in them."""
    return np.asarray((1.0 - SMOOTHING) * shares + SMOOTHING / shares.shape[-1])
