"""The rule of the shown output: the priors of the training data are removed, except a part of one.

The shown output assumes nearly equal frequencies of all expressions. Each source of training faces
has its own prior: FER2013's web pictures are mostly happy and neutral, as nearly all press photos
are. The logarithm of the prior is added to the logits while the shown head learns, and left out
afterwards (logit adjustment, Menon et al. 2021, equation 10), so that the head does not learn it.
``PRIOR_KEPT`` of FER+'s prior is added back: then neutral faces are read as neutral more often, and
posed faces hardly less well (models/emotion_compact.md, The rule).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.training.expression.network import CompactNet
from fer_core.training.expression.targets import FER2013, FERPLUS, HEADS, SHOWN

PRIOR_KEPT = 0.1
"""The part of the logarithm of FER+'s prior that is added back to the shown output."""

PRIOR_OFF = 0.9
"""The part of it that is removed from a network that learned it with FER+'s votes."""

LEAST_SHARE = 0.01
"""The smallest share of a class in a prior, which limits the adjustment of rare classes."""


def log_prior(targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithm of the frequency of each class, ``(classes,)``.

    ``targets``: shares ``(n, classes)``; a row of zeros does not count.
    """
    shares = targets.sum(axis=0, dtype=np.float64)
    shares = np.maximum(shares / shares.sum(), LEAST_SHARE)
    return np.asarray(np.log(shares / shares.sum()), np.float32)


@torch.no_grad()
def fold(network: CompactNet, prior: NDArray[np.float32]) -> CompactNet:
    """The network to export: its first head is the shown head plus ``PRIOR_KEPT`` of the prior.

    ``prior``: ``(classes,)``, the logarithm of FER+'s prior, which is added to the bias.
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
def load_earlier_weights(
    network: CompactNet, earlier: CompactNet, prior: NDArray[np.float32]
) -> None:
    """Copy the weights of an earlier network with the same channels.

    If it has no shown head, the head of FER+'s votes without ``PRIOR_OFF`` of the prior is copied;
    if it has no head of FER+'s votes, the shown head with the prior is copied.
    """
    network.stem.load_state_dict(earlier.stem.state_dict())
    network.blocks.load_state_dict(earlier.blocks.state_dict())
    heads = dict(earlier.heads.items())
    log_shares = torch.from_numpy(prior).to(network.heads[SHOWN].bias.device)
    stand_ins = {SHOWN: (FERPLUS, -PRIOR_OFF), FERPLUS: (SHOWN, 1.0)}
    for name, head in network.heads.items():
        if name in heads:
            head.load_state_dict(heads[name].state_dict())
        elif name in stand_ins and stand_ins[name][0] in heads:
            other, share = stand_ins[name]
            head.load_state_dict(heads[other].state_dict())
            head.bias += share * log_shares


def equal_weights(sets: Sequence[NDArray[np.int64]], least: int = 20) -> NDArray[np.float64]:
    """The weight of each face of several label sets, concatenated; the weights sum to 1.

    All sets have the same weight, and so have all classes within a set, except that a class of
    fewer than ``least`` faces has the weight per face of a class of ``least``.
    """
    weights = []
    for labels in sets:
        counts = np.maximum(np.bincount(labels), least)
        each = 1.0 / counts[labels]
        weights.append(each / each.sum() / len(sets))
    return np.concatenate(weights)
