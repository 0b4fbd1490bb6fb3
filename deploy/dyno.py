"""Runs the Procfile's command as a dyno would: ``python -m deploy.dyno``, or ``make dyno``.

It uses a copy of the files that .slugignore does not exclude, a minimal environment with PORT and
HOME, and ``sh -c``. Memory is measured, not limited: a real dyno above its 512 MB swaps and becomes
slow, and is killed at twice that. This one is stopped at once, with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from deploy.tree import FETCHED, ROOT, copy_tree, procfile_command

DYNO_MB = 512.0
"""The memory of the dyno sizes Eco, Basic and Standard-1X."""

STOP_S = 10.0
"""The longest time in which the dashboard must stop. Heroku itself waits for 30 s."""

_MAY_WRITE = (Path("data"), FETCHED, Path(".cache"), Path(".streamlit"))
_PASSED_ON = ("FER_", "DATABASE_URL", "CLOUDFLARE_", "TWILIO_", "HTTP_", "HTTPS_", "NO_PROXY")


class Dyno:
    """One dyno in a new folder of ``folder``. Its output is written to ``log``.

    ``app`` is its working folder; ``peak_mb`` the peak resident memory of its processes together,
    in millions of bytes.
    """

    def __init__(self, folder: Path, port: int, limit_mb: float = DYNO_MB) -> None:
        self.url = f"http://localhost:{port}"
        self.log = folder / "log"
        self.peak_mb = 0.0
        self.limit_mb = limit_mb
        self.app = folder / "app"
        copy_tree(self.app)
        if (ROOT / FETCHED).is_dir():
            _link_files(ROOT / FETCHED, self.app / FETCHED)
        self._built = self._files()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", procfile_command()],
                cwd=self.app,
                env=self._environment(port),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watch = threading.Thread(target=self._watch_memory, daemon=True)
        self._watch.start()

    @property
    def too_large(self) -> bool:
        """Whether it was stopped because it used more than ``limit_mb``."""
        return self.peak_mb > self.limit_mb

    def wait_until_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until it answers; a dyno has 60 s. Raises ``RuntimeError`` with its output."""
        deadline = time.monotonic() + timeout_s
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < deadline and self.process.poll() is None:
            with suppress(OSError), opener.open(f"{self.url}/healthz", timeout=2):
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"the dyno did not start:\n{self.log.read_text()}")

    def stop(self) -> float:
        """Send SIGTERM to all its processes, as Heroku does; returns how long they took, in
        seconds."""
        began = time.monotonic()
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self.process.wait()
        self._watch.join()
        return time.monotonic() - began

    def written(self) -> list[Path]:
        """The files that were written where nothing should be written."""
        new = self._files() - self._built
        return sorted(
            file
            for file in new
            if file.suffix != ".pyc" and not any(file.is_relative_to(ok) for ok in _MAY_WRITE)
        )

    def _files(self) -> set[Path]:
        return {path.relative_to(self.app) for path in self.app.rglob("*") if path.is_file()}

    def _environment(self, port: int) -> dict[str, str]:
        # The command listens on all addresses, and without a sign-in the dashboard stays locked.
        passed = {"FER_OPEN": "1"}
        passed |= {k: v for k, v in os.environ.items() if k.upper().startswith(_PASSED_ON)}
        programs = Path(sys.executable).parent
        path = f"{programs}{os.pathsep}{os.defpath}"
        mine = {"PATH": path, "HOME": str(self.app), "PORT": str(port), "DYNO": "web.1"}
        return {**passed, **mine, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _watch_memory(self) -> None:
        before = 0.0
        while self.process.poll() is None:
            now = _resident_peak_mb(self.process.pid)
            # A child process that has not yet started its program (ctypes runs `ldconfig` to find a
            # library) has all of its parent's memory. So a value must be seen twice to count.
            self.peak_mb = max(self.peak_mb, min(before, now))
            before = now
            if self.too_large:
                self._signal(signal.SIGTERM)
            time.sleep(0.2)


def main() -> None:
    """Serve until Ctrl-C or SIGTERM, or with --measure until a visit ends; then print the
    measurements."""
    parser = argparse.ArgumentParser(description="Run the Procfile's command as a dyno would.")
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--measure", action="store_true", help="one visit by Chromium, then end")
    wanted = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="dyno-") as folder:
        dyno = Dyno(Path(folder), wanted.port)
        try:
            dyno.wait_until_ready()
            print(f"The dyno serves {dyno.url}. Press Ctrl-C to stop it.", flush=True)
            if wanted.measure:
                from deploy.visit import visit_in_chromium

                visit_in_chromium(dyno.url)
            else:
                dyno.process.wait()
        except KeyboardInterrupt:
            pass
        finally:
            stopped_s = dyno.stop()
            print(dyno.log.read_text(errors="replace"), end="")
        sys.exit(_verdict(dyno, stopped_s))


def _verdict(dyno: Dyno, stopped_s: float) -> bool:
    """Print the measurements; returns whether anything is wrong."""
    written = dyno.written()
    if dyno.too_large:
        print(f"It used more than {dyno.limit_mb:.0f} MB and was stopped.")
    if written:
        print("It wrote files where it should not:", *written)
    print(f"stopped {stopped_s:.1f} s after SIGTERM")
    print(f"peak memory: {dyno.peak_mb:.0f} MB")
    return dyno.too_large or bool(written) or stopped_s >= STOP_S


def _resident_peak_mb(session: int) -> float:
    """The sum of the peaks of a session's processes, which is at least their peak together."""
    total_kb = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):  # it may end meanwhile
            if os.getsid(int(entry.name)) == session:
                found = re.search(r"VmHWM:\s+(\d+) kB", (entry / "status").read_text())
                total_kb += int(found[1]) if found else 0
    return total_kb * 1024 / 1e6


def _link_files(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(file)


if __name__ == "__main__":
    main()
