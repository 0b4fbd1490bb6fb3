"""The HTTP API at /api/v1, and the probes and figures beside it. docs/API.md shows it by commands.

The routes are mounted beside the pages and share their event loop, but neither their sign-in nor
their limits: authentication, sizes, rates and deadlines are this package's own.

Starlette's routes and pydantic's models are enough, and both are here for other reasons: FastAPI
would put a third layer on them and read a body whole before a limit could cut it off.
"""

from __future__ import annotations

from fer_core.server.api.routes import routes

__all__ = ["routes"]
