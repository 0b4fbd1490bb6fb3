"""Tests of non-square pixels (camcorders, DVDs): read and written without distortion."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fer_core.analysis.analyzer import Analyzer
from fer_core.cli import batch_run
from fer_core.cli.main import main
from fer_core.errors import VideoTooLarge
from fer_core.labels import Emotion
from fer_core.media.video import VideoFile, read_frame
from tests.batch.folders import OneProcess
from tests.export.test_annotated_video import film
from tests.media.clips import clip, number_of, numbered

ASPECTS = [Fraction(2), Fraction(4, 3), Fraction(16, 11), Fraction(8, 9), Fraction(1, 2)]


def corner(width: int = 160, height: int = 120) -> np.ndarray:
    """White in its upper left quarter."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, : width // 2] = 255
    return picture


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "mpg", "ts", "m2ts", "3gp"])
@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_width_is_stretched(suffix, aspect, tmp_path):
    if suffix == "mpg":  # MPEG-2 knows the aspects of pictures, not of pixels
        aspect = {2: Fraction(4, 3), Fraction(1, 2): Fraction(1)}.get(aspect, Fraction(4, 3))
    path = clip(tmp_path / f"c.{suffix}", 5, fps=25, aspect=aspect)
    with VideoFile(path) as video:
        frames = list(video.frames())
        assert video.problem == ""
        assert (video.info.width, video.info.height) == (round(160 * aspect), 120)
    assert [frame.bgr.shape for frame in frames] == [(120, round(160 * aspect), 3)] * 5
    assert [number_of(frame.bgr) for frame in frames] == list(range(5))
    shown = read_frame(path, 0.05)
    assert shown is not None
    assert shown.shape == frames[0].bgr.shape


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_turned_and_squeezed(suffix, degrees, tmp_path):
    """The stored pixels are stretched first, then turned."""
    path = clip(tmp_path / f"c.{suffix}", frames=[corner()] * 3, aspect=Fraction(2),
                turned={"degrees": degrees})  # fmt: skip
    upright = np.rot90(corner(320), round(degrees / 90))
    with VideoFile(path) as video:
        [first, *_] = video.frames()
        assert (video.info.height, video.info.width) == upright.shape[:2]
    assert np.abs(first.bgr.astype(int) - upright).mean() < 8


def test_the_annotated_film_has_the_shape_that_is_shown(tmp_path):
    path = film(clip(tmp_path / "c.mp4", 5, aspect=Fraction(16, 11), turned={"degrees": 90}))
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        assert (stream.width, stream.height) == (120, 234)  # 233, made even
        assert (stream.sample_aspect_ratio or 1) == 1


@pytest.mark.parametrize("aspect", [Fraction(100, 1), Fraction(1, 100)])
def test_aspects_of_no_camera_are_mistakes(aspect, tmp_path):
    path = clip(tmp_path / "c.mp4", 3, aspect=aspect)
    assert VideoFile(path).info.width == 160


def test_stretched_frames_are_held_against_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_MAX_MEGAPIXELS", "1")
    frames = [numbered(i, 1000, 800) for i in range(2)]
    VideoFile(clip(tmp_path / "a.mkv", codec="mjpeg", frames=frames))
    path = clip(tmp_path / "b.mkv", codec="mjpeg", frames=frames, aspect=Fraction(2))
    with pytest.raises(VideoTooLarge, match="2000x800"):
        VideoFile(path)


@pytest.fixture(scope="module")
def squeezed(tmp_path_factory, astronaut) -> Path:
    """A happy face in half of its width."""
    face = cv2.resize(astronaut, (240, 480), interpolation=cv2.INTER_AREA)
    path = tmp_path_factory.mktemp("squeezed") / "face.mp4"
    return clip(path, frames=[face] * 5, fps=5, aspect=Fraction(2))


def test_a_face_has_the_box_and_the_expression_of_the_unsqueezed_one(squeezed, astronaut):
    analyzer = Analyzer("scout", "compact")
    [expected] = analyzer.analyze(cv2.resize(astronaut, (480, 480))).faces
    [first, *_] = VideoFile(squeezed).frames()
    [face] = analyzer.analyze(first.bgr).faces
    assert face.dominant == expected.dominant == Emotion.HAPPY
    assert face.confidence == pytest.approx(expected.confidence, abs=0.1)
    assert np.allclose(face.box.to_list(), expected.box.to_list(), atol=12)


@pytest.mark.parametrize("command", ["video", "batch"])
def test_every_road_sees_it_unsqueezed(command, squeezed, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    monkeypatch.setattr(batch_run, "Workers", OneProcess)
    where = ["video", str(squeezed), "--parquet"] if command == "video" else [
        "batch", str(squeezed.parent), "--workers", "1", "--out"]  # fmt: skip
    done = CliRunner().invoke(
        main, [*where, str(out), "--emotion", "compact", "--detector", "scout"]
    )
    assert done.exit_code == 0, done.output
    rows = pd.read_parquet(out)
    assert set(rows["dominant"]) == {"happy"}
    assert (rows["w"] / rows["h"]).between(0.65, 1.1).all()
