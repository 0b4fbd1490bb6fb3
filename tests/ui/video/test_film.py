"""Tests of the video beside its chart: what is drawn over it, and who may load it."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from fer_core.labels import COLORS, Emotion
from fer_core.server.auth.cookie import COOKIE
from fer_core.settings import settings
from fer_core.ui.video.film import MOST_FRAMES, film_marks
from fer_core.ui.video.film_route import ROUTES, film_url
from tests.sessions import bump, session

MP4 = b"\x00\x00\x00\x20ftypisom" + bytes(range(256)) * 8


def marks_at(table, t_s, names=()):
    """The boxes and labels of the frame at a time, as the browser draws them."""
    marks = film_marks(table, dict(names), 64, 48)
    [faces] = [faces for seconds, faces in marks["frames"] if seconds == t_s]
    return [(face[1:5], marks["colors"][face[5]], marks["labels"][face[6]]) for face in faces]


def test_each_frame_has_the_boxes_of_its_faces():
    two = session({1: bump(3.0), 2: bump(7.0)}, gone=lambda t_s: 5 <= t_s < 6)
    box = pytest.approx([10 / 64, 10 / 48, 40 / 64, 40 / 48], abs=1e-4)
    assert marks_at(two, 3.0, {2: "Ada"}) == [
        (box, COLORS[Emotion.HAPPY].as_hex(), "1: happy 90%"),
        (box, COLORS[Emotion.NEUTRAL].as_hex(), "Ada: neutral 100%"),
    ]
    assert marks_at(two, 5.5) == []
    one = session({1: lambda t_s: 0.48})
    one["problems"] = "dark"
    [(_, _, label)] = marks_at(one, 3.0)
    assert label == "between neutral and happy, too dark to read well"


def test_long_films_get_fewer_boxes():
    table = session({1: bump(3.0)}, MOST_FRAMES / 10 + 1.0)
    frames = film_marks(table, {}, 64, 48)["frames"]
    assert MOST_FRAMES / 2 <= len(frames) <= MOST_FRAMES
    assert [seconds for seconds, _ in frames[:2]] == [0.0, 0.2]


@pytest.fixture
def copy_of_a_video() -> Path:
    folder = settings().data_dir / "videos"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{'a1' * 16}.video"
    path.write_bytes(MP4)
    return path


def browser(**cookies: str) -> TestClient:
    return TestClient(Starlette(routes=ROUTES), cookies=cookies)


@pytest.mark.parametrize(
    "mine", [{}, {COOKIE: "guest"}, {"_streamlit_user": "ada", "_streamlit_user_1": "more"}]
)
def test_a_film_is_for_the_browser_that_added_it(copy_of_a_video, mine):
    url = film_url(copy_of_a_video, {**mine, "theme": "dark"})
    answer = browser(**mine).get(url)
    assert (answer.status_code, answer.content) == (200, MP4)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["cache-control"] == "private, no-store"
    part = browser(**mine).get(url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, MP4[100:200])
    for other in ({}, {COOKIE: "other"}, {"_streamlit_user": "bob"}, {**mine, COOKIE: "x"}):
        if other != mine:
            assert browser(**other).get(url).status_code == 403, other


def test_only_copies_of_videos_are_films(copy_of_a_video):
    url = film_url(copy_of_a_video, {})
    name = copy_of_a_video.name
    assert browser().get(url[:-1] + ("0" if url[-1] != "0" else "1")).status_code == 403
    assert browser().get(url.replace(name, "b2" * 16 + ".video")).status_code == 403
    secret = copy_of_a_video.with_name("history.sqlite3")
    secret.write_bytes(b"numbers")
    assert browser().get(film_url(secret, {})).status_code == 403
    copy_of_a_video.unlink()
    assert browser().get(url).status_code == 404
