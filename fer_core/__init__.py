"""Facial expression recognition: a picture goes in, a ``FrameResult`` comes out.

>>> from fer_core import Analyzer
>>> result = Analyzer().analyze(bgr)            # doctest: +SKIP
>>> result.faces[0].dominant, result.model      # doctest: +SKIP
(<Emotion.HAPPY: 'happy'>, 'compact')
"""

from __future__ import annotations

import os

# onnxruntime 1.31 would make an identity for this device and keep it on the disk. Before it is
# imported for the first time; what somebody has set on purpose stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.baseline import RestingExpression
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.errors import (
    DatasetError,
    DownloadFailed,
    EmptyFile,
    FerError,
    HistoryError,
    HistoryUnavailable,
    IceSettingsWrong,
    JobUnknown,
    PackageMissing,
    PictureError,
    PictureTooLarge,
    RelayUnavailable,
    RestNotMeasured,
    SessionUnknown,
    TooManyJobs,
    UnknownEngine,
    UnknownModel,
    UnreadablePicture,
    UnreadableVideo,
    VideoError,
    VideoTooLarge,
    WeightsCorrupt,
    WeightsError,
    WeightsMissing,
)
from fer_core.labels import Emotion
from fer_core.models.loading import load_detector, load_emotion_model, load_landmark_model
from fer_core.schema import Box, Face, FrameResult, HeadPose

__all__ = [
    "Analyzer",
    "Box",
    "DatasetError",
    "DownloadFailed",
    "Emotion",
    "EmptyFile",
    "Face",
    "FerError",
    "FrameResult",
    "HeadPose",
    "HistoryError",
    "HistoryUnavailable",
    "IceSettingsWrong",
    "JobUnknown",
    "PackageMissing",
    "PictureError",
    "PictureTooLarge",
    "RelayUnavailable",
    "RestNotMeasured",
    "RestingExpression",
    "SessionUnknown",
    "StreamAnalyzer",
    "TooManyJobs",
    "UnknownEngine",
    "UnknownModel",
    "UnreadablePicture",
    "UnreadableVideo",
    "VideoError",
    "VideoTooLarge",
    "WeightsCorrupt",
    "WeightsError",
    "WeightsMissing",
    "load_detector",
    "load_emotion_model",
    "load_landmark_model",
]
