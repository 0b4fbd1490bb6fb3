"""The summary for readers: true also of frames that are far apart, and of a single one."""

from __future__ import annotations

import numpy as np

from fer_core.export.text_summary import summary_text
from tests.sessions import bump, moving_session, session


def test_a_face_over_time():
    text = summary_text(session({1: bump(3.0)}))
    assert "Face 1: seen for 9.9 s, from 0.0 s to 9.9 s" in text
    assert "dominant" in text


def test_frames_that_are_far_apart_take_no_time():
    table = moving_session({"browInnerUp": lambda t_s: 0.9}, seconds=12.0, fps=0.25)
    table["problems"] = "dark"
    text = summary_text(table)
    assert "Face 1: seen in 3 frames, from 0.0 s to 8.0 s" in text
    assert "dominant" not in text
    assert "mean" in text
    assert "(AU1) 100% of the frames." in text
    assert "Hard to read for 100% of the frames: too dark to read well 100%." in text


def test_a_single_frame():
    text = summary_text(session({1: bump(0.0)}, seconds=0.1))
    assert "Face 1: seen in 1 frame, from 0.0 s to 0.0 s" in text


def test_nothing_is_less_than_zero():
    table = session({1: bump(3.0)}).assign(valence=-0.001, arousal=np.float32(-0.004))
    assert "valence +0.00, arousal +0.00" in summary_text(table)


def test_what_occurred_is_not_none_and_what_stopped_is_not_all_of_the_time():
    def brows(t_s: float) -> float:
        return 0.9 if t_s < 0.1 else 0.0

    table = moving_session({"browInnerUp": brows, "jawOpen": lambda t_s: 0.9}, seconds=60.0)
    table["problems"] = np.where(table["t_s"] < 0.1, "small", "dark")
    table.loc[table["t_s"].between(1.0, 1.05), "problems"] = ""
    text = summary_text(table)
    assert "jaw drop (AU26) 100%, inner brow raiser (AU1) under 1% of the time." in text
    assert (
        "Hard to read for over 99% of the time: too dark to read well over 99%; "
        "too small to read well under 1%."
    ) in text
