"""Runs networks written by ``python -m fer_core train`` in onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_core.models.threads import threads
from fer_core.models.weights.onnx import RESTORE, open_session, other_network

_BATCH = 8
"""Faces in one pass. More would be no faster, and onnxruntime never releases the memory of its
largest pass: 44 MB after 64 faces."""

SHOWN = "probabilities"
"""The output that is shown."""


class OnnxEmotionModel:
    """A file of ``python -m fer_core train`` in onnxruntime. One instance may serve many threads.

    ``name`` is its name in results. ``labels`` are the classes it learned, in column order, and
    ``side`` the side of its input tiles in pixels.
    Raises ``WeightsMissing`` or ``WeightsCorrupt`` if the file cannot be used.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._path = path
        self.session = open_session(path, RESTORE)
        self.labels, self.side = self._read_shape()

    def predict(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The share of each label, calibrated for how people label a face.

        ``crops``: ``(n, s, s)`` uint8, square grey faces of any side ``s`` >= 1; ``side`` is
        native.
        Returns ``(n, len(labels))`` float32 in 0..1; each row sums to 1.
        Raises ``ValueError`` for another shape or dtype.
        """
        return self.run(crops, [SHOWN])[0]

    def run(self, crops: NDArray[np.uint8], outputs: list[str]) -> list[NDArray[np.float32]]:
        """The result of ``predict`` for each of the named outputs of the file."""
        tiles = to_tiles(crops, self.side)
        empty = [np.zeros((0, len(self.labels)), dtype=np.float32)] * len(outputs)
        batches = [tiles[i : i + _BATCH] for i in range(0, len(tiles), _BATCH)]
        # A frame has one batch, and no time to hand it over; a photo of a crowd has many.
        mapped = threads().map if len(batches) > 1 else map
        parts = mapped(lambda batch: self.session.run(outputs, {"tiles": batch}), batches)
        return [np.concatenate(columns) for columns in zip(empty, *parts, strict=True)]

    def _read_shape(self) -> tuple[tuple[str, ...], int]:
        """The classes of the first output, which is the shown one, and the side of a tile, both
        from the file's metadata."""
        notes = self.session.get_modelmeta().custom_metadata_map
        inputs = [(value.name, value.type, value.shape[1:]) for value in self.session.get_inputs()]
        outputs = [(value.name, value.shape[-1:]) for value in self.session.get_outputs()]
        try:
            labels = tuple(next(iter(json.loads(notes["classes"]).values())))
        except (KeyError, ValueError, AttributeError, StopIteration):
            labels = ()
        side = inputs[0][2][-1] if inputs[0][2] else None
        tiles = ("tiles", "tensor(uint8)", [side, side])
        if not isinstance(side, int) or inputs != [tiles] or outputs[0] != (SHOWN, [len(labels)]):
            raise other_network(self._path, RESTORE)
        return labels, side


def to_tiles(crops: NDArray[np.uint8], tile: int) -> NDArray[np.uint8]:
    """Square grey faces ``(n, s, s)`` uint8 as ``(n, tile, tile)``; ``ValueError`` for others."""
    if crops.dtype != np.uint8 or crops.ndim != 3 or crops.shape[1] != crops.shape[2]:
        raise ValueError(f"crops are (n, s, s) uint8, not {crops.shape} {crops.dtype}")
    side = crops.shape[1]
    if side == 0 and len(crops):
        raise ValueError("crops need at least one pixel")
    if side == tile or not len(crops):
        return crops.reshape(-1, tile, tile)
    how = cv2.INTER_AREA if side > tile else cv2.INTER_LINEAR
    return np.stack(
        [np.asarray(cv2.resize(c, (tile, tile), interpolation=how), np.uint8) for c in crops]
    )
