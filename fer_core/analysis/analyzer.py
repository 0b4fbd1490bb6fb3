"""Finds and classifies the faces of a picture."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.detection import DetectedFace, as_landmarks, gaze_of, located_face, moving
from fer_core.analysis.quality import face_quality
from fer_core.analysis.upright import Upright, find_upright
from fer_core.models.detectors import FaceDetector
from fer_core.models.detectors.pyramid import OnProgress, detect_all_sizes
from fer_core.models.emotion import EmotionModel
from fer_core.models.landmarks import LandmarkModel, least_presence
from fer_core.models.landmarks.crops import Square, eye_line
from fer_core.models.landmarks.geometry import eye_aspect_ratio, head_pose, mouth_aspect_ratio
from fer_core.models.loading import AUTO, DEFAULT_WAIT_S, choose, load
from fer_core.models.registry import Kind
from fer_core.schema import Box, Detection, Face, FrameResult


class Analyzer:
    """Combines a detector, a landmark model and an emotion model. Thread-safe."""

    def __init__(
        self,
        detector: str | FaceDetector = AUTO,
        emotion: str | EmotionModel = AUTO,
        landmarks: str | LandmarkModel | None = AUTO,
        wait_s: float = DEFAULT_WAIT_S,
    ) -> None:
        """Each model is an object or a name; ``auto`` waits up to ``wait_s`` for a download.

        With ``landmarks`` None, faces have only the detector's points, and every box of the
        detector counts as a face. Raises ``UnknownModel`` or ``WeightsError``.
        """
        self.detector: FaceDetector = _loaded(Kind.DETECTOR, detector, wait_s)
        self.emotion: EmotionModel = _loaded(Kind.EMOTION, emotion, wait_s)
        self.landmarks: LandmarkModel | None = _loaded(Kind.LANDMARKS, landmarks, wait_s)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the emotion model, and of the results."""
        return self.emotion.labels

    def analyze(
        self, bgr: NDArray[np.uint8], t_s: float = 0.0, on_progress: OnProgress | None = None
    ) -> FrameResult:
        """Find and classify every face in a picture ``(height, width, 3)`` uint8, BGR.

        This is more thorough and slower than ``StreamAnalyzer`` for a frame: it also searches large
        pictures for small faces, and pictures without upright faces in other orientations. ``t_s``
        is the time of the result in seconds. The search of 64 megapixels takes seconds:
        ``on_progress`` is called with the part that is done, 0..1 (once more from the beginning if
        the picture is turned), and what it raises ends the analysis.
        Raises ``ValueError`` for an array of another shape or type.
        """
        check_picture(bgr)
        started = time.perf_counter()
        height, width = bgr.shape[:2]
        upright = self.find(bgr, on_progress)
        crops = self.crops(upright.picture, upright.faces)
        return FrameResult(
            width=width,
            height=height,
            faces=tuple(
                _with_quality(self._face(there, row, width, height), upright.picture, seen, crop)
                for there, seen, crop, row in zip(
                    upright.in_the_original(),
                    upright.faces,
                    crops,
                    self.classify(crops),
                    strict=True,
                )
            ),
            turned_deg=90 * upright.quarters,
            model=self.emotion.name,
            detector=self.detector.name,
            t_s=t_s,
            latency_ms=(time.perf_counter() - started) * 1e3,
            labels=self.labels,
        )

    def find(self, bgr: NDArray[np.uint8], on_progress: OnProgress | None = None) -> Upright:
        """The faces that ``analyze`` classifies, in the picture turned so that they are upright."""
        search = partial(self._search, on_progress=on_progress)
        return find_upright(bgr, search, self.detect, self.landmarks)

    def detect(self, bgr: NDArray[np.uint8]) -> list[DetectedFace]:
        """The faces of a frame that the detector finds and the landmark network confirms."""
        return self._confirmed(bgr, self.detector.detect(bgr))

    def _search(self, bgr: NDArray[np.uint8], on_progress: OnProgress | None) -> list[DetectedFace]:
        return self._confirmed(bgr, detect_all_sizes(self.detector, bgr, on_progress))

    def _confirmed(self, bgr: NDArray[np.uint8], found: Sequence[Detection]) -> list[DetectedFace]:
        if self.landmarks is None:
            return [DetectedFace(each.box, each.score, marks=each.landmarks) for each in found]
        located = self.landmarks.locate(bgr, [each.box for each in found])
        least = least_presence(self.detector)
        return [
            located_face(each.box, each.score, there)
            for each, there in zip(found, located, strict=True)
            if there.presence >= least
        ]

    def crops(self, bgr: NDArray[np.uint8], faces: Sequence[DetectedFace]) -> NDArray[np.uint8]:
        """The emotion model's inputs for the faces of a picture, ``(n, CROP_PX, CROP_PX)``."""
        if not faces:
            return np.zeros((0, CROP_PX, CROP_PX), np.uint8)
        return np.stack([level_crop(bgr, face.box, face.points) for face in faces])

    def classify(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """The shares of the labels for ``crops``, computed in one batch.

        Returns ``(n, len(labels))``; each row sums to 1.
        """
        if not len(crops):
            return np.zeros((0, len(self.labels)))
        shares = self.emotion.predict(crops).astype(np.float64)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def _face(
        self, seen: DetectedFace, shares: NDArray[np.float64], width: int, height: int
    ) -> Face:
        face = Face(
            box=seen.box,
            score=seen.score,
            landmarks=seen.marks,
            probabilities=tuple(shares.tolist()),
            labels=self.labels,
            presence=seen.presence,
        )
        if seen.points is None:
            return face
        pose = head_pose(seen.points, width, height)
        return replace(
            face,
            landmarks=as_landmarks(seen.points),
            pose=pose,
            eye_aspect_ratio=eye_aspect_ratio(seen.points),
            mouth_aspect_ratio=mouth_aspect_ratio(seen.points),
            **moving(seen.movements),
            gaze=gaze_of(seen, pose),
        )


def _with_quality(
    face: Face, picture: NDArray[np.uint8], seen: DetectedFace, crop: NDArray[np.uint8]
) -> Face:
    """``face`` with its quality, and without the gaze of covered eyes; ``seen`` is the same face in
    the upright ``picture``."""
    quality = face_quality(picture, seen, crop, face.pose)
    return replace(face, quality=quality, gaze=None if quality.hides_eyes else face.gaze)


def _loaded(kind: Kind, model: Any, wait_s: float) -> Any:
    """The model itself, or the model with this name."""
    return load(choose(kind, model, wait_s).model) if isinstance(model, str) else model


def check_picture(bgr: NDArray[np.uint8]) -> None:
    """Raise ``ValueError`` unless the array is ``(height, width, 3)`` uint8 and not empty."""
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or 0 in bgr.shape:
        raise ValueError(f"a picture is (height, width, 3) uint8, not {bgr.shape} {bgr.dtype}")


CROP_PX = 96
"""The side of the emotion model's crops in pixels. All faces of a frame have the same, so that they
fit in one batch; it is larger than the tiles of the networks, which resample them."""


MOST_TURN = math.radians(45.0)
"""The largest correction for a tilted head. In a profile the eyes coincide, and the line through
them has an arbitrary direction."""


def level_crop(
    bgr: NDArray[np.uint8], box: Box, points: NDArray[np.floating] | None
) -> NDArray[np.uint8]:
    """``face_crop``, turned so that the eyes are level, if the 68 points ``(68, 2)`` are known.

    Most faces in the networks' training data are upright; benchmarks/alignment.py measures the
    gain.
    """
    if points is None:
        return face_crop(bgr, box)
    return face_square(box, points).cut(bgr, CROP_PX)


def face_square(box: Box, points: NDArray[np.floating] | None) -> Square:
    """The square of ``level_crop`` in the picture; it is level if the points are unknown."""
    turn = 0.0
    if points is not None:
        turn = min(max(eye_line(np.asarray(points, np.float32)), -MOST_TURN), MOST_TURN)
    middle = box.x + (box.w - 1) / 2.0, box.y + (box.h - 1) / 2.0
    return Square(*middle, float(max(box.w, box.h)), turn)


def face_crop(bgr: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """The square around a box, grey, ``(CROP_PX, CROP_PX)`` uint8.

    Its side is the longer edge of the box, and its centre that of the box. This matches the tiles
    of FER2013, which the networks were trained on: for 750 of them, the side is 1.01 times the
    longer edge of YuNet's box and 1.03 times that of Haar's (medians). Outside the picture, the
    edge pixels are repeated, because a black bar would look like an occlusion.
    """
    side = max(box.w, box.h)
    left = box.x + (box.w - side) // 2
    top = box.y + (box.h - side) // 2
    height, width = bgr.shape[:2]
    inside = bgr[max(0, top) : min(height, top + side), max(0, left) : min(width, left + side)]
    square = cv2.copyMakeBorder(
        inside,
        max(0, -top),
        max(0, top + side - height),
        max(0, -left),
        max(0, left + side - width),
        cv2.BORDER_REPLICATE,
    )
    grey = cv2.cvtColor(square, cv2.COLOR_BGR2GRAY)
    resampling = cv2.INTER_AREA if side > CROP_PX else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, (CROP_PX, CROP_PX), interpolation=resampling), np.uint8)
