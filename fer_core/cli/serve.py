"""``fer-dashboard serve``."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import click

from fer_core.extras import missing_sentence
from fer_core.paths import ROOT

_NEEDED = ("streamlit", "streamlit_webrtc", "plotly", "sqlalchemy")
"""Some packages of the extra app. They are only searched, because Streamlit runs in its own
process."""

# Otherwise glibc keeps memory freed by ended threads; the Procfile sets the same.
_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072"}


@click.command("serve", context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def serve_command(options: tuple[str, ...]) -> None:
    """Run the dashboard at http://localhost:8501 until Ctrl-C.

    OPTIONS are those of `streamlit run`, such as --server.port 9000.
    """
    for package in _NEEDED:
        if find_spec(package) is None:
            absent = ModuleNotFoundError(name=package)
            raise click.ClickException(missing_sentence("app", absent))
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), *options]
    environment = {**_MEMORY, **os.environ}
    if sys.platform == "win32":  # it would give the prompt back at once
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    os.execve(sys.executable, command, environment)
