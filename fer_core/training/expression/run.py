"""Trains, calibrates, exports and describes the expression network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

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
from fer_core.training.expression.network import CompactNet, recompute_statistics
from fer_core.training.expression.rule import PRIOR_KEPT, fold, load_earlier_weights, log_prior
from fer_core.training.expression.soft_labels import add_soft_labels, read_soft_labels
from fer_core.training.expression.sources import (
    TILES,
    PictureFaces,
    Source,
    ValidationSet,
    check_names,
    held_out_people,
    picture_source,
    read_pictures,
    tile_source,
    validation_pictures,
    validation_tiles,
)
from fer_core.training.expression.state import Settings, State, load_network, new_state, resume
from fer_core.training.expression.targets import FER2013, FERPLUS, FOREIGN, HEADS, LEARNED, SHOWN
from fer_core.training.expression.teachers import read_teacher
from fer_core.training.expression.train import predict_logits, train
from fer_core.training.run_state import digest, weights_of

PARITY_TILES = 512
"""The number of validation tiles on which the exported file is compared with PyTorch."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The data of a run.

    ``data``: FER2013's folder. ``pictures``: folders of whole pictures, each with its CSV file.
    ``teachers``: networks of earlier runs (.onnx or .pt). ``soft_labels``: files with the outputs
    of foreign networks (see ``read_soft_labels``).
    """

    data: Path
    pictures: Sequence[tuple[Path, Path]] = ()
    teachers: Sequence[Path] = ()
    soft_labels: Sequence[Path] = ()

    def recipe(self, epochs: int | None = None) -> Settings:
        """The best settings for such data (models/RUNS.md)."""
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
    """The training sources and validation sets of a run, and facts about them for the card.

    ``prior``: ``(7,)``, the logarithm of FER+'s prior. ``tiles`` and ``pictures`` are the faces of
    ``validation_sets``; ``duplicates`` counts training tiles that are near-duplicates of these.
    ``digest`` changes with all of these.
    """

    sources: list[Source]
    validation_sets: list[ValidationSet]
    prior: NDArray[np.float32]
    tiles: LabelledFaces
    pictures: list[PictureFaces]
    duplicates: int
    digest: str


def run(origin: Origin, out: Path, settings: Settings, analyzer: Analyzer) -> None:
    """Train in the folder ``out``, or resume the run that is there; then export and write the card.

    ``settings.teacher_share`` of the targets comes from the teachers. The network starts from the
    weights of the last teacher if that has the same channels. ``analyzer`` finds the faces of whole
    pictures.
    Raises ``DatasetError`` if the data, a teacher or a checkpoint in ``out`` cannot be used.
    """
    teachers = [read_teacher(path) for path in origin.teachers]
    data = read(origin, settings, analyzer)
    starts_from_teacher = bool(teachers) and teachers[-1].channels == settings.channels
    state = _resume_or_start(
        out / "last.pt",
        data,
        settings,
        teachers[-1] if starts_from_teacher else None,
        digest(data.digest, *(each for teacher in teachers for each in weights_of(teacher))),
    )
    train(state, data.sources, data.validation_sets, out, teachers)
    network, _ = load_network(out / "best.pt")
    network.to(device(), memory_format=torch.channels_last)
    _recompute_statistics(network, data, settings)
    network = fold(network.cpu(), data.prior)
    temperatures = calibrate(network, data.validation_sets)
    path = out / "emotion_compact.onnx"
    parity = export(
        network,
        HEADS,
        temperatures,
        data.validation_sets[0].tiles[:PARITY_TILES],
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
        starts_from_teacher=starts_from_teacher,
    )
    write_card(facts, model, data.tiles, path)
    click.echo(
        f"{path}: {report['accuracy']:.1%} on FER2013, {report['ferplus_accuracy']:.1%} FER+"
    )


def read(origin: Origin, settings: Settings, analyzer: Analyzer) -> Data:
    """Read all sources and split them into training and validation faces.

    Training tiles that are near-duplicates of validation tiles are left out. A third of the people
    in each folder of pictures is held out for validation.
    """
    check_names([table for _, table in origin.pictures])
    folder = origin.data
    tiles = read_contact_sheet(folder / "train.webp", folder / "train.csv")
    validation = read_contact_sheet(folder / "validation.webp", folder / "validation.csv")
    duplicates = near_duplicates(tiles.tiles, validation.tiles)
    click.echo(
        f"{duplicates.sum()} near-duplicates of validation faces left out of training", err=True
    )
    first = tile_source(tiles.subset(~duplicates))
    sources, rows = [first], {TILES: np.flatnonzero(~duplicates)}
    line_counts = {TILES: len(tiles)}
    prior = log_prior(first.targets[SHOWN])
    validation_sets, held_out = validation_tiles(validation, settings.side, prior), []
    known: list[ArrayLike] = [
        each for part in (tiles, validation) for each in (part.tiles, part.labels, part.votes)
    ]
    pictures = [read_pictures(*each, analyzer) for each in origin.pictures]
    for faces in pictures:
        held = held_out_people(faces, settings.seed)
        training = faces.subset(~held)
        sources.append(picture_source(training))
        rows[faces.name], line_counts[faces.name] = training.rows, faces.csv_lines
        # Without the crops: another processor may find a face half a pixel beside.
        known += [faces.rows, faces.labels, held]
        if held.any():
            held_out.append(faces.subset(held))
            validation_sets.append(validation_pictures(held_out[-1], settings.side, prior))
    soft_labels = [read_soft_labels(path, line_counts) for path in origin.soft_labels]
    known += [logits for each in soft_labels for logits in each.logits.values()]
    sources = add_soft_labels(sources, rows, soft_labels)
    return Data(
        sources,
        validation_sets,
        prior,
        validation,
        held_out,
        int(duplicates.sum()),
        digest(*known),
    )


def calibrate(network: CompactNet, validation_sets: Sequence[ValidationSet]) -> dict[str, float]:
    """The temperature of each head of a folded network, from its validation sets."""
    shown = [_known(network, each, FERPLUS) for each in validation_sets if each.head == SHOWN]
    second = next(each for each in validation_sets if each.head == FER2013)
    return {
        FERPLUS: metrics.balanced_temperature(shown),
        FER2013: metrics.fit_temperature(*_known(network, second, FER2013)),
    }


def _known(
    network: CompactNet, faces: ValidationSet, head: str
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The logits and the labels of the faces that have a label."""
    known = faces.labels != UNLABELLED
    return predict_logits(network, faces.tiles[known])[head], faces.labels[known]


