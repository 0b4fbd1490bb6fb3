"""The models' files: where they are stored, whether they are complete, and how they are downloaded.

Most come with the installation. A download is searched in ``FER_WEIGHTS_DIR`` (never written to),
then in the download folder (``models/downloaded``; DeepFace's in ``.deepface/weights``
of ``DEEPFACE_HOME``, of the home folder if it is there already, else of ``models/downloaded``).
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from fer_core.errors import (
    DownloadFailed,
    FerError,
    PackageMissing,
    WeightsCorrupt,
    WeightsMissing,
)
from fer_core.extras import install_command
from fer_core.models.registry import Model
from fer_core.models.weights.source import TransferFailed, source_of
from fer_core.paths import ROOT, STATE_DIR

SHIPPED = ROOT / "models"
"""The networks that come with the installation."""

DOWNLOADS = STATE_DIR / "models" / "downloaded"

_STAGING = ".fetch-"
"""How the names of the folders of downloads in progress begin."""

_LEFTOVER_S = 3600.0
"""How old such a folder must be to be removed: no download takes that long."""

Progress = Callable[[int, int], None]
"""Called with the number of bytes received so far and in total."""

_log = logging.getLogger(__name__)


def download_folder(model: Model) -> Path:
    """Where the file of a download is saved."""
    return source_of(model).folder(model, DOWNLOADS)


def find(model: Model) -> Path | None:
    """The checked file, or None if it is not on this machine. Raises ``WeightsCorrupt``.

    Only downloads are checked here; a file of the installation is checked by its loader.
    """
    if not model.downloadable:
        path = _built_in_path(model)
        return path if _is_file(path) else None
    own = _own_path(model)
    path = own or download_folder(model) / model.file_name
    if not _is_file(path):
        return None
    fault = _fault(model, path)
    if fault is None:
        return path
    remedy = (
        "Delete it or replace it with the real one."
        if own
        else "Delete it or run `python -m fer_core weights fetch`."
    )
    raise WeightsCorrupt(f"{path} cannot be used: {fault}. {remedy}")


def fetch(model: Model, progress: Progress | None = None) -> Path:
    """The checked file, downloaded if it is not here; a corrupt download is replaced.

    A file with its final name is always complete: it is checked first and then renamed, so several
    processes may download at once.
    Raises ``DownloadFailed``; ``WeightsCorrupt`` for a corrupt file in ``FER_WEIGHTS_DIR``;
    ``WeightsMissing`` if a file of the installation is missing.
    """
    try:
        here = find(model)
    except WeightsCorrupt:
        if _own_path(model):
            raise
        here = None
    if here is not None:
        return here
    if model.downloadable:
        return _download(model, progress)
    raise WeightsMissing(
        f"The file {_built_in_path(model)} is missing. Fetch it again from the repository, or "
        "train the network again."
    )


def require_package(model: Model) -> None:
    """Raise ``PackageMissing`` if the Python package that a model needs is not installed."""
    if model.needs and find_spec(model.needs) is None:
        raise PackageMissing(
            f"{model.title} needs the Python package {model.needs}, which is not installed. Run "
            f"`{install_command(model.needs)}`."
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
    """The status of one file, with a sentence to show, and its ``path`` if it is here.

    ``fetchable``: a download would help. A corrupt file in ``FER_WEIGHTS_DIR`` can only be replaced
    by its owner.
    """

    state: State
    sentence: str
    path: Path | None = None
    fraction: float = 0.0
    fetchable: bool = False


def status(model: Model) -> Status:
    """The status of one file. Never raises for a bad file, and never waits."""
    download = _downloads.get(model.name)
    if download and not download.done:
        sentence = f"{model.title}'s weights are downloading."
        return Status(State.DOWNLOADING, sentence, fraction=download.fraction)
    try:
        require_package(model)
        path = find(model)
    except PackageMissing as error:
        return Status(State.MISSING, str(error))
    except WeightsCorrupt as error:
        return Status(State.CORRUPT, str(error), fetchable=_own_path(model) is None)
    if path:
        return Status(State.HERE, f"{model.title}'s weights are installed: {path}", path, 1.0)
    if download and download.error:
        return Status(State.FAILED, str(download.error), fetchable=True)
    sentence = f"{model.title}'s weights are not installed ({model.size_bytes / 1e6:.1f} MB)."
    return Status(State.MISSING, sentence, fetchable=model.downloadable)


class Download:
    """One download in its own thread. May be read from any thread."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.fraction = 0.0
        self.error: FerError | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._run, name=f"fetch-{model.name}", daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended, with or without an ``error``."""
        return self._ended.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most ``timeout_s`` for its end; return whether it has ended."""
        return self._ended.wait(timeout_s)

    def _run(self) -> None:
        try:
            fetch(self.model, self._on_progress)
        except FerError as error:
            self.error = error
        except Exception as error:
            _log.exception("fetching %s", self.model.name)
            self.error = DownloadFailed(f"{self.model.title}'s weights: {error!r}")
        finally:
            self._ended.set()

    def _on_progress(self, received: int, total: int) -> None:
        self.fraction = min(1.0, received / total)


