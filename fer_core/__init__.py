"""Facial expression recognition: a picture goes in, a ``FrameResult`` comes out.

>>> from fer_core import Analyzer
>>> result = Analyzer().analyze(bgr)            # doctest: +SKIP
>>> result.faces[0].dominant, result.model      # doctest: +SKIP
(<Emotion.HAPPY: 'happy'>, 'compact')
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

# onnxruntime 1.31 would make an identity for this device and keep it on the disk. Before it is
# imported for the first time; what somebody has set on purpose stays.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from fer_core.analysis.analyzer import Analyzer
    from fer_core.analysis.baseline import RestingExpression
    from fer_core.analysis.stream import StreamAnalyzer
    from fer_core.errors import (
        BackendFailed,
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

__version__ = "1.0.0"

__all__ = [
    "Analyzer",
    "BackendFailed",
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

# Where the names are that are not exceptions. They are imported when they are first asked for:
# OpenCV, onnxruntime and NumPy take a second that `fer-dashboard --help` need not wait.
_MODULES = {
    "Analyzer": "fer_core.analysis.analyzer",
    "RestingExpression": "fer_core.analysis.baseline",
    "StreamAnalyzer": "fer_core.analysis.stream",
    "Emotion": "fer_core.labels",
    "load_detector": "fer_core.models.loading",
    "load_emotion_model": "fer_core.models.loading",
    "load_landmark_model": "fer_core.models.loading",
    "Box": "fer_core.schema",
    "Face": "fer_core.schema",
    "FrameResult": "fer_core.schema",
    "HeadPose": "fer_core.schema",
}


def __getattr__(name: str) -> Any:
    """A public name, from its module (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES.get(name, "fer_core.errors")), name)
    globals()[name] = value  # the next time Python finds it by itself
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
