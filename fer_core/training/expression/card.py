"""Writes the model card (Mitchell et al., Model Cards for Model Reporting, 2019) with pictures."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.training.cards import render_card
from fer_core.training.expression.batches import FIRST_SHARE
from fer_core.training.expression.curves import write_curves
from fer_core.training.expression.data import UNLABELLED, LabelledFaces
from fer_core.training.expression.network import CHANNELS, SIDE
from fer_core.training.expression.pictures import write_confusion, write_reliability
from fer_core.training.expression.rule import PRIOR_KEPT
from fer_core.training.expression.state import Settings
from fer_core.training.expression.train import learning_rate, score

TEMPLATE = Path(__file__).with_name("card.md")


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A folder of whole pictures in a run.

    ``learned`` counts the training faces. ``validated`` counts the labelled faces of the held-out
    ``people``, and ``report`` has their figures (``evaluate_pictures.figures``); without labels,
    both counts are 0 and the report is empty.
    """

    name: str
    learned: int
    validated: int = 0
    people: int = 0
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """The facts of a run for its card.

    ``prior`` has the share of each expression in FER+'s votes; ``teachers`` and ``soft_labels`` are
    numbers of networks.
    """

    report: dict[str, Any]
    pictures: list[PictureFacts]
    settings: Settings
    history: list[dict[str, float]]
    temperatures: dict[str, float]
    parameters: int
    parity: float
    prior: list[float]
    training_faces: int
    duplicates: int
    teachers: int
    soft_labels: int
    starts_from_teacher: bool


def write_card(
    run: Run, model: CompactEmotionModel, validation: LabelledFaces, onnx_file: Path
) -> None:
    """Write ``<name>.md`` and three PNG pictures beside ``onnx_file``."""
    stem = onnx_file.with_suffix("")
    report = run.report
    write_curves(run.history, Path(f"{stem}_curves.png"))
    write_confusion(
        {
            "FER+ majority": report["ferplus_confusion_matrix"],
            "FER2013 label": report["confusion_matrix"],
        },
        report["labels"],
        Path(f"{stem}_confusion.png"),
    )
    majority, original = validation.majority, validation.labels
    voted, labelled = majority != UNLABELLED, original != UNLABELLED
    shown, second = model.predict_both(validation.tiles)
    write_reliability(
        {
            "shown output, FER+ majority": (shown[voted], majority[voted]),
            "second output, FER2013 label": (second[labelled], original[labelled]),
        },
        Path(f"{stem}_reliability.png"),
    )
    onnx_file.with_suffix(".md").write_text(_text(run, onnx_file), encoding="utf-8")


def _text(run: Run, onnx_file: Path) -> str:
    report, name = run.report, onnx_file.stem
    chosen = max(run.history, key=score)
    return render_card(
        TEMPLATE,
        name=name,
        size_mb=onnx_file.stat().st_size / 1e6,
        run=run,
        validated=[each for each in run.pictures if each.validated],
        report=report,
        settings=asdict(run.settings),
        side=run.settings.side,
        default_side=SIDE,
        prior=zip(report["labels"], run.prior, strict=True),
        prior_kept=PRIOR_KEPT,
        first_share=FIRST_SHARE,
        channels=run.settings.channels,
        default_channels=CHANNELS,
        recalls=[
            (label, *_recall_cells(report, "ferplus_", i), *_recall_cells(report, "", i))
            for i, label in enumerate(report["labels"])
        ],
        chosen_epoch=int(chosen["epoch"]),
        as_planned=_as_planned(run),
        hours=sum(row["seconds"] for row in run.history) / 3600.0,
    )


def _as_planned(run: Run) -> bool:
    """Whether every epoch had the learning rate of the settings."""
    return all(
        math.isclose(row["learning_rate"], learning_rate(run.settings, row["epoch"]), abs_tol=1e-9)
        for row in run.history
    )


def _recall_cells(report: dict[str, Any], prefix: str, index: int) -> tuple[str, str, str]:
    """The number of faces with a label, their recall, and the most frequent wrong prediction."""
    counts: list[int] = report[f"{prefix}confusion_matrix"][index]
    wrong = [0 if i == index else count for i, count in enumerate(counts)]
    taken_for = report["labels"][wrong.index(max(wrong))] if any(wrong) else "-"
    return str(sum(counts)), f"{counts[index] / max(sum(counts), 1):.1%}", taken_for