def _resume_or_start(
    last: Path, data: Data, settings: Settings, start: CompactNet | None, known: str
) -> State:
    """The run at ``last``, or a new one that starts from the weights of ``start``; ``known`` is the
    digest of data and teachers."""
    foreign = [head for head in data.sources[0].targets if head.startswith(FOREIGN)]
    classes = LEARNED | dict.fromkeys(foreign, LEARNED[SHOWN])
    if last.exists():
        return resume(last, classes, settings, known)
    state = new_state(classes, settings, data=known)
    if start is not None:
        load_earlier_weights(state.network, start, data.prior)
        state.average.load_state_dict(state.network.state_dict())
    return state


def _recompute_statistics(network: CompactNet, data: Data, settings: Settings) -> None:
    generator = torch.Generator(device()).manual_seed(settings.seed)
    unchanged = Batches(data.sources, 256, settings.side).epoch(generator, strength=0.0)
    recompute_statistics(network, (faces for faces, _ in unchanged))


def _picture_facts(data: Data, source: Source, model: CompactEmotionModel) -> PictureFacts:
    held_out = [faces for faces in data.pictures if faces.name == source.name]
    if not held_out:
        return PictureFacts(source.name, len(source.faces))
    (faces,) = held_out
    known = faces.labels != UNLABELLED
    shares = model.predict(faces.crops[known]).astype(np.float64)
    return PictureFacts(
        source.name,
        learned=len(source.faces),
        validated=int(known.sum()),
        people=len(np.unique(faces.people[known])),
        report=figures(shares, faces.labels[known], model.labels),
    )
