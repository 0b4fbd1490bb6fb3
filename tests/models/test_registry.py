"""Tests of the registry: a row is enough for all lists and choices of models."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from fer_core import Analyzer
from fer_core.cli.check import startup_problems
from fer_core.cli.main import main
from fer_core.errors import PackageMissing
from fer_core.history import history
from fer_core.models.loading import choose, load, load_detector
from fer_core.models.registry import MODELS, Kind, Model, built_in, downloads, models, title_of
from fer_core.models.weights.files import State, find, status
from fer_core.paths import ROOT
from fer_core.schema import Box, Detection
from fer_core.server import api
from fer_core.server.api.openapi import document
from fer_core.settings import settings
from tests.conftest import NOWHERE, SAMPLE
from tests.downloads import CONTENT, use


class BrightDetector:
    """Reports the area that is brighter than the number in its file as one face."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self._threshold = float(path.read_text())

    def detect(self, bgr: NDArray[np.uint8]) -> list[Detection]:
        """See ``FaceDetector.detect``."""
        bright = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY) > self._threshold
        x, y, w, h = cv2.boundingRect(bright.astype(np.uint8))
        return [Detection(Box(x, y, w, h), 1.0)] if w and h else []


@pytest.fixture(autouse=True)
def _another_history() -> Iterator[None]:
    """The history of this process is opened once, in the database of that moment."""
    history.cache_clear()
    yield
    history().close()
    history.cache_clear()


