"""A session as a strip of colours, for lists."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from itertools import groupby

from fer_core.history import Ribbon
from fer_core.history.ribbons import most_frequent
from fer_core.labels import color_of

WIDTH_PX, HEIGHT_PX = 144, 18

_UNSEEN = "#8080801F"


def ribbon_image(ribbon: Ribbon, labels: Sequence[str]) -> str:
    """A picture of a ribbon as a ``data:`` URL (SVG, ``WIDTH_PX`` x ``HEIGHT_PX``)."""
    colors = {str(label): color_of(label, labels).as_hex() for label in labels}
    bars, at = [], 0
    for color, pieces in groupby(colors.get(str(most_frequent(part)), _UNSEEN) for part in ribbon):
        count = len(list(pieces))
        bars.append(f'<rect x="{at}" width="{count}" height="1" fill="{color}"/>')
        at += count
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_PX}" height="{HEIGHT_PX}" '
        f'viewBox="0 0 {at} 1" preserveAspectRatio="none" shape-rendering="crispEdges">'
        f"{''.join(bars)}</svg>"
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
