"""The HTTP API at /api/v1, and the probes and metrics beside it. docs/API.md shows how to use it.

The routes are mounted beside the pages and share their event loop, but not their sign-in and
limits: authentication, sizes, rates and deadlines are this package's own.
"""

from __future__ import annotations

from fer_core.server.api.routes import routes

__all__ = ["routes"]
