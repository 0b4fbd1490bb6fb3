"""The model card of the face network (Mitchell et al., Model Cards, 2019) and its pictures."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

from fer_core.media.images import read_picture
from fer_core.models.landmarks import LandmarkModel
from fer_core.models.landmarks.crops import face_box
from fer_core.paths import SAMPLE
from fer_core.schema import Box
from fer_core.training.cards import render_card
from fer_core.training.device import device
from fer_core.training.landmarks.curves import write_curves
from fer_core.training.landmarks.evaluate import LandmarkScores, MovementScores, PresenceScores
from fer_core.training.landmarks.state import Settings

TEMPLATE = Path(__file__).with_name("card.md")

_ASTRONAUT_FACE = Box(176, 66, 96, 116)
"""Drawn by hand, like a detector's box."""

_PICTURE_PX = 320


@dataclass(frozen=True, slots=True)
class Run:
    """The facts and results of a run for its card.

    ``scores`` holds, by name, the scores on the validation and the test people, and ``centred``
    those without the labels' common offset, which was measured on the validation people.
    """

    settings: Settings
    history: list[dict[str, float]]
    scores: dict[str, LandmarkScores]
    offset_percent: tuple[float, float]
    centred: dict[str, LandmarkScores]
    presence: dict[str, PresenceScores]
    movements: dict[str, MovementScores]
    parameters: int
    parity: float
    people: list[int]
    faces: list[int]
    taught_people: list[int]
    taught: list[int]
    backgrounds: list[int]
    strangers: list[int]
    alarms: int
    mesh: int


def write_card(run: Run, model: LandmarkModel, onnx_file: Path) -> None:
    """Write ``<name>.md``, its learning curves and its example beside ``onnx_file``."""
    stem = onnx_file.with_suffix("")
    write_curves(run.history, Path(f"{stem}_curves.png"))
    write_example(model, Path(f"{stem}_example.png"))
    text = render_card(
        TEMPLATE,
        name=onnx_file.stem,
        size_mb=onnx_file.stat().st_size / 1e6,
        run=run,
        settings=asdict(run.settings),
        epochs=len(run.history),
        processor=_processor(),
        minutes=sum(row["seconds"] for row in run.history) / 60.0,
    )
    onnx_file.with_suffix(".md").write_text(text, encoding="utf-8")


def _processor() -> str:
    """Where the run was made, as far as it matters for its time."""
    if device().type == "cuda":
        return "an accelerator"
    return f"{os.cpu_count()} shared processor cores"


def write_example(model: LandmarkModel, path: Path) -> None:
    """Points and irises on the astronaut of scikit-image (NASA, public domain), as a PNG."""
    picture = read_picture(SAMPLE)
    first = model.locate(picture, [_ASTRONAUT_FACE])[0]
    box = face_box(first.points).to_box()
    found = model.locate(picture, [box])[0]
    points = found.points
    if found.irises is not None:
        points = np.concatenate([points, found.irises])
    left, top, side = box.x - box.h // 4, box.y - box.h // 8, box.h * 5 // 4
    scale = _PICTURE_PX / side
    shown = cv2.resize(
        picture[top : top + side, left : left + side],
        (_PICTURE_PX, _PICTURE_PX),
        interpolation=cv2.INTER_CUBIC,
    )
    for x, y in np.round((points - (left, top)) * scale).astype(int):
        cv2.circle(shown, (int(x), int(y)), 2, (0, 255, 255), cv2.FILLED, cv2.LINE_AA)
    cv2.imwrite(str(path), shown)
