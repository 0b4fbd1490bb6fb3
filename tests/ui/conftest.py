"""Each test has its own history and video jobs, which pages otherwise share in a process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner

from fer_core.history import history
from fer_core.ui import services


@pytest.fixture(autouse=True, scope="session")
def _packages_are_scanned_once() -> Iterator[None]:
    """Each AppTest would look through all installed packages for components of Streamlit again,
    which takes longer than most pages."""
    scan = cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", scan)
        yield


@pytest.fixture(autouse=True)
def _main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AppTest leaves its script as the main module, which new processes of a later test run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _own_history(_alone: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Its thread would outlive the test and open the history of the next.
    monkeypatch.setattr(services, "start_housekeeping", lambda: None)
    yield
    st.cache_resource.clear()
    history().close()
    history.cache_clear()
