"""The expression network this project trains itself and ships (models/emotion_compact.md)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fer_core.labels import EMOTIONS
from fer_core.models.emotion.onnx_model import SHOWN, OnnxEmotionModel
from fer_core.models.registry import MODELS
from fer_core.models.weights.files import SHIPPED
from fer_core.models.weights.onnx import RESTORE, other_network

SHIPPED_WEIGHTS = SHIPPED / MODELS["compact"].file_name

_FER2013 = "probabilities_fer2013"


class CompactEmotionModel(OnnxEmotionModel):
    """``models/emotion_compact.onnx``: the seven expressions, with two label sets.

    The output that is shown assumes that all expressions are nearly equally frequent: most of the
    training data's prior is removed.
    """

    def __init__(self, path: Path = SHIPPED_WEIGHTS, name: str = "compact") -> None:
        super().__init__(path, name)
        outputs = [value.name for value in self.session.get_outputs()]
        if self.labels != EMOTIONS or outputs != [SHOWN, _FER2013]:
            raise other_network(path, RESTORE)
        self.labels = EMOTIONS

    def predict_both(
        self, crops: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The result of ``predict``, and shares calibrated for FER2013's original labels.

        The second is for measuring only.
        """
        shown, fer2013 = self.run(crops, [SHOWN, _FER2013])
        return shown, fer2013
