"""Downloads weight files; imported when a download starts."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import requests
from pooch import HTTPDownloader

from fer_core.errors import NO_ROOM
from fer_core.models.weights.source import Report, TransferFailed

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 15.0
# DeepFace's downloader writes 512 KB at a time, which takes a while on a slow line.
STALL_TIMEOUT_S = 60.0

_DISK_FAULTS = (*NO_ROOM, errno.EIO, errno.EROFS)

_NO_TRUST = (
    "its certificate is not trusted: if a proxy reads along, name the file with its certificate in "
    "REQUESTS_CA_BUNDLE"
)

_HTTP_FAULTS = (requests.RequestException, ValueError)
"""What requests raises; a ``ValueError`` comes from impossible headers, such as a redirection to
``http://[``."""


def transfer_http(address: str, target: Path, report: Report) -> None:
    """Fetch over HTTP with pooch's downloader. Raises ``TransferFailed``."""
    download = HTTPDownloader(
        progressbar=_Progress(report),
        chunk_size=16_384,
        timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
    )
    try:
        download(address, str(target), None)
    except _HTTP_FAULTS as error:
        raise TransferFailed(_reason(error)) from error


def transfer_deepface(address: str, target: Path, report: Report) -> None:
    """Fetch with the deepface package's own downloader. Raises ``TransferFailed``, and ``OSError``
    if the file cannot be saved.

    It runs in a separate process. It has no time limit, so a silent server would block a thread for
    ever, and it saves to a folder given by an environment variable, which all threads share.
    """
    _require_connection(address)
    weights = target.parent / ".deepface" / "weights"
    weights.mkdir(parents=True)
    log_path = target.parent / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _DEEPFACE_DOWNLOADER, target.name, address],
            env={**os.environ, "DEEPFACE_HOME": str(target.parent)},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _watch(process, weights, report)
        finally:
            process.kill()
            process.communicate()
    if process.returncode in _DISK_FAULTS:
        raise OSError(process.returncode, os.strerror(process.returncode))
    if process.returncode != 0:
        lines = log_path.read_text(errors="replace").split("\n")
        raise TransferFailed(next((line for line in reversed(lines) if line), "it ended early"))
    (weights / target.name).replace(target)


# The first thread ends the process with its parent, whose end closes the pipe.
_DEEPFACE_DOWNLOADER = f"""
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from deepface.commons.weight_utils import download_weights_if_necessary
try:
    download_weights_if_necessary(file_name=sys.argv[1], source_url=sys.argv[2])
except ValueError as error:
    disk_fault = getattr(error.__cause__, "errno", None) in {_DISK_FAULTS}
    sys.exit(error.__cause__.errno if disk_fault else str(error.__cause__).split("\\n")[0])
"""


def _watch(process: subprocess.Popen[bytes], folder: Path, report: Report) -> None:
    """Report the growth of the one file in ``folder`` until the process ends or stalls."""
    received, since = 0, time.monotonic()
    while process.poll() is None:
        grown = received
        with suppress(FileNotFoundError):  # it was renamed between two checks
            grown = sum(entry.stat().st_size for entry in os.scandir(folder))
        if grown != received:
            received, since = grown, time.monotonic()
            report(received)
        elif time.monotonic() - since > STALL_TIMEOUT_S:
            raise TransferFailed("no answer in time")
        time.sleep(0.05)


def _require_connection(address: str) -> None:
    """Fail within seconds if the server cannot be reached: DeepFace itself would wait for 30."""
    patience = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    try:
        answer = requests.head(address, allow_redirects=True, timeout=patience)
        if address.startswith("https:") and not stays_encrypted(answer):
            raise TransferFailed("redirected to an address without https")
        if answer.status_code != requests.codes.method_not_allowed:
            answer.raise_for_status()
    except _HTTP_FAULTS as error:
        raise TransferFailed(_reason(error)) from error


def stays_encrypted(answer: requests.Response) -> bool:
    """Whether a response, and every redirect before it, came over https.

    DeepFace's file has no published sha256, so https is its only protection.
    """
    return all(each.url.startswith("https:") for each in [*answer.history, answer])


def _reason(error: Exception) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.InvalidProxyURL):
        return "no connection through the proxy, check HTTPS_PROXY"
    if isinstance(error, requests.exceptions.SSLError):
        return _NO_TRUST if "CERTIFICATE_VERIFY_FAILED" in str(error) else "no encrypted connection"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, ValueError):
        return "gave an answer that cannot be understood"
    return "the connection was interrupted"


class _Progress:
    """The progress bar interface of pooch."""

    total = 0

    def __init__(self, report: Report) -> None:
        self._report = report
        self._received = 0

    def update(self, count: int) -> None:
        self._received += count
        self._report(self._received)

    def reset(self) -> None:
        self._received = 0

    def close(self) -> None:
        pass
