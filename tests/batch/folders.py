"""Small folders of pictures and videos, and the expected results of a batch."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from click.testing import CliRunner

from fer_core.batch.files import Item, Recipe
from fer_core.cli.main import main
from fer_core.labels import EMOTIONS
from fer_core.media.video import WHOLE
from tests.media.clips import clip

ENGINES = ("--emotion", "compact", "--detector", "scout")
RECIPE = Recipe("scout", "compact", EMOTIONS, WHOLE)


def picture(path: Path, bgr: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), bgr)
    return path


def fill(folder: Path, face: np.ndarray) -> Path:
    """Create a face, no face, a broken picture, a video in a subfolder, and a truncated video."""
    small = cv2.resize(face, (192, 192))
    picture(folder / "b.jpg", small)
    picture(folder / "empty.png", np.zeros((40, 60, 3), np.uint8))
    (folder / "a broken.jpg").write_bytes(b"no picture")
    (folder / "films").mkdir()
    clip(folder / "films" / "face.mp4", frames=[small] * 5, fps=5)
    whole = clip(folder / "films" / "half.mkv", count=60, options={"cluster_time_limit": "200"})
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "notes.txt").write_text("nothing")
    return folder


def item(path: Path, kind: str = "picture", size_bytes: int | None = None) -> Item:
    size = path.stat().st_size if size_bytes is None else size_bytes
    return Item(path, path.name, kind, size, 1)  # type: ignore[arg-type]


def batch(folder: Path, out: Path, *options: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    arguments = ["batch", str(folder), "--out", str(out), *ENGINES, *options]
    result = CliRunner().invoke(main, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def table(out: Path) -> pd.DataFrame:
    return pd.read_parquet(out)


class OneProcess:
    """``Workers`` without processes, which take seconds to start."""

    def __init__(self, do, give_up, count) -> None:
        self._do = do

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        pass

    def run(self, pieces):
        yield from map(self._do, pieces)
