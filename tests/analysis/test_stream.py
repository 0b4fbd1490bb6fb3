"""Tests of streams: faces keep their numbers, and shares and labels do not flicker."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.face_finder import DETECT_EVERY_S, DETECT_PX
from fer_core.analysis.smoothing import SHARES_TAU_S
from fer_core.analysis.stream import StreamAnalyzer
from fer_core.analysis.tracker import MEMORY_S
from fer_core.labels import EMOTIONS, Emotion
from fer_core.schema import Box, FrameResult
from fer_core.testing import FakeDetector, FakeEmotionModel, FakeLandmarkModel

FRAME = np.zeros((240, 320, 3), np.uint8)
LEFT, RIGHT = Box(20, 40, 76, 100), Box(200, 40, 76, 100)


class CountingDetector(FakeDetector):
    """Finds ``faces``, which are in pixels of a frame ``frame_px`` wide, in that frame made
    smaller, and remembers the widths of its pictures."""

    def __init__(self) -> None:
        super().__init__([])
        self.faces: Sequence[Box] = []
        self.frame_px = FRAME.shape[1]
        self.widths: list[int] = []

    def detect(self, bgr):
        self.widths.append(bgr.shape[1])
        scale = bgr.shape[1] / self.frame_px
        self.boxes = [Box(*(max(1, round(scale * v)) for v in b.to_list())) for b in self.faces]
        return super().detect(bgr)


class Moody(FakeEmotionModel):
    """Returns the shares that the test sets."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def predict(self, crops):
        self.batches.append(len(crops))
        return super().predict(crops)


class Scene:
    """A stream whose faces the test positions."""

    def __init__(self, landmarks: bool = True) -> None:
        self.detector = CountingDetector()
        self.emotion = Moody()
        self.landmarks = FakeLandmarkModel([]) if landmarks else None
        self.stream = StreamAnalyzer(Analyzer(self.detector, self.emotion, self.landmarks))

    def show(self, t_s: float, *boxes: Box, frame: np.ndarray = FRAME) -> FrameResult:
        self.detector.faces, self.detector.frame_px = boxes, frame.shape[1]
        if self.landmarks:
            self.landmarks.boxes = list(boxes)
        return self.stream.update(frame, t_s)

    def ids(self, t_s: float, *boxes: Box, frame: np.ndarray = FRAME) -> list[int | None]:
        return [face.track_id for face in self.show(t_s, *boxes, frame=frame).faces]


