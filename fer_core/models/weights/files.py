"""The weights that are fetched once: what they are, where they lie, how they are checked.

A file is looked for in ``FER_WEIGHTS_DIR`` (yours: never written to), then in the download folder
(``models/downloaded``; DeepFace's in ``.deepface/weights`` of ``DEEPFACE_HOME``, of the home folder
if it is there already, else of ``models/downloaded``).
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from fer_core.errors import DownloadFailed, FerError, WeightsCorrupt
from fer_core.models.weights.download import TransferFailed, transfer_deepface, transfer_http
from fer_core.settings import ROOT, settings

DOWNLOADS = ROOT / "models" / "downloaded"

_DEEPFACE_FOLDER = Path(".deepface") / "weights"

Progress = Callable[[int, int], None]
"""Called with the bytes received so far and the bytes to come in all."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One downloadable file; ``addresses`` are tried in order.

    ``sha256`` is empty where none is published: ``size_bytes`` is then about right, and the file
    is judged by running it.
    """

    title: str
    file_name: str
    licence: str
    source: str
    addresses: tuple[str, ...]
    size_bytes: int
    sha256: str = ""


WEIGHTS: dict[str, WeightsFile] = {
    "yunet": WeightsFile(
        title="YuNet",
        file_name="face_detection_yunet_2023mar.onnx",
        licence="Apache-2.0",
        source="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        addresses=(
            "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
            "face_detection_yunet/face_detection_yunet_2023mar.onnx",
            "https://huggingface.co/opencv/face_detection_yunet/resolve/main/"
            "face_detection_yunet_2023mar.onnx",
        ),
        size_bytes=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    ),
    "deepface": WeightsFile(
        title="DeepFace",
        file_name="facial_expression_model_weights.onnx",
        licence="MIT",
        source="https://github.com/serengil/deepface",
        # The deepface package's own list; a test compares the two.
        addresses=(
            "https://github.com/serengil/deepface_models/releases/download/v1.0/"
            "facial_expression_model_weights.onnx",
            "https://huggingface.co/serengil/deepface/resolve/main/"
            "facial_expression_model_weights.onnx",
        ),
        size_bytes=5_900_000,
    ),
}


def download_folder(key: str) -> Path:
    """Where a fetched file is saved; DeepFace's lies as the deepface package would lay it."""
    if key != "deepface":
        return DOWNLOADS
    home = os.environ.get("DEEPFACE_HOME")
    if home:
        return Path(home) / _DEEPFACE_FOLDER
    # Whoever used DeepFace before has the file in its default home: it need not come twice.
    default = Path.home() / _DEEPFACE_FOLDER
    known = (default / WEIGHTS[key].file_name).is_file()
    return default if known else DOWNLOADS / _DEEPFACE_FOLDER


def find(key: str) -> Path | None:
    """The checked file, or None where it is not on this machine. Raises ``WeightsCorrupt``."""
    own, file = _own_path(key), WEIGHTS[key]
    path = own or download_folder(key) / file.file_name
    if not _is_file(path):
        return None
    fault = _fault(file, path)
    if fault is None:
        return path
    remedy = (
        "Delete it or replace it with the real one."
        if own
        else "Delete it or run `python -m fer_core weights fetch`."
    )
    raise WeightsCorrupt(f"{path} cannot be used: {fault}. {remedy}")


def fetch(key: str, progress: Progress | None = None) -> Path:
    """The checked file, downloaded if it is not here; a corrupt download is replaced.

    A file under its final name is always whole: it is checked first and moved there in one step,
    so several processes may fetch at once.
    Raises ``DownloadFailed``, or ``WeightsCorrupt`` for a corrupt file in ``FER_WEIGHTS_DIR``.
    """
    try:
        here = find(key)
    except WeightsCorrupt:
        if _own_path(key):
            raise
        here = None
    if here is not None:
        return here
    file, folder = WEIGHTS[key], download_folder(key)
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for address in file.addresses:
            with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as staging:
                part = Path(staging) / file.file_name
                try:
                    _transfer(key, address, part, progress)
                except TransferFailed as error:
                    failures.append(f"{urlsplit(address).hostname}: {error}")
                    continue
                return part.replace(folder / file.file_name)
    except OSError as error:
        failures = [f"{folder}: {error.strerror or error}"]
    raise DownloadFailed(
        f"{file.title}'s weights could not be fetched ({'; '.join(failures)}). Try again later, or "
        f"put {file.file_name} into a folder and point FER_WEIGHTS_DIR at it."
    )


class State(StrEnum):
    """How things stand with one file."""

    HERE = "here"
    MISSING = "missing"
    CORRUPT = "corrupt"
    DOWNLOADING = "downloading"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Status:
    """How things stand with one file: a sentence for people, ``path`` where it is here.

    ``fetchable``: a download can change it. A corrupt file in ``FER_WEIGHTS_DIR`` only its owner
    can replace.
    """

    state: State
    sentence: str
    path: Path | None = None
    fraction: float = 0.0
    fetchable: bool = False


