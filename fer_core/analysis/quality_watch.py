"""Measures the quality of a face in a stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.cover import Cover, covered
from fer_core.analysis.detection import DetectedFace
from fer_core.analysis.quality import quality_of
from fer_core.analysis.smoothing import ExponentialSmoother
from fer_core.schema import PROBLEMS, FaceQuality, HeadPose

COVER_INTERVAL_S = 1.0
"""The interval between measurements of covered mouths and eyes. These take 1 ms and rarely change;
all others take 0.04 ms of the 10 ms for a frame with one face."""


class QualityWatch:
    """The quality of one face over time.

    Its problems are those of the majority of recent frames, with the same weights as the smoothed
    shares, so that a single frame in which the face moved does not matter.
    """

    def __init__(self) -> None:
        self.quality: FaceQuality | None = None
        self._part_of_time = ExponentialSmoother()
        self._cover = Cover()
        self._cover_measured_s: float | None = None

    def update(
        self,
        frame_bgr: NDArray[np.uint8],
        face: DetectedFace,
        crop: NDArray[np.uint8],
        pose: HeadPose | None,
        now_s: float,
    ) -> None:
        """Measure a face of a frame; ``crop`` is the expression network's grey input."""
        due = self._cover_measured_s is None or now_s - self._cover_measured_s >= COVER_INTERVAL_S
        if due and face.points is not None:
            self._cover = covered(frame_bgr, face.box, face.points)
            self._cover_measured_s = now_s
        found = quality_of(face, crop, pose, self._cover)
        occurs = np.array([problem in found.problems for problem in PROBLEMS], np.float64)
        parts = zip(PROBLEMS, self._part_of_time.update(occurs, now_s), strict=True)
        lasting = tuple(problem for problem, part in parts if part > 0.5)
        self.quality = replace(found, problems=lasting)
