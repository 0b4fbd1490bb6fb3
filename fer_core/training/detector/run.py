"""Makes a detector's ONNX file from folders of faces and backgrounds: read, train, export."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from fer_core.models.loading import load_detector, load_landmark_model
from fer_core.training.detector.alarms import write_alarms
from fer_core.training.detector.backgrounds import patterns, read_backgrounds
from fer_core.training.detector.data import HELD_OUT_SHARE, read_face_tiles, split_by_person
from fer_core.training.detector.export import export
from fer_core.training.detector.state import Settings, load_network, new_state, resume
from fer_core.training.detector.train import Material, held_out_scenes, train, validate
from fer_core.training.run_state import digest

NETWORK = "face_detector.onnx"

PATTERN_SHARE = 0.2
"""The number of drawn patterns relative to that of the training photos."""


def run(faces: Path, backgrounds: Path, out: Path, settings: Settings) -> None:
    """Train in the folder ``out`` or resume the run that is there; then export.

    Raises ``DatasetError`` if the data or a checkpoint in ``out`` cannot be used.
    """
    material, held_out = read(faces, backgrounds, settings.seed)
    last = out / "last.pt"
    known = digest_of(material, held_out)
    state = resume(last, settings, known) if last.exists() else new_state(settings, known)
    scenes = held_out_scenes(held_out, state.settings)
    train(state, material, scenes, out)
    network = load_network(out / "best.pt").to(scenes[0].pictures.device)
    threshold, scores = validate(network, scenes)
    pictures = [part.pictures[0, 0].cpu().numpy() for part in scenes]
    parity = export(network, threshold, pictures, out / NETWORK)
    alarms = write_alarms(network, material.backgrounds, out / "alarms")
    click.echo(
        f"{out / NETWORK}: {scores.recall or 0.0:.1%} of {scores.faces} faces of held-out scenes "
        f"at a precision of {scores.precision or 0.0:.1%} (threshold {threshold:.2f}); "
        f"differs from PyTorch by {parity:.1g}; {alarms} false alarms on backgrounds"
    )


def digest_of(material: Material, held_out: Material) -> str:
    """The digest of all faces, the backgrounds held out and the number of the others, some of which
    are drawn: their last digits may differ on another processor."""
    faces = [
        each
        for part in (material.tiles, held_out.tiles)
        for each in (part.pictures, part.boxes, part.people)
    ]
    return digest(*faces, held_out.backgrounds, len(material.backgrounds))


def read(faces: Path, backgrounds: Path, seed: int) -> tuple[Material, Material]:
    """Training and validation material, with different people and backgrounds."""
    tiles, held_out_tiles = split_by_person(read_face_tiles(faces, load_landmark_model()), seed)
    photographs = read_backgrounds(backgrounds, load_detector())
    order = np.random.default_rng(seed).permutation(len(photographs))
    n = max(1, round(HELD_OUT_SHARE * len(photographs)))
    learned = photographs[order[n:]]
    drawn = patterns(max(1, round(PATTERN_SHARE * len(learned))), seed)
    return (
        Material(tiles, np.concatenate([learned, drawn])),
        Material(held_out_tiles, photographs[order[:n]]),
    )
