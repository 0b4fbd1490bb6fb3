"""Finds the faces of a stream: tracked by their landmarks, with the detector run now and then."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.detection import DetectedFace, located_face
from fer_core.analysis.tracker import Track
from fer_core.media.resize import shrink
from fer_core.models.landmarks import MIN_PRESENCE, LandmarkModel, least_presence
from fer_core.models.landmarks.crops import face_box
from fer_core.schema import Box, Detection

DETECT_EVERY_S = 0.5
"""How long a new face may go unnoticed."""

SEARCH_EVERY_S = 0.1
"""The same while a known face is missing, which must be found before it is forgotten."""

DETECT_PX = 384
"""The detector sees frames at this length of their longer side, a multiple of 32, as YuNet needs:
both detectors take a third of the time they need for 640x480. In a frame 640 wide YuNet then finds
faces from about 16 pixels on and Haar from 40. At 320 YuNet no longer finds heads that are tilted
by 30 degrees. Detected faces are tracked at full size."""

SAME_FACE_OVERLAP = 0.5
"""If the smaller of two faces lies in the other by this share, only one is visible: one was found
twice, or went behind the other and its landmarks moved to the one in front."""

KNOWN_IOU = 0.3
"""A detector's box that overlaps a tracked face by this much is that face."""


class FaceFinder:
    """Finds the faces of a stream's frames, mostly without the detector.

    The landmark network checks where each known face is expected: its presence says whether the
    face is there, and its points say where exactly. The detector runs if no face is known, every
    ``DETECT_EVERY_S``, and every ``SEARCH_EVERY_S`` while a known face is missing. Without a
    landmark network it runs on every frame.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._detected_s = -math.inf

    def find(
        self, frame_bgr: NDArray[np.uint8], tracks: Sequence[Track], now_s: float
    ) -> list[DetectedFace]:
        """The faces of a frame at ``now_s`` seconds, given the known ones."""
        network = self._analyzer.landmarks
        if network is None:
            return self._analyzer.detect(frame_bgr)
        faces = _follow(network, frame_bgr, tracks, now_s)
        if not self._due(faces, tracks, now_s):
            return faces
        self._detected_s = now_s
        found = self._detect(frame_bgr)
        new = [each for each in found if all(each.box.iou(f.box) < KNOWN_IOU for f in faces)]
        least = least_presence(self._analyzer.detector)
        return _distinct(faces + [face for face in _look(network, frame_bgr, new, least) if face])

    def _due(self, faces: Sequence[DetectedFace], tracks: Sequence[Track], now_s: float) -> bool:
        if not faces:
            return True
        missing = len(faces) < len(tracks)
        every_s = SEARCH_EVERY_S if missing else DETECT_EVERY_S
        return now_s - self._detected_s >= every_s

    def _detect(self, frame_bgr: NDArray[np.uint8]) -> list[Detection]:
        """The detector's faces in the scaled-down frame, in pixels of the frame."""
        small, scale = shrink(frame_bgr, DETECT_PX)
        return [
            Detection(_enlarged(each.box, 1.0 / scale), each.score)
            for each in self._analyzer.detector.detect(small)
        ]


def _follow(
    network: LandmarkModel, frame_bgr: NDArray[np.uint8], tracks: Sequence[Track], now_s: float
) -> list[DetectedFace]:
    """The known faces that are where they were expected."""
    expected = [Detection(track.predict(now_s), track.seen.score) for track in tracks]
    found = [face for face in _look(network, frame_bgr, expected, MIN_PRESENCE) if face]
    return _distinct(sorted(found, key=lambda face: -(face.presence or 0.0)))


def _look(
    network: LandmarkModel,
    frame_bgr: NDArray[np.uint8],
    expected: Sequence[Detection],
    least: float,
) -> list[DetectedFace | None]:
    """The face in each of these boxes, or None if its presence is below ``least``; in one batch."""
    if not expected:
        return []
    height, width = frame_bgr.shape[:2]
    located = network.locate(frame_bgr, [near.box for near in expected])
    faces: list[DetectedFace | None] = []
    for near, landmarks in zip(expected, located, strict=True):
        box = face_box(landmarks.points).to_box()
        present = landmarks.presence >= least and box.inside(width, height)
        face = located_face(box, near.score, landmarks)
        faces.append(face if present else None)
    return faces


def _distinct(faces: Sequence[DetectedFace]) -> list[DetectedFace]:
    """The faces that are not mostly covered by an earlier one."""
    kept: list[DetectedFace] = []
    for face in faces:
        if all(face.box.overlap(other.box) < SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _enlarged(box: Box, factor: float) -> Box:
    x, y, w, h = (value * factor for value in box.to_list())
    return Box(round(x), round(y), max(1, round(w)), max(1, round(h)))
