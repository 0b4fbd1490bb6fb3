"""Exports a trained network as a self-contained ONNX file, and reads such files.

The file takes ``tiles``, ``(n, s, s)`` uint8, grey, of a fixed side ``s``, and has an output of
probabilities ``(n, classes)`` float32 for each head: it includes normalisation, temperature and
softmax. The network's weights are rounded to half precision before the export, and stored in half
precision, so the file and the rounded network agree.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import onnxruntime
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnxscript import optimizer
from torch import Tensor, nn

from fer_core.errors import DatasetError
from fer_core.training.expression.data import TILE
from fer_core.training.expression.network import CompactNet, channels_of
from fer_core.training.expression.state import UNENLARGED, load_network

PARITY = 1e-5
"""The largest accepted difference of a probability between the ONNX file and PyTorch."""

OPSET = 20

RULE = "rule"
"""The metadata key of a file whose first output follows ``rule``: ``{"tilt": PRIOR_KEPT}``."""

LARGE = 1024
"""Tensors with more values are stored in half precision."""

HALF = ".half"
"""The suffix of the names of weights that are stored in half precision."""


class Calibrated(nn.Module):
    """A network with the temperature of each head; ``(n, s, s)`` uint8 -> probabilities."""

    def __init__(self, network: CompactNet, temperatures: dict[str, float]) -> None:
        super().__init__()
        self.network = network
        self.temperatures = temperatures

    def forward(self, tiles: Tensor) -> tuple[Tensor, ...]:
        logits = self.network(tiles[:, None].float())
        return tuple(
            torch.softmax(logits[name] / temperature, dim=1)
            for name, temperature in self.temperatures.items()
        )


def output_names(heads: list[str]) -> list[str]:
    """``probabilities`` for the first head, which is shown; ``probabilities_<head>`` for others."""
    return ["probabilities", *(f"probabilities_{head}" for head in heads[1:])]


def export(
    network: CompactNet,
    classes: dict[str, list[str]],
    temperatures: dict[str, float],
    tiles: NDArray[np.uint8],
    path: Path,
    rule: dict[str, float] | None = None,
) -> float:
    """Write ``path`` and return the largest difference to PyTorch on ``tiles``.

    ``tiles``: ``(n, s, s)`` uint8, for the comparison; the file takes tiles of their side. ``rule``
    is stored in the file if the first head follows one (``rule.fold``).
    Raises ``RuntimeError`` if the difference is above ``PARITY``; then ``path`` is not changed.
    """
    model = Calibrated(rounded_to_half(network), temperatures).eval()
    partial = path.with_suffix(".partial")
    notes = {
        "classes": json.dumps(classes),
        "temperatures": json.dumps(temperatures),
        "side": json.dumps(network.side),
        "input": json.dumps(tiles.shape[1]),
    }
    if rule is not None:
        notes[RULE] = json.dumps(rule)
    names = output_names(list(temperatures))
    write_square_graph(model, tiles.shape[1], "tiles", names, notes, partial)
    difference = _difference(model, partial, tiles)
    keep_if_equal(difference, partial, path)
    return difference


def write_square_graph(
    model: nn.Module,
    side: int,
    input_name: str,
    output_names: list[str],
    notes: dict[str, str],
    path: Path,
) -> None:
    """Write a network that takes ``(n, side, side)`` uint8, for any ``n``, as an ONNX file.

    Its convolutions have no biases. See also ``write_graph``.
    """
    example = torch.zeros((2, side, side), dtype=torch.uint8)
    any_n = {0: torch.export.Dim("n")}
    # The optimiser would fold away the batch normalisation, which `train --from` reads.
    graph = export_graph(model, example, any_n, input_name, output_names, optimize=False)
    _drop_empty_biases(graph)
    write_graph(graph, notes, path)


def export_graph(
    model: nn.Module,
    example: Tensor,
    any_size: dict[int, Any],
    input_name: str,
    output_names: list[str],
    *,
    optimize: bool,
) -> onnx.ModelProto:
    """Export a network with one input like ``example`` as an ONNX graph.

    ``any_size`` has a ``torch.export.Dim`` for each dimension whose size may differ from the
    example's.
    """
    # Without torchvision, it logs a line for every operator of torchvision.
    logging.getLogger("torch.onnx._internal.exporter").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter deprecates parts of itself
        program = torch.onnx.export(
            model,
            (example,),
            input_names=[input_name],
            output_names=output_names,
            dynamic_shapes=(any_size,),
            opset_version=OPSET,
            dynamo=True,
            optimize=optimize,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


def write_graph(graph: onnx.ModelProto, notes: dict[str, str], path: Path) -> None:
    """Write an ONNX file with weights in half precision and without local paths.

    ``notes`` are the file's metadata.
    """
    _remove_paths(graph)
    _store_halved(graph)
    onnx.helper.set_model_props(graph, notes)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))


def keep_if_equal(difference: float, partial: Path, path: Path, most: float | None = None) -> None:
    """Rename the new file ``partial`` to ``path``, or remove it if it differs from PyTorch.

    Raises ``RuntimeError`` if ``difference`` is more than ``most``, by default ``PARITY``.
    """
    most = PARITY if most is None else most
    if difference > most:
        partial.unlink()
        raise RuntimeError(f"ONNX and PyTorch differ by {difference:.2g}, more than {most:.0e}")
    partial.replace(path)


NetworkT = TypeVar("NetworkT", bound=nn.Module)


def rounded_to_half(network: NetworkT) -> NetworkT:
    """A copy for inference with weights, and large batch statistics, rounded to half precision."""
    rounded: NetworkT = copy.deepcopy(network).cpu().eval()
    statistics = (each for each in rounded.buffers() if each.numel() > LARGE)
    for stored in (*rounded.parameters(), *statistics):
        stored.data = stored.data.half().float()
    return rounded


def _remove_paths(model: onnx.ModelProto) -> None:
    """Remove the source lines with local paths that the exporter stores for each node."""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")


def _drop_empty_biases(model: onnx.ModelProto) -> None:
    """Remove the bias of zeros that the exporter adds to each convolution.

    With it, onnxruntime cannot merge the normalisation into the convolution, and takes 1.5 times as
    long.
    """
    for node in model.graph.node:
        if node.op_type == "Conv":
            del node.input[2:]
    optimizer.remove_unused_nodes(model)


def _store_halved(model: onnx.ModelProto) -> None:
    """Store large weights in half precision, with a cast back that runs when the file is loaded."""
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size > LARGE:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), name + HALF))
            casts.append(
                onnx.helper.make_node("Cast", [name + HALF], [name], to=onnx.TensorProto.FLOAT)
            )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _difference(model: Calibrated, path: Path, tiles: NDArray[np.uint8]) -> float:
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(torch.from_numpy(tiles))
    got = session.run(None, {"tiles": tiles})
    return max(
        float(np.abs(ours.numpy() - np.asarray(theirs)).max())
        for ours, theirs in zip(expected, got, strict=True)
    )


def shows_by_rule(path: Path) -> bool:
    """Whether the first output of an exported file follows ``rule`` instead of FER+'s votes.

    The shipped file lacks this metadata, but takes larger tiles than all files before the rule.
    """
    model = onnx.load(str(path))
    side = model.graph.input[0].type.tensor_type.shape.dim[-1].dim_value
    return RULE in _notes(model) or side > TILE


def _notes(model: onnx.ModelProto) -> dict[str, Any]:
    return {note.key: json.loads(note.value) for note in model.metadata_props}


def read_exported(path: Path) -> tuple[CompactNet, dict[str, list[str]]]:
    """Read the network in a file from ``export``, and the classes of its heads.

    Raises ``DatasetError`` if the file has no such network.
    """
    try:
        model = onnx.load(str(path))
        notes = _notes(model)
        classes, side = notes["classes"], notes.get("side", UNENLARGED)
        weights = {
            tensor.name.removesuffix(HALF).removeprefix("network."): torch.from_numpy(
                onnx.numpy_helper.to_array(tensor).astype(np.float32)
            )
            for tensor in model.graph.initializer
        }
        heads = {name: len(labels) for name, labels in classes.items()}
        network = CompactNet(heads, channels=channels_of(weights), side=side)
        counters = {k: v for k, v in network.state_dict().items() if v.dtype == torch.int64}
        wanted = network.state_dict().keys() - counters.keys()
        network.load_state_dict({k: weights[k] for k in wanted} | counters)
    except (OSError, KeyError, ValueError, RuntimeError, DecodeError) as error:
        raise DatasetError(f"{path} is not a compact network of this project.") from error
    return network.eval(), classes


def read_network(path: Path) -> tuple[CompactNet, dict[str, list[str]]]:
    """Read the network in an ONNX file or a checkpoint of this project, and its heads' classes.

    Raises ``DatasetError`` if there is no such file or network.
    """
    if not path.is_file():
        raise DatasetError(
            f"{path} is not there. Give an .onnx or .pt file of the compact network."
        )
    return (read_exported if path.suffix == ".onnx" else load_network)(path)
