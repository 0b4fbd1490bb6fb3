"""A detector's false alarms, as pictures from which ``train-landmarks`` learns what is no face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fer_core.models.landmarks.crops import Square, landmark_square
from fer_core.schema import Box
from fer_core.training.detector.network import DetectorNet
from fer_core.training.detector.train import predict
from fer_core.training.device import device

ALARM_PX = 160

_SIDES_PX = (512, 320, 192)
"""Each background is searched at these sizes, which are multiples of 32."""

_LEAST_SCORE, _MOST = 0.35, 5
"""From this score on, and at most so many per background and size."""

_LEAST_PX = 10.0


def write_alarms(network: DetectorNet, backgrounds: NDArray[np.uint8], folder: Path) -> int:
    """Write what the network takes for faces in backgrounds ``(n, 512, 512)`` without any.

    The pictures are squares of ``ALARM_PX``; their inner half is what the landmark network would
    be shown. Returns their number.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for side in _SIDES_PX:
        for number, background in enumerate(backgrounds):
            picture = cv2.resize(background, (side, side), interpolation=cv2.INTER_AREA)
            grey = np.asarray(picture, np.uint8)
            for k, square in enumerate(_squares(network, grey)):
                wide = Square(square.x, square.y, 2.0 * square.side).cut(grey, ALARM_PX)
                cv2.imwrite(str(folder / f"{number:05d}_{side}_{k}.png"), wide)
                count += 1
    return count


def _squares(network: DetectorNet, grey: NDArray[np.uint8]) -> list[Square]:
    [(boxes, scores)] = predict(network, torch.from_numpy(grey)[None, None].to(device()))
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    squares = [
        landmark_square(Box(*(round(value) for value in (*corner, *side))))
        for corner, side in zip(boxes[:, :2].tolist(), sides.tolist(), strict=True)
    ]
    sure = scores >= _LEAST_SCORE
    found = [each for each, kept in zip(squares, sure, strict=True) if kept]
    return [each for each in found if each.side >= _LEAST_PX][:_MOST]
