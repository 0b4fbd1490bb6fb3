"""Starlette 1.10: a file of a form is written to a temporary file on disk once 1 MB has arrived.

``Request.form()``, with which Streamlit takes uploads, has no argument for this limit.
https://github.com/Kludex/starlette/pull/3190
"""

from __future__ import annotations

from starlette.formparsers import MultiPartParser

WRITTEN_FOR = "starlette", "1.10.0"


def install(limit_mb: int) -> None:
    """Keep files of up to ``limit_mb`` (of 2^20 bytes) in memory while they arrive.

    Larger ones, videos, are on disk anyway until they are removed; to hold one of them twice could
    take more memory than there is.
    """
    MultiPartParser.spool_max_size = limit_mb << 20
