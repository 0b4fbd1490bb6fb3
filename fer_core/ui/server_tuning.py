"""Tunes the server for many visitors at once.

- Streamlit runs a full garbage collection after every run of a page or a fragment. With fifty
  visitors and four live sessions that was 40 % of the interpreter's time. ``runner.postScriptGC``
  in .streamlit/config.toml switches it off, and a thread here collects now and then: Python itself
  only counts objects, and would keep the pictures of visitors who have left.
- Responses are sent without delay (``patches.tcp_nodelay``).
"""

from __future__ import annotations

import gc
import threading
import time
from functools import cache

from fer_core.ui.patches import tcp_nodelay

COLLECT_S = 30.0
"""Pause between two collections, each a third of a second with fifty visitors."""


@cache
def tune_server() -> None:
    """Collect garbage every ``COLLECT_S``; send without delay on new connections."""
    threading.Thread(target=_collect, name="collector", daemon=True).start()
    tcp_nodelay.install()


def _collect() -> None:
    while True:
        time.sleep(COLLECT_S)
        gc.collect()
