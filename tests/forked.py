"""Processes that need not import the program again: forked from one that has done so.

A test of several processes is about what they do to each other, not about how they start. Importing
takes each of them one to three seconds of a core, a fork a few milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from fer_core.paths import ROOT

if sys.platform == "win32":
    _context = multiprocessing.get_context("spawn")  # no fork: each imports for itself
else:
    _context = multiprocessing.get_context("forkserver")

# What dashboards import at their start and for their first pages, and what the history's workers
# import. Nothing that acts when it is imported, as app.py does, or that registers a component of
# Streamlit, as fer_core.ui does: it would be in a registry that the server has not.
_context.set_forkserver_preload(
    [
        "tests.forked",
        "tests.history.workers",
        "streamlit.web.cli",
        "streamlit.web.bootstrap",
        "streamlit.web.server.starlette",
        "aiortc",
        "plotly.graph_objects",
        "pyarrow",
        "fer_core.server.api",
        "fer_core.analysis.stream",
        "fer_core.analysis.video",
        "fer_core.jobs.queue",
        "fer_core.models.loading",
        "fer_core.models.emotion.compact",
        "fer_core.export.report",
    ]
)


class ForkedProcess:
    """A process that calls a function of a module, with the methods of ``subprocess.Popen``."""

    def __init__(self, target: Callable[..., object], *arguments: object) -> None:
        self._process = _context.Process(target=target, args=arguments)
        # A test of a page leaves that page's script as the main module, and a new process would run
        # it.
        with patch.dict(sys.modules, {"__main__": ModuleType("__main__")}):
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status once it has ended. Raises ``subprocess.TimeoutExpired``."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0.0)
        return self._process.exitcode

    def terminate(self) -> None:
        """Send SIGTERM."""
        self._process.terminate()

    def kill(self) -> None:
        """Send SIGKILL."""
        self._process.kill()


class Piped(ForkedProcess):
    """A process that gets one end of a pipe as its last argument; ``pipe`` is the other end."""

    def __init__(self, target: Callable[..., object], *arguments: object) -> None:
        self.pipe, its_end = _context.Pipe()
        super().__init__(target, *arguments, its_end)
        its_end.close()  # so that this end sees when the process has ended


def run_streamlit(arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
    """``streamlit ARGUMENTS`` in the checkout and this environment; its output goes to ``log``."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(output, standard)
    sys.argv = ["streamlit", *arguments]
    from streamlit.web import cli  # only here: whoever forks a worker of the history needs none

    cli.main(prog_name="streamlit")
