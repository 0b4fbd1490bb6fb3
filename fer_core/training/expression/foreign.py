"""What networks of other makers say of the faces, from files: soft labels (Hinton et al. 2015).

Such a network needs another framing and another program, so it is asked beforehand. Its file is an
NPZ: for each source an array ``(n, 7)`` of logits or logarithms of shares in the order of
``EMOTIONS``, one row for each line of the source's csv, called as that csv without its ending.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from fer_core.errors import DatasetError
from fer_core.labels import EMOTIONS
from fer_core.training.expression.rule import equal_weights
from fer_core.training.expression.sources import Source
from fer_core.training.expression.targets import FOREIGN, SHOWN

WEIGHT = 0.2
"""How much of a foreign network's logarithms is added to what our own teachers say."""

HEAD_WEIGHT = 0.15
"""How much the loss of a head counts that learns one foreign network alone."""

SOFTENED = 2.0
"""The temperature of what such a head learns."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftLabels:
    """What one network says; ``logits`` of each source by its name, ``(n, 7)`` float32."""

    logits: dict[str, NDArray[np.float32]]


def read_soft_labels(path: Path, listed: Mapping[str, int]) -> SoftLabels:
    """Read a file; ``listed`` says how many lines the csv of each source has.

    Raises ``DatasetError`` if the file cannot be read or does not fit the sources.
    """
    logits = {}
    try:
        with np.load(path) as file:
            for name, count in listed.items():
                if name not in file.files:
                    raise DatasetError(f"{path} has no array named {name}. Add one.")
                logits[name] = np.asarray(file[name], np.float32)
                if logits[name].shape != (count, len(EMOTIONS)):
                    raise DatasetError(
                        f"{path}: {name} is {logits[name].shape}, but {count} faces of "
                        f"{len(EMOTIONS)} expressions need ({count}, {len(EMOTIONS)})."
                    )
                if not np.isfinite(logits[name]).all():
                    raise DatasetError(
                        f"{path}: {name} contains values that are not finite. Remove them."
                    )
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{path} is not an NPZ file that can be read.") from error
    return SoftLabels(logits)


def with_soft_labels(
    sources: Sequence[Source],
    rows: Mapping[str, NDArray[np.int64]],
    spoken: Sequence[SoftLabels],
) -> list[Source]:
    """The sources with what foreign networks say of their faces as hints and targets.

    ``rows`` has, for each source by its name, the line of its csv that each face comes from.
    """
    for place, soft in enumerate(spoken):
        said = {source.name: soft.logits[source.name][rows[source.name]] for source in sources}
        scale, offset = fit(sources, said)
        head = f"{FOREIGN}{place}"
        sources = [_taught(each, head, said[each.name], scale, offset) for each in sources]
    return list(sources)


def _taught(
    source: Source,
    head: str,
    logits: NDArray[np.float32],
    scale: float,
    offset: NDArray[np.float32],
) -> Source:
    hints = torch.from_numpy(logits * scale + offset).log_softmax(dim=1).numpy()
    weight = source.hint_weight + WEIGHT
    if source.hints is not None:
        hints = source.hints + (hints - source.hints) * np.float32(WEIGHT / weight)
    softened = torch.from_numpy(logits / SOFTENED).softmax(dim=1).numpy()
    targets = {**source.targets, head: softened}
    return replace(source, hints=hints, hint_weight=weight, targets=targets)


def fit(
    sources: Sequence[Source], said: Mapping[str, NDArray[np.float32]]
) -> tuple[float, NDArray[np.float32]]:
    """The scale and the offset, ``(7,)``, that make a foreign network's logits fit the labels.

    Vector scaling with one scale (Guo et al. 2017, section 4.2): the likelihood of the labels, each
    source weighing the same and in it each class, with a small penalty on the offset.
    """
    logits, labels = [], []
    for source in sources:
        shares = source.targets[SHOWN]
        sure = shares.max(axis=1) > 0.5  # a label, or more than half of the votes
        if sure.any():
            logits.append(said[source.name][sure])
            labels.append(shares[sure].argmax(axis=1))
    if not logits:
        return 1.0, np.zeros(len(EMOTIONS), np.float32)
    weights = torch.from_numpy(equal_weights(labels).astype(np.float32))
    given, truth = (
        torch.from_numpy(np.concatenate(logits)),
        torch.from_numpy(np.concatenate(labels)),
    )
    scale = torch.full((1,), 0.5, requires_grad=True)
    offset = torch.zeros(len(EMOTIONS), requires_grad=True)
    optimizer = torch.optim.Adam([scale, offset], lr=0.05)
    for _ in range(300):
        losses = functional.cross_entropy(given * scale + offset, truth, reduction="none")
        loss = (losses * weights).sum() + 0.002 * offset.square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return float(scale.detach()), offset.detach().numpy()
