"""How surely the rows of a table read: what else may be meant, and what keeps a face from it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fer_core.sureness import CLOSE
from fer_core.timeline.table import labels_of


def rivals(table: pd.DataFrame) -> NDArray[np.object_]:
    """``sureness.rival`` of each row of a table of ``timeline.columns``, ``(n,)``.

    The label that lies close to the dominant one; "" where the reading is clear, or there is none.
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
    """Why each row's face cannot be read well, as ``quality.as_text`` writes it.

    "" for a face that reads well, and where nobody looked.
    """
    return table["problems"].astype("object").fillna("")
