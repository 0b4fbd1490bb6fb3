"""ONNX graphs with the shapes of real networks and random weights."""

from __future__ import annotations

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def expression_graph(
    seed: int = 0, side: int = 48, classes: int = 7, padding_bytes: int = 0
) -> bytes:
    """``(n, side, side, 1)`` float32 -> ``(n, classes)`` float32, as different as pictures are.

    A weight for every pixel, so that a shift by one or an edge that is not black shows; rows that
    sum to 0.8, so that it shows whether somebody divides by the sum. ``padding_bytes`` make the
    file larger, nothing else.
    """
    rng = np.random.default_rng(seed)
    pixels = side * side
    weights = rng.normal(0.0, 6.0 / side, (pixels, classes)).astype(np.float32)
    bias = rng.normal(0.0, 0.5, classes).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["faces"], ["flat"], axis=1),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["softmax"], axis=1),
            helper.make_node("Mul", ["softmax", "sum"], ["shares"]),
        ],
        "expressions",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", side, side, 1])],
        [helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["n", classes])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.float32(0.8), "sum"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    model.doc_string = " " * padding_bytes
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def own_network_graph(
    classes: tuple[str, ...], seed: int = 0, tile: tuple[int, int] = (48, 48)
) -> bytes:
    """What ``train --from`` leaves, but for its weights: ``tiles`` ``(n, *tile)`` uint8 in,
    ``probabilities`` ``(n, classes)`` float32 out, and the names of the classes in its notes."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0.0, 1e-3, (tile[0] * tile[1], len(classes))).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["tiles"], ["grey"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["grey"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "weights"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "own",
        [helper.make_tensor_value_info("tiles", TensorProto.UINT8, ["n", *tile])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", len(classes)])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    helper.set_model_props(model, {"classes": json.dumps({"own": classes})})
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
