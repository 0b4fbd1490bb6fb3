"""The live page in a real Chromium, with a 640x480 fake camera at 30 frames a second.

- ``python -m benchmarks.live_page``: analysed frames per second and picture latency of one session.
- ``--sessions 4``: several at once, and whether the latency grows over two minutes.
- ``--starts 60``: new pages, and how many reach the first analysed frame at the first attempt.
- ``--memory``: the server's memory after 30 starts and stops, and ten closed tabs.

Server and browser share this machine. *Picture latency* is the time from a camera picture's arrival
in the page's scripts to the same picture, annotated and decoded by the browser; it is read from
numbers in the pictures. Displaying it on a screen takes further time. The annotation is that of the
newest analysed frame, which can be an earlier one: *analysis latency* is the page's own figure,
from a frame's arrival at the server to its result.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from benchmarks._browser import PATIENCE_S, LiveTab, Workshop
from benchmarks._report import Report, show, table

SETTLE_S = 10.0
"""Warm-up after the start: connection, first frames, the browser's search for a bit rate."""

WINDOW_S = 15.0
CYCLES, TABS = 30, 10
WARM_CYCLES = 3
"""Starts after which the server has loaded everything that it loads once."""

LINGER_S = 60.0
"""A closed tab's connection may stay for 40 s."""


@dataclass(frozen=True, slots=True)
class Window:
    """One session over one span: frames a second, and latencies in milliseconds.

    ``read_share`` is the share of the shown pictures whose number could be read, and was new.
    """

    analysed_fps: float
    shown_fps: float
    read_share: float
    picture_ms: tuple[float, float]
    analysis_ms: tuple[float, float]

    def to_dict(self) -> dict[str, object]:
        """JSON-ready; latencies are the median and the 95th percentile."""
        return {
            "analysed_fps": self.analysed_fps,
            "shown_fps": self.shown_fps,
            "read_share": self.read_share,
            "picture_ms_p50_p95": self.picture_ms,
            "analysis_ms_p50_p95": self.analysis_ms,
        }


def median_and_p95(values: Sequence[float]) -> tuple[float, float]:
    """NaN for both where there are no values."""
    if not values:
        return float("nan"), float("nan")
    middle, high = np.percentile(values, [50, 95])
    return float(middle), float(high)


def measure_sessions(shop: Workshop, sessions: int, windows: int) -> Report:
    """Several sessions at once, window by window."""
    tabs = [shop.open_live() for _ in range(sessions)]
    # One that does not start is a result too, and is in the table with nothing analysed.
    started = sum(tab.time_start().analysed_s is not None for tab in tabs)
    tabs[0].wait(SETTLE_S)
    for tab in tabs:
        tab.read()
    found: list[list[Window]] = [[] for _ in tabs]
    began_s, cpu_s = time.monotonic(), shop.server_cpu_s()
    for _ in range(windows):
        tabs[0].wait(WINDOW_S)
        for tab, own in zip(tabs, found, strict=True):
            own.append(window(tab))
    server_cores = (shop.server_cpu_s() - cpu_s) / (time.monotonic() - began_s)
    rows = [
        [f"session {i}, {round(n * WINDOW_S)} s", *_cells(each)]
        for i, own in enumerate(found, start=1)
        for n, each in enumerate(own, start=1)
    ]
    head = ["", "analysed a second", "shown a second", "picture ms, p50 / p95", "analysis ms"]
    return Report(
        f"The live page, {sessions} session{'s' * (sessions > 1)} at once",
        {
            "sessions": [[each.to_dict() for each in own] for own in found],
            "started": started,
            "server_cores": server_cores,
        },
        [table(head, rows)],
        [
            "Targets: a single session analyses 20 frames per second (stretch: 30) with a p95 "
            "picture latency of 150 ms (stretch: 80); each of four sessions analyses 8 (stretch: "
            "15), and latency does not grow.",
            f"{started} of {sessions} started within {PATIENCE_S:.0f} s of the click. The server "
            f"used {server_cores:.2f} cores.",
        ],
    )


