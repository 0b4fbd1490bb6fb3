"""The film of a video job: it plays beside its chart, with the detected faces drawn over it.

The browser draws the faces from the table's boxes, so that no annotated video has to be made. It
fetches the copy of the uploaded video (``film_route``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.export.charts.words import in_words
from fer_core.jobs.copies import is_here
from fer_core.labels import color_of
from fer_core.media.video import VideoFile
from fer_core.timeline.readings import problems, rivals
from fer_core.timeline.table import MAX_GAP_S, labels_of
from fer_core.ui.shared.bounds import bounded
from fer_core.ui.video.film_route import film_url

MOST_FRAMES = 6000
"""The largest number of frames whose boxes are sent (400 kB for one face). Longer videos are
thinned evenly, and the browser interpolates the boxes."""

MOST_PX = 440
"""The largest height of the film, about that of the chart beside it."""

_LATEST_S = 1e7

_HERE = Path(__file__).parent
_CLOCK = _HERE.parent / "shared" / "clock.js"

_component = st.components.v2.component(
    "fer_film",
    html='<div class="fer-film"></div>',
    css=(_HERE / "film.css").read_text("utf-8"),
    js=_CLOCK.read_text("utf-8") + (_HERE / "film.js").read_text("utf-8"),
)


@dataclass(frozen=True, slots=True)
class Film:
    """A ``timeline_view.Player`` for the video at ``path`` with the faces of ``table``."""

    path: Path
    title: str
    table: pd.DataFrame
    names: Mapping[int, str]

    def __call__(
        self, view: str, moment_s: float | None, on_moment: Callable[[float], None]
    ) -> bool:
        """Draw it at ``moment_s``; False if the file is gone or the browser cannot play it."""
        size = _size(str(self.path)) if is_here(str(self.path)) else None
        if size is None:
            return False
        key, told = f"{view}_film", f"{view}_film_told"

        def stopped() -> None:
            t_s = bounded(st.session_state[key].moment, 0.0, _LATEST_S)
            if t_s is not None:
                st.session_state[told] = True
                on_moment(t_s)

        url = film_url(self.path, st.context.cookies)
        result = _component(
            key=key,
            data={
                "url": url,
                "title": self.title,
                "view": view,
                **dict(zip(("width", "height"), size, strict=True)),
                "most_px": MOST_PX,
                "hold_s": MAX_GAP_S,
                "moment_s": moment_s,
                # The film itself reported this moment: it must not seek.
                "mine": st.session_state.pop(told, False),
                **film_marks(self.table, self.names, *size),
            },
            on_moment_change=stopped,
            on_unplayable_change=lambda: None,
        )
        return bool(result.unplayable != url)


@st.cache_data(show_spinner=False, max_entries=100)
def _size(path: str) -> tuple[int, int] | None:
    """Width and height of upright frames; None if the video cannot be opened any more."""
    try:
        with VideoFile(Path(path)) as video:
            return video.info.width, video.info.height
    except Exception:  # a decoder may raise anything
        return None


def film_marks(
    table: pd.DataFrame, names: Mapping[int, str], width: int, height: int
) -> dict[str, Any]:
    """The faces that the browser draws over a film of ``width`` x ``height`` pixels.

    ``frames``: ``[seconds, [[track, x, y, w, h, color, label], …]]`` in order of time, boxes in
    fractions of the picture (0..1), ``color`` and ``label`` indices into ``colors`` and ``labels``.
    """
    labels = labels_of(table)
    times_s = table["t_s"].unique()
    kept_s = times_s[:: -(-len(times_s) // MOST_FRAMES)] if len(times_s) else times_s
    rows = table[table["t_s"].isin(kept_s)]
    known: dict[str, int] = {}
    sizes = np.array([width, height, width, height], np.float64)
    boxes = (rows[list("xywh")].to_numpy(np.float64, na_value=np.nan) / sizes).round(4)
    words = _labels(rows, names)
    colors = pd.Index(list(map(str, labels))).get_indexer(pd.Index(rows["dominant"]))
    faces = [
        [] if word is None else [[int(track), *box, int(color), known.setdefault(word, len(known))]]
        for track, box, color, word in zip(
            rows["track_id"].fillna(0), boxes.tolist(), colors, words, strict=True
        )
    ]
    frames = [
        [round(t_s, 4), [face for _, found in each for face in found]]
        for t_s, each in groupby(zip(rows["t_s"].tolist(), faces, strict=True), lambda row: row[0])
    ]
    return {
        "frames": frames,
        "colors": [color_of(label, labels).as_hex() for label in labels],
        "labels": list(known),
    }


def _labels(rows: pd.DataFrame, names: Mapping[int, str]) -> list[str | None]:
    """``Ada: happy 83%`` for each row, or why it is uncertain; None without a face.

    A single face has no number.
    """
    several = rows["track_id"].nunique() > 1
    found: list[str | None] = []
    for row, rival, codes in zip(
        rows.to_dict("records"), rivals(rows), problems(rows), strict=True
    ):
        if pd.isna(row["score"]):
            found.append(None)
            continue
        track, dominant = row["track_id"], str(row["dominant"])
        number = "" if pd.isna(track) else names.get(int(track)) or f"{int(track)}" * several
        name = f"{number}: " if number else ""
        found.append(name + (in_words(dominant, rival, codes) or f"{dominant} {row[dominant]:.0%}"))
    return found
