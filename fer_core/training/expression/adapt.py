"""Transfer learning: adapts a network to the classes of a user's own labelled folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fer_core.errors import DatasetError
from fer_core.models.emotion.custom import NETWORK, REPORT
from fer_core.training.expression import metrics
from fer_core.training.expression.data import near_duplicates
from fer_core.training.expression.evaluate import Scores, score
from fer_core.training.expression.export import export
from fer_core.training.expression.folder import ClassFolders, held_out, read_class_folders
from fer_core.training.expression.network import CompactNet
from fer_core.training.expression.sources import SMOOTHING, Source, ValidationSet
from fer_core.training.expression.state import Settings, State, new_state, resume
from fer_core.training.expression.targets import one_hot
from fer_core.training.expression.train import predict_logits, train
from fer_core.training.run_state import digest, read_run, weights_of

HEAD = "own"
"""The only head of an adapted network."""


def adapt(data: Path, out: Path, start: CompactNet, settings: Settings) -> Scores:
    """Adapt ``start`` to the folder of class folders ``data``; write all files to ``out``.

    A run in ``out`` is resumed if it began with the same faces and the same ``start``; otherwise a
    new one takes its place, because faces held out now may be among those it learned from.
    Faces are read at ``settings.side``, which is that of ``start``. A fifth of each class is held
    out. The weights are those of the last epoch, so that no choice on the held-out faces makes
    their accuracy optimistic; only the temperature is fitted on them.
    Raises ``DatasetError`` if the data or a checkpoint in ``out`` cannot be used.
    """
    faces = read_class_folders(data, settings.side)
    training, held = split(faces, settings.seed)
    classes, k = {HEAD: faces.classes}, len(faces.classes)
    known = digest(faces.tiles, faces.labels, faces.classes, *weights_of(start))
    state = _resume_or_start(out / "last.pt", classes, settings, start, known)
    train(
        state,
        [
            Source(
                HEAD,
                faces.tiles[training],
                {HEAD: one_hot(faces.labels[training], k, SMOOTHING)},
            )
        ],
        [ValidationSet(HEAD, faces.tiles[held], HEAD, faces.labels[held], np.zeros(k, np.float32))],
        out,
    )
    logits = predict_logits(state.average, faces.tiles[held])[HEAD]
    temperature = metrics.fit_temperature(logits, faces.labels[held])
    model = out / NETWORK
    export(state.average, classes, {HEAD: temperature}, faces.tiles[held][:512], model)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    shares = session.run(["probabilities"], {"tiles": faces.tiles[held]})[0]
    scores = score(shares, faces.labels[held])
    report = {"classes": faces.classes, "learned_from": int(training.sum()), **asdict(scores)}
    (out / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return scores


def _resume_or_start(
    last: Path, classes: dict[str, list[str]], settings: Settings, start: CompactNet, data: str
) -> State:
    """The run at ``last`` if it began with the same ``data``, else a new one in its place; but a
    run of the whole training is never replaced."""
    if last.exists():
        earlier = read_run(last, State)
        if earlier["data"] == data or HEAD not in earlier["classes"]:
            return resume(last, classes, settings, data)
        click.echo(
            f"The run in {last.parent} began with other pictures or another network, or is of an "
            "earlier version: it is trained anew.",
            err=True,
        )
    return new_state(classes, settings, start, data)


def split(faces: ClassFolders, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces are for training and which are held out, ``(n,)`` bool each.

    Near-duplicates of held-out faces are in neither. Raises ``DatasetError`` if that leaves a
    class without training faces.
    """
    held = held_out(faces.labels, seed)
    duplicates = np.zeros_like(held)
    duplicates[~held] = near_duplicates(faces.tiles[~held], faces.tiles[held])
    training = ~held & ~duplicates
    for index, name in enumerate(faces.classes):
        if index not in faces.labels[training]:
            raise DatasetError(
                f"The pictures of {name} are all nearly the same. Add different ones."
            )
    click.echo(
        f"{training.sum()} faces for training, {held.sum()} held out; left out: "
        f"{duplicates.sum()} near-duplicates of these",
        err=True,
    )
    return training, held
