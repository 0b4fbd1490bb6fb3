"""A face of a session on a page, and the user's selection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import streamlit as st

from fer_core.export.charts.course import Style
from fer_core.timeline.events import Event
from fer_core.timeline.summary import TrackSummary, summarize
from fer_core.ui.shared.session_chart import Chosen, Span
from fer_core.ui.shared.timeline_marks import Mark


@dataclass(frozen=True)
class Session:
    """A face of a session; the selection is stored in the session state under ``key``."""

    table: pd.DataFrame
    face: TrackSummary
    name: str
    key: str
    style: Style = "lines"
    affect: bool = False
    events: tuple[Event, ...] = ()
    marks: Sequence[Mark] = ()

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of this face."""
        return self.table[self.table["track_id"] == self.face.track_id]

    @property
    def moment_s(self) -> float | None:
        """The selected moment: the time of a frame."""
        moment_s: float | None = st.session_state.get(f"{self.key}_moment")
        return moment_s

    @property
    def span_s(self) -> Span | None:
        """The span that the chart is zoomed to, in seconds; None if it is not."""
        span_s: Span | None = st.session_state.get(f"{self.key}_span")
        return span_s

    @property
    def chosen(self) -> Chosen:
        """The selection and its callbacks, for the chart."""
        return Chosen(self.moment_s, self.span_s, self.choose, self.choose_span)

    def choose(self, t_s: float) -> None:
        """Select the frame nearest to ``t_s``."""
        st.session_state[f"{self.key}_moment"] = self.nearest(t_s)

    def choose_span(self, span_s: Span | None) -> None:
        """Select the span that is summarised; None for the whole session."""
        st.session_state[f"{self.key}_span"] = span_s

    def nearest(self, t_s: float) -> float:
        """The time of the frame nearest to ``t_s``."""
        times_s = self.table["t_s"].to_numpy(np.float64)
        return float(times_s[np.abs(times_s - t_s).argmin()])

    @cached_property
    def visible(self) -> pd.DataFrame:
        """The table of the selected span."""
        if self.span_s is None:
            return self.table
        return self.table[self.table["t_s"].between(*self.span_s)]

    @cached_property
    def in_span(self) -> TrackSummary | None:
        """The summary of this face in the selected span; None if it was not seen."""
        if self.span_s is None:
            return self.face
        faces = summarize(self.visible)
        return next((face for face in faces if face.track_id == self.face.track_id), None)
