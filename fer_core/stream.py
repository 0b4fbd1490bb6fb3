"""One stream of frames: what ``Analyzer`` says of each frame, with a memory of who is who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_core.schema import Box, Face, FrameResult

MIN_IOU = 0.3
"""Two boxes that share less than this are two faces (the usual floor of IoU trackers; Bochinski
et al., AVSS 2017)."""

MEMORY_S = 0.5
"""How long a face may be missed (a blink of the detector) and keep its identity."""


class PictureAnalyzer(Protocol):
    """What ``StreamAnalyzer`` needs: ``fer_core.analyzer.Analyzer``, or a test's stand-in."""

    @property
    def labels(self) -> tuple[str, ...]:
        """See ``Analyzer.labels``."""
        ...

    def analyze(self, bgr: NDArray[np.uint8], t_s: float = 0.0) -> FrameResult:
        """See ``Analyzer.analyze``."""
        ...


@dataclass(frozen=True, slots=True)
class _Track:
    """Where a face was last seen, in a picture of what size, and when."""

    track_id: int
    box: Box
    width: int
    height: int
    seen_s: float

    def box_in(self, width: int, height: int) -> Box:
        """The box in a picture of another size: browsers change it as the connection allows."""
        across, down = width / self.width, height / self.height
        box = self.box
        return Box(
            x=round(box.x * across),
            y=round(box.y * down),
            w=max(1, round(box.w * across)),
            h=max(1, round(box.h * down)),
        )


class StreamAnalyzer:
    """Analyses the frames of one stream in order, and tells its faces apart.

    One object a stream, one thread at a time.
    """

    def __init__(self, analyzer: PictureAnalyzer) -> None:
        self._analyzer = analyzer
        self._tracks: list[_Track] = []
        self._last_id = 0
        self._last_s = -np.inf

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions that the faces of its results can show."""
        return self._analyzer.labels

    def update(self, frame_bgr: NDArray[np.uint8], t_s: float) -> FrameResult:
        """Analyse the next frame ``(height, width, 3)`` uint8, BGR, shown at ``t_s`` seconds.

        Each face of the result has a ``track_id``: 1 for the first face of the stream, and so on;
        a number is never given to a second face. Raises what the analyzer raises.
        """
        result = self._analyzer.analyze(frame_bgr, t_s=t_s)
        known = [track for track in self._tracks if self._remembered(track, t_s)]
        pairs = match_boxes(
            [face.box for face in result.faces],
            [track.box_in(result.width, result.height) for track in known],
        )
        faces = tuple(
            replace(face, track_id=known[pairs[i]].track_id if i in pairs else self._next_id())
            for i, face in enumerate(result.faces)
        )
        missed = [track for j, track in enumerate(known) if j not in pairs.values()]
        self._tracks = [_track(face, result) for face in faces] + missed
        self._last_s = t_s
        return replace(result, faces=faces)

    def _remembered(self, track: _Track, t_s: float) -> bool:
        # The previous frame always counts: on a machine that manages one frame a second every
        # box would otherwise be too old, and every frame would show new people.
        return track.seen_s >= self._last_s or t_s - track.seen_s <= MEMORY_S

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def match_boxes(boxes: Sequence[Box], known: Sequence[Box]) -> dict[int, int]:
    """Pair each box with at most one known box, best overlap first: index -> index in ``known``."""
    overlaps = sorted(
        (
            (box.iou(other), i, j)
            for i, box in enumerate(boxes)
            for j, other in enumerate(known)
            if box.iou(other) >= MIN_IOU
        ),
        key=lambda overlap: -overlap[0],
    )
    pairs: dict[int, int] = {}
    for _, i, j in overlaps:
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return pairs


def _track(face: Face, result: FrameResult) -> _Track:
    assert face.track_id is not None
    return _Track(face.track_id, face.box, result.width, result.height, result.t_s)
