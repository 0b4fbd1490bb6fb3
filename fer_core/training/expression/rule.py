"""The rule by which a reading is shown, and how sure it is said to be.

A reading is for a face whose expression people would name, met with nearly equal chance of each.
Each source of training faces has its own prior: FER2013's web pictures are mostly happy and
neutral, press photos nearly all. Its logarithm is added to the logits while the shown head learns,
and left out afterwards (logit adjustment, Menon et al. 2021, equation 10), so that the head does
not learn it. ``PRIOR_KEPT`` of FER+'s is put back: neutral faces are read as neutral more often,
and posed ones hardly less well (models/emotion_compact.md, The rule).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.training.expression.network import CompactNet
from fer_core.training.expression.targets import FER2013, FERPLUS, HEADS, SHOWN

PRIOR_KEPT = 0.1
"""How much of the logarithm of FER+'s prior is put back to what is shown."""

PRIOR_OFF = 0.9
"""How much of it is taken off a network that learned FER+'s votes with it."""

LEAST_SHARE = 0.01
"""A class that a source nearly lacks counts as so frequent: its logit is not raised for ever."""


def log_prior(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithm of how often each class is met, ``(classes,)``, from target shares.

    ``targets``: ``(n, classes)``; a row of zeros does not count.
    """
    shares = targets.sum(axis=0, dtype=np.float64)
    shares = np.maximum(shares / shares.sum(), LEAST_SHARE)
    return np.asarray(np.log(shares / shares.sum()), np.float32)


@torch.no_grad()
def fold(network: CompactNet, prior: NDArray[np.float32]) -> CompactNet:
    """The network to export: its first head is what is shown, with ``PRIOR_KEPT`` of the prior.

    ``prior``: ``(classes,)``, the logarithm of FER+'s. Heads are linear, so it goes into the bias.
    """
    heads = {name: len(labels) for name, labels in HEADS.items()}
    folded = CompactNet(heads, channels=network.channels, side=network.side)
    folded.stem.load_state_dict(network.stem.state_dict())
    folded.blocks.load_state_dict(network.blocks.state_dict())
    for name, learned in ((FERPLUS, SHOWN), (FER2013, FER2013)):
        folded.heads[name].load_state_dict(network.heads[learned].state_dict())
    folded.heads[FERPLUS].bias += PRIOR_KEPT * torch.from_numpy(prior)
    folded.eval()
    return folded


@torch.no_grad()
def begin_with(network: CompactNet, earlier: CompactNet, prior: NDArray[np.float32]) -> None:
    """Give a network the weights of an earlier one of the same channels.

    A network that learned FER+'s votes and has no shown head gives its votes' head less
    ``PRIOR_OFF`` of the prior; one that has only a shown head gives that with the prior.
    """
    network.stem.load_state_dict(earlier.stem.state_dict())
    network.blocks.load_state_dict(earlier.blocks.state_dict())
    there = dict(earlier.heads.items())
    log_shares = torch.from_numpy(prior).to(network.heads[SHOWN].bias.device)
    stand_ins = {SHOWN: (FERPLUS, -PRIOR_OFF), FERPLUS: (SHOWN, 1.0)}
    for name, head in network.heads.items():
        if name in there:
            head.load_state_dict(there[name].state_dict())
        elif name in stand_ins and stand_ins[name][0] in there:
            other, share = stand_ins[name]
            head.load_state_dict(there[other].state_dict())
            head.bias += share * log_shares


def equal_weights(sets: Sequence[NDArray[np.int64]], least: int = 20) -> NDArray[np.float64]:
    """A weight for each face of several label sets, one after the other; they sum to 1.

    Each set weighs the same, and within it each class: what is shown is for equal chances. Of a
    class of fewer than ``least`` faces each counts as if there were ``least``.
    """
    weights = []
    for labels in sets:
        counts = np.maximum(np.bincount(labels), least)
        each = 1.0 / counts[labels]
        weights.append(each / each.sum() / len(sets))
    return np.concatenate(weights)
