"""What is known of each engine: where it comes from, its licence, how accurate it was measured."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from fer_core.models.detectors.haar import CASCADE
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS
from fer_core.models.emotion.custom import held_out_report, own_network, own_networks
from fer_core.models.weights.files import WEIGHTS


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """One detector or emotion model, in plain text.

    ``source`` names where it comes from, ``source_url`` is empty where there is no such page;
    ``measured`` says how accurate it was, on what.
    """

    about: str
    source: str
    source_url: str
    licence: str
    size_bytes: int
    measured: str


def engine_facts(name: str) -> EngineFacts:
    """The facts of one of ``DETECTORS``, ``EMOTION_MODELS`` or ``own_networks``."""
    if name == "yunet":
        return EngineFacts(
            about="A small network that also finds faces that are turned or tilted, "
            "and marks eyes, nose and corners of the mouth.",
            source="OpenCV Zoo",
            source_url=WEIGHTS["yunet"].source,
            licence=WEIGHTS["yunet"].licence,
            size_bytes=WEIGHTS["yunet"].size_bytes,
            measured="misses 0.1 % of the faces of a press-photo set",
        )
    if name == "haar":
        return EngineFacts(
            about="The classic of 2001: a cascade of simple tests. Finds faces that look "
            "straight at the camera.",
            source="OpenCV",
            source_url="https://github.com/opencv/opencv/tree/4.x/data/haarcascades",
            licence="BSD-style Intel",
            size_bytes=CASCADE.stat().st_size,
            measured="misses 8 % of the faces of a press-photo set",
        )
    if name == "deepface":
        return EngineFacts(
            about="The pretrained network of the DeepFace package, known from many projects.",
            source="serengil/deepface",
            source_url=WEIGHTS["deepface"].source,
            licence=WEIGHTS["deepface"].licence,
            size_bytes=WEIGHTS["deepface"].size_bytes,
            measured="57.4 % on FER2013, by its author's account",
        )
    if name in own_networks():
        return _own_facts(name)
    return EngineFacts(
        about="Trained by this project and shipped with it: works without a network.",
        source="this project",
        source_url="",
        licence="MIT",
        size_bytes=SHIPPED_WEIGHTS.stat().st_size if SHIPPED_WEIGHTS.is_file() else 0,
        measured=_accuracy_on_card(SHIPPED_WEIGHTS.with_suffix(".md")),
    )


def _own_facts(name: str) -> EngineFacts:
    report = held_out_report(name)
    measured, about = "no report beside it", "Adapted on this computer."
    if report:
        measured = f"{report.accuracy:.0%} of {report.n} held-out faces"
        classes = ", ".join(report.classes)
        about = f"Adapted on this computer with {report.learned_from} faces, to {classes}."
    return EngineFacts(
        about=about,
        source="python -m fer_core train --from",
        source_url="",
        licence="your own",
        size_bytes=own_network(name).stat().st_size,
        measured=measured,
    )


def _accuracy_on_card(card: Path) -> str:
    """The figures that the model card states."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    row = re.search(r"^\| accuracy \| ([\d.]+)% \| ([\d.]+)% \|$", text, re.MULTILINE)
    if row is None:
        return "not measured yet"
    ferplus, fer2013 = row.groups()
    return f"{fer2013} % on FER2013, {ferplus} % on its FER+ labels (validation pictures)"
