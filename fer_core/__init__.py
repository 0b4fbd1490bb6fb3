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

# Before the first import of onnxruntime 1.31, which would otherwise create an identity for this
# device and store it on disk. A value set by the user stays.
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

# The modules of all names but exceptions. They are imported on first use, because OpenCV,
# onnxruntime and NumPy take a second, which `fer-dashboard --help` does not need.
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
    globals()[name] = value  # from now on Python finds it directly
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
