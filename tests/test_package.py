"""The package: its public names, what it says it needs, and what an import loads.

Which part of it may import which, import-linter checks: pyproject.toml, ``make lint``.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest
import yaml  # type: ignore[import-untyped]  # comes with schemathesis
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import fer_core
from fer_core.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = sorted((ROOT / "pages").glob("*.py"))

LOCKED_EXTRAS = {"app", "deepface", "video"}
"""What requirements.txt installs; the others have lists of their own."""

IN_TURN = {"colorama", "psycopg-binary"}
"""Named in requirements.in, because pip needs their hashes: parts of click and of psycopg."""


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


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_pages_are_thin(path):
    assert len(path.read_text().splitlines()) <= 80


# --- what it needs ----------------------------------------------------------------------------


def needs(*extras: str) -> Iterator[Requirement]:
    """The packages that pyproject.toml names for extras; "" is what is always needed."""
    for extra in extras:
        lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
        for requirement in map(Requirement, lines):
            if requirement.name != PROJECT["name"]:
                yield requirement


def listed(name: str) -> dict[str, str]:
    """Packages and versions in a hand-written list, without indirect dependencies."""
    text = (ROOT / name).read_text().partition("# What these need in turn")[0]
    pins = re.findall(r"^([\w.-]+)(?:\[[a-z]+\])?==([^\s;]+)", text, re.M)
    return {canonicalize_name(package): version for package, version in pins}


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.in", ("", *sorted(LOCKED_EXTRAS))),
        ("requirements-train.txt", ("train",)),
        ("requirements-ray.txt", ("ray",)),
    ],
)
def test_the_locked_versions_are_within_the_ranges(name, extras):
    versions = listed(name)
    wanted = {canonicalize_name(each.name): each for each in needs(*extras)}
    assert wanted.keys() == versions.keys() - IN_TURN
    for package, requirement in wanted.items():
        assert requirement.specifier.contains(versions[package]), requirement


def test_what_is_pinned_for_building_is_what_the_tests_build_with():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert build == [f"hatchling=={listed('requirements-dev.txt')['hatchling']}"]


def test_all_installs_every_extra():
    extras = PROJECT["optional-dependencies"]
    assert {each for line in extras["all"] for each in Requirement(line).extras} >= (
        extras.keys() - {"all", "video"}
    )
    assert "video" in Requirement(extras["app"][0]).extras


# --- what an import loads ---------------------------------------------------------------------


def loaded_by(code: str) -> set[str]:
    """The packages that a fresh Python has loaded after some code."""
    code += "; import sys; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_the_import_alone_loads_next_to_nothing():
    assert not loaded_by("import fer_core") & {"numpy", "cv2", "onnxruntime", "pydantic"}


def test_a_picture_is_analysed_without_what_only_the_pages_need():
    engines = "'--detector', 'haar', '--emotion', 'compact'"
    code = (
        "from fer_core.cli.main import main; "
        f"main(['analyze', 'fer_core/ui/sample.jpg', {engines}], standalone_mode=False)"
    )
    code = f"import contextlib\nwith contextlib.suppress(SystemExit): {code}\nNone"
    unneeded = {"pandas", "requests", "pooch", "sqlalchemy", "plotly", "av", "pyarrow", "deepface"}
    loaded = loaded_by(code)
    assert "onnxruntime" in loaded
    assert not loaded & unneeded


def test_the_citation_and_the_changelog_name_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["version"] == fer_core.__version__
    assert f"\n## [{fer_core.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
