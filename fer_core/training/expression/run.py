"""From data to a network that can be shipped: train, calibrate, export, describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.analysis.analyzer import Analyzer
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.training.device import device, parameter_count
from fer_core.training.expression import metrics
from fer_core.training.expression.batches import Batches
from fer_core.training.expression.card import PictureFacts, Run, write_card
from fer_core.training.expression.data import (
    UNLABELLED,
    LabelledFaces,
    near_duplicates,
    read_contact_sheet,
)
from fer_core.training.expression.evaluate import evaluate
from fer_core.training.expression.evaluate_pictures import figures
from fer_core.training.expression.export import export
from fer_core.training.expression.foreign import read_soft_labels, with_soft_labels
from fer_core.training.expression.network import CompactNet, renew_statistics
from fer_core.training.expression.rule import PRIOR_KEPT, begin_with, fold, log_prior
from fer_core.training.expression.sources import (
    TILES,
    Judged,
    PictureFaces,
    Source,
    judged_pictures,
    judged_tiles,
    names_apart,
    people_apart,
    picture_source,
    read_pictures,
    tile_source,
)
from fer_core.training.expression.state import Settings, State, load_network, new_state, resume
from fer_core.training.expression.targets import FER2013, FERPLUS, FOREIGN, HEADS, LEARNED, SHOWN
from fer_core.training.expression.teachers import read_teacher
from fer_core.training.expression.train import predict_logits, train

PARITY_TILES = 512
"""Validation pictures on which the exported file is compared with PyTorch."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run learns from: ``data`` is FER2013's folder; ``pictures`` are folders of whole
    pictures, each with its csv; ``teachers`` networks of earlier runs (.onnx or .pt);
    ``soft_labels`` what foreign networks say (``foreign``)."""

    data: Path
    pictures: Sequence[tuple[Path, Path]] = ()
    teachers: Sequence[Path] = ()
    soft_labels: Sequence[Path] = ()

    def recipe(self, epochs: int | None = None) -> Settings:
        """The settings that did best with such data (models/RUNS.md)."""
        if self.pictures:
            return Settings(
                epochs=epochs or 80,
                batch=512,
                learning_rate=0.12,
                average_decay=0.998,
                mixup_share=0.0,
                decay_share=0.7,
                teacher_share=0.55 if self.teachers or self.soft_labels else 0.0,
            )
        if self.teachers or self.soft_labels:
            return Settings(
                epochs=epochs or 60, decay_share=1.0, refine_share=0.6, teacher_share=0.8
            )
        return Settings(epochs=epochs or 90)


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """What to learn from, what to choose on, and what is told of both in the card.

    ``prior``: ``(7,)``, the logarithm of FER+'s. ``tiles`` and ``pictures`` are the faces of
    ``judged``; ``duplicates`` counts training tiles that validation shows again.
    """

    sources: list[Source]
    judged: list[Judged]
    prior: NDArray[np.float32]
    tiles: LabelledFaces
    pictures: list[PictureFaces]
    duplicates: int


def run(origin: Origin, out: Path, settings: Settings, analyzer: Analyzer) -> None:
    """Train in the folder ``out`` or go on with the run that is there; then export and describe.

    ``settings.teacher_share`` of what is learned is what teachers say, and the network begins with
    the weights of the last of them if that has the same channels. ``analyzer`` finds the faces of
    whole pictures.
    Raises ``DatasetError`` if the data, a teacher or a checkpoint in ``out`` cannot be used.
    """
    teachers = [read_teacher(path) for path in origin.teachers]
    data = read(origin, settings, analyzer)
    begins_with_teacher = bool(teachers) and teachers[-1].channels == settings.channels
    state = _begun(out / "last.pt", data, settings, teachers[-1] if begins_with_teacher else None)
    train(state, data.sources, data.judged, out, teachers)
    network, _ = load_network(out / "best.pt")
    network.to(device(), memory_format=torch.channels_last)
    _renew(network, data, settings)
    network = fold(network.cpu(), data.prior)
    temperatures = calibrate(network, data.judged)
    path = out / "emotion_compact.onnx"
    parity = export(
        network,
        HEADS,
        temperatures,
        data.judged[0].tiles[:PARITY_TILES],
        path,
        rule={"tilt": PRIOR_KEPT},
    )
    model = CompactEmotionModel(path)
    report = evaluate(model, data.tiles)
    facts = Run(
        report=report,
        pictures=[_picture_facts(data, source, model) for source in data.sources[1:]],
        settings=settings,
        history=state.history,
        temperatures=temperatures,
        parameters=parameter_count(network),
        parity=parity,
        prior=np.exp(data.prior).tolist(),
        training_faces=len(data.sources[0].faces),
        duplicates=data.duplicates,
        teachers=len(teachers),
        soft_labels=len(origin.soft_labels),
        begins_with_teacher=begins_with_teacher,
    )
    write_card(facts, model, data.tiles, path)
    click.echo(
        f"{path}: {report['accuracy']:.1%} on FER2013, {report['ferplus_accuracy']:.1%} FER+"
    )


def read(origin: Origin, settings: Settings, analyzer: Analyzer) -> Data:
    """Read all sources and part them into what is learned from and what is chosen on.

    Training tiles that validation shows again are left out; of the people in each folder of
    pictures a third is kept apart.
    """
    names_apart([table for _, table in origin.pictures])
    folder = origin.data
    tiles = read_contact_sheet(folder / "train.webp", folder / "train.csv")
    validation = read_contact_sheet(folder / "validation.webp", folder / "validation.csv")
    again = near_duplicates(tiles.tiles, validation.tiles)
    click.echo(f"{again.sum()} near-duplicates of validation faces left out of training", err=True)
    learned = tile_source(tiles.subset(~again))
    sources, rows = [learned], {TILES: np.flatnonzero(~again)}
    listed = {TILES: len(tiles)}
    prior = log_prior(learned.targets[SHOWN])
    judged, apart = judged_tiles(validation, settings.side, prior), []
    pictures = [read_pictures(*each, analyzer) for each in origin.pictures]
    for faces in pictures:
        held = people_apart(faces, settings.seed)
        training = faces.subset(~held)
        sources.append(picture_source(training))
        rows[faces.name], listed[faces.name] = training.rows, faces.listed
        if held.any():
            apart.append(faces.subset(held))
            judged.append(judged_pictures(apart[-1], settings.side, prior))
    spoken = [read_soft_labels(path, listed) for path in origin.soft_labels]
    sources = with_soft_labels(sources, rows, spoken)
    return Data(sources, judged, prior, validation, apart, int(again.sum()))


def calibrate(network: CompactNet, judged: Sequence[Judged]) -> dict[str, float]:
    """The temperature of each head of a folded network, each for what it is judged on."""
    shown = [_known(network, each, FERPLUS) for each in judged if each.head == SHOWN]
    second = next(each for each in judged if each.head == FER2013)
    return {
        FERPLUS: metrics.even_temperature(shown),
        FER2013: metrics.fit_temperature(*_known(network, second, FER2013)),
    }


def _known(
    network: CompactNet, judged: Judged, head: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The logits of the faces that have a label, and their labels."""
    known = judged.labels != UNLABELLED
    return predict_logits(network, judged.tiles[known])[head], judged.labels[known]


