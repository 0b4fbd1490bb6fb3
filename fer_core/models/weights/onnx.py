"""Opens networks in onnxruntime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnxruntime

from fer_core.errors import WeightsCorrupt, WeightsMissing

FETCH_AGAIN = "Delete it and run `python -m fer_core weights fetch`."
"""The advice for a downloaded file."""

RESTORE = "Fetch the file again from the repository, or train it again."
"""The advice for a file of the installation, or of a training run."""


def open_session(
    path: Path, remedy: str, adapt: Callable[[bytes], bytes] | None = None
) -> onnxruntime.InferenceSession:
    """A network, ready to run on one core.

    ``adapt`` changes the file's bytes before they are loaded. Raises ``WeightsMissing`` or
    ``WeightsCorrupt``, whose last sentence is ``remedy``.
    """
    if not path.is_file():
        raise WeightsMissing(f"The file {path} is missing. {remedy}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a face takes a millisecond; more threads would only compete
    options.log_severity_level = 4  # a damaged file is reported once, by the exception below
    try:
        network = adapt(path.read_bytes()) if adapt else path
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base for what a damaged file raises
        raise WeightsCorrupt(f"{path} is not a network that can be read. {remedy}") from error


def other_network(path: Path, remedy: str) -> WeightsCorrupt:
    """The error for a file that holds another network than expected."""
    return WeightsCorrupt(f"{path} is another network than expected. {remedy}")
