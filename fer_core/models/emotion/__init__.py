"""Which expression a face shows: the last of the three steps."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fer_core.models.emotion.custom import own_network, own_networks


class EmotionModel(Protocol):
    """Anything that reads expressions. One instance may be used from several threads at once."""

    name: str
    labels: tuple[str, ...]
    """What the columns of ``predict`` mean: ``EMOTIONS``, or a user's own classes."""

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The share of each of ``labels`` in square grey faces ``(n, s, s)`` uint8, any ``s``.

        Returns ``(n, len(labels))`` float32, each row summing to 1. Raises ``ValueError`` for
        other arrays.
        """
        ...


def load_emotion_model(name: str = "auto") -> EmotionModel:
    """The model of that name, ready to use: ``"auto"``, ``"deepface"``, ``"compact"``, or one of
    the user's own (``fer_core.models.emotion.custom``).

    ``auto`` is DeepFace's network where its weights are here or can be fetched, else the compact
    one. A model is loaded once in a process and shared, and anew when its file is replaced.
    Raises ``UnknownEngine`` for another name and ``WeightsError`` where the weights of the model
    asked for cannot be had.
    """
    # Imported here because engines.py is above this protocol, and each model below it.
    from fer_core.models.choice import choose_emotion_model
    from fer_core.models.weights.files import fetch

    chosen = choose_emotion_model(name).name
    if chosen in own_networks():
        path = own_network(chosen)
        return _own(path, path.stat().st_mtime_ns, chosen)
    if chosen == "compact":
        return _compact()
    path = fetch("deepface")
    return _deepface(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _compact() -> EmotionModel:
    from fer_core.models.emotion.compact import CompactEmotionModel

    return CompactEmotionModel()


@lru_cache(maxsize=8)
def _own(
    path: Path,
    mtime_ns: int,  # noqa: ARG001 - so that a replaced file is loaded anew
    name: str,
) -> EmotionModel:
    from fer_core.models.emotion.onnx_model import OnnxEmotionModel

    return OnnxEmotionModel(path, name)


@lru_cache(maxsize=1)
def _deepface(
    path: Path,
    mtime_ns: int,  # noqa: ARG001 - so that a replaced file is loaded anew
) -> EmotionModel:
    from fer_core.models.emotion.deepface import DeepFaceEmotionModel

    return DeepFaceEmotionModel(path)
