"""From a decoded picture to upright rows of BGR pixels, a strip at a time.

In strips, because a turned or converted copy of the whole would need as much memory as the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STRIP_PIXELS = 1 << 18

_BEYOND_WHITE = 1.5
"""The brightest pixel, as a share of white, that resizing with a cubic or Lanczos filter makes."""

Region = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

Cut = Callable[[Region], Image.Image]
"""A function that returns a region of a decoded picture."""

_TRANSPOSED: dict[int, tuple[Image.Transpose, bool, bool]] = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, False, False),
    3: (Image.Transpose.ROTATE_180, False, True),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, False, True),
    5: (Image.Transpose.TRANSPOSE, True, False),
    6: (Image.Transpose.ROTATE_270, True, False),
    7: (Image.Transpose.TRANSVERSE, True, True),
    8: (Image.Transpose.ROTATE_90, True, True),
}
"""EXIF orientation -> the transposition that makes the picture upright, whether the upright rows
are stored as columns, and whether the first upright row is stored last."""


def upright_size(width: int, height: int, orientation: int) -> tuple[int, int]:
    """Width and height in pixels after a stored picture has been turned upright."""
    return (height, width) if orientation >= 5 else (width, height)


def upright_rows(cut: Cut, width: int, height: int, orientation: int) -> Iterator[bytes]:
    """The upright picture's rows from the top, some at a time, as packed BGR.

    ``width`` and ``height`` are those of the stored picture; ``orientation`` is 1 to 8 as in EXIF.
    Transparency is laid on white. Greys of more than 8 bits are scaled to 8; the brightest pixel
    is found in this call, before the first row is asked for.
    """
    to_8_bit = _depth(cut, width, height)
    strips = _strips(width, height, orientation)
    return (_bgr(_turned(to_8_bit(cut(region)), method)) for region, method in strips)


def _strips(
    width: int, height: int, orientation: int
) -> Iterator[tuple[Region, Image.Transpose | None]]:
    """The regions of a stored picture that are its upright strips, from the top, and how each is
    turned."""
    method, columns, backwards = _TRANSPOSED.get(orientation, (None, False, False))
    across, down = (height, width) if columns else (width, height)
    step = max(1, _STRIP_PIXELS // across)
    for start in range(0, down, step):
        end = min(start + step, down)
        low, high = (down - end, down - start) if backwards else (start, end)
        yield ((low, 0, high, height) if columns else (0, low, width, high)), method


def _turned(strip: Image.Image, method: Image.Transpose | None) -> Image.Image:
    return strip if method is None else strip.transpose(method)


def _bgr(strip: Image.Image) -> bytes:
    if strip.has_transparency_data:
        rgba = strip.convert("RGBA")
        strip = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return (strip if strip.mode == "RGB" else strip.convert("RGB")).tobytes("raw", "BGR")


def _depth(cut: Cut, width: int, height: int) -> Callable[[Image.Image], Image.Image]:
    """A function that reduces a strip to 8 bits.

    A deep grey file does not say whether white is 1.0, 255, 4095 or 65535, so the smallest of these
    that is not below the brightest pixel is taken; with floating point, of which resizing makes a
    little more than white, that is not far below it.
    """
    mode = cut((0, 0, 1, 1)).mode
    if not (mode.startswith("I") or mode == "F"):
        return lambda strip: strip
    import numpy as np

    peak = max(
        float(_finite(np.asarray(cut(region))).max()) for region, _ in _strips(width, height, 1)
    )
    beyond = _BEYOND_WHITE if mode == "F" else 1.0
    white = next((each for each in (1.0, 255.0, 4095.0, 65535.0) if peak <= beyond * each), peak)

    def scaled(values: NDArray[Any]) -> NDArray[np.uint8]:
        numbers = _finite(values).astype(np.float64)
        return np.asarray(np.clip(numbers / white * 255.0, 0, 255).round(), np.uint8)

    if mode.startswith("I;16"):
        table = scaled(np.arange(65_536))
        return lambda strip: Image.fromarray(table[np.asarray(strip)])
    return lambda strip: Image.fromarray(scaled(np.asarray(strip)))


def _finite(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    return np.nan_to_num(values, posinf=0.0, neginf=0.0) if values.dtype.kind == "f" else values
