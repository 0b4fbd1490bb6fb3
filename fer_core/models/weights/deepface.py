"""DeepFace's file: stored where the deepface package looks for it, fetched by its downloader."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from fer_core.errors import WeightsError
from fer_core.models.registry import Model
from fer_core.models.weights.source import Report, WeightsSource

_FOLDER = Path(".deepface") / "weights"


class DeepFaceSource(WeightsSource):
    """A file without a published sha256, which is checked by running it."""

    def folder(self, model: Model, downloads: Path) -> Path:
        """``DEEPFACE_HOME`` if it is set; else the home folder if the file is there already; else
        ``downloads``."""
        home = os.environ.get("DEEPFACE_HOME")
        if home:
            return Path(home) / _FOLDER
        # Users of DeepFace already have the file in its default home. A service's account may have
        # none, or another's that it may not enter, where Path.home and Path.is_file raise.
        default = Path(os.path.expanduser("~")) / _FOLDER  # noqa: PTH111
        here = os.path.isfile(default / model.file_name)  # noqa: PTH113
        return default if here else downloads / _FOLDER

    def transfer(self, address: str, target: Path, report: Report) -> None:
        """Fetch with the deepface package's own downloader. Raises ``TransferFailed``."""
        from fer_core.models.weights.download import transfer_deepface  # as in WeightsSource

        transfer_deepface(address, target, report)

    def fault(self, model: Model, path: Path) -> str | None:  # noqa: ARG002 - nothing to compare
        """Run it on two blank faces: only the right network answers with (2, 7) shares."""
        from fer_core.models.weights.onnx import open_session  # onnxruntime is slow to import

        path.open("rb").close()  # a file that may not be read is not a damaged network
        blank = np.zeros((2, 48, 48, 1), np.float32)
        try:
            session = open_session(path, remedy="")
            shares = session.run(None, {session.get_inputs()[0].name: blank})[0]
        except WeightsError:
            return "it is damaged or not DeepFace's network for expressions"
        except Exception:  # onnxruntime has an exception class for each cause, no common parent
            return "it is not DeepFace's network for expressions"
        ok = shares.shape == (2, 7) and bool(np.isfinite(shares).all())
        return None if ok else "it is not DeepFace's network for expressions"
