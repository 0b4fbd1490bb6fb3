"""Tests of face quality: each measure on a face with the problem, and on one without."""

from __future__ import annotations

import csv
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.attention import MIN_OBSERVED_S
from fer_core.analysis.quality import IN_WORDS, _away_deg
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.export.files import faces_table, to_csv
from fer_core.models.detectors.haar import HaarDetector
from fer_core.models.detectors.scout import ScoutDetector
from fer_core.models.loading import load_landmark_model
from fer_core.schema import PROBLEMS, Box, Face, FaceQuality, FrameResult, HeadPose
from fer_core.testing import FakeDetector, FakeEmotionModel

FACE = Box(178, 63, 91, 113)


def face(bgr: np.ndarray, box: Box = FACE) -> Face:
    """The changed astronaut, whether or not a detector would find her."""
    analyzer = Analyzer(FakeDetector([box]), FakeEmotionModel(), AnyFace())
    [found] = analyzer.analyze(bgr).faces
    return found


def quality(bgr: np.ndarray, box: Box = FACE) -> FaceQuality:
    """Her quality."""
    found = face(bgr, box).quality
    assert found is not None
    return found


class AnyFace:
    """The real landmarks with a presence that accepts every face as upright."""

    name = "any-face"

    def locate(self, bgr, boxes):
        return [replace(each, presence=1.0) for each in load_landmark_model().locate(bgr, boxes)]


def test_a_good_face_has_no_problem(astronaut):
    found = quality(astronaut)
    assert found.problems == ()
    assert found.size_px == 113
    assert found.sharpness is not None
    assert found.sharpness > 0.3
    assert found.contrast is not None
    assert 30 < found.contrast < 90
    assert found.glare is not None
    assert found.glare < 0.05
    assert found.turn_deg is not None
    assert found.turn_deg < 15
    assert found.mouth_covered is not None
    assert found.mouth_covered < 0.2


def test_a_small_face(astronaut):
    small = cv2.resize(astronaut, (64, 64), interpolation=cv2.INTER_AREA)
    found = quality(small, Box(22, 8, 11, 14))
    assert found.size_px == 14
    assert "small" in found.problems
    larger = cv2.resize(astronaut, (128, 128), interpolation=cv2.INTER_AREA)
    assert "small" not in quality(larger, Box(44, 16, 23, 28)).problems


def test_a_blurred_face(astronaut):
    assert quality(cv2.GaussianBlur(astronaut, (0, 0), 6)).problems == ("blurred",)
    assert quality(cv2.GaussianBlur(astronaut, (0, 0), 1.5)).problems == ()


def test_a_dark_face(astronaut):
    assert quality((astronaut * 0.03).astype(np.uint8)).problems == ("dark",)
    assert "dark" not in quality((astronaut * 0.1).astype(np.uint8)).problems


def test_a_face_in_glaring_light(astronaut):
    burnt = np.clip(astronaut.astype(int) * 6, 0, 255).astype(np.uint8)
    found = quality(burnt)
    assert "bright" in found.problems
    assert found.glare is not None
    assert found.glare > 0.55


def test_a_turned_face():
    """The angle is that of yaw and pitch together."""
    assert _away_deg(HeadPose(0.0, 0.0, 80.0)) == 0.0
    assert _away_deg(HeadPose(-30.0, 0.0, 0.0)) == pytest.approx(30.0)
    assert _away_deg(HeadPose(30.0, 30.0, 0.0)) == pytest.approx(41.4, abs=0.1)


def test_a_covered_mouth(astronaut):
    """A uniform cloth from the nose down."""
    masked = astronaut.copy()
    cv2.fillConvexPoly(
        masked,
        np.array([[185, 125], [262, 125], [258, 165], [225, 185], [192, 165]]),
        (200, 170, 140),
    )
    found = quality(masked)
    assert "mouth_covered" in found.problems
    assert found.mouth_covered is not None
    assert found.mouth_covered > 0.5


