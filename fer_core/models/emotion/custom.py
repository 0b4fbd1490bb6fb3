"""Networks adapted to a user's own classes, and where they are stored.

``python -m fer_core train --from … --out models/own/NAME`` makes one; its model name is then
``own/NAME``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from fer_core.paths import STATE_DIR

OWN_NETWORKS = STATE_DIR / "models" / "own"

NETWORK, REPORT = "adapted.onnx", "adapted.json"
"""The files of one network in its folder: the weights, and the report on held-out faces."""

_PREFIX = "own/"


@dataclass(frozen=True, slots=True)
class HeldOutReport:
    """The scores of an adapted network on held-out faces; shares are 0..1.

    ``recall`` is the share of each class's faces that it recognised, in the order of ``classes``.
    """

    classes: tuple[str, ...]
    learned_from: int
    n: int
    accuracy: float
    recall: tuple[float | None, ...]


def own_networks() -> tuple[str, ...]:
    """The names of the existing networks, in alphabetical order."""
    return tuple(
        f"{_PREFIX}{file.parent.name}" for file in sorted(OWN_NETWORKS.glob(f"*/{NETWORK}"))
    )


def own_network(name: str) -> Path:
    """The file of one of ``own_networks``."""
    return OWN_NETWORKS / name.removeprefix(_PREFIX) / NETWORK


def is_own(name: str) -> bool:
    """Whether a name is that of a user's own network, which may no longer exist."""
    return name.startswith(_PREFIX)


def own_title(name: str) -> str:
    """``own/tired`` -> ``tired``."""
    return name.removeprefix(_PREFIX)


def held_out_report(name: str) -> HeldOutReport | None:
    """The scores stored beside one of ``own_networks``; None if they are missing or damaged."""
    try:
        report = json.loads(own_network(name).with_name(REPORT).read_text(encoding="utf-8"))
        return HeldOutReport(
            classes=tuple(report["classes"]),
            learned_from=int(report["learned_from"]),
            n=int(report["n"]),
            accuracy=float(report["accuracy"]),
            recall=tuple(report["recall"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