_downloads: dict[str, Download] = {}
_downloads_lock = threading.Lock()


def start_download(model: Model, retry: bool = False) -> Download:
    """Start a download in the background, or return the one in progress.

    A failure is remembered for the life of the process, so that nobody waits for it repeatedly;
    only ``retry`` starts again.
    """
    with _downloads_lock:
        download = _downloads.get(model.name)
        if download is None or (download.done and (retry or download.error is None)):
            download = _downloads[model.name] = Download(model)
        return download


def _own_path(model: Model) -> Path | None:
    """The file of a download in ``FER_WEIGHTS_DIR``, if there is one."""
    folder = _own_folder()
    path = folder / model.file_name if folder else None
    return path if path and _is_file(path) else None


def _built_in_path(model: Model) -> Path:
    """The file of a model that is not downloaded."""
    if not model.packaged_in:
        return SHIPPED / model.file_name  # for a user's own network, the full path
    package, _, below = model.packaged_in.partition("/")
    spec = find_spec(package)  # finds the package without importing it
    if spec is None or spec.origin is None:
        raise PackageMissing(
            f"{model.title} is part of the Python package {package}, which is not installed. "
            "Install the requirements again."
        )
    return Path(spec.origin).parent / below / model.file_name


def _is_file(path: Path) -> bool:
    # Path.is_file raises if a folder above may not be entered.
    return os.path.isfile(path)  # noqa: PTH113


def _download(model: Model, progress: Progress | None) -> Path:
    """Download from the first address that gives the right file."""
    require_package(model)
    folder = download_folder(model)
    failures, remedy = [], "Try again later"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        for address in model.addresses:
            with tempfile.TemporaryDirectory(dir=folder, prefix=_STAGING) as staging:
                part = Path(staging) / model.file_name
                try:
                    _transfer(model, address, part, progress)
                except TransferFailed as error:
                    failures.append(f"{urlsplit(address).hostname}: {error}")
                    continue
                return part.replace(folder / model.file_name)
    except OSError as error:
        failures = [f"{folder}: {error.strerror or error}"]
        remedy = "Free some space there and let this account write"
    raise DownloadFailed(
        f"{model.title}'s weights could not be fetched ({'; '.join(failures)}). {remedy}, "
        f"or put {model.file_name} {_own_place()}."
    )


def _own_place() -> str:
    """Where a user's own file would be found; it is not there yet."""
    folder = _own_folder()
    if folder is None:
        return "into a folder and point FER_WEIGHTS_DIR at it"
    # As in _is_file.
    gone = "" if os.path.isdir(folder) else ", which does not exist"  # noqa: PTH112
    return f"into the folder of FER_WEIGHTS_DIR: {folder}{gone}"


def _own_folder() -> Path | None:
    # The settings, with pydantic, are slow to import.
    from fer_core.settings import settings

    return settings().weights_dir


def _remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had received."""
    for staging in folder.glob(f"{_STAGING}*"):
        with suppress(OSError):  # another process removes it
            if time.time() - staging.stat().st_mtime > _LEFTOVER_S:
                shutil.rmtree(staging, ignore_errors=True)


def _transfer(model: Model, address: str, part: Path, progress: Progress | None) -> None:
    """Bring one address into ``part`` and check it. Raises ``TransferFailed``."""

    def report(received: int) -> None:
        if received > 2 * model.size_bytes:
            raise TransferFailed("sent far more bytes than expected")
        if progress:
            progress(received, model.size_bytes)

    source_of(model).transfer(address, part, report)
    fault = _fault(model, part)
    if fault is not None:
        raise TransferFailed(f"sent something else, {fault}")


def _fault(model: Model, path: Path) -> str | None:
    """What is wrong with a file, or None."""
    try:
        stat = path.stat()
        return _content_fault(model, path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


@lru_cache(maxsize=16)
def _content_fault(
    model: Model,
    path: Path,
    size_bytes: int,  # noqa: ARG001 - these two so that a file is judged again once it changes
    mtime_ns: int,  # noqa: ARG001
) -> str | None:
    return source_of(model).fault(model, path)