def window(tab: LiveTab) -> Window:
    """What happened in a tab since the last call."""
    seen = tab.read()
    return Window(
        analysed_fps=seen.analysed / seen.span_s,
        shown_fps=seen.shown / seen.span_s,
        read_share=len(seen.ways_ms) / max(1, seen.shown),
        picture_ms=median_and_p95(seen.ways_ms),
        analysis_ms=seen.analysis_ms,
    )


def _cells(each: Window) -> list[str]:
    return [
        f"{each.analysed_fps:.1f}",
        f"{each.shown_fps:.1f}",
        *(f"{middle:.0f} / {high:.0f}" for middle, high in (each.picture_ms, each.analysis_ms)),
    ]


def measure_starts(shop: Workshop, starts: int) -> Report:
    """New pages, one after the other; Start is pressed once and given half a minute."""
    picture_s, analysed_s = [], []
    for _ in range(starts):
        tab = shop.open_live()
        times = tab.time_start()
        picture_s.append(times.picture_s)
        analysed_s.append(times.analysed_s)
        tab.close()
    rows = []
    for title, times_s in (("first picture", picture_s), ("first analysed frame", analysed_s)):
        reached = [value for value in times_s if value is not None]
        middle, high = median_and_p95(reached)
        longest = max(reached, default=float("nan"))
        rows.append(
            [title, f"{len(reached)} of {starts}", *(f"{s:.2f}" for s in (middle, high, longest))]
        )
    return Report(
        f"{starts} starts on fresh pages",
        {"picture_s": picture_s, "analysed_s": analysed_s},
        [table(["from the click to the", "reached", "median s", "p95 s", "longest s"], rows)],
        [
            f"Target: {starts} of {starts} at the first attempt; stretch: within 1.5 s. The first "
            "analysed frame counts from when the page shows it; the page updates every 0.4 s."
        ],
    )


def measure_memory(shop: Workshop) -> Report:
    """The server's resident memory over starts and stops, and after tabs are just closed."""
    steps = {"idle": shop.server_mb()}
    tab = shop.open_live()
    cycles_mb = []
    for _ in range(CYCLES):
        tab.time_start()
        tab.stop()
        cycles_mb.append(shop.server_mb())
    tab.close()
    steps[f"after {WARM_CYCLES} starts and stops"] = cycles_mb[WARM_CYCLES - 1]
    steps[f"after {CYCLES}"] = cycles_mb[-1]
    for _ in range(TABS):
        closing = shop.open_live()
        closing.time_start()
        closing.close()
    time.sleep(LINGER_S)
    steps[f"{LINGER_S:.0f} s after {TABS} closed tabs"] = shop.server_mb()
    growth = shop.server_mb() - cycles_mb[WARM_CYCLES - 1]
    return Report(
        "Memory of the server",
        {"steps_mb": steps, "cycles_mb": cycles_mb, "growth_mb": growth},
        [table(["", "resident MB"], [[step, f"{mb:.0f}"] for step, mb in steps.items()])],
        [
            f"Growth after the first {WARM_CYCLES} starts: **{growth:.0f} MB**. Target: less than "
            "30; stretch target: none."
        ],
    )


@click.command(help=__doc__)
@click.option("--sessions", default=1, show_default=True, help="Live sessions at once.")
@click.option("--seconds", default=120, show_default=True, help="How long they are measured.")
@click.option("--starts", default=0, help="Time this many starts instead.")
@click.option("--memory", is_flag=True, help="Measure the server's memory instead.")
@click.option("--json", "as_json", is_flag=True, help="The figures, for programs.")
def run(sessions: int, seconds: int, starts: int, memory: bool, as_json: bool) -> None:
    with tempfile.TemporaryDirectory() as folder, Workshop(Path(folder)) as shop:
        if memory:
            report = measure_memory(shop)
        elif starts:
            report = measure_starts(shop, starts)
        else:
            report = measure_sessions(shop, sessions, windows=max(1, round(seconds / WINDOW_S)))
    show(report, as_json)


if __name__ == "__main__":
    run()
