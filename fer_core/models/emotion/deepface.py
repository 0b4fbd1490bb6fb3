"""DeepFace's pretrained network, run through the deepface package on many faces at once."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.errors import WeightsCorrupt
from fer_core.labels import EMOTIONS
from fer_core.models.weights.files import DOWNLOADS
from fer_core.models.weights.onnx import FETCH_AGAIN

_ANALYZE_PX = 224
_NATIVE_PX = 48


class DeepFaceEmotionModel:
    """The network behind ``DeepFace.analyze(actions=["emotion"])``, in deepface's own session.

    A crop gets the shares that ``DeepFace.analyze(crop, detector_backend="skip")`` gives it;
    ``analyze`` takes one picture at a time; here all crops go through the network together.
    """

    labels: tuple[str, ...] = EMOTIONS

    def __init__(self, path: Path, name: str = "deepface") -> None:
        """``path`` is facial_expression_model_weights.onnx, ``name`` its name in results.

        Raises ``WeightsCorrupt``.
        """
        self.name = name
        # Nothing here depends on these two, but other code that calls DeepFace does: it then finds
        # the same file, and does not prefer PyTorch with other weights.
        os.environ.setdefault("DEEPFACE_HOME", str(DOWNLOADS))
        os.environ.setdefault("DEEPFACE_BACKEND_ENGINE", "onnx")
        from deepface.commons import onnx_utils  # slow to import

        self._run_session = onnx_utils.run_session
        try:
            # deepface joins the name to its weights folder, which keeps an absolute path as it is.
            # Without an address nothing is downloaded.
            self._session = onnx_utils.build_session(str(path.resolve()), source_url=[])
        except ValueError as error:
            raise WeightsCorrupt(
                f"{path} is not a network that can be read. {FETCH_AGAIN}"
            ) from error

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``EmotionModel.predict``."""
        if crops.ndim != 3 or crops.dtype != np.uint8 or crops.shape[1] != crops.shape[2]:
            raise ValueError(f"crops are (n, s, s) uint8, not {crops.shape} {crops.dtype}")
        if len(crops) == 0:
            return np.zeros((0, len(EMOTIONS)), np.float32)
        if crops.shape[1] == 0:
            raise ValueError("crops have at least one pixel")
        batch = np.stack([_as_deepface_sees_it(crop) for crop in crops])[..., np.newaxis]
        shares = np.asarray(self._run_session(self._session, batch), np.float32)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float32)


def _as_deepface_sees_it(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One face ``(s, s)`` uint8 as the network's input: ``(48, 48)`` float32, 0..1.

    deepface scales every face to 224x224 (because it truncates, sometimes to 223 with a black edge)
    and then to 48x48, and treats a picture without values above 1 as scaled to 0..1 already. It
    does so in three equal channels; one gives the same result.
    """
    side = int(len(crop) * (_ANALYZE_PX / len(crop)))
    scaled = crop if crop.max() <= 1 else crop.astype(np.float32) / 255
    canvas = np.zeros((_ANALYZE_PX, _ANALYZE_PX), np.float32)
    canvas[:side, :side] = cv2.resize(scaled, (side, side))
    return np.asarray(cv2.resize(canvas, (_NATIVE_PX, _NATIVE_PX)), np.float32)
