"""Each test has its own history and video jobs, which pages otherwise share in a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st

from fer_core.history import history
from fer_core.ui import services


@pytest.fixture(autouse=True)
def _own_history(_alone: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Its thread would outlive the test and open the history of the next.
    monkeypatch.setattr(services, "start_housekeeping", lambda: None)
    yield
    st.cache_resource.clear()
    history().close()
    history.cache_clear()
