"""Fixtures of all tests: no network, no home folder, a sample face."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import hypothesis
import numpy as np
import pytest
from numpy.typing import NDArray
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from fer_core.media.images import read_picture
from fer_core.models.emotion import custom
from fer_core.paths import ROOT
from fer_core.paths import SAMPLE as SAMPLE  # for the tests, as their other data
from tests.downloads import isolate

SHARED = ROOT.parent / "shared"
BROWSER = "tests/browser/"

# Port 9 of this machine answers nobody: every download fails at once, as on a machine offline.
NOWHERE = "http://127.0.0.1:9"

# Hypothesis would fail an example that takes 0.2 s, or examples made slowly: a busy machine
# is no bug.
hypothesis.settings.register_profile(
    "house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")


class Scheduler(LoadScopeScheduling):
    """A file stays in one process, for the sake of what its tests share.

    The browser tests come first, in all processes: they wait more than they compute, and one that
    had them all to itself would still be waiting when the others are done.
    """

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.split("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduler:
    return Scheduler(config, log)


def pytest_configure() -> None:
    """A shell lets what it runs in the background ignore Ctrl-C. Tests of Ctrl-C need what a
    process in the foreground has."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(BROWSER))
    if SHARED.is_dir():
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason="../shared is absent"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What all tests import lives as long as they do: the garbage collector need not look through
    it while it comes, nor again with each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test uses the network, the home folder, or the settings of the user."""
    home = tmp_path_factory.mktemp("home")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    monkeypatch.setenv("HOME", str(home))
    isolate(monkeypatch, home / "downloaded")
    monkeypatch.setattr(custom, "OWN_NETWORKS", home / "own")
    monkeypatch.setenv("FER_DATA_DIR", str(home / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for name in list(os.environ):
        if name.startswith(("FER_", "CLOUDFLARE_TURN_", "TWILIO_")) and name != "FER_DATA_DIR":
            monkeypatch.delenv(name)


@pytest.fixture
def shared() -> Path:
    """The folder ../shared; a test that asks for it is marked ``shared``."""
    return SHARED


@pytest.fixture(scope="session")
def astronaut() -> NDArray[np.uint8]:
    """One smiling woman, 512x512, BGR (NASA, public domain)."""
    picture = read_picture(SAMPLE)
    picture.setflags(write=False)  # shared: a test that drew on it would change all after it
    return picture


@pytest.fixture(scope="session")
def masked_and_bare(astronaut: NDArray[np.uint8]) -> bytes:
    """A PNG of two faces: the larger one, on the left, wears a mask and cannot be read well."""
    mask = np.array([[185, 125], [262, 125], [258, 165], [225, 185], [192, 165]])
    masked = astronaut.copy()
    cv2.fillConvexPoly(masked, mask, (200, 170, 140))
    larger = cv2.resize(masked, None, fx=1.25, fy=1.25)[: len(astronaut)]
    return cv2.imencode(".png", np.hstack([larger, astronaut]))[1].tobytes()
