"""Tests of the strips of movements: they show the values of the table, gaps and peaks."""

from __future__ import annotations

import numpy as np
import pytest

from fer_core.export.charts.axis import ms
from fer_core.export.charts.course import course_figure
from fer_core.export.charts.movements import (
    has_movements,
    left_out,
    movements_figure,
    movements_in_words,
    units_shown,
)
from fer_core.export.charts.thin import MOST_RUNS
from tests.sessions import bump, moving_session, session

SMILE = {"mouthSmileLeft": bump(3.0, 0.8), "mouthSmileRight": bump(3.0, 0.6)}
TABLE = moving_session(
    SMILE | {"browInnerUp": lambda t_s: 0.3, "jawOpen": lambda t_s: 0.1},
    gone=lambda t_s: 5 <= t_s < 6,
)


def strips(table):
    [strip] = movements_figure(table, 1).data
    return strip


def cells_s(strip):
    return (np.arange(strip.z.shape[1]) * strip.dx + strip.x0 - ms(0.0)) / 1000.0


def test_a_strip_for_each_unit_that_stands_out():
    assert list(strips(TABLE).y) == ["AU1 inner brow raiser", "AU12 lip corner puller"]
    assert left_out(TABLE, 1) == "15 of 17 action units stay below 15%."


@pytest.mark.parametrize("movements", [SMILE, SMILE | {"browInnerUp": lambda t_s: 0.3}])
def test_each_strip_has_its_row_and_no_other_room_is_left(movements):
    figure = movements_figure(moving_session(movements), 1)
    count = len(figure.data[0].y)
    assert figure.layout.yaxis.range == (count - 0.5, -0.5)


def test_a_cell_has_the_value_of_its_frame_and_a_gap_where_the_face_was_not_seen():
    strip = strips(TABLE)
    times_s = cells_s(strip)
    assert strip.z.shape == (2, 100)
    brow, smile = strip.z
    unseen = (times_s > 5.0) & (times_s < 5.9)
    assert np.isnan(smile[unseen]).all()
    assert not np.isnan(smile[(times_s < 4.9) | (times_s > 6.0)]).any()
    assert brow[~np.isnan(brow)] == pytest.approx(0.3)
    assert times_s[np.nanargmax(smile)] == pytest.approx(3.0, abs=0.1)
    assert np.nanmax(smile) == pytest.approx(0.7, abs=0.01)


def test_the_time_axis_is_that_of_the_course():
    course, strip = course_figure(TABLE, 1).layout, movements_figure(TABLE, 1).layout
    assert strip.xaxis.range == course.xaxis.range
    assert (strip.margin.l, strip.margin.r) == (course.margin.l, course.margin.r)


def test_a_blink_in_a_long_session_keeps_its_height():
    table = moving_session({"eyeBlinkLeft": lambda t_s: float(t_s == 80.0)}, 200.0, 10.0)
    strip = strips(table)
    assert strip.z.shape == (1, MOST_RUNS)
    assert strip.z.max() == pytest.approx(0.5)
    assert cells_s(strip)[strip.z.argmax()] == pytest.approx(80.0, abs=0.4)


def test_a_frame_does_not_stand_for_a_long_time():
    sparse = TABLE[(TABLE["t_s"] < 2.0) | (TABLE["t_s"] > 6.5)]
    strip = strips(sparse)
    times_s = cells_s(strip)
    assert np.isnan(strip.z[0][(times_s > 2.0) & (times_s < 6.5)]).all()
    assert not np.isnan(strip.z[0][times_s > 6.7]).any()


def test_a_movement_between_two_pauses_keeps_its_height_and_its_place():
    smile = {name: bump(31.0, 0.8, 0.2) for name in SMILE}
    table = moving_session(smile, seconds=62.0)
    seen = table["t_s"].lt(2.0) | table["t_s"].between(30.0, 32.0) | table["t_s"].ge(60.0)
    strip = strips(table[seen])
    times_s = cells_s(strip)
    assert strip.z.shape == (1, MOST_RUNS)
    assert np.nanmax(strip.z) == pytest.approx(table["AU12"].max())
    assert times_s[np.nanargmax(strip.z)] == pytest.approx(31.0, abs=0.1)
    pauses = ((times_s > 2.1) & (times_s < 29.9)) | ((times_s > 32.1) & (times_s < 59.9))
    assert np.isnan(strip.z[0][pauses]).all()
    assert not np.isnan(strip.z[0][times_s < 1.9]).any()


def test_the_last_frame_keeps_its_height():
    strip = strips(moving_session({"jawOpen": lambda t_s: float(t_s == 9.9)}))
    assert strip.z[0, -1] == 1.0


def test_in_words():
    assert movements_in_words("Ada", TABLE, 1) == (
        "Ada: movements from 0:00.0 to 0:09.9. Highest: AU12 lip corner puller 70% at 0:03.0, "
        "AU1 inner brow raiser 30% at 0:00.0. 15 of 17 action units stay below 15%."
    )


def test_a_face_at_rest_has_no_strips_and_an_old_session_no_movements():
    rest = moving_session({"jawOpen": lambda t_s: 0.1})
    assert has_movements(rest, 1)
    assert units_shown(rest, 1) == ()
    assert left_out(rest, 1) == "All 17 action units stay below 15%."
    old = session({1: bump(3.0)})
    assert not has_movements(old, 1)
    assert units_shown(old, 1) == ()
