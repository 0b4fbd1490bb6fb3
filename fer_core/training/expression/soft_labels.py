"""Soft labels (Hinton et al. 2015): the outputs of other makers' networks, read from files.

Such a foreign network needs another framing and another program, so it runs beforehand. Its file is
an NPZ with an array ``(n, 7)`` for each source: logits or log-probabilities in the order of
``EMOTIONS``, a row for each line of the source's CSV file, named after that file without its
extension.
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
"""The weight of a foreign network's log-probabilities, which are added to those of the teachers."""

HEAD_WEIGHT = 0.15
"""The weight in the loss of a head that learns the outputs of one foreign network."""

SOFTENED = 2.0
"""The temperature of the targets of such a head."""


@dataclass(frozen=True, slots=True, eq=False)
class SoftLabels:
    """The outputs of one network: ``logits`` ``(n, 7)`` float32 by the name of the source."""

    logits: dict[str, NDArray[np.float32]]


def read_soft_labels(path: Path, line_counts: Mapping[str, int]) -> SoftLabels:
    """Read a file; ``line_counts`` is the number of lines of the CSV file of each source.

    Raises ``DatasetError`` if the file cannot be read or does not fit the sources.
    """
    logits = {}
    try:
        with np.load(path) as file:
            for name, count in line_counts.items():
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


def add_soft_labels(
    sources: Sequence[Source],
    rows: Mapping[str, NDArray[np.int64]],
    networks: Sequence[SoftLabels],
) -> list[Source]:
    """The sources with the outputs of foreign ``networks`` as hints and targets.

    ``rows`` has, by the name of a source, the line of its CSV file for each face.
    """
    for number, network in enumerate(networks):
        logits = {source.name: network.logits[source.name][rows[source.name]] for source in sources}
        scale, offset = fit(sources, logits)
        head = f"{FOREIGN}{number}"
        sources = [_with_hints(each, head, logits[each.name], scale, offset) for each in sources]
    return list(sources)


def _with_hints(
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
    sources: Sequence[Source], logits: Mapping[str, NDArray[np.float32]]
) -> tuple[float, NDArray[np.float32]]:
    """The scale and the offset, ``(7,)``, that fit a foreign network's logits to the labels.

    Vector scaling with one scale (Guo et al. 2017, section 4.2): it maximizes the likelihood of the
    labels, with equal weights for all sources and for all classes of each, and a small penalty on
    the offset.
    """
    known_logits, labels = [], []
    for source in sources:
        shares = source.targets[SHOWN]
        known = shares.max(axis=1) > 0.5  # a label, or more than half of the votes
        if known.any():
            known_logits.append(logits[source.name][known])
            labels.append(shares[known].argmax(axis=1))
    if not known_logits:
        return 1.0, np.zeros(len(EMOTIONS), np.float32)
    weights = torch.from_numpy(equal_weights(labels).astype(np.float32))
    given, truth = (
        torch.from_numpy(np.concatenate(known_logits)),
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