def test_covered_eyes(astronaut):
    """By dark glasses and by a bar; not by clear glasses, nor in the shadow of a cap."""
    eyes = ((207, 101), (240, 101))
    dark, clear, barred, shaded = (astronaut.copy() for _ in range(4))
    for eye in eyes:
        cv2.ellipse(dark, eye, (15, 11), 0, 0, 360, (25, 20, 20), -1, cv2.LINE_AA)
    for picture in (dark, clear):
        for eye in eyes:
            cv2.ellipse(picture, eye, (15, 11), 0, 0, 360, (20, 20, 20), 1, cv2.LINE_AA)
    cv2.rectangle(barred, (183, 90), (264, 112), (128, 128, 128), -1)
    shaded[:95] = shaded[:95] // 3
    for seen in (dark, barred):
        assert "eyes_covered" in quality(seen).problems
        assert face(seen).gaze is None
    for seen in (astronaut, clear, shaded):
        assert quality(seen).problems == ()
        assert face(seen).gaze is not None


def test_nothing_is_told_of_eyes_that_are_covered_in_a_stream(astronaut):
    barred = astronaut.copy()
    cv2.rectangle(barred, (183, 90), (264, 112), (128, 128, 128), -1)
    for picture, seen in ((astronaut, True), (barred, False)):
        stream = StreamAnalyzer(Analyzer(ScoutDetector(), FakeEmotionModel()))
        for t_s in np.arange(0.0, MIN_OBSERVED_S + 1.0, 0.1).tolist():
            [last] = stream.update(picture, t_s).faces
        assert last.blinks_per_minute == (0.0 if seen else None)
        assert (last.gaze is not None) == seen


@pytest.mark.shared
def test_masks_are_told_from_mouths(shared):
    folder = shared / "data" / "masks"
    sheet = np.asarray(Image.open(sorted(folder.glob("*.webp"))[0]).convert("RGB"))[:, :, ::-1]
    flagged: dict[str, list[bool]] = {"with_mask": [], "without_mask": []}
    rows = list(csv.DictReader((folder / "masks.csv").read_text().splitlines()))
    last = [row for row in rows if int(row["tile"]) < 1600]
    for row in last[1:1496:15] + last[1497::2]:
        y, x = (160 * at for at in divmod(int(row["tile"]), 40))
        tile = np.ascontiguousarray(sheet[y : y + 160, x : x + 160])
        box = Box(*(round(float(row[key])) for key in "xywh"))
        found = quality(tile, box)
        flagged[row["kind"]].append("mouth_covered" in found.problems)
    assert np.mean(flagged["with_mask"]) > 0.85
    assert np.mean(flagged["without_mask"]) < 0.1


def test_it_is_in_json_and_tables_and_read_back(astronaut):
    result = Analyzer(HaarDetector(), FakeEmotionModel()).analyze(astronaut)
    assert FrameResult.from_dict(result.to_dict()) == result
    assert result.to_dict()["faces"][0]["quality"]["problems"] == []
    [face] = result.faces
    assert face.quality is not None
    table = faces_table({"a.jpg": result})
    assert table["sharpness"][0] == face.quality.sharpness
    told = replace(face.quality, problems=("dark", "eyes_covered"))
    poor = replace(result, faces=(replace(face, quality=told),))
    assert faces_table({"a.jpg": poor})["problems"][0] == "dark eyes_covered"
    assert b"dark eyes_covered" in to_csv({"a.jpg": poor})
    assert FrameResult.from_dict(poor.to_dict()) == poor


def test_a_face_without_quality_leaves_its_columns_empty():
    face = Face(Box(1, 2, 3, 4), 0.9, probabilities=(1.0, *[0.0] * 6))
    table = faces_table({"a": FrameResult(10, 10, (face,), "m", "d")})
    assert table["sharpness"].isna().all()


def test_there_are_words_for_each_problem():
    assert list(IN_WORDS) == list(PROBLEMS)


def test_without_landmarks_turn_and_mouth_are_not_known(astronaut):
    analyzer = Analyzer(FakeDetector([FACE]), FakeEmotionModel(), landmarks=None)
    [face] = analyzer.analyze(astronaut).faces
    assert face.quality is not None
    assert (face.quality.turn_deg, face.quality.mouth_covered) == (None, None)
    assert face.quality.eyes_covered is None
