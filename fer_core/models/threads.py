"""Threads in which models work on the parts of a large picture, or on many faces, side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

_THREADS = 2


@cache
def threads() -> ThreadPoolExecutor:
    """One pool for all pictures, because some detectors have state for each thread."""
    return ThreadPoolExecutor(_THREADS, thread_name_prefix="models")
