"""The result of an analysis: ``FrameResult`` and its parts.

They are small frozen dataclasses that check their values when they are created. All code that
draws, charts, stores or exports results reads these classes and nothing else.
"""

from __future__ import annotations

from fer_core.schema.affect import Affect
from fer_core.schema.box import Box
from fer_core.schema.face import MEASURES, Detection, Face, Gaze, HeadPose, Point
from fer_core.schema.frame_result import FrameResult
from fer_core.schema.quality import PROBLEMS, FaceQuality, Problem

__all__ = [
    "MEASURES",
    "PROBLEMS",
    "Affect",
    "Box",
    "Detection",
    "Face",
    "FaceQuality",
    "FrameResult",
    "Gaze",
    "HeadPose",
    "Point",
    "Problem",
]
