"""What many visitors at once need, and what Streamlit and uvicorn do otherwise.

- Streamlit looks through all there is for garbage after every run of a page or a fragment. With
  fifty visitors and four live sessions that was 40 % of the interpreter's time.
  ``runner.postScriptGC`` in .streamlit/config.toml ends it, and a thread does it here now and then:
  Python by itself counts objects, and would keep the pictures of somebody who is gone for long.
- Answers are sent at once (``patches.tcp_nodelay``).
"""

from __future__ import annotations

import gc
import threading
import time
from functools import cache

from fer_core.ui.patches import tcp_nodelay

COLLECT_S = 30.0
"""Pause between two looks for garbage, of a third of a second each with fifty visitors."""


@cache
def tune_server() -> None:
    """Collect garbage every ``COLLECT_S``; send at once on connections that come from now on."""
    threading.Thread(target=_collect, name="collector", daemon=True).start()
    tcp_nodelay.install()


def _collect() -> None:
    while True:
        time.sleep(COLLECT_S)
        gc.collect()
