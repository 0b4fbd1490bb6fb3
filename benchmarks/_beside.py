"""Runs beside the load test: the live sessions' process, and samples of the server's memory and
processor time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks._live_peers import PASSWORD
from benchmarks._visitor import VisitFailed
from fer_core.paths import ROOT


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the run, on the monotonic clock."""

    from_s: float
    to_s: float


class LivePeers:
    """The process with the live sessions; a context manager that ends it."""

    def __init__(self, address: str, password: str, count: int) -> None:
        self._told: list[dict[str, Any]] = []
        self._count = count
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks._live_peers", address, str(count)],
            cwd=ROOT,
            env={**os.environ, PASSWORD: password},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def wait(self) -> None:
        """Until all sessions run. Raises ``VisitFailed`` if they do not."""
        while not self._told and self._process.poll() is None:
            time.sleep(0.1)
        if not self._told:
            raise VisitFailed("the live sessions did not start")

    def rates(self, span: Span, what: str) -> list[float]:
        """Frames a second of each session over a span."""
        told = [line for line in self._told if span.from_s <= line["at_s"] <= span.to_s]
        if len(told) < 2:
            return [0.0] * self._count
        first, last = told[0], told[-1]
        took_s = last["at_s"] - first["at_s"]
        pairs = zip(first["peers"], last["peers"], strict=True)
        return [(after[what] - before[what]) / took_s for before, after in pairs]

    def connected(self) -> int:
        """The sessions whose connection stood when they were last heard of."""
        return sum(peer["connected"] for peer in self._told[-1]["peers"]) if self._told else 0

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.append(json.loads(line))


class Watch:
    """Samples the server's memory and processor time once a second, as a context manager."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._samples: list[tuple[float, float, float]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def memory_mb(self, span: Span) -> list[float]:
        """Resident memory over a span."""
        return [mb for at_s, mb, _ in self._samples if span.from_s <= at_s <= span.to_s]

    def cores(self, span: Span) -> float:
        """Processors in use over a span, on average."""
        used = [(at_s, s) for at_s, _, s in self._samples if span.from_s <= at_s <= span.to_s]
        return (used[-1][1] - used[0][1]) / (used[-1][0] - used[0][0])

    def _sample(self) -> None:
        while not self._over.wait(1.0):
            status = Path(f"/proc/{self._pid}/status").read_text()
            resident_mb = int(status.partition("VmRSS:")[2].split()[0]) / 1e3
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
            cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            self._samples.append((time.monotonic(), resident_mb, cpu_s))
