"""Makes a landmark network that can be shipped from a folder of data: train, export, describe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.landmarks import MIN_PRESENCE
from fer_core.models.landmarks.crops import LANDMARK_PX
from fer_core.models.landmarks.landmarks68 import Landmarks68Model
from fer_core.training.dataset_files import to_grey
from fer_core.training.device import parameter_count
from fer_core.training.landmarks.augment import detected
from fer_core.training.landmarks.card import Run, write_card
from fer_core.training.landmarks.data import (
    Split,
    parts,
    read_folder,
    read_landmark_faces,
    split_by_person,
)
from fer_core.training.landmarks.evaluate import (
    PresenceScores,
    common_offset_percent,
    locate_all,
    score,
    score_presence,
    without_offset,
)
from fer_core.training.landmarks.export import export
from fer_core.training.landmarks.negatives import Strangers
from fer_core.training.landmarks.state import Settings, load_network, new_state, resume
from fer_core.training.landmarks.train import Training, Validation, train

VALIDATION, TEST = 1, 2

NEGATIVES = 1000
"""The number of crops without a face for validation, and for the test."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Faces with points, and for each of the three parts its backgrounds and its other faces."""

    split: Split
    backgrounds: list[list[NDArray[np.uint8]]]
    faces: list[list[NDArray[np.uint8]]]


def run(folder: Path, out: Path, settings: Settings) -> None:
    """Train in the folder ``out`` or resume the run that is there; then export and describe.

    Raises ``DatasetError`` if the data or a checkpoint in ``out`` cannot be used.
    """
    data = read(folder, settings.seed)
    last = out / "last.pt"
    state = resume(last, settings) if last.exists() else new_state(settings)
    chosen_on = held_out(data, VALIDATION, settings.seed)
    train(state, training(data), chosen_on, out)
    network = load_network(out / "best.pt")
    path = out / "landmarks68.onnx"
    parity = export(network, chosen_on.crops, path)
    model = Landmarks68Model(path)
    parts = {
        "validation": (data.split.validation, chosen_on),
        "test": (data.split.test, held_out(data, TEST, settings.seed)),
    }
    points = {name: locate_all(model, HaarDetector(), faces) for name, (faces, _) in parts.items()}
    offset = common_offset_percent(points["validation"], data.split.validation.points)
    scores = {name: score(points[name], faces.points) for name, (faces, _) in parts.items()}
    facts = Run(
        settings=settings,
        history=state.history,
        scores=scores,
        offset_percent=offset,
        centred={
            name: score(points[name], without_offset(faces.points, offset))
            for name, (faces, _) in parts.items()
        },
        presence={name: presence(model, crops) for name, (_, crops) in parts.items()},
        parameters=parameter_count(network),
        parity=parity,
        people=[len(set(part.people)) for part in data.split.all],
        faces=[len(part) for part in data.split.all],
        backgrounds=[len(part) for part in data.backgrounds],
        strangers=[len(part) for part in data.faces],
    )
    write_card(facts, model, path)
    click.echo(
        f"{path}: {scores['test'].nme_interocular_percent:.2f} % of the interocular distance"
    )


def presence(model: Landmarks68Model, crops: Validation) -> PresenceScores:
    """How well presence separates crops with and without a face."""
    faces = np.concatenate([crops.crops, crops.strangers])
    return score_presence(model.predict(faces)[1], model.predict(crops.negatives)[1], MIN_PRESENCE)


def read(folder: Path, seed: int) -> Data:
    """Read ``images``, ``landmarks.csv``, and, if they exist, ``backgrounds`` and ``faces``."""
    split = split_by_person(read_landmark_faces(folder / "images", folder / "landmarks.csv"), seed)
    return Data(
        split,
        *(
            [[pictures[name] for name in part] for part in parts(sorted(pictures), seed)]
            for pictures in (read_folder(folder / "backgrounds"), read_folder(folder / "faces"))
        ),
    )


def training(data: Data) -> Training:
    """The training data."""
    faces = data.split.training
    pictures = [to_grey(picture) for picture in faces.pictures]
    strangers = Strangers(pictures, faces.points, data.backgrounds[0], data.faces[0])
    return Training(pictures, faces.points, strangers)


def held_out(data: Data, part: int, seed: int) -> Validation:
    """Faces of a part framed as by a detector, and crops without one.

    None is distorted, and they are the same for the same seed.
    """
    faces = data.split.all[part]
    rng = np.random.default_rng(seed)
    pictures = [to_grey(picture) for picture in faces.pictures]
    strangers = Strangers(pictures, faces.points, data.backgrounds[part], data.faces[part])
    squares = [detected(points, rng) for points in faces.points]
    return Validation(
        crops=np.stack(
            [square.cut(grey, LANDMARK_PX) for square, grey in zip(squares, pictures, strict=True)]
        ),
        points=np.stack(
            [square.to_square(points) for square, points in zip(squares, faces.points, strict=True)]
        ),
        strangers=np.stack([strangers.face(rng, strength=0.0) for _ in range(len(faces))]),
        negatives=np.stack([strangers.negative(rng, strength=0.0) for _ in range(NEGATIVES)]),
    )
