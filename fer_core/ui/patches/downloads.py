"""Streamlit 1.67: a file that cannot be made when it is asked for is "Failed to generate file for
download", whatever the reason.

A session may have been deleted in another tab, or the history be away; both have a sentence that
says what to do. There is no public issue.
"""

from __future__ import annotations

import asyncio
import logging
from functools import cache

from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse, DeferredFileResponsePayload
from streamlit.runtime.backend_operation_handler import DeferredFileHandler

from fer_core.errors import FerError

WRITTEN_FOR = "streamlit", "1.67.0"

UNEXPECTED = "This file could not be made. Reload the page, and try again."

_log = logging.getLogger(__name__)


@cache
def install() -> None:
    """Show below a download button why its file could not be made."""
    DeferredFileHandler.handle = handle  # type: ignore[method-assign, assignment]


async def handle(
    handler: DeferredFileHandler, request: BackendOperationRequest, _session_id: str
) -> BackendOperationResponse:
    """Make the file that a download button was pressed for: its URL, or a sentence."""
    files, file_id = handler._get_media_file_mgr(), request.deferred_file.file_id
    try:
        url = await asyncio.to_thread(files.execute_deferred, file_id)
    except Exception as error:  # whatever makes the file may raise
        sentence = _sentence_for(error.__cause__)
        return BackendOperationResponse(request_id=request.request_id, error_msg=sentence)
    made = DeferredFileResponsePayload(url=url)
    return BackendOperationResponse(request_id=request.request_id, deferred_file=made)


def _sentence_for(cause: BaseException | None) -> str:
    if isinstance(cause, FerError):
        return str(cause)
    _log.exception("making a file for download")
    return UNEXPECTED
