"""The fake camera of the live page's benchmark: a clip whose pictures are numbered."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from benchmarks._scenes import HEIGHT, ONE_FACE, SHARED, WIDTH, Clip, camera_clip, portrait

FPS = 30
"""What Chromium plays an MJPEG file at."""

BITS = 9
CELLS = BITS + 3
"""White, black, the number from its highest bit on, parity: one cell each, as wide as they fit."""

STRIP_PX = 36
"""Height of the row of cells, at the bottom of the picture."""


def write_camera_clip(path: Path) -> None:
    """A face at 640x480 and 30 frames a second as MJPEG, numbered; Chromium loops it.

    One of ../shared, forth and back again so that it has no jump, or else the astronaut.
    """
    clip = camera_clip() if (SHARED / "media" / ONE_FACE).is_file() else Clip([portrait()], [0.0])
    with av.open(str(path), "w", format="mjpeg") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        stream.options = {"qscale": "3"}
        for number, picture in enumerate(at_camera_rate(clip)):
            frame = av.VideoFrame.from_ndarray(numbered(picture, number), format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def at_camera_rate(clip: Clip) -> list[NDArray[np.uint8]]:
    """The pictures of the clip at ``FPS``, forth and back; as many as there are numbers at most."""
    period_s = 1 / FPS
    ticks = np.arange(clip.times_s[0], clip.times_s[-1] + period_s, period_s)
    showing = np.searchsorted(clip.times_s, ticks, side="right") - 1
    forth = [clip.frames[i] for i in showing]
    return (forth + forth[::-1])[: 2**BITS]


def numbered(picture: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    """A copy of the picture with its number along the bottom edge (read by _camera.js)."""
    bits = [number >> place & 1 for place in reversed(range(BITS))]
    cells = [1, 0, *bits, sum(bits) % 2]
    out = picture.copy()
    width = out.shape[1]
    for i, cell in enumerate(cells):
        out[-STRIP_PX:, i * width // CELLS : (i + 1) * width // CELLS] = 255 * cell
    return out
