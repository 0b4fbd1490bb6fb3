"""Where a downloaded file is saved, and how it is fetched and checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from fer_core.models.registry import Model

Report = Callable[[int], None]
"""Called with the number of bytes received so far. It may raise to end the transfer."""


class TransferFailed(Exception):
    """A download failed; ``str(error)`` is the reason in a few words.

    Internal: ``fetch`` turns it into a ``DownloadFailed``.
    """


class WeightsSource:
    """A file that is fetched over HTTP and has a published sha256."""

    def folder(self, model: Model, downloads: Path) -> Path:  # noqa: ARG002 - others look
        """Where the file is saved; ``downloads`` is the usual place."""
        return downloads

    def transfer(self, address: str, target: Path, report: Report) -> None:
        """Fetch one address into the file ``target``. Raises ``TransferFailed``."""
        # Only a download needs the HTTP libraries, which are the slowest import here.
        from fer_core.models.weights.download import transfer_http

        transfer_http(address, target, report)

    def fault(self, model: Model, path: Path) -> str | None:
        """What is wrong with a file, in a few words, or None. Raises ``OSError``."""
        content = path.read_bytes()
        if len(content) != model.size_bytes:
            return f"it has {len(content):,} bytes instead of {model.size_bytes:,}"
        if hashlib.sha256(content).hexdigest() != model.sha256:
            return "its sha256 is not the published one"
        return None


def source_of(model: Model) -> WeightsSource:
    """The source named by a row."""
    source: WeightsSource = resolve_name(model.fetched_by)()
    return source
