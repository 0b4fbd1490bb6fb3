"""The compact network: a residual network of ten layers with squeeze-and-excitation.

Residual blocks: He et al., Deep Residual Learning, 2016. Average pooling on the shortcut: He et
al., Bag of Tricks, 2019. Squeeze-and-excitation: Hu et al., 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from fer_core.training.device import device

STEM = 32
CHANNELS = (48, 96, 192, 256)
"""The channels of the four blocks, whose maps have sides of 32, 16, 8 and 4 pixels."""

SIDE = 64
"""The side of a face in pixels before the first layer, a multiple of 16, because blocks halve maps.

Enlarging a smaller face adds no detail, but gives every layer larger maps.
"""


class CompactNet(nn.Module):
    """A shared trunk with a linear head for each label set.

    ``heads`` maps the name of a label set to its number of classes. ``forward`` takes grey tiles,
    ``(n, 1, s, s)`` float32 in 0..255, and returns the logits of each head, ``(n, classes)``
    float32. Normalisation and resizing to ``side`` pixels are part of the network. ``channels`` are
    those of the four blocks; a teacher may have more than the shipped network.
    """

    def __init__(
        self,
        heads: dict[str, int],
        dropout: float = 0.3,
        channels: tuple[int, ...] = CHANNELS,
        side: int = SIDE,
    ) -> None:
        super().__init__()
        self.channels = channels
        self.side = side
        self.stem = nn.Sequential(*convolution(1, STEM, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2))
        widths = (STEM, *channels)
        self.blocks = nn.Sequential(
            *(
                _Block(before, after, stride=1 if i == 0 else 2)
                for i, (before, after) in enumerate(zip(widths, channels, strict=False))
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.ModuleDict({name: nn.Linear(channels[-1], k) for name, k in heads.items()})

    def forward(self, tiles: Tensor) -> dict[str, Tensor]:
        maps = standardise(tiles)
        if maps.shape[-1] != self.side:
            maps = functional.interpolate(maps, size=(self.side, self.side), mode="bilinear")
        features = self.blocks(self.stem(maps))
        pooled = self.dropout(features.mean(dim=(2, 3)))
        return {name: head(pooled) for name, head in self.heads.items()}


class _Block(nn.Module):
    """Two 3x3 convolutions and squeeze-and-excitation beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *convolution(before, after, 3, stride),
            nn.ReLU(inplace=True),
            *convolution(after, after, 3),
            _SqueezeExcite(after),
        )
        pool: nn.Module = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.shortcut = nn.Sequential(pool, *convolution(before, after, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return functional.relu(self.body(maps) + self.shortcut(maps))


class _SqueezeExcite(nn.Module):
    """Scale each channel by a gate computed from all channel means."""

    def __init__(self, channels: int, reduction: int = 8) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(inplace=True),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def forward(self, maps: Tensor) -> Tensor:
        gate: Tensor = self.gate(maps.mean(dim=(2, 3)))
        return maps * gate[:, :, None, None]


def channels_of(weights: Mapping[str, Tensor]) -> tuple[int, ...]:
    """The channels of the network with these weights; ``CHANNELS`` if it is no ``CompactNet``."""
    shortcuts = (weights.get(f"blocks.{block}.shortcut.1.weight") for block in range(len(CHANNELS)))
    found = tuple(len(shortcut) for shortcut in shortcuts if shortcut is not None)
    return found if len(found) == len(CHANNELS) else CHANNELS


def standardise(tiles: Tensor) -> Tensor:
    """Subtract each tile's mean and divide by its standard deviation, ``(n, 1, s, s)`` float32.

    The deviation is at least 8 grey levels, so that the noise of a flat tile is not amplified.
    """
    centred = tiles - tiles.mean(dim=(2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(2, 3), keepdim=True).sqrt()
    return centred / deviation.clamp(min=8.0)


def convolution(before: int, after: int, side: int, stride: int = 1) -> tuple[nn.Module, nn.Module]:
    """A convolution and the batch normalisation after it (Ioffe and Szegedy, 2015)."""
    weights = nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(weights.weight, mode="fan_out", nonlinearity="relu")
    return weights, nn.BatchNorm2d(after)


def half_precision() -> torch.autocast:
    """bfloat16 if the hardware supports it; otherwise it would be slower than float32."""
    fast = device().type == "cuda" or bool(torch.cpu.get_capabilities().get("avx512_bf16"))
    return torch.autocast(device().type, torch.bfloat16, enabled=fast)


@torch.no_grad()
def move_average(average: nn.Module, trained: nn.Module, decay: float, step: int) -> None:
    """Update the moving average of a network's weights and batch statistics.

    ``decay`` (0..1) is the weight of the old average; it is smaller in the first steps.
    """
    decay = min(decay, (1.0 + step) / (10.0 + step))
    now = trained.state_dict()
    for name, value in average.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(now[name], 1.0 - decay)
        else:
            value.copy_(now[name])


@torch.no_grad()
def recompute_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Recompute the statistics of batch normalisation from ``batches`` of unchanged faces.

    In training they come from augmented faces, which differ from the faces in use (Touvron et al.
    2019, Fixing the Train-Test Resolution Discrepancy). The weights do not change. ``batches``:
    ``(n, 1, s, s)`` float32. Afterwards the network is in evaluation mode.
    """
    network.eval()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches
        norm.train()
    for faces in batches:
        network(faces)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    network.eval()
