"""The batches of a run of the face network, drawn at random from its training data.

NumPy and OpenCV only, no tensors, so that forked processes can draw them too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from fer_core.models.landmarks.face import IRISES, POINTS
from fer_core.training.landmarks.augment import MIRRORED_MOVEMENT, augment
from fer_core.training.landmarks.negatives import Strangers
from fer_core.training.landmarks.state import Settings

MARKED = POINTS + IRISES


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """Faces of which a teacher told everything.

    Grey ``pictures``; ``points`` ``(n, 70 + k, 2)``: the irises and the mesh of ``k`` points, also
    none, after the 68; ``movements`` ``(n, 52)``, 0..1. ``order`` ``(70 + k,)`` holds the index in
    the original of each point of a mirrored face.
    """

    pictures: list[NDArray[np.uint8]]
    points: NDArray[np.float32]
    movements: NDArray[np.float32]
    order: NDArray[np.int_]

    @property
    def has_mesh(self) -> bool:
        """Whether there are further points."""
        return bool(self.points.shape[1] > MARKED)

    def face(
        self, i: int, rng: np.random.Generator, strength: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        """A random crop of a face, its points and its movements."""
        crop, places, turned_over = augment(
            self.pictures[i], self.points[i], rng, strength, self.order
        )
        moved = self.movements[i]
        return crop, places, moved[MIRRORED_MOVEMENT] if turned_over else moved


@dataclass(frozen=True, slots=True, eq=False)
class Training:
    """Training data: grey pictures with their points ``(n, 68, 2)``, taught faces, and faces
    without points."""

    pictures: list[NDArray[np.uint8]]
    points: NDArray[np.float32]
    taught: Taught
    strangers: Strangers


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """``crops``: ``(n, 80, 80)`` uint8. The first ``len(points)`` have points ``(k, 68, 2)``; the
    first ``len(movements)`` of these also ``irises`` ``(m, 2, 2)``, a ``mesh`` ``(m, k, 2)`` and
    movements ``(m, 52)``. Points are shares of the crop's side, all but the crops are float32.

    ``present``: ``(n,)``, 1 for a face and 0 for none.
    """

    crops: NDArray[np.uint8]
    points: NDArray[np.float32]
    irises: NDArray[np.float32]
    mesh: NDArray[np.float32]
    movements: NDArray[np.float32]
    present: NDArray[np.float32]


class Batches(Dataset[Batch]):
    """The batches of an epoch by their number: faces drawn at random, and crops without one.

    ``progress`` is the share of the run that is done when the epoch begins.
    """

    def __init__(self, data: Training, settings: Settings, epoch: int, progress: float) -> None:
        self._data, self._settings, self._epoch = data, settings, epoch
        self._strength = 0.5 if progress >= 1.0 - settings.refine_share else 1.0

    def __getitem__(self, step: int) -> Batch:
        data, settings, strength = self._data, self._settings, self._strength
        rng = np.random.default_rng([settings.seed, self._epoch, step])
        scale = settings.batch_scale
        taught = [
            data.taught.face(int(i), rng, strength)
            for i in rng.integers(0, len(data.taught.pictures), settings.taught * scale)
        ]
        marked = [
            augment(data.pictures[i], data.points[i], rng, strength)
            for i in rng.integers(0, len(data.pictures), settings.marked * scale)
        ]
        faces = [data.strangers.face(rng, strength) for _ in range(settings.strangers * scale)]
        negatives = [
            data.strangers.negative(rng, strength) for _ in range(settings.negatives * scale)
        ]
        crops = [*(face[0] for face in (*taught, *marked)), *faces, *negatives]
        places = np.stack([face[1] for face in taught])
        known = [*places[:, :POINTS], *(face[1] for face in marked)]
        present = np.ones(len(crops), np.float32)
        present[len(crops) - len(negatives) :] = 0.0
        return Batch(
            crops=np.stack(crops),
            points=np.stack(known),
            irises=places[:, POINTS:MARKED],
            mesh=places[:, MARKED:],
            movements=np.stack([face[2] for face in taught]),
            present=present,
        )