def _begun(last: Path, data: Data, settings: Settings, start: CompactNet | None) -> State:
    """The run that is there, or a new one that begins with the weights of ``start``."""
    foreign = [head for head in data.sources[0].targets if head.startswith(FOREIGN)]
    classes = LEARNED | dict.fromkeys(foreign, LEARNED[SHOWN])
    if last.exists():
        return resume(last, classes, settings)
    state = new_state(classes, settings)
    if start is not None:
        begin_with(state.network, start, data.prior)
        state.average.load_state_dict(state.network.state_dict())
    return state


def _renew(network: CompactNet, data: Data, settings: Settings) -> None:
    generator = torch.Generator(device()).manual_seed(settings.seed)
    whole = Batches(data.sources, 256, settings.side).epoch(generator, strength=0.0)
    renew_statistics(network, (faces for faces, _ in whole))


def _picture_facts(data: Data, source: Source, model: CompactEmotionModel) -> PictureFacts:
    apart = [faces for faces in data.pictures if faces.name == source.name]
    if not apart:
        return PictureFacts(source.name, len(source.faces))
    (faces,) = apart
    known = faces.labels != UNLABELLED
    shares = model.predict(faces.crops[known]).astype(np.float64)
    return PictureFacts(
        source.name,
        learned=len(source.faces),
        judged=int(known.sum()),
        people=len(np.unique(faces.people[known])),
        report=figures(shares, faces.labels[known], model.labels),
    )
