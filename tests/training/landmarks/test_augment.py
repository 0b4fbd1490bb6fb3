"""Augmented faces keep their points at the right positions, and faces separate from other crops."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_core.models.landmarks.crops import LANDMARK_PX, Square, face_box, landmark_square
from fer_core.training.landmarks import augment as augmentation
from fer_core.training.landmarks.augment import MIRROR, augment, detected, frame, mirror, spoil
from fer_core.training.landmarks.negatives import Strangers, beside_a_face, somewhere, texture
from tests.training.landmarks.conftest import SHAPE, draw_face


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_mirroring_twice_changes_nothing(rng: np.random.Generator) -> None:
    assert sorted(MIRROR) == list(range(70))
    np.testing.assert_array_equal(MIRROR[MIRROR], range(70))
    crop = rng.integers(0, 256, (80, 80), dtype=np.uint8)
    places = rng.random((70, 2)).astype(np.float32)
    again, there = mirror(*mirror(crop, places))
    np.testing.assert_array_equal(again, crop)
    np.testing.assert_allclose(there, places, atol=1e-6)


def test_a_mirrored_face_has_its_points_under_the_right_names() -> None:
    """The drawn face is its own mirror image, point by point."""
    np.testing.assert_allclose((SHAPE * (-1, 1) + (1, 0))[MIRROR[:68]], SHAPE, atol=1e-9)
    for pair in (
        (0, 16),
        (17, 26),
        (36, 45),
        (39, 42),
        (41, 46),
        (31, 35),
        (48, 54),
        (60, 64),
        (68, 69),
    ):
        assert MIRROR[list(pair)].tolist() == list(pair[::-1])
    for middle in (8, 27, 30, 33, 51, 57, 62, 66):
        assert MIRROR[middle] == middle


def test_points_stay_on_what_they_name(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(augmentation, "spoil", lambda crop, rng, strength: crop)
    for _ in range(50):
        picture = np.zeros((160, 160), np.uint8)
        _, points = draw_face(rng, 160)
        for x, y in points[[36, 45, 8]]:
            cv2.circle(picture, (round(x), round(y)), 4, 255, cv2.FILLED)
        crop, places, _ = augment(picture, points.astype(np.float32), rng)
        for x, y in places[[36, 45, 8]] * LANDMARK_PX - 0.5:
            if 3 < x < 76 and 3 < y < 76:
                assert crop[round(float(y)), round(float(x))] > 120


def test_the_same_random_numbers_give_the_same_crop(rng: np.random.Generator) -> None:
    picture, points = draw_face(rng, 160)
    grey = np.ascontiguousarray(picture[:, :, 0])
    one, other, third = (
        augment(grey, points.astype(np.float32), np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])
    assert (one[0] != third[0]).any()
    assert one[0].shape == (80, 80)
    assert one[0].dtype == np.uint8


def test_less_strength_spoils_fewer_crops(rng: np.random.Generator) -> None:
    crop = rng.integers(0, 256, (80, 80), dtype=np.uint8)

    def detail(strength: float) -> float:
        spoilt = [spoil(crop, np.random.default_rng(i), strength) for i in range(60)]
        return float(np.mean([np.abs(np.diff(s.astype(int), axis=1)).mean() for s in spoilt]))

    assert detail(0.0) > 1.3 * detail(1.0)


def test_faces_are_in_their_frames_and_not_in_those_beside_them(rng: np.random.Generator) -> None:
    points = draw_face(rng, 160)[1].astype(np.float32)
    own = landmark_square(face_box(points))
    framed = [detected(points, rng) for _ in range(200)] + [frame(points, rng) for _ in range(200)]
    inside = [square.to_square(points) for square in framed]
    assert np.mean([((p > 0) & (p < 1)).all(axis=1).mean() for p in inside]) > 0.95
    for square in (beside_a_face(points, rng) for _ in range(300)):
        places = square.to_square(points)
        whole = ((places > 0) & (places < 1)).all()
        assert not whole or square.side > 2.0 * own.side


def test_squares_of_a_background_are_about_its_size(rng: np.random.Generator) -> None:
    grey = np.zeros((100, 300), np.uint8)
    alarm = Square(50.0, 50.0, 30.0)
    squares = [somewhere(grey, [alarm], rng) for _ in range(200)]
    assert all(0 <= s.x <= 300 and 15 <= s.side <= 130 for s in squares)
    near = [abs(s.x - 50) < 12 and abs(s.y - 50) < 12 and s.side < 50 for s in squares]
    assert 0.35 < np.mean(near) < 0.7


def test_textures_differ(rng: np.random.Generator) -> None:
    crops = [texture(rng) for _ in range(30)]
    assert all(crop.shape == (80, 80) and crop.dtype == np.uint8 for crop in crops)
    assert len({crop.tobytes() for crop in crops}) == 30


def test_half_of_the_crops_without_a_face_are_what_a_detector_took_for_one(
    rng: np.random.Generator,
) -> None:
    picture, points = draw_face(rng, 160)
    marked = [np.zeros((160, 160), np.uint8)], points[None].astype(np.float32)
    alarm = np.full((160, 160), 255, np.uint8)
    alarm[40:120, 40:120] = picture[40:120, 40:120, 0] // 2 + 100
    strangers = Strangers(*marked, [], [], [alarm])
    crops = [strangers.negative(rng, strength=0.0) for _ in range(200)]
    assert 80 < sum(crop[20:60, 20:60].mean() > 30 and crop.std() > 5 for crop in crops) < 140


def test_strangers_come_with_or_without_backgrounds_and_faces(rng: np.random.Generator) -> None:
    picture, points = draw_face(rng, 160)
    marked = [np.ascontiguousarray(picture[:, :, 0])], points[None].astype(np.float32)
    background = rng.integers(0, 256, (200, 200), dtype=np.uint8)
    for more in (([], []), ([background], [marked[0][0]])):
        strangers = Strangers(*marked, *more)
        for crop in (strangers.negative(rng), strangers.face(rng)):
            assert crop.shape == (80, 80)
            assert crop.dtype == np.uint8