@pytest.fixture
def bright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A third detector that is in the registry during a test."""
    file = tmp_path / "bright.txt"
    file.write_text("60")
    row = Model(
        name="bright",
        title="Bright spots",
        kind=Kind.DETECTOR,
        about="Whatever is bright.",
        file_name=str(file),
        size_bytes=2,
        licence="MIT",
        source="a test",
        source_url="",
        measured="not at all",
        loader=f"{__name__}:BrightDetector",
    )
    monkeypatch.setitem(MODELS, row.name, row)
    return row


@pytest.fixture
def fetched(bright: Model, monkeypatch: pytest.MonkeyPatch) -> Model:
    """The same detector as a download from a server that does not answer."""
    row = replace(bright, file_name="bright.txt", addresses=(f"{NOWHERE}/bright.txt",))
    monkeypatch.setitem(MODELS, row.name, row)
    return row


def command(*arguments: str) -> str:
    """The output of a command, which must succeed."""
    result = CliRunner().invoke(main, [*arguments], terminal_width=400)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def client() -> Iterator[TestClient]:
    app = Starlette(routes=api.routes())
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        yield client


class TestRows:
    def test_each_says_what_it_is(self) -> None:
        for name, row in MODELS.items():
            assert name == row.name
            assert all((row.about, row.licence, row.source, row.measured))
            assert row.title != name
            assert callable(resolve_name(row.loader))
        assert len({row.title for row in MODELS.values()}) == len(MODELS)

    @pytest.mark.parametrize("kind", list(Kind))
    def test_the_last_of_a_kind_needs_nothing(self, kind: Kind) -> None:
        *_, last = models(kind).values()
        assert not last.downloadable
        assert not last.needs

    def test_files_that_come_with_the_installation_have_their_size(self) -> None:
        for row in built_in().values():
            path = find(row)
            assert path is not None
            # OpenCV's own file is another with each version.
            near = 0.05 if row.packaged_in else 0
            assert path.stat().st_size == pytest.approx(row.size_bytes, rel=near)

    def test_the_compact_network_is_as_accurate_as_its_card_says(self) -> None:
        card = (ROOT / "models" / "emotion_compact.md").read_text("utf-8")
        [(ferplus, fer2013)] = re.findall(r"^\| accuracy \| (.+)% \| (.+)% \|$", card, re.M)
        [(posed, press)] = re.findall(
            r"^\| accuracy of found faces \| (.+)% \(.+\) \| (.+)% \(.+\) \|$", card, re.M
        )
        assert MODELS["compact"].measured == (
            f"{posed}% of posed and {press}% of press faces, {fer2013}% on FER2013, {ferplus}% "
            "on its FER+ labels (validation pictures)"
        )

    def test_the_landmark_network_is_as_accurate_as_its_card_says(self) -> None:
        card = (ROOT / "models" / "face.md").read_text("utf-8")
        [on_test] = re.findall(r"^\| mean error, % of .+ \| .+ \| (.+) \|$", card, re.M)
        assert f" {on_test}% of the distance" in MODELS["face"].measured

    def test_titles_also_of_what_is_gone(self) -> None:
        assert title_of("haar") == "Haar cascade"
        assert title_of("own/gone") == "gone"
        assert title_of("fake-detector") == "fake-detector"


class TestThirdDetector:
    def test_is_chosen_by_name_and_finds_faces(self, bright: Model, astronaut) -> None:
        result = Analyzer("bright", "compact", landmarks=None).analyze(astronaut)
        assert result.detector == "bright"
        assert len(result.faces) == 1
        assert load_detector("bright").name == "bright"

    def test_auto_takes_the_first_row_that_can_be_had(
        self, bright: Model, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert choose(Kind.DETECTOR, wait_s=5).model.name == "scout"
        in_front = {"bright": bright, **MODELS}
        MODELS.clear()
        MODELS.update(in_front)
        try:
            chosen = choose(Kind.DETECTOR)
        finally:
            MODELS["bright"] = MODELS.pop("bright")
        assert (chosen.model, chosen.reason) == (bright, "Built in.")

    @pytest.mark.parametrize("name", ["analyze", "video", "batch"])
    def test_is_among_the_choices_of_the_command_line(self, bright: Model, name: str) -> None:
        assert "--detector [auto|yunet|scout|haar|bright]" in command(name, "--help")

    def test_analyses_on_the_command_line(self, bright: Model) -> None:
        line = command("analyze", str(SAMPLE), "--detector", "bright", "--emotion", "compact")
        assert json.loads(line)["detector"] == "bright"

    def test_is_on_the_models_page(self, bright: Model) -> None:
        page = AppTest.from_file(str(ROOT / "pages" / "models.py"), default_timeout=30).run()
        assert not page.exception
        assert any("#### Bright spots" in each.value for each in page.markdown)
        assert "Bright spots" in page.radio(key="detector").options
        page.radio(key="detector").set_value("bright").run()
        assert any("In use now: **Bright spots**" in each.value for each in page.caption)

    def test_is_in_the_http_api(self, bright: Model, client: TestClient) -> None:
        listed = client.get("/api/v1/models").json()["detectors"]
        assert [each["name"] for each in listed] == ["yunet", "scout", "haar", "bright"]
        files = {"pictures": ("a.jpg", SAMPLE.read_bytes())}
        asked_for = {"detector": "bright", "emotion": "compact"}
        answer = client.post("/api/v1/analyze", params=asked_for, files=files)
        assert answer.json()["pictures"][0]["detector"] == "bright"

    def test_is_in_the_openapi_document(self, bright: Model) -> None:
        paths = document(settings())["paths"]
        detector, *_ = paths["/api/v1/analyze"]["post"]["parameters"]
        assert detector["schema"]["enum"] == ["auto", "yunet", "scout", "haar", "bright"]

    def test_may_be_set(self, bright: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FER_DETECTOR", "bright")
        assert startup_problems() == []
        monkeypatch.setenv("FER_DETECTOR", "dull")
        [problem] = startup_problems()
        assert problem.endswith("Choose one of auto, yunet, scout, haar, bright.")

    def test_is_tried_before_a_start(self, bright: Model) -> None:
        Path(bright.file_name).unlink()
        [problem] = startup_problems()
        assert bright.file_name in problem

    def test_is_fetched(self, fetched: Model) -> None:
        lines = command("weights", "status").splitlines()
        assert "bright: Bright spots's weights are not installed (0.0 MB)." in lines
        done = CliRunner().invoke(main, ["weights", "fetch", "bright"])
        assert done.exit_code == 1
        assert "Skipped bright: Bright spots's weights could not be fetched" in done.stderr


class TestPackage:
    """Tests of a model that needs a package."""

    @pytest.fixture(autouse=True)
    def _absent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        row = replace(MODELS["deepface"], needs="no_such_package")
        monkeypatch.setitem(MODELS, "deepface", row)

    def test_auto_goes_on_and_says_why(self) -> None:
        chosen = choose(Kind.EMOTION)
        assert chosen.model.name == "compact"
        assert "DeepFace needs the Python package no_such_package" in chosen.reason

    def test_its_file_alone_does_not_help(self, tmp_path: Path, monkeypatch) -> None:
        row = use(monkeypatch, "deepface")
        (tmp_path / row.file_name).write_bytes(CONTENT["deepface"])
        monkeypatch.setenv("FER_WEIGHTS_DIR", str(tmp_path))
        assert choose(Kind.EMOTION).model.name == "compact"
        with pytest.raises(PackageMissing):
            load(row)

    def test_by_name_it_is_an_error_with_the_remedy(self) -> None:
        with pytest.raises(PackageMissing, match=r"no_such_package, .* Run `pip install -r"):
            Analyzer("haar", "deepface")

    def test_its_file_is_not_fetched(self) -> None:
        now = status(downloads()["deepface"])
        assert (now.state, now.fetchable) == (State.MISSING, False)
        done = CliRunner().invoke(main, ["weights", "fetch", "deepface"])
        assert "Skipped deepface: DeepFace needs the Python package" in done.stderr


@pytest.mark.parametrize(("variable", "kind"), [
    ("FER_DETECTOR", Kind.DETECTOR), ("FER_EMOTION", Kind.EMOTION),
])  # fmt: skip
def test_the_readme_names_every_model_that_may_be_set(variable: str, kind: Kind) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [what] = re.findall(rf"^\| `{variable}` \| (.+?) \|", readme, re.M)
    own = {"own/NAME"} if kind is Kind.EMOTION else set()
    assert set(re.findall("`(.+?)`", what)) == {"auto", *models(kind)} | own


def test_importing_the_library_does_not_load_what_only_a_model_or_a_download_needs() -> None:
    slow = ["onnxruntime", "requests", "pooch", "pydantic", "pandas", "streamlit", "deepface"]
    code = f"import sys, fer_core; print(*[name for name in {slow} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, cwd=ROOT, env=os.environ, check=True,
    )  # fmt: skip
    assert done.stdout.split() == []