@pytest.fixture(params=[True, False], ids=["landmarks", "detector only"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(bool(request.param))


@pytest.fixture
def followed() -> Scene:
    return Scene()


def test_a_result_says_what_it_is_of(scene):
    result = scene.show(1.5, LEFT)
    assert (result.t_s, result.width, result.height) == (1.5, 320, 240)
    assert (result.model, result.detector) == ("fake-emotion", "fake-detector")
    assert result.latency_ms > 0
    [face] = result.faces
    assert face.box.iou(LEFT) > 0.95
    assert face.dominant == "happy"
    assert face.track_id == 1
    assert FrameResult.from_dict(result.to_dict()) == result


def test_no_face_no_result(scene):
    assert scene.show(0.0).faces == ()
    assert scene.emotion.batches == []


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_moving_face_keeps_its_number(scene, fps):
    ids = [scene.ids(n / fps, Box(20 + 90 * n // fps, 40, 76, 100)) for n in range(2 * fps)]
    assert ids == [[1]] * 2 * fps


def test_faces_come_largest_first(scene):
    small, large = Box(10, 10, 38, 50), Box(150, 20, 114, 150)
    boxes = [face.box for face in scene.show(0.0, small, large).faces]
    assert boxes[0].iou(large) > 0.9
    assert boxes[1].iou(small) > 0.9


def test_all_faces_of_a_frame_go_in_one_batch(scene):
    scene.show(0.0, LEFT, RIGHT)
    scene.show(0.1, LEFT, RIGHT)
    assert scene.emotion.batches == [2, 2]


@pytest.mark.parametrize(("fps", "readings"), [(12, 12), (20, 20), (25, 13), (30, 15), (60, 20)])
def test_an_expression_is_read_so_often_that_none_is_missed(scene, fps, readings):
    for n in range(fps):
        scene.show(n / fps, LEFT)
    assert len(scene.emotion.batches) == readings


def test_between_two_readings_the_last_one_counts(scene):
    def read(t_s: float) -> Emotion:
        [face] = scene.show(t_s, LEFT).faces
        return EMOTIONS[int(np.argmax(face.raw_probabilities))]

    assert read(0.0) == Emotion.HAPPY
    scene.emotion.dominant = Emotion.SAD
    assert read(0.03) == Emotion.HAPPY
    assert read(0.06) == Emotion.SAD
    scene.emotion.dominant = Emotion.HAPPY
    scene.show(0.09)
    assert read(0.12) == Emotion.HAPPY, "a face that comes back is read at once"


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_a_hidden_face_is_known_again_after_half_a_second(scene, fps):
    for n in range(3 * fps):
        t_s = n / fps
        hidden = 1.0 < t_s <= 1.0 + MEMORY_S
        assert scene.ids(t_s, *[LEFT] * (not hidden)) == [1] * (not hidden)


def test_a_moving_face_is_known_again_where_it_was_heading(scene):
    for n in range(60):
        t_s = n / 30
        hidden = 0.8 < t_s <= 0.8 + MEMORY_S
        seen = [Box(round(10 + 100 * t_s), 40, 76, 100)] * (not hidden)
        assert scene.ids(t_s, *seen) == [1] * (not hidden)


def test_a_face_that_was_away_longer_is_another_one(scene):
    for n in range(30):
        scene.ids(n / 10, *[LEFT] * (n < 10))
    assert scene.ids(3.0, LEFT) == [2]


@pytest.mark.parametrize("fps", [5, 15, 30])
def test_two_faces_cross(scene, fps):
    """The nearer face hides the other; afterwards both have their numbers."""
    frame = np.zeros((240, 640, 3), np.uint8)
    counts = []
    for n in range(round(4.0 * fps)):
        t_s = n / fps
        near = Box(round(20 + 110 * t_s), 40, 84, 110)
        far = Box(round(470 - 110 * t_s), 50, 69, 90)
        seen = [near] if abs(near.x - far.x) < 45 else [near, far]
        faces = scene.show(t_s, *seen, frame=frame).faces
        counts.append(len(faces))
        for face in faces:
            assert face.box.iou(near if face.track_id == 1 else far) > 0.7
        assert {face.track_id for face in faces} <= {1, 2}
    assert (counts[0], min(counts), counts[-1]) == (2, 1, 2)


def test_a_new_face_is_noticed_within_half_a_second(followed):
    appeared = 1.02
    for n in range(60):
        t_s = n / 30
        ids = followed.ids(t_s, LEFT, *[RIGHT] * (t_s >= appeared))
        if t_s > appeared + DETECT_EVERY_S:
            assert ids == [1, 2]


def test_the_detector_rests_while_faces_are_followed(followed):
    for n in range(90):
        followed.show(n / 30, LEFT)
    assert len(followed.detector.widths) == pytest.approx(3.0 / DETECT_EVERY_S, abs=1)


def test_the_detector_looks_for_a_missing_face_at_once_and_often(followed):
    for n in range(12):
        followed.show(n / 30, LEFT, RIGHT)
    before = len(followed.detector.widths)
    followed.show(12 / 30, LEFT)
    assert len(followed.detector.widths) == before + 1
    for n in range(13, 26):
        followed.show(n / 30, LEFT)
    assert 4 <= len(followed.detector.widths) - before <= 6


def test_the_detector_looks_while_there_is_no_face(followed):
    for n in range(10):
        followed.show(n / 30)
    assert len(followed.detector.widths) == 10


def test_the_detector_sees_a_small_frame_and_faces_are_in_pixels_of_the_large_one(followed):
    face = Box(100, 40, 152, 200)
    result = followed.show(0.0, face, frame=np.zeros((480, 640, 3), np.uint8))
    assert followed.detector.widths == [DETECT_PX]
    assert result.faces[0].box.iou(face) > 0.95


def test_what_has_no_presence_is_no_face(followed):
    followed.detector.faces = [LEFT]  # the detector's false alarm
    assert followed.stream.update(FRAME, 0.0).faces == ()


def test_one_face_found_twice_is_one_face(followed):
    followed.show(0.0, LEFT)
    followed.detector.faces = [LEFT, Box(28, 48, 76, 100), Box(16, 36, 80, 104)]
    assert len(followed.stream.update(FRAME, 1.0).faces) == 1


def test_a_face_that_leaves_the_picture(scene):
    for n in range(60):
        result = scene.show(n / 30, Box(200 + 6 * n, 40, 76, 100))
        for face in result.faces:
            assert face.box.inside(320, 240) == face.box
    assert result.faces == ()


def test_the_picture_may_change_its_size(scene):
    for n in range(6):
        assert scene.ids(n / 10, LEFT) == [1]
    double = Box(40, 80, 152, 200)
    for n in range(6, 12):
        result = scene.show(n / 10, double, frame=np.zeros((480, 640, 3), np.uint8))
        assert [face.track_id for face in result.faces] == [1]
        assert result.faces[0].box.iou(double) > 0.95
    assert scene.ids(1.2, LEFT) == [1]


def test_landmarks_do_not_jump_when_the_picture_changes_its_size(followed):
    for n in range(6):
        [before] = followed.show(n / 10, LEFT).faces
    # No time passes: what is seen now weighs nothing yet.
    [after] = followed.show(
        0.5, Box(40, 80, 152, 200), frame=np.zeros((480, 640, 3), np.uint8)
    ).faces
    assert np.array(after.landmarks) == pytest.approx(2.0 * np.array(before.landmarks), abs=0.1)


def test_shares_are_smoothed_over_time_and_kept_raw_beside(scene):
    scene.show(0.0, LEFT)
    scene.emotion.dominant = Emotion.SAD
    [face] = scene.show(SHARES_TAU_S, LEFT).faces
    assert face.raw_probabilities[EMOTIONS.index(Emotion.SAD)] == pytest.approx(0.7)
    assert face.emotions[Emotion.SAD] == pytest.approx(0.7 - 0.65 / math.e)
    assert sum(face.probabilities) == pytest.approx(1.0)


def flicker(stream: Sequence[FrameResult]) -> tuple[int, int]:
    """How often the shown label changes, and how often that of the raw shares does."""
    shown = [result.faces[0].dominant for result in stream]
    raw = [int(np.argmax(result.faces[0].raw_probabilities or ())) for result in stream]
    return changes(shown), changes(raw)


def changes(values: Sequence[object]) -> int:
    return sum(a != b for a, b in itertools.pairwise(values))


def test_a_label_that_flickers_from_frame_to_frame_is_held(scene):
    results = []
    for n in range(60):
        scene.emotion.dominant = Emotion.SAD if n % 3 == 2 else Emotion.HAPPY
        results.append(scene.show(n / 20, LEFT))
    shown, raw = flicker(results)
    assert raw > 30
    assert shown == 0


def test_a_face_that_returns_does_not_start_from_nothing(scene):
    for n in range(10):
        scene.show(n / 10, LEFT)
    scene.emotion.dominant = Emotion.SAD
    scene.show(1.0)
    [face] = scene.show(1.1, LEFT).faces
    assert 0.05 < face.emotions[Emotion.SAD] < 0.69


def test_a_face_that_gets_dark_and_small_says_so_and_recovers(scene, astronaut):
    """Not for a single frame, because the shown shares are a mean over a longer time."""
    move = np.array([[0.885, 0.0, -137.0], [0.0, 0.885, -15.0]])  # her face to LEFT
    lit = cv2.warpAffine(astronaut, move, FRAME.shape[1::-1])
    dim, tiny = lit // 40, Box(54, 84, 11, 14)
    times_s = (n / 20 for n in itertools.count())

    def problems(frame: np.ndarray, box: Box, frames: int) -> list[tuple[str, ...]]:
        shown = [scene.show(next(times_s), box, frame=frame).faces for _ in range(frames)]
        return [face.quality.problems for faces in shown for face in faces]

    assert set(problems(lit, LEFT, 20)) == {()}
    assert set(problems(dim, LEFT, 1) + problems(lit, LEFT, 20)) == {()}
    dark = problems(dim, LEFT, 20)
    assert (dark[0], dark[-1]) == ((), ("dark",))
    light = problems(lit, LEFT, 20)
    assert (light[0], light[-1]) == (("dark",), ())
    for seen in (dark, light):
        assert sum(one != other for one, other in itertools.pairwise(seen)) == 1
    assert "small" in problems(lit, tiny, 20)[-1]
    assert problems(lit, LEFT, 20)[-1] == ()


def test_a_mouth_that_is_covered_is_noticed_within_a_second(astronaut):
    masked = astronaut.copy()
    mask = np.array([[185, 125], [262, 125], [258, 165], [225, 185], [192, 165]])
    cv2.fillConvexPoly(masked, mask, (200, 170, 140))
    stream = StreamAnalyzer(Analyzer("scout", FakeEmotionModel()))
    said = {}
    for n in range(60):
        for face in stream.update(astronaut if n < 20 else masked, n / 20).faces:
            said[n] = face.quality.problems if face.quality else ()
    assert "mouth_covered" not in said[19]
    assert "mouth_covered" in said[max(said)]
    assert max(said) > 40


def test_what_the_landmarks_tell(followed):
    [face] = followed.show(0.0, LEFT).faces
    assert len(face.landmarks) == 68
    assert face.presence == pytest.approx(1.0)
    assert abs(face.pose.yaw_deg) < 3
    assert face.eye_aspect_ratio == pytest.approx(0.3, abs=0.01)
    assert 0.0 < face.mouth_aspect_ratio < 0.1
    assert face.attentive is True
    assert face.blinks_per_minute is None


def test_without_landmarks_nothing_is_told():
    [face] = Scene(landmarks=False).show(0.0, LEFT).faces
    assert face.landmarks == ()
    for name in ("presence", "pose", "eye_aspect_ratio", "mouth_aspect_ratio", "attentive"):
        assert getattr(face, name) is None


def test_a_time_that_repeats_or_goes_back_is_no_time(scene):
    scene.show(10.0, LEFT)
    scene.emotion.dominant = Emotion.SAD
    for t_s in (10.0, 4.0, 4.0):
        [face] = scene.show(t_s, LEFT).faces
        assert face.track_id == 1
        assert face.emotions[Emotion.SAD] == pytest.approx(0.05)
    [face] = scene.show(4.0 + SHARES_TAU_S, LEFT).faces
    assert face.emotions[Emotion.SAD] == pytest.approx(0.7 - 0.65 / math.e)


@pytest.mark.parametrize("t_s", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_time_is_refused(scene, t_s):
    with pytest.raises(ValueError, match="time"):
        scene.show(t_s, LEFT)


def test_what_is_no_picture_is_refused(scene):
    with pytest.raises(ValueError, match="uint8"):
        scene.show(0.0, frame=np.zeros((10, 10), np.uint8))


boxes = st.lists(
    st.builds(
        Box, st.integers(0, 319), st.integers(0, 239), st.integers(1, 99), st.integers(1, 99)
    ),
    max_size=4,
)
sizes = st.sampled_from([(240, 320), (120, 160), (1, 1), (480, 640)])


@given(st.booleans(), st.lists(st.tuples(st.floats(-1.0, 3.0), boxes, sizes), max_size=12))
def test_any_stream_of_faces_gives_sound_results(landmarks, frames):
    scene, t_s, last_id = Scene(landmarks), 0.0, 0
    for step_s, seen, (height, width) in frames:
        t_s += step_s
        result = scene.show(t_s, *seen, frame=np.zeros((height, width, 3), np.uint8))
        ids = [face.track_id for face in result.faces]
        assert len(set(ids)) == len(ids)
        new = [number for number in ids if number is not None and number > last_id]
        assert sorted(new) == list(range(last_id + 1, last_id + 1 + len(new)))
        last_id += len(new)
        for face in result.faces:
            assert face.box.inside(width, height) == face.box
            assert np.isfinite(face.landmarks).all()
            assert sum(face.probabilities) == pytest.approx(1.0)
        assert FrameResult.from_dict(result.to_dict()) == result