def status(key: str) -> Status:
    """How things stand with one file. Never raises for a bad file and never waits."""
    file, download = WEIGHTS[key], _downloads.get(key)
    if download and not download.done:
        sentence = f"{file.title}'s weights are on their way."
        return Status(State.DOWNLOADING, sentence, fraction=download.fraction)
    try:
        path = find(key)
    except WeightsCorrupt as error:
        return Status(State.CORRUPT, str(error), fetchable=_own_path(key) is None)
    if path:
        return Status(State.HERE, f"{file.title}'s weights are installed: {path}", path, 1.0)
    if download and download.error:
        return Status(State.FAILED, str(download.error), fetchable=True)
    sentence = f"{file.title}'s weights are not here yet ({file.size_bytes / 1e6:.1f} MB)."
    return Status(State.MISSING, sentence, fetchable=True)


class Download:
    """One file on its way, in a thread of its own. May be read from any thread."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.fraction = 0.0
        self.error: FerError | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._run, name=f"fetch-{key}", daemon=True).start()

    @property
    def done(self) -> bool:
        """It has ended, well or (see ``error``) badly."""
        return self._ended.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait until it ends, at most ``timeout_s``; whether it has."""
        return self._ended.wait(timeout_s)

    def _run(self) -> None:
        try:
            fetch(self.key, self._on_progress)
        except FerError as error:
            self.error = error
        except Exception as error:
            _log.exception("fetching %s", self.key)
            self.error = DownloadFailed(f"{WEIGHTS[self.key].title}'s weights: {error!r}")
        finally:
            self._ended.set()

    def _on_progress(self, received: int, total: int) -> None:
        self.fraction = min(1.0, received / total)


_downloads: dict[str, Download] = {}
_downloads_lock = threading.Lock()


def start_download(key: str, retry: bool = False) -> Download:
    """Fetch in the background; the download that is under way, where there is one.

    A failure is remembered for the life of the process, so that nobody waits for it again and
    again: only ``retry`` starts anew.
    """
    with _downloads_lock:
        download = _downloads.get(key)
        if download is None or (download.done and (retry or download.error is None)):
            download = _downloads[key] = Download(key)
        return download


def _own_path(key: str) -> Path | None:
    """The file in ``FER_WEIGHTS_DIR``, if there is one."""
    folder = settings().weights_dir
    path = folder / WEIGHTS[key].file_name if folder else None
    return path if path and _is_file(path) else None


def _is_file(path: Path) -> bool:
    # Path.is_file raises where a folder above may not be entered.
    return os.path.isfile(path)  # noqa: PTH113


def _transfer(key: str, address: str, part: Path, progress: Progress | None) -> None:
    """Bring one address into ``part`` and check it. Raises ``TransferFailed``."""
    file = WEIGHTS[key]

    def report(received: int) -> None:
        if received > 2 * file.size_bytes:
            raise TransferFailed("sent far more than the file has")
        if progress:
            progress(received, file.size_bytes)

    transfer = transfer_deepface if key == "deepface" else transfer_http
    transfer(address, part, report)
    fault = _fault(file, part)
    if fault is not None:
        raise TransferFailed(f"sent something else, {fault}")


def _fault(file: WeightsFile, path: Path) -> str | None:
    """What is wrong with a file, or None."""
    try:
        stat = path.stat()
        return _content_fault(file, path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


@lru_cache(maxsize=16)
def _content_fault(
    file: WeightsFile,
    path: Path,
    size_bytes: int,
    mtime_ns: int,  # noqa: ARG001 - so that a file is judged again once it changes
) -> str | None:
    content = path.read_bytes()
    if not file.sha256:
        return _expression_network_fault(content)
    if size_bytes != file.size_bytes:
        return f"it has {size_bytes:,} bytes instead of {file.size_bytes:,}"
    if hashlib.sha256(content).hexdigest() != file.sha256:
        return "its sha256 is not the published one"
    return None


def _expression_network_fault(content: bytes) -> str | None:
    """Run it on two blank faces: only DeepFace's expression network answers with (2, 7) shares."""
    import onnxruntime  # slow to import, and not needed to look for YuNet

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    blank = np.zeros((2, 48, 48, 1), np.float32)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        shares = session.run(None, {session.get_inputs()[0].name: blank})[0]
    except Exception:  # onnxruntime has an exception class for each cause, with no common parent
        return "it is damaged or not DeepFace's network for expressions"
    ok = shares.shape == (2, 7) and bool(np.isfinite(shares).all())
    return None if ok else "it is not DeepFace's network for expressions"
