"""The certainty of the readings in a table: close second expressions, and problems of faces."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.schema.certainty import CLOSE
from fer_core.timeline.table import labels_of


def rivals(table: pd.DataFrame) -> NDArray[np.object_]:
    """``schema.certainty.rival`` of each row of a table of ``timeline.columns``: ``(n,)`` strings.

    The label whose share is close to that of the dominant one; "" if there is none, or no face.
    """
    labels = np.array(list(map(str, labels_of(table))), object)
    shares = table[list(labels)].to_numpy(np.float64, copy=True)
    shown = pd.Index(labels).get_indexer(pd.Index(table["dominant"]))
    rows = np.arange(len(table))
    dominant = shares[rows, shown]
    shares[rows, shown] = -np.inf
    second = np.nan_to_num(shares, nan=-np.inf).argmax(axis=1)
    with np.errstate(invalid="ignore"):
        close = (shown >= 0) & (dominant - shares[rows, second] < CLOSE)
    return np.where(close, labels[second], "")


def problems(table: pd.DataFrame) -> pd.Series:
    """Why the face of each row cannot be read well, in the format of ``quality.as_text``.

    "" for a face that can be read well, or where this was not measured.
    """
    return table["problems"].astype("object").fillna("")


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table without faces that cannot be read well, like ``FrameResult.readable``.

    A frame without other faces becomes a row with only its time.
    """
    poor = problems(table) != ""
    times = table["t_s"]
    emptied = ~times.isin(times[~poor]) & ~times.duplicated()
    blank = table.mask(poor)
    blank["t_s"] = times
    return blank[~poor | emptied].reset_index(drop=True)
