"""Reports of benchmark results, as Markdown for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

PACKAGES = ("onnxruntime", "opencv-contrib-python-headless", "deepface", "streamlit-webrtc")
"""The packages whose versions affect speed."""


@dataclass(frozen=True, slots=True)
class Report:
    """``figures`` hold everything, ready for JSON; ``tables`` and ``notes`` are for people."""

    title: str
    figures: Mapping[str, Any]
    tables: Sequence[str]
    notes: Sequence[str] = ()

    def as_markdown(self) -> str:
        """A section of benchmarks/README.md."""
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join(part for part in (f"### {self.title}", *self.tables, notes) if part)


def command(measure: Callable[[], Report]) -> click.Command:
    """The command line of a benchmark without options."""

    @click.command(help=measure.__doc__)
    @click.option("--json", "as_json", is_flag=True, help="The figures, for programs.")
    def run(as_json: bool) -> None:
        show(measure(), as_json)

    return run


def show(report: Report, as_json: bool) -> None:
    """Print a report."""
    if as_json:
        click.echo(json.dumps({"machine": machine(), **report.figures}, indent=2))
    else:
        click.echo(f"{report.as_markdown()}\n\nMeasured on {machine()}.")


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An aligned Markdown table: first column to the left, the others right."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    first, *others = widths
    rule = [["-" * first, *("-" * (width - 1) + ":" for width in others)]]
    return "\n".join(_line(row, widths) for row in cells[:1] + rule + cells[1:])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    aligned = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
    return f"| {' | '.join([first.ljust(widths[0]), *aligned])} |"


def percent(share: float, digits: int = 1) -> str:
    """``67.4 %`` for 0.674."""
    return f"{share * 100:.{digits}f} %"


def machine() -> str:
    """``2 cores of an AMD EPYC, 24 GiB; Python 3.11.7, onnxruntime 1.31.1, …``."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{package} {version(package)}" for package in PACKAGES]
    return (
        f"{os.cpu_count()} cores of an {_processor()}, {memory_gib:.0f} GiB; {', '.join(versions)}"
    )


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    for line in described.read_text().splitlines() if described.is_file() else ():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
