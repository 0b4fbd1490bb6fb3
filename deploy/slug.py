"""Measures the slug: ``python -m deploy.slug``, or ``make slug``.

It does what Heroku's Python buildpack does: Python, a fresh environment from requirements.txt, the
files that .slugignore does not exclude, bin/post_compile. The last line of its output is the
compressed size in millions of bytes.
"""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
from collections import Counter
from pathlib import Path

from deploy.tree import copy_tree

LIMIT_MB = 400.0
"""The project's own limit; Heroku rejects slugs above 500 MB."""

_PYTHON = Path(".heroku") / "python"
_NOT_IN_HEROKUS_PYTHON = ("site-packages", "test", "__pycache__", "config-")


class _Counted(io.RawIOBase):
    """A file that keeps only the number of bytes written to it."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        count = memoryview(data).nbytes  # type: ignore[arg-type]
        self.size += count
        return count


def main() -> None:
    """Build the slug, print its largest parts and its size; exit code 1 above ``LIMIT_MB``."""
    with tempfile.TemporaryDirectory(prefix="slug-") as folder:
        app = Path(folder)
        copy_tree(app)
        _install(app)
        for size_mb, name in _biggest(app, 10):
            print(f"{size_mb:6.0f} MB before compression  {name}")
        size_mb = _compressed_mb(app)
    print(f"slug: {size_mb:.0f} MB")
    sys.exit(size_mb >= LIMIT_MB)


def _install(app: Path) -> None:
    environment = app / _PYTHON
    venv.create(environment, with_pip=True)
    programs = environment / "bin"
    pip = [str(programs / "python"), "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    pip += ["--disable-pip-version-check", "-r", str(app / "requirements.txt")]
    subprocess.run(pip, check=True)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    build = {**os.environ, "PATH": path, "HOME": str(app), "STACK": "heroku-24"}
    subprocess.run([app / "bin" / "post_compile"], check=True, cwd=app, env=build)


def _biggest(app: Path, count: int) -> list[tuple[float, str]]:
    """The largest packages and folders of the repository: (MB, name)."""
    sizes: Counter[str] = Counter()
    for path in app.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        parts = path.relative_to(app).parts
        inside = parts.index("site-packages") + 1 if "site-packages" in parts else 0
        sizes[parts[inside]] += path.stat().st_size
    return [(size / 1e6, name) for name, size in sizes.most_common(count)]


def _compressed_mb(app: Path) -> float:
    counted = _Counted()
    with (
        gzip.GzipFile(fileobj=counted, mode="wb", compresslevel=6) as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        tar.add(app, arcname="app")
        # The environment uses this computer's Python; a slug contains its own.
        tar.add(sysconfig.get_path("stdlib"), arcname="python", filter=_as_on_heroku)
        tar.add(_interpreter(), arcname="libpython")
    return counted.size / 1e6


def _as_on_heroku(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Skip what Heroku's Python does not have: its tests and its static library."""
    name = Path(member.name).name
    return None if name.startswith(_NOT_IN_HEROKUS_PYTHON) else member


def _interpreter() -> Path:
    """The file with the Python interpreter: the shared library, else the program."""
    library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("LDLIBRARY")
    shared = library.suffix != ".a" and library.is_file()
    return library.resolve() if shared else Path(sys.executable).resolve()


if __name__ == "__main__":
    main()
