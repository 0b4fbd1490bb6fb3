"""Tests of the files for Heroku and Docker, and of the check before a start."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # comes with schemathesis
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.routing import Route

from deploy.dyno import STOP_S, Dyno
from deploy.slug import _compressed_mb
from deploy.tree import ROOT, procfile_command, shipped_files, slugignore
from fer_core.cli.check import startup_problems
from fer_core.cli.main import main
from fer_core.history import history
from fer_core.live.turn_settings import TurnSettings
from fer_core.models.registry import MODELS
from fer_core.server import api
from fer_core.settings import OidcSettings, Settings
from tests.servers import ServedApp, free_port
from tests.waiting import DEADLINE_S, until

LOCKS = ("requirements.txt", "uv.lock", "poetry.lock", "Pipfile.lock", "Pipfile")


def variables() -> set[str]:
    """Every environment variable that is a setting."""
    names = set()
    for group in (Settings, OidcSettings, TurnSettings):
        for name, field in group.model_fields.items():
            alias = field.validation_alias
            choices = getattr(alias, "choices", [alias] if alias else [f"FER_{name.upper()}"])
            names |= {str(choice) for choice in choices}
    return names - {"FER_OIDC"}  # the group, whose settings have names of their own


@pytest.fixture(autouse=True)
def _another_history():
    """The history of this process is opened once, in the database of that moment."""
    history.cache_clear()
    yield
    history().close()
    history.cache_clear()


# --- Heroku -----------------------------------------------------------------------------------


def test_app_json():
    app = json.loads((ROOT / "app.json").read_text())
    assert app["stack"] == "heroku-24"
    assert app["buildpacks"] == [{"url": "heroku/python"}]
    assert app["formation"]["web"]["quantity"] == 1
    assert any(addon.startswith("heroku-postgresql:") for addon in app["addons"])
    # The add-on sets DATABASE_URL by itself.
    assert set(app["env"]) <= variables() - {"DATABASE_URL"}
    for variable, entry in app["env"].items():
        assert entry["description"].endswith((".", "tcp")), variable
        assert ("value" in entry) != (entry.get("required") is False), variable


def test_the_values_in_app_json_are_accepted(monkeypatch):
    for variable, entry in json.loads((ROOT / "app.json").read_text())["env"].items():
        monkeypatch.setenv(variable, entry.get("value", ""))
    assert startup_problems() == []


def test_the_buildpack_finds_one_python_and_one_list_of_packages():
    assert (ROOT / ".python-version").read_text().strip() == "3.13"
    assert not (ROOT / "runtime.txt").exists()
    assert [name for name in LOCKS if (ROOT / name).exists()] == ["requirements.txt"]


def pins(text: str) -> dict[str, str]:
    """Packages and their versions, of lines ``name[extra]==version; where``."""
    found = re.findall(r"^([a-zA-Z0-9._-]+)(?:\[[a-z,]+\])?==([0-9][0-9a-z.]*)", text, re.M)
    return {name.lower(): version for name, version in found}


def test_every_package_is_pinned_and_has_its_hashes():
    text = (ROOT / "requirements.txt").read_text()
    entries = [e for e in re.sub(r"^#.*\n", "", text, flags=re.M).split("\n") if e]
    package = ""
    for line in entries:
        if not line.startswith(" "):
            assert re.fullmatch(r"[a-z0-9.-]+==[0-9][0-9a-z.]*( ; [^;]+)? \\", line), line
            package = line
            continue
        assert package
        assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line), line
    assert len(pins(text)) > 50
    # A package without a hash would end in another package's name.
    assert not re.search(r"\\\n(?!    --hash)", text)


def test_the_hashes_belong_to_the_list_that_people_edit():
    listed = pins((ROOT / "requirements.in").read_text())
    locked = pins((ROOT / "requirements.txt").read_text())
    assert listed == locked, "run `make lock`; what it adds belongs into requirements.in as well"


@pytest.mark.parametrize("name", ["dev", "train", "ray"])
def test_other_lists_stand_on_the_list_without_hashes(name):
    text = (ROOT / f"requirements-{name}.txt").read_text()
    # With one hash among them pip would refuse all lines that have none.
    assert "\n-r requirements.in\n" in text
    assert "--hash" not in text


def test_what_a_dyno_needs_is_shipped():
    shipped = {file.as_posix() for file in shipped_files()}
    assert {
        *("Procfile", "setup.sh", "app.py", "app.json", "requirements.txt", ".python-version"),
        *("bin/post_compile", ".streamlit/config.toml", "fer_core/history/migrations/env.py"),
        *("models/emotion_compact.onnx", "models/face.onnx", "models/face_detector.onnx"),
        *("fer_core/ui/sample.jpg", "fer_core/ui/sample.mp4", "pages/photo.py", "pages/live.py"),
        "LICENSE",
    } <= shipped
    left_out = ("tests/", "docs/", "benchmarks/", "tools/")
    assert not [name for name in shipped if name.startswith(left_out)]
    # Heroku reads patterns as git does, without exceptions; these are plain paths from the root.
    for line in (ROOT / ".slugignore").read_text().split():
        assert re.fullmatch(r"/[A-Za-z0-9._/-]+", line), line
    assert len(slugignore()) >= 5


def test_post_compile_goes_on_without_a_network(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "bin" / "post_compile"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert "Some weights could not be fetched" in done.stdout
    assert (ROOT / "bin" / "post_compile").stat().st_mode & 0o100


def thinned_out() -> list[str]:
    """The patterns that post_compile removes from the folder of the packages."""
    lines = (ROOT / "bin" / "post_compile").read_text().splitlines()
    return [word for line in lines if line.startswith("rm -rf ") for word in line.split()[2:]]


def test_post_compile_takes_out_only_what_there_is():
    """A new version of a package may have moved it."""
    packages = Path(sysconfig.get_path("purelib"))
    assert len(thinned_out()) >= 5
    assert [pattern for pattern in thinned_out() if not any(packages.glob(pattern))] == []


def test_nothing_that_post_compile_takes_out_is_missed(tmp_path):
    packages, site = Path(sysconfig.get_path("purelib")), tmp_path / "site"
    folders = ("numpy", "numpy.libs", "pandas", "pyarrow", "plotly", "onnxruntime")
    for name in folders:
        shutil.copytree(packages / name, site / name, copy_function=os.symlink)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && echo {site}\n')
    python.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "STACK": "heroku-24"}
    subprocess.run(["sh", ROOT / "bin" / "post_compile"], env=environment, check=True)
    assert not [pattern for pattern in thinned_out() if any(site.glob(pattern))]
    assert not list((site / "pandas").rglob("tests"))
    code = f"""
