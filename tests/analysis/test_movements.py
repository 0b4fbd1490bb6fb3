"""Tests of movements, action units and gaze on their way from the network to a face."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.schema import Box, FrameResult
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel

PICTURE = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
BOX = Box(100, 50, 100, 120)
SMILE = {"mouthSmileLeft": 0.75, "mouthSmileRight": 0.25}


def analyzer(landmarks: FakeLandmarkModel) -> Analyzer:
    return Analyzer(FakeDetector([BOX]), FakeEmotionModel(), landmarks)


def test_a_picture_tells_movements_action_units_and_gaze() -> None:
    result = analyzer(FakeLandmarkModel(movements=SMILE)).analyze(PICTURE)
    [face] = result.faces
    assert face.movements["mouthSmileLeft"] == 0.75
    assert face.raw_coefficients == ()  # nothing was smoothed
    assert (face.action_units["AU12"], face.action_units["AU12_right"]) == (0.5, 0.25)
    assert face.gaze is not None
    assert abs(face.gaze.yaw_deg) < 5.0
    assert face.measures["AU12"] == 0.5
    assert face.measures["gaze_room_yaw_deg"] == face.gaze.room_yaw_deg
    assert FrameResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_closed_eyes_look_nowhere() -> None:
    shut = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), 0.9)
    [face] = analyzer(FakeLandmarkModel(movements=shut)).analyze(PICTURE).faces
    assert face.action_units["AU45"] == pytest.approx(0.9)
    assert face.gaze is None


def test_a_network_without_movements_tells_none() -> None:
    [face] = analyzer(FakeLandmarkModel()).analyze(PICTURE).faces
    assert (face.movements, face.action_units, face.gaze) == ({}, {}, None)
    assert face.measures["AU12"] is None
    assert not {"movements", "action_units", "gaze"} & set(face.to_dict())


def test_a_stream_smooths_movements_and_keeps_those_of_the_frame() -> None:
    landmarks = FakeLandmarkModel(movements={})
    stream = StreamAnalyzer(analyzer(landmarks))
    stream.update(PICTURE, 0.0)
    landmarks.movements = SMILE
    [face] = stream.update(PICTURE, 0.1).faces
    raw = dict(zip(face.movements, face.raw_coefficients, strict=True))
    assert raw["mouthSmileLeft"] == 0.75
    assert 0.1 < face.movements["mouthSmileLeft"] < 0.4
    assert face.action_units["AU12_left"] == face.movements["mouthSmileLeft"]
    [face] = stream.update(PICTURE, 3.0).faces
    assert face.movements["mouthSmileLeft"] == pytest.approx(0.75, abs=0.01)


def test_the_gaze_of_a_stream_is_smoothed_and_arrives() -> None:
    landmarks = FakeLandmarkModel(movements={})
    stream = StreamAnalyzer(analyzer(landmarks))

    def yaw_deg(t_s: float) -> float:
        [face] = stream.update(PICTURE, t_s).faces
        assert face.gaze is not None
        assert face.gaze.yaw_deg == pytest.approx(face.gaze.room_yaw_deg, abs=1.0)  # head ahead
        return face.gaze.yaw_deg

    before = yaw_deg(0.0)
    landmarks.aside = (4.0, 0.0)
    during = yaw_deg(1 / 30)
    after = [yaw_deg(1 / 30 + n / 30) for n in range(1, 31)][-1]
    assert after > before + 15.0  # to the right of the picture
    assert before < during < after - 5.0


def test_what_a_network_guesses_behind_closed_lids_does_not_move_the_gaze() -> None:
    landmarks = FakeLandmarkModel(movements={})
    stream = StreamAnalyzer(analyzer(landmarks))
    gazes = []
    for number in range(20):
        shut = 8 <= number < 14
        landmarks.movements = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), 0.9 * shut)
        landmarks.aside = (0.0, 4.0 * shut)
        [face] = stream.update(PICTURE, number / 30).faces
        gazes.append(face.gaze)
    assert [gaze is None for gaze in gazes] == [8 <= number < 14 for number in range(20)]
    pitches = [gaze.pitch_deg for gaze in gazes if gaze is not None]
    assert pitches == pytest.approx([pitches[0]] * 14, abs=0.1)


def blinks(moves: bool, lids: Callable[[float], float]) -> tuple[float | None, bool | None]:
    """Blinks per minute and attention after 22 s at 15 frames a second, with eyes as closed as
    ``lids`` says, 0..1; ``moves``: by the network's coefficient, otherwise by its points."""
    landmarks = FakeLandmarkModel(movements={} if moves else None)
    stream = StreamAnalyzer(analyzer(landmarks))
    face = None
    for number in range(330):
        shut = lids(number / 15)
        if moves:
            landmarks.movements = dict.fromkeys(("eyeBlinkLeft", "eyeBlinkRight"), 0.1 + 0.5 * shut)
        else:
            landmarks.eyes = 0.3 - 0.2 * shut
        [face] = stream.update(PICTURE, number / 15).faces
    assert face is not None
    return face.blinks_per_minute, face.attentive


@pytest.mark.parametrize("moves", [True, False])
def test_blinks_and_sleep_are_told_by_what_the_network_measures(moves: bool) -> None:
    rate, attentive = blinks(moves, lambda t_s: float(t_s % 4.0 < 0.2))
    assert rate == pytest.approx(15.0, abs=1.5)
    assert attentive is True
    rate, attentive = blinks(moves, lambda t_s: float(t_s > 21.0))
    assert rate == 0.0
    assert attentive is False


def test_narrow_eyes_are_open_eyes() -> None:
    """Somebody whose lids are always low, and lower for a while under a raised head."""
    rate, attentive = blinks(True, lambda t_s: 0.6 if t_s < 15.0 else 0.8)
    assert rate == 0.0
    assert attentive is True


def test_the_eyes_of_a_picture_on_its_side_are_turned_back_with_the_face() -> None:
    from fer_core.analysis.detection import DetectedFace
    from fer_core.analysis.upright import Upright

    points = np.arange(136, dtype=np.float32).reshape(68, 2)
    irises = points[[36, 42]]
    seen = DetectedFace(Box(1, 2, 3, 4), points=points, irises=irises)
    [there] = Upright(1, np.zeros((240, 320, 3), np.uint8), [seen]).in_the_original()
    assert there.points is not None
    np.testing.assert_array_equal(there.irises, there.points[[36, 42]])
