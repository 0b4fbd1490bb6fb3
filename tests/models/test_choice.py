"""Which engine ``auto`` means, with real downloads from a server on this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_core.errors import DownloadFailed, UnknownEngine, WeightsCorrupt, WeightsMissing
from fer_core.models import choice
from fer_core.models.choice import Choice, choose_detector, choose_emotion_model
from fer_core.models.emotion import load_emotion_model
from fer_core.models.weights import files
from tests.downloads import WeightsServer, isolate, use, weights_server

# (how to choose, the engine that is fetched, its stand-in)
KINDS = [
    pytest.param(choose_detector, "yunet", "haar", id="detector"),
    pytest.param(choose_emotion_model, "deepface", "compact", id="emotion-model"),
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


def test_every_engine_has_a_title() -> None:
    names = (*choice.DETECTORS, *choice.EMOTION_MODELS)
    assert len({choice.title(name) for name in names} - set(names)) == len(names)


@pytest.mark.parametrize(("choose", "fetched", "shipped"), KINDS)
class TestChoice:
    def test_auto_fetches(self, choose, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "good"))
        assert choose() == Choice(fetched, "Installed.")
        assert files.find(fetched) is not None

    def test_auto_offline_takes_the_stand_in_and_does_not_try_again(
        self, choose, fetched, shipped, server, monkeypatch
    ) -> None:
        use(monkeypatch, fetched, server.url(fetched, "missing"))
        for _ in range(3):
            choice = choose("auto")
            assert choice.name == shipped
            assert choice.why.endswith("'s weights could not be fetched.")
        assert len(server.requests) <= 2  # DeepFace's downloader asks twice for one download

    def test_auto_does_not_wait_for_a_slow_download(
        self, choose, fetched, shipped, server, monkeypatch
    ) -> None:
        use(monkeypatch, fetched, server.url(fetched, "slow"))
        started = time.monotonic()
        choice = choose("auto", wait_s=0.1)
        assert time.monotonic() - started < 1.0
        assert choice.name == shipped
        assert choice.why.endswith("'s weights are still downloading.")
        server.go_on.set()
        assert choose("auto", wait_s=10).name == fetched

    def test_auto_with_a_corrupt_file(
        self, choose, fetched, shipped, tmp_path, monkeypatch
    ) -> None:
        file = use(monkeypatch, fetched)
        monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
        (tmp_path / file.file_name).write_bytes(b"damaged")
        choice = choose("auto")
        assert choice.name == shipped
        assert str(tmp_path / file.file_name) in choice.why
        with pytest.raises(WeightsCorrupt):
            choose(fetched)

    def test_by_name(self, choose, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "good"))
        assert choose(shipped) == Choice(shipped, "Chosen by you.")
        assert server.requests == []
        assert choose(fetched) == Choice(fetched, "Chosen by you.")

    def test_by_name_in_vain(self, choose, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "missing"))
        with pytest.raises(DownloadFailed, match="FER_WEIGHTS_DIR"):
            choose(fetched)

    def test_by_name_too_early(self, choose, fetched, shipped, server, monkeypatch) -> None:
        use(monkeypatch, fetched, server.url(fetched, "slow"))
        with pytest.raises(WeightsMissing, match="still downloading"):
            choose(fetched, wait_s=0.1)

    def test_unknown_name(self, choose, fetched, shipped) -> None:
        with pytest.raises(UnknownEngine, match=f"auto, {fetched} or {shipped}"):
            choose("yolo")


def test_load_by_name() -> None:
    assert load_emotion_model("compact") is load_emotion_model("compact")
    assert load_emotion_model("compact").name == "compact"
    with pytest.raises(UnknownEngine):
        load_emotion_model("haar")


def test_auto_loads_what_came_in_the_meantime(server, monkeypatch) -> None:
    use(monkeypatch, "deepface", server.url("deepface", "slow"))
    assert choose_emotion_model(wait_s=0.1).name == "compact"
    server.go_on.set()
    assert files.start_download("deepface").wait(10)
    assert load_emotion_model().name == "deepface"