import app, io, sys
from pathlib import Path
import pandas as pd, plotly, pyarrow, pyarrow.compute, pyarrow.csv
from fer_core.models.emotion.compact import CompactEmotionModel
from fer_core.ui.history import page
from fer_core.ui.live import page, snapshots, webrtc
from fer_core.ui.photo import show, table
from fer_core.ui.shared import compare_view, timeline_view
from fer_core.ui.video import page
import fer_core.batch.rows
file = io.BytesIO()
pd.DataFrame({{"t_s": [0.5]}}).to_parquet(file)
assert list(pd.read_parquet(file)["t_s"]) == [0.5]
CompactEmotionModel()
for package in (plotly, pyarrow, pd):
    assert package.__file__.startswith({str(site)!r})
"""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_procfile_starts_as_on_a_dyno_and_ends_on_sigterm(tmp_path):
    dyno = Dyno(tmp_path, free_port())
    try:
        dyno.wait_until_ready()
        with urllib.request.urlopen(f"{dyno.url}/healthz", timeout=5) as answer:
            assert json.load(answer) == {"alive": True}
        assert dyno.process.poll() is None
    finally:
        stopped_s = dyno.stop()
    said = dyno.log.read_text()
    assert stopped_s < STOP_S
    assert "The history is in" in said
    assert "Traceback" not in said
    assert 50.0 < dyno.peak_mb < dyno.limit_mb
    assert dyno.written() == []


def test_what_a_visit_does_not_need_is_not_loaded():
    """Each of these would take 5 to 40 MB of a dyno's 512."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in ROOT.glob("fer_core/ui/**/*.py")]
    names = (".".join(path.parts) for path in paths if path.stem != "__init__")
    modules = ["app", *(name for name in names if name != "fer_core.ui.router")]
    spared = {"scipy", "alembic", "pyarrow.parquet", "altair", "pydeck", "torch", "matplotlib"}
    spared |= {"deepface", "gdown", "fer_core.training.expression.run", "plotly.express"}
    code = f"import sys, {', '.join(modules)}; print(*({spared!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_a_dyno_that_grows_too_large_is_ended(tmp_path):
    dyno = Dyno(tmp_path, free_port(), limit_mb=60.0)
    with pytest.raises(RuntimeError, match="did not start"):
        dyno.wait_until_ready()
    assert dyno.too_large


