"""Makes a face network that can be shipped from a folder of data: train, export, describe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.landmarks import MIN_PRESENCE
from fer_core.models.landmarks.crops import LANDMARK_PX, Square
from fer_core.models.landmarks.face import FaceModel
from fer_core.training.dataset_files import to_grey
from fer_core.training.device import device, parameter_count
from fer_core.training.landmarks.augment import MIRROR, detected
from fer_core.training.landmarks.batches import MARKED, Taught, Training
from fer_core.training.landmarks.card import Run, write_card
from fer_core.training.landmarks.data import (
    LandmarkFaces,
    Split,
    TaughtFaces,
    parts,
    read_folder,
    read_landmark_faces,
    read_mesh,
    read_taught_faces,
    split_by_person,
    split_taught,
)
from fer_core.training.landmarks.evaluate import (
    MovementScores,
    PresenceScores,
    common_offset_percent,
    eye_widths,
    iris_percent,
    locate_all,
    score,
    score_movements,
    score_presence,
    without_offset,
)
from fer_core.training.landmarks.export import export
from fer_core.training.landmarks.negatives import Strangers
from fer_core.training.landmarks.network import MESH, FaceNet
from fer_core.training.landmarks.state import Settings, load_network, new_state, resume
from fer_core.training.landmarks.train import Validation, learn_movements, train, validate
from fer_core.training.run_state import digest

VALIDATION, TEST = 1, 2

NEGATIVES = 1000
"""The number of crops without a face for validation, and for the test."""


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Faces with points, and for each of the three parts its taught faces, its backgrounds and its
    faces without points. The false ``alarms`` of a detector are for training alone. ``order`` holds
    the index in the original of each point of a mirrored face: the 68, the irises, the mesh."""

    split: Split
    taught: list[TaughtFaces]
    order: NDArray[np.int_]
    backgrounds: list[list[NDArray[np.uint8]]]
    faces: list[list[NDArray[np.uint8]]]
    alarms: list[NDArray[np.uint8]]


def run(folder: Path, out: Path, settings: Settings, start: Path | None = None) -> None:
    """Train in the folder ``out`` or resume the run that is there; then export and describe.

    A new run begins with the weights of the ONNX file ``start``, if given.
    Raises ``DatasetError`` if the data or a checkpoint in ``out`` cannot be used.
    """
    data = read(folder, settings.seed)
    last = out / "last.pt"
    known = digest_of(data)
    state = resume(last, settings, known) if last.exists() else new_state(settings, start, known)
    chosen_on = held_out(data, VALIDATION, settings.seed)
    learned_from = training(data)
    train(state, learned_from, chosen_on, out)
    network = finished(out / "best.pt", learned_from.taught, chosen_on, settings)
    path = out / "face.onnx"
    parity = export(network, chosen_on.crops, path)
    model = FaceModel(path)
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
        movements={name: movements(model, crops) for name, (_, crops) in parts.items()},
        parameters=parameter_count(network),
        parity=parity,
        people=[len(set(part.people)) for part in data.split.all],
        faces=[len(part) for part in data.split.all],
        taught_people=[len(set(part.faces.people) - {""}) for part in data.taught],
        taught=[len(part) for part in data.taught],
        backgrounds=[len(part) for part in data.backgrounds],
        strangers=[len(part) for part in data.faces],
        alarms=len(data.alarms),
        mesh=len(data.order) - MARKED,
    )
    write_card(facts, model, path)
    click.echo(
        f"{path}: {scores['test'].nme_interocular_percent:.2f}% of the interocular distance, "
        f"movements {facts.movements['test'].mean_correlation:.3f}"
    )


def finished(path: Path, taught: Taught, chosen_on: Validation, settings: Settings) -> FaceNet:
    """The network at ``path``, whose movements are learned once more from its last maps if they
    are better then."""
    before, after = (load_network(path).to(device()) for _ in range(2))
    learn_movements(after, taught, settings)
    was, became = (
        validate(network, chosen_on)["validation_movement_correlation"]
        for network in (before, after)
    )
    click.echo(f"their correlation: {was:.4f} -> {became:.4f}", err=True)
    better: FaceNet = (after if became > was else before).to("cpu")
    return better


