"""Analyses a stream of frames: faces are tracked, their expressions smoothed over time."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer, check_picture
from fer_core.analysis.face_finder import FaceFinder
from fer_core.analysis.face_state import FaceState
from fer_core.analysis.tracker import Track, Tracker
from fer_core.models.landmarks.geometry import head_pose
from fer_core.schema import Face, FrameResult


class StreamAnalyzer:
    """Analyses the frames of one stream in order.

    Use one object per stream, in one thread at a time. Any frame times work, because everything
    depends on seconds, not on frames. A time equal to or before the last one counts as no time
    passed, and later ones continue from there.
    """

    def __init__(self, analyzer: Analyzer) -> None:
        self._analyzer = analyzer
        self._finder = FaceFinder(analyzer)
        self._tracker = Tracker()
        self._memories: dict[int, FaceState] = {}
        self._now_s = 0.0
        self._last_s: float | None = None
        self._size: tuple[int, int] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions that the faces of its results can show."""
        return self._analyzer.labels

    def update(self, frame_bgr: NDArray[np.uint8], t_s: float) -> FrameResult:
        """Analyse the next frame ``(height, width, 3)`` uint8, BGR, shown at ``t_s`` seconds.

        Each face of the result has a ``track_id``: 1 for the first face of the stream, and so on;
        a number is never reused. Frames may change their size.
        Raises ``ValueError`` for an invalid picture or time, and what the analyzer raises.
        """
        check_picture(frame_bgr)
        started = time.perf_counter()
        self._advance(t_s)
        height, width = frame_bgr.shape[:2]
        self._resize(width, height)
        found = self._finder.find(frame_bgr, self._tracker.tracks, self._now_s)
        tracks = self._tracker.update(found, self._now_s)
        return FrameResult(
            width=width,
            height=height,
            faces=self._faces(frame_bgr, tracks),
            model=self._analyzer.emotion.name,
            detector=self._analyzer.detector.name,
            t_s=t_s,
            latency_ms=(time.perf_counter() - started) * 1e3,
            labels=self.labels,
        )

    def _advance(self, t_s: float) -> None:
        if not math.isfinite(t_s):
            raise ValueError(f"a frame needs a time in seconds, not {t_s}")
        if self._last_s is not None:
            self._now_s += max(0.0, t_s - self._last_s)
        self._last_s = t_s

    def _resize(self, width: int, height: int) -> None:
        """Browsers adapt the size of their frames to the connection."""
        if self._size is not None and self._size != (width, height):
            across, down = width / self._size[0], height / self._size[1]
            self._tracker.rescale(across, down)
            for memory in self._memories.values():
                memory.rescale(across, down)
        self._size = width, height

    def _faces(self, frame_bgr: NDArray[np.uint8], tracks: list[Track]) -> tuple[Face, ...]:
        """The faces of this frame, largest first; due expressions are read in one batch."""
        known = {track.track_id for track in self._tracker.tracks}
        self._memories = {i: memory for i, memory in self._memories.items() if i in known}
        memories = [
            self._memories.setdefault(track.track_id, FaceState(track.track_id, self.labels))
            for track in tracks
        ]
        height, width = frame_bgr.shape[:2]
        steady = [
            memory.steady(track.seen, self._now_s, width, height)
            for memory, track in zip(memories, tracks, strict=True)
        ]
        poses = [
            None if each.points is None else head_pose(each.points, width, height)
            for each in steady
        ]
        due = [i for i, memory in enumerate(memories) if memory.is_due(self._now_s)]
        crops = self._analyzer.crops(frame_bgr, [steady[i] for i in due])
        for i, row, crop in zip(due, self._analyzer.classify(crops), crops, strict=True):
            memories[i].read(row, self._now_s)
            memories[i].quality.update(frame_bgr, steady[i], crop, poses[i], self._now_s)
        faces = [
            memory.face(track.seen, each, pose, self._now_s)
            for memory, track, each, pose in zip(memories, tracks, steady, poses, strict=True)
        ]
        return tuple(sorted(faces, key=lambda face: -face.box.area))