def test_memory_that_is_seen_twice_while_a_process_forks_counts_once(tmp_path, monkeypatch):
    looks: list[float] = []

    def look(session: int) -> float:
        looks.append(600.0 if len(looks) % 3 == 2 else 300.0)
        return looks[-1]

    monkeypatch.setattr("deploy.dyno._resident_peak_mb", look)
    monkeypatch.setattr("deploy.dyno.procfile_command", lambda: "exec sleep 300")
    dyno = Dyno(tmp_path, free_port())
    try:
        until(lambda: len(looks) > 6, "looks at its memory")
    finally:
        dyno.stop()
    assert dyno.peak_mb == 300.0


def test_a_wrong_setting_ends_streamlit_run_with_its_name():
    environment = {**os.environ, "FER_MAX_STREAMS": "a secret"}
    command = [sys.executable, "-c", "import app"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ended.returncode == 1
    [line] = [each for each in ended.stderr.splitlines() if "FER_" in each]
    assert line.startswith("FER_MAX_STREAMS: ")
    assert "Traceback" not in ended.stderr
    assert "a secret" not in ended.stderr


def test_a_dyno_with_a_wrong_setting_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MAX_STREAMS", "many")
    dyno = Dyno(tmp_path, free_port())
    with pytest.raises(RuntimeError, match=r"FER_MAX_STREAMS: .*valid integer"):
        dyno.wait_until_ready()


def test_setup_needs_a_port():
    done = subprocess.run(["sh", ROOT / "setup.sh"], env={"PATH": "/usr/bin:/bin"}, text=True,
                          capture_output=True)  # fmt: skip
    assert done.returncode != 0
    assert "PORT is not set" in done.stderr


def test_a_slug_is_weighed(tmp_path, monkeypatch):
    (tmp_path / "noise").write_bytes(os.urandom(3_000_000))
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr("deploy.slug._interpreter", lambda: tmp_path / "noise")
    # The tree, the library and the interpreter: noise cannot be compressed.
    assert _compressed_mb(tmp_path) == pytest.approx(9.0, abs=0.1)


# --- the check --------------------------------------------------------------------------------


def test_all_is_well():
    done = CliRunner().invoke(main, ["check"])
    assert done.exit_code == 0
    assert "DeepFace's weights are not installed" in done.output
    assert "history.sqlite3" in done.output


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("FER_MAX_UPLOAD_MB", "0", "FER_MAX_UPLOAD_MB: Input should be greater than or equal to 1"),
        ("FER_API_TOKENS", "geheim", "FER_API_TOKENS: each token has 20 or more characters"),
        ("FER_TURN_SECRET", "geheim", "no TURN server. Set FER_TURN_URLS"),
        ("FER_TURN_PROVIDER", "geheim", "neither cloudflare nor twilio"),
        ("FER_DETECTOR", "geheim", "FER_DETECTOR: there is no detector of this name."),
        ("FER_EMOTION", "own/geheim", "FER_EMOTION: there is no emotion model of this name."),
        ("DATABASE_URL", "geheim", "DATABASE_URL is not the address of a database"),
        ("DATABASE_URL", "postgres://u:geheim@127.0.0.1:9/x", "its server does not answer"),
        ("PORT", "http", "PORT must be a number from 1 to 65535"),
    ],
)
def test_a_start_is_refused(monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    done = CliRunner().invoke(main, ["check"])
    assert done.exit_code == 1
    assert sentence in done.output
    assert "does not start" in done.output
    assert "geheim" not in done.output


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "file"))
    assert [text for text in startup_problems() if "Set FER_DATA_DIR" in text]


def test_a_folder_for_videos_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FER_DATA_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'elsewhere.sqlite3'}")
    (reason,) = startup_problems()
    assert reason.startswith(f"Uploaded videos could not be copied into {tmp_path / 'file'}")


