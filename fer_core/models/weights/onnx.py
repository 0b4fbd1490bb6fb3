"""The one way in which this package opens networks in onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime

from fer_core.errors import WeightsCorrupt, WeightsMissing

FETCH_AGAIN = "Delete it and run `python -m fer_core weights fetch`."
"""What to do about a file that was downloaded."""

RESTORE = "Fetch the file again from the repository, or train it again."
"""What to do about a file that came with the installation, or from a training."""


def open_session(
    path: Path, remedy: str, adapt: Callable[[bytes], bytes] | None = None
) -> onnxruntime.InferenceSession:
    """A network, ready to run on one core.

    ``adapt`` changes the file's bytes on the way. Raises ``WeightsMissing`` or ``WeightsCorrupt``,
    whose last sentence is ``remedy``.
    """
    if not path.is_file():
        raise WeightsMissing(f"There is no network at {path}. {remedy}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a face takes a millisecond; more threads only contend
    options.log_severity_level = 4  # a damaged file is reported once, by the exception below
    try:
        network = adapt(path.read_bytes()) if adapt else path
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for what a damaged file raises
        raise WeightsCorrupt(f"{path} is not a network that can be read. {remedy}") from error


def other_network(path: Path, remedy: str) -> WeightsCorrupt:
    """The error for a network that is another than the one asked for."""
    return WeightsCorrupt(f"{path} is another network than the one asked for. {remedy}")
