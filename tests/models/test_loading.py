"""Tests of the model that ``auto`` chooses, with real downloads from a local server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import DownloadFailed, UnknownModel, WeightsCorrupt, WeightsMissing
from fer_core.models import loading
from fer_core.models.loading import (
    Choice,
    choose,
    load_detector,
    load_emotion_model,
    load_landmark_model,
)
from fer_core.models.registry import MODELS, Kind
from fer_core.models.weights import files
from tests.downloads import WeightsServer, isolate, use, weights_server

# (a kind, the model that is fetched, its stand-in)
KINDS = [
    pytest.param(Kind.DETECTOR, "yunet", "scout", id="detector"),
    pytest.param(Kind.EMOTION, "deepface", "compact", id="emotion-model"),
]


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


@pytest.fixture(autouse=True)
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "downloaded"
    isolate(monkeypatch, folder)
    return folder


@pytest.mark.parametrize(("kind", "fetched", "shipped"), KINDS)
class TestChoice:
    def test_auto_fetches(self, kind, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "good"))
        assert choose(kind) == Choice(MODELS[fetched], "Installed.")
        assert files.find(MODELS[fetched]) is not None

    def test_auto_offline_takes_the_stand_in_and_does_not_try_again(
        self, kind, fetched, shipped, server, monkeypatch
    ) -> None:
        use(monkeypatch, fetched, server.url(fetched, "missing"))
        for _ in range(3):
            choice = choose(kind, "auto")
            assert choice.model.name == shipped
            assert choice.reason.endswith("'s weights could not be fetched.")
        assert len(server.requests) <= 2  # DeepFace's downloader asks twice for one download

    def test_auto_does_not_wait_for_a_slow_download(
        self, kind, fetched, shipped, server, monkeypatch
    ) -> None:
        use(monkeypatch, fetched, server.url(fetched, "slow"))
        choice = choose(kind, "auto", wait_s=0.1)
        assert choice.model.name == shipped
        assert choice.reason.endswith("'s weights are still downloading.")
        server.go_on.set()
        assert choose(kind, "auto", wait_s=10).model.name == fetched

    def test_auto_with_a_corrupt_file(self, kind, fetched, shipped, tmp_path, monkeypatch) -> None:
        file = use(monkeypatch, fetched)
        monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
        (tmp_path / file.file_name).write_bytes(b"damaged")
        choice = choose(kind, "auto")
        assert choice.model.name == shipped
        assert str(tmp_path / file.file_name) in choice.reason
        with pytest.raises(WeightsCorrupt):
            choose(kind, fetched)

    def test_by_name(self, kind, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "good"))
        assert choose(kind, shipped) == Choice(MODELS[shipped], "Chosen by you.")
        assert server.requests == []
        assert choose(kind, fetched) == Choice(MODELS[fetched], "Chosen by you.")

    def test_by_name_in_vain(self, kind, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "missing"))
        with pytest.raises(DownloadFailed, match="FER_WEIGHTS_DIR"):
            choose(kind, fetched)

    def test_by_name_too_early(self, kind, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "slow"))
        with pytest.raises(WeightsMissing, match="still downloading"):
            choose(kind, fetched, wait_s=0.1)

    def test_unknown_name(self, kind, fetched, shipped) -> None:
        with pytest.raises(UnknownModel, match=f"auto, {fetched}(,| or) {shipped}"):
            choose(kind, "yolo")


def test_load_by_name() -> None:
    assert load_emotion_model("compact") is load_emotion_model("compact")
    assert load_emotion_model("compact").name == "compact"
    with pytest.raises(UnknownModel):
        load_emotion_model("haar")


def test_auto_loads_what_came_in_the_meantime(server, monkeypatch) -> None:
    use(monkeypatch, "deepface", server.url("deepface", "slow"))
    assert choose(Kind.EMOTION, wait_s=0.1).model.name == "compact"
    server.go_on.set()
    assert files.start_download(MODELS["deepface"]).wait(10)
    assert load_emotion_model().name == "deepface"


def test_many_threads_load_a_model_once(monkeypatch) -> None:
    monkeypatch.setattr(loading, "_loaded", {})
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: load_emotion_model("compact"), range(8)))
    assert len(set(map(id, loaded))) == 1


def test_a_detector_is_loaded_anew_when_its_file_is_replaced(tmp_path, monkeypatch) -> None:
    cascade = files.find(MODELS["haar"])
    assert cascade is not None
    path = tmp_path / "cascade.xml"
    path.write_bytes(cascade.read_bytes())
    row = replace(MODELS["haar"], file_name=str(path), packaged_in="")
    monkeypatch.setitem(MODELS, "haar", row)
    first = load_detector("haar")
    assert load_detector("haar") is first
    os.utime(path, ns=(1, 1))
    assert load_detector("haar") is not first


def test_an_analyzer_takes_the_landmark_model_by_name() -> None:
    assert Analyzer("haar", "compact", "face").landmarks is load_landmark_model()
    with pytest.raises(UnknownModel, match="landmark model called 'dots'"):
        Analyzer("haar", "compact", "dots")
