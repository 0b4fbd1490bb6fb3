"""The shape of the house: its public names, and which room may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import fer_core
from fer_core.paths import ROOT

SOURCES = sorted((ROOT / "fer_core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))


def imports(path: Path) -> set[str]:
    """The dotted names of the modules a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_the_public_names():
    assert set(fer_core.__all__) == {
        "Analyzer", "FrameResult", "Face", "Box", "Emotion", "load_emotion_model", "load_detector",
        "load_landmark_model",
        "FerError", "PictureError", "EmptyFile", "UnreadablePicture", "PictureTooLarge",
        "WeightsError", "WeightsMissing", "WeightsCorrupt", "DownloadFailed",
        "PackageMissing", "UnknownModel", "UnknownEngine", "DatasetError", "RestNotMeasured",
        "BackendFailed",
        "VideoError", "UnreadableVideo", "VideoTooLarge",
        "HistoryError", "HistoryUnavailable", "SessionUnknown", "JobUnknown", "TooManyJobs",
        "IceSettingsWrong", "RelayUnavailable",
        "StreamAnalyzer", "HeadPose", "RestingExpression",
    }  # fmt: skip
    assert all(hasattr(fer_core, name) for name in fer_core.__all__)


def test_every_exception_is_public_and_under_one_root():
    from fer_core import errors

    raised = {
        n
        for n, v in vars(errors).items()
        if isinstance(v, type) and v.__module__ == errors.__name__
    }
    assert raised <= set(fer_core.__all__)
    assert all(issubclass(getattr(errors, name), errors.FerError) for name in raised)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_ui_knows_streamlit(path):
    if path.is_relative_to(ROOT / "fer_core" / "ui"):
        return
    assert not {n for n in imports(path) if n.split(".")[0] in ("streamlit", "streamlit_webrtc")}
    assert not {n for n in imports(path) if n.startswith("fer_core.ui")}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_pages_are_thin(path):
    assert len(path.read_text().splitlines()) <= 80
    assert not {n.split(".")[0] for n in imports(path)} & {"cv2", "onnxruntime", "sqlalchemy"}


def test_torch_stays_in_the_training_room():
    users = {p for p in SOURCES if "torch" in {n.split(".")[0] for n in imports(p)}}
    assert all(p.is_relative_to(ROOT / "fer_core" / "training") for p in users)
