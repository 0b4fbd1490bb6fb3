"""DeepFace as a peer: ``DeepFace.analyze`` itself, with random weights in its own network.

A network's time does not depend on its weights. So nothing is downloaded: the benchmarks build the
same layers with random weights, and put them where DeepFace looks for its file.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks._race import open_session
from fer_core.models.registry import MODELS

Analyze = Callable[[NDArray[np.uint8]], list[dict[str, Any]]]

AUTHORS_FIGURE = 0.574
"""FER2013 accuracy of DeepFace's network by its author; not measured here."""


@contextmanager
def deepface_variables() -> Iterator[dict[str, str]]:
    """Set the environment variables with which DeepFace finds the random weights."""
    with tempfile.TemporaryDirectory() as home:
        path = _weights(home)
        path.parent.mkdir(parents=True)
        path.write_bytes(network())
        yield {"DEEPFACE_HOME": home, "DEEPFACE_BACKEND_ENGINE": "onnx"}


@contextmanager
def deepface_analyze() -> Iterator[Analyze]:
    """``analyze(bgr)``: DeepFace's expressions of a picture, with its default detector.

    On one thread, in this process. Afterwards the random weights are no longer found.
    """
    with deepface_variables() as variables, patch.dict(os.environ, variables):
        path = _weights(variables["DEEPFACE_HOME"])
        from deepface import DeepFace  # slow to import, and reads the variables
        from deepface.modules import modeling

        client = modeling.build_model(task="facial_attribute", model_name="Emotion")
        client.model = open_session(path)  # deepface's own would take every core

        def analyze(bgr: NDArray[np.uint8]) -> list[dict[str, Any]]:
            faces: list[dict[str, Any]] = DeepFace.analyze(
                bgr, actions=["emotion"], enforce_detection=False, silent=True
            )
            return faces

        yield analyze


def _weights(home: str) -> Path:
    """Where DeepFace looks for the file of its network."""
    return Path(home) / ".deepface" / "weights" / MODELS["deepface"].file_name


def found_faces(answer: list[dict[str, Any]]) -> int:
    """How many faces DeepFace found; without one it uses the whole picture with confidence 0."""
    return sum(face["face_confidence"] > 0 for face in answer)


def network(seed: int = 0) -> bytes:
    """DeepFace's expression network, layer by layer as in deepface 0.0.103, with random weights.

    ``faces``: ``(n, 48, 48, 1)`` float32 -> ``shares``: ``(n, 7)`` float32; 1,485,831 parameters.
    """
    layers = _Layers(np.random.default_rng(seed))
    layers.add("Transpose", perm=[0, 3, 1, 2])
    layers.convolution(64, 1, side=5)
    layers.add("MaxPool", kernel_shape=[5, 5], strides=[2, 2])
    layers.convolution(64, 64, side=3)
    layers.convolution(64, 64, side=3)
    layers.add("AveragePool", kernel_shape=[3, 3], strides=[2, 2])
    layers.convolution(128, 64, side=3)
    layers.convolution(128, 128, side=3)
    layers.add("AveragePool", kernel_shape=[3, 3], strides=[2, 2])
    layers.add("Flatten", axis=1)
    layers.dense(128, 1024)
    layers.add("Relu")
    layers.dense(1024, 1024)
    layers.add("Relu")
    layers.dense(1024, 7)
    layers.add("Softmax", axis=1)
    return layers.as_model()


class _Layers:
    """Layers one after the other, each fed by the last."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._last = "faces"

    def add(self, kind: str, *weights: str, **settings: Any) -> None:
        output = f"layer{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, [self._last, *weights], [output], **settings))
        self._last = output

    def convolution(self, maps: int, maps_before: int, side: int) -> None:
        self.add("Conv", self._random(maps, maps_before, side, side), self._random(maps))
        self.add("Relu")

    def dense(self, before: int, after: int) -> None:
        self.add("Gemm", self._random(before, after), self._random(after))

    def as_model(self) -> bytes:
        self._nodes[-1].output[0] = "shares"
        graph = helper.make_graph(
            self._nodes,
            "expressions",
            [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 48, 48, 1])],
            [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n", 7])],
            self._weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _random(self, *shape: int) -> str:
        """Weights that neither vanish nor explode (He et al., ICCV 2015): no denormal numbers."""
        name = f"weights{len(self._weights)}"
        fan_in = max(1, int(np.prod(shape)) // max(shape[0], 1))
        values = self._rng.normal(0.0, (2.0 / fan_in) ** 0.5, shape).astype(np.float32)
        self._weights.append(numpy_helper.from_array(values, name))
        return name
