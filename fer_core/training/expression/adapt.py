"""Transfer learning: the network learns the classes of a user's own labelled folder."""

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
from fer_core.training.expression.sources import SMOOTHING, Judged, Source
from fer_core.training.expression.state import Settings, new_state, resume
from fer_core.training.expression.targets import one_hot
from fer_core.training.expression.train import predict_logits, train

HEAD = "own"
"""The one head of an adapted network."""


def adapt(data: Path, out: Path, start: CompactNet, settings: Settings) -> Scores:
    """Adapt ``start`` to the folder of class folders ``data``; write everything to ``out``.

    Faces are read at ``settings.side``, which is that of ``start``: the network sees what it saw
    when it was trained. A fifth of each class is held out. The weights are those of the last epoch,
    so the accuracy on the held-out faces is not flattered by a choice; only the temperature is
    fitted on them.
    Raises ``DatasetError`` if the data or a checkpoint in ``out`` cannot be used.
    """
    faces = read_class_folders(data, settings.side)
    learn, held = split(faces, settings.seed)
    classes, k = {HEAD: faces.classes}, len(faces.classes)
    last = out / "last.pt"
    state = (
        resume(last, classes, settings) if last.exists() else new_state(classes, settings, start)
    )
    train(
        state,
        [Source(HEAD, faces.tiles[learn], {HEAD: one_hot(faces.labels[learn], k, SMOOTHING)})],
        [Judged(HEAD, faces.tiles[held], HEAD, faces.labels[held], np.zeros(k, np.float32))],
        out,
    )
    logits = predict_logits(state.average, faces.tiles[held])[HEAD]
    temperature = metrics.fit_temperature(logits, faces.labels[held])
    model = out / NETWORK
    export(state.average, classes, {HEAD: temperature}, faces.tiles[held][:512], model)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    shares = session.run(["probabilities"], {"tiles": faces.tiles[held]})[0]
    scores = score(shares, faces.labels[held])
    report = {"classes": faces.classes, "learned_from": int(learn.sum()), **asdict(scores)}
    (out / REPORT).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return scores


def split(faces: ClassFolders, seed: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which faces to learn from and which to hold out, ``(n,)`` bool each.

    Near-duplicates of held-out faces are in neither. Raises ``DatasetError`` if that leaves a
    class with nothing to learn from.
    """
    held = held_out(faces.labels, seed)
    again = np.zeros_like(held)
    again[~held] = near_duplicates(faces.tiles[~held], faces.tiles[held])
    learn = ~held & ~again
    for index, name in enumerate(faces.classes):
        if index not in faces.labels[learn]:
            raise DatasetError(
                f"The pictures of {name} are all nearly the same. Add different ones."
            )
    click.echo(
        f"{learn.sum()} faces to learn from, {held.sum()} held out, {again.sum()} near-duplicates "
        "of those left out",
        err=True,
    )
    return learn, held