def presence(model: FaceModel, crops: Validation) -> PresenceScores:
    """How well presence separates crops with and without a face."""
    faces = np.concatenate([crops.crops, crops.strangers])
    return score_presence(
        model.predict(faces).presence, model.predict(crops.negatives).presence, MIN_PRESENCE
    )


def movements(model: FaceModel, crops: Validation) -> MovementScores:
    """How well movements and irises agree with the teacher's, in squares as of a detector."""
    read = model.predict(crops.taught)
    off = iris_percent(read.irises, crops.irises, crops.eyes)
    return score_movements(read.movements, crops.movements, off)


def read(folder: Path, seed: int) -> Data:
    """Read ``images`` with ``landmarks.csv``, ``movements`` with ``movements.csv``, and, if they
    exist, ``mesh.npz``, ``backgrounds``, ``faces`` and ``alarms``."""
    split = split_by_person(read_landmark_faces(folder / "images", folder / "landmarks.csv"), seed)
    taught = read_taught_faces(folder / "movements", folder / "movements.csv")
    order, mesh = MIRROR, folder / "mesh.npz"
    if mesh.exists():
        points, mirrored = read_mesh(mesh, len(taught), MESH)
        taught = replace(taught, mesh=points)
        order = np.concatenate([MIRROR, MARKED + mirrored])
    backgrounds, faces = (
        [[pictures[name] for name in part] for part in parts(sorted(pictures), seed)]
        for pictures in (read_folder(folder / "backgrounds"), read_folder(folder / "faces"))
    )
    alarms = list(read_folder(folder / "alarms").values())
    return Data(split, split_taught(taught, split, seed), order, backgrounds, faces, alarms)


def digest_of(data: Data) -> str:
    """The digest of everything that was read."""
    every: list[ArrayLike] = [data.order]
    for marked in (*data.split.all, *(part.faces for part in data.taught)):
        every += [*marked.pictures, marked.points]
    for taught in data.taught:
        every += [taught.movements, taught.irises, taught.mesh]
    for pictures in (*data.backgrounds, *data.faces, data.alarms):
        every += pictures
    return digest(*every)


def training(data: Data) -> Training:
    """The training data."""
    faces, taught = data.split.training, data.taught[0]
    pictures = [to_grey(picture) for picture in faces.pictures]
    return Training(
        pictures,
        faces.points,
        Taught(
            [to_grey(picture) for picture in taught.faces.pictures],
            np.concatenate([taught.faces.points, taught.irises, taught.mesh], axis=1),
            taught.movements,
            data.order,
        ),
        Strangers(pictures, faces.points, data.backgrounds[0], data.faces[0], data.alarms),
    )


def held_out(data: Data, part: int, seed: int) -> Validation:
    """Faces of a part framed as by a detector, and crops without one.

    None is distorted, and they are the same for the same seed.
    """
    faces, taught = data.split.all[part], data.taught[part]
    rng = np.random.default_rng(seed)
    strangers = Strangers(
        [to_grey(picture) for picture in faces.pictures],
        faces.points,
        data.backgrounds[part],
        data.faces[part],
    )
    crops, squares = _framed(faces, rng)
    taught_crops, taught_squares = _framed(taught.faces, rng)
    return Validation(
        crops=crops,
        points=_in(squares, faces.points),
        strangers=np.stack([strangers.face(rng, strength=0.0) for _ in range(len(faces))]),
        negatives=np.stack([strangers.negative(rng, strength=0.0) for _ in range(NEGATIVES)]),
        taught=taught_crops,
        movements=taught.movements,
        irises=_in(taught_squares, taught.irises),
        eyes=eye_widths(_in(taught_squares, taught.faces.points)),
    )


def _framed(
    faces: LandmarkFaces, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], list[Square]]:
    """The crop of each face, ``(n, 80, 80)``, and where it was cut."""
    squares = [detected(points, rng) for points in faces.points]
    crops = [
        square.cut(to_grey(picture), LANDMARK_PX)
        for square, picture in zip(squares, faces.pictures, strict=True)
    ]
    return np.stack(crops), squares


def _in(squares: list[Square], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points ``(n, k, 2)`` of pictures as shares of the side of each one's square."""
    return np.stack([sq.to_square(each) for sq, each in zip(squares, points, strict=True)])