@pytest.mark.parametrize("name", ["compact", "face"])
def test_a_damaged_network(monkeypatch, tmp_path, name):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x00" * 1000)
    monkeypatch.setitem(MODELS, name, replace(MODELS[name], file_name=str(damaged)))
    (reason,) = startup_problems()
    assert str(damaged) in reason


def test_a_dashboard_below_a_path_of_another_site_does_not_start():
    options = ["--server.baseUrlPath", "/fer/", "--server.port", str(free_port())]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    done = subprocess.run([*command, *options], cwd=ROOT, capture_output=True, timeout=DEADLINE_S)
    assert done.returncode == 1
    assert b"give the dashboard a host name of its own." in done.stderr


def test_every_reason_is_said_at_once(monkeypatch):
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("FER_DETECTOR", "none")
    monkeypatch.setenv("FER_ICE_RELAY_ONLY", "1")
    assert len(startup_problems()) == 3


# --- Docker -----------------------------------------------------------------------------------


def dockerfile() -> list[tuple[str, str]]:
    """The steps: (instruction, the rest), continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def test_the_dockerfile_copies_what_exists_and_what_a_start_needs():
    steps = dockerfile()
    sources = [Path(s) for kind, rest in steps if kind == "COPY" for s in rest.split()[:-1]]
    assert not [source for source in sources if not (ROOT / source).exists()]
    # All that reaches a dyno reaches the container, but for what only Heroku reads.
    herokus = {".gitignore", ".python-version", ".slugignore", "app.json", "pyproject.toml"}
    missing = [f for f in shipped_files() if not any(f.is_relative_to(s) for s in sources)]
    assert {file.as_posix() for file in missing} <= herokus
    kept = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{source.as_posix()}" for source in sources} <= set(kept)


def test_the_dockerfile_starts_what_the_procfile_starts_and_not_as_root():
    steps = dockerfile()
    commands = [json.loads(rest) for kind, rest in steps if kind == "CMD"]
    assert commands == [["sh", "-c", procfile_command()]]
    assert [rest for kind, rest in steps if kind == "USER"] == ["10001"]
    kinds = [kind for kind, _ in steps]
    assert kinds.index("USER") > max(i for i, kind in enumerate(kinds) if kind in ("RUN", "COPY"))
    ((_, image),) = [step for step in steps if step[0] == "FROM"]
    assert image == f"python:{(ROOT / '.python-version').read_text().strip()}-slim"


def test_the_health_check_asks_a_route_on_the_exposed_port():
    steps = dict(dockerfile())
    assert f"PORT={steps['EXPOSE']} " in steps["ENV"]
    words = shlex.split(steps["HEALTHCHECK"].partition("CMD")[2].strip().strip("[]"))
    assert re.search(r"/healthz", words[-1])
    assert "/healthz" in [route.path for route in api.routes() if isinstance(route, Route)]


def test_the_health_check_itself():
    command = json.loads(dict(dockerfile())["HEALTHCHECK"].partition("CMD")[2])
    nobody = {"PORT": str(free_port()), "PATH": str(Path(sys.executable).parent)}
    assert subprocess.run(command, env=nobody, capture_output=True).returncode != 0
    served = ServedApp(Starlette(routes=api.routes()))
    try:
        proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}
        somebody = {**nobody, **proxy, "PORT": str(served.port)}
        assert subprocess.run(command, env=somebody, capture_output=True).returncode == 0
    finally:
        served.stop()


def test_the_compose_file_has_no_secret_and_names_settings():
    text = (ROOT / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    assert set(services) == {"dashboard", "database", "turn"}
    dashboard = services["dashboard"]
    assert dashboard["read_only"] is True
    assert set(dashboard["environment"]) <= variables()
    for service in services.values():
        for name, value in service.get("environment", {}).items():
            assert not re.search("PASSWORD|SECRET|TOKEN", name) or value.startswith("${"), name
    assert "static-auth-secret=${" in text
    # A value that is needed and not given stops compose with a sentence.
    assert not re.search(r"\$\{(POSTGRES_PASSWORD|TURN_SECRET)\}", text)


def test_the_documents_name_settings_that_exist():
    text = (ROOT / "docs" / "DEPLOY.md").read_text()
    named = set(re.findall(r"\bFER_[A-Z_]+[A-Z]\b", text))
    assert named
    assert named <= variables()
