"""What ten people's votes on a face tell about FER2013's label of it.

FER2013's labels are single and noisy: on the validation part no more than 66 % are what the votes
make most likely. As a target, the label that the votes lead one to expect tempers such slips with
something that the picture alone does not show (privileged information: Vapnik and Vashist 2009;
learned from as Lopez-Paz et al. 2016 do).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fer_core.training.data import UNLABELLED, LabelledFaces

_STEPS = 100


def expected_labels(faces: LabelledFaces) -> NDArray[np.float32]:
    """``(n, 7)`` float32: how likely each of FER2013's labels is, given the votes of a face.

    A multinomial logistic regression on the votes' shares and their roots, fitted to the faces
    that have both. A row of zeros where there is no vote for any of the seven.
    """
    shares = torch.from_numpy(vote_shares(faces))
    features = torch.cat([shares, shares.sqrt(), torch.ones(len(shares), 1)], dim=1)
    voted = shares.sum(dim=1) > 0
    labels = torch.from_numpy(faces.labels)
    both = voted & (labels != UNLABELLED)
    if not both.any():
        return np.zeros_like(shares.numpy())
    weights = _fit(features[both], labels[both], shares.shape[1])
    expected = torch.softmax(features @ weights, dim=1) * voted[:, None]
    return np.asarray(expected.numpy(), dtype=np.float32)


def vote_shares(faces: LabelledFaces) -> NDArray[np.float32]:
    """``(n, 7)`` float32: how the votes for the seven expressions are split; zeros without any."""
    votes = faces.votes.astype(np.float32)
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    return votes


def _fit(features: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The weights, ``(features, classes)``, that make the labels most likely.

    A faint pull towards zero keeps them finite where votes alone settle the label.
    """
    weights = torch.zeros(features.shape[1], classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = functional.cross_entropy(features @ weights, labels)
        value = value + 1e-5 * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()
