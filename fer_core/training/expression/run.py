"""From a folder of data to a network that can be shipped: train, calibrate, export, describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import torch

from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.training.device import device, parameter_count
from fer_core.training.expression import metrics
from fer_core.training.expression.card import Run, write_card
from fer_core.training.expression.data import (
    UNLABELLED,
    LabelledFaces,
    near_duplicates,
    read_contact_sheet,
)
from fer_core.training.expression.evaluate import evaluate
from fer_core.training.expression.export import export
from fer_core.training.expression.network import CompactNet, renew_statistics
from fer_core.training.expression.state import Settings, load_network, new_state, resume
from fer_core.training.expression.targets import (
    FER2013,
    FERPLUS,
    HEADS,
    training_targets,
    validation_targets,
)
from fer_core.training.expression.teachers import read_teacher
from fer_core.training.expression.train import Examples, predict_logits, train

PARITY_TILES = 512
"""Validation pictures on which the exported file is compared with PyTorch."""


@dataclass(frozen=True, slots=True)
class Data:
    """What to learn from, what to choose on, and how many near-duplicates were left out."""

    training: LabelledFaces
    validation: LabelledFaces
    duplicates: int


def run(data: Path, out: Path, settings: Settings, teachers: Sequence[Path] = ()) -> None:
    """Train in the folder ``out`` or go on with the run that is there; then export and describe.

    ``teachers`` are networks of earlier runs (.onnx or .pt): ``settings.teacher_share`` of what is
    learned is what they say, and the network begins with the weights of the last of them if that
    has the same channels.
    Raises ``DatasetError`` if the data, a teacher or a checkpoint in ``out`` cannot be used.
    """
    faces = read(data)
    last = out / "last.pt"
    networks = [read_teacher(path) for path in teachers]
    state = resume(last, HEADS, settings) if last.exists() else new_state(HEADS, settings)
    begins_with_teacher = bool(networks) and networks[-1].channels == settings.channels
    if begins_with_teacher and not last.exists():
        state.network.load_state_dict(networks[-1].state_dict())
        state.average.load_state_dict(networks[-1].state_dict())
    train(
        state,
        Examples(faces.training.tiles, training_targets(faces.training)),
        Examples(faces.validation.tiles, validation_targets(faces.validation)),
        out,
        networks,
    )
    network, _ = load_network(out / "best.pt")
    network.to(device(), memory_format=torch.channels_last)
    renew_statistics(network, faces.training.tiles)
    temperatures = calibrate(network, faces.validation)
    model = out / "emotion_compact.onnx"
    parity = export(network, HEADS, temperatures, faces.validation.tiles[:PARITY_TILES], model)
    report = evaluate(CompactEmotionModel(model), faces.validation)
    facts = Run(
        report=report,
        settings=settings,
        history=state.history,
        temperatures=temperatures,
        parameters=parameter_count(network),
        parity=parity,
        training_faces=len(faces.training),
        duplicates=faces.duplicates,
        teachers=len(teachers),
        begins_with_teacher=begins_with_teacher,
    )
    write_card(facts, CompactEmotionModel(model), faces.validation, model)
    click.echo(
        f"{model}: {report['accuracy']:.1%} on FER2013, {report['ferplus_accuracy']:.1%} FER+"
    )


def read(folder: Path) -> Data:
    """Read both sheets; leave training faces that validation shows again out."""
    training = read_contact_sheet(folder / "train.webp", folder / "train.csv")
    validation = read_contact_sheet(folder / "validation.webp", folder / "validation.csv")
    again = near_duplicates(training.tiles, validation.tiles)
    click.echo(f"{again.sum()} near-duplicates of validation faces left out of training", err=True)
    return Data(training.subset(~again), validation, int(again.sum()))


def calibrate(network: CompactNet, faces: LabelledFaces) -> dict[str, float]:
    """The temperature of each head, each for the labels it is measured on."""
    truths = {FERPLUS: faces.majority, FER2013: faces.labels}
    logits = predict_logits(network, faces.tiles)
    return {
        head: metrics.fit_temperature(logits[head][truth != UNLABELLED], truth[truth != UNLABELLED])
        for head, truth in truths.items()
    }
