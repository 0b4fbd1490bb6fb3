"""The smoothed state of one face of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.attention import MAX_YAW_DEG, EyeWatch, attends, eye_openness
from fer_core.analysis.detection import (
    DetectedFace,
    as_coefficients,
    as_landmarks,
    blink_of,
    gaze_of,
    moving,
)
from fer_core.analysis.quality_watch import QualityWatch
from fer_core.analysis.smoothing import ExponentialSmoother, PointFilter, SteadyLabel
from fer_core.models.landmarks.crops import face_box
from fer_core.models.landmarks.gaze import CLOSED
from fer_core.models.landmarks.geometry import eye_aspect_ratio, mouth_aspect_ratio
from fer_core.schema import Face, HeadPose

READ_EVERY_S = 0.045
"""The expression network runs at most this often: on every frame at 22 frames per second, on every
second one at 30.

What is shown is smoothed over a longer time, and the network is the slowest part of the analysis.
"""


class FaceState:
    """One face of a stream: its smoothed points and shares, its label, its eyes, its quality."""

    def __init__(self, track_id: int, labels: Sequence[str]) -> None:
        self._track_id = track_id
        self._labels = tuple(labels)
        self._points, self._irises = PointFilter(), PointFilter()
        self._shares, self._movements = ExponentialSmoother(), ExponentialSmoother()
        self._label = SteadyLabel()
        self._eyes = EyeWatch()
        self.quality = QualityWatch()
        self._read: NDArray[np.float64] | None = None
        self._read_s = 0.0

    def is_due(self, now_s: float) -> bool:
        """Whether the expression network is due for this face."""
        return self._read is None or now_s - self._read_s >= READ_EVERY_S

    def read(self, shares: NDArray[np.float64], now_s: float) -> None:
        """Keep the shares read from the face, ``(k,)``, until they are read again."""
        self._read, self._read_s = shares, now_s

    def steady(self, seen: DetectedFace, now_s: float, width: int, height: int) -> DetectedFace:
        """The face in the next frame, with filtered points and its box clipped to the frame.

        ``seen.box`` is at least partly in the ``width`` x ``height`` frame.
        """
        points, box = seen.points, seen.box
        if points is not None:
            filtered = self._points.update(points, seen.size_px, now_s)
            points = filtered.astype(np.float32)
            box = face_box(points).to_box()
        irises, blink = seen.irises, blink_of(seen)
        if blink is not None and blink >= CLOSED:
            irises = None  # behind the lids, and a guess would pull the filter's mean there
        if irises is not None:
            irises = self._irises.update(irises, seen.size_px, now_s)
        # The filtered box may still be outside the frame after the face has come back.
        inside = box.inside(width, height) or seen.box.inside(width, height)
        return replace(seen, box=inside or seen.box, points=points, irises=irises)

    def face(
        self,
        seen: DetectedFace,
        steady: DetectedFace,
        pose: HeadPose | None,
        now_s: float,
    ) -> Face:
        """The face to show, given ``steady`` and its pose, and the last shares.

        The openness of eyes and mouth comes from the unfiltered points of ``seen``, and whether the
        eyes are closed from its unsmoothed movements: a filter would remove blinks.
        """
        shares = self._read
        assert shares is not None  # it was due in the first frame
        smoothed = self._shares.update(shares, now_s)
        moved = None
        if seen.movements is not None:
            moved = self._movements.update(seen.movements.astype(np.float64), now_s)
        landmarks, eyes, mouth = seen.marks, None, None
        if seen.points is not None and steady.points is not None:
            landmarks = as_landmarks(steady.points)
            eyes, mouth = eye_aspect_ratio(seen.points), mouth_aspect_ratio(seen.points)
        quality = self.quality.quality
        hidden = quality is not None and quality.hides_eyes
        # On a face turned aside the far eye cannot be judged.
        visible = pose is not None and abs(pose.yaw_deg) <= MAX_YAW_DEG and not hidden
        self._eyes.update(eye_openness(eyes, blink_of(seen)) if visible else None, now_s)
        return Face(
            box=steady.box,
            score=seen.score,
            landmarks=landmarks,
            probabilities=tuple(smoothed.tolist()),
            track_id=self._track_id,
            labels=self._labels,
            presence=seen.presence,
            pose=pose,
            eye_aspect_ratio=eyes,
            mouth_aspect_ratio=mouth,
            **moving(moved),
            raw_coefficients=as_coefficients(seen.movements),
            gaze=None if hidden else gaze_of(steady, pose),
            raw_probabilities=tuple(shares.tolist()),
            steady_label=self._labels[self._label.update(smoothed, now_s)],
            blinks_per_minute=self._eyes.blinks_per_minute,
            attentive=attends(pose, self._eyes),
            quality=quality,
        )

    def rescale(self, across: float, down: float) -> None:
        """Adapt to frames scaled by these factors."""
        self._points.rescale(across, down)
        self._irises.rescale(across, down)
