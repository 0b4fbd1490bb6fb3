"""The movements of a face in a session on a page, under AppTest."""

from __future__ import annotations

from tests.sessions import bump, moving_session
from tests.ui.shared.test_timeline_view import TWO, charts, page_of, run


def test_movements_have_strips_and_a_face_at_the_moment():
    table = moving_session({"jawOpen": bump(3.0)}, gone=lambda t_s: 5 <= t_s < 6)
    page = run(page_of, table=table)
    strips = charts(page)[1]
    assert "AU26 jaw drop 90% at 0:03.0" in strips["label"]
    assert (strips["view"], strips["slider"]) == ("s", False)
    assert charts(page)[0]["slider"] is True
    assert any("16 of 17 action units stay below 15%" in each.value for each in page.caption)
    sentence = ":material/face: Most visible movements: jaw drop (AU26)"
    assert any(each.value.startswith(sentence) for each in page.caption)
    assert any("Click a chart to choose a moment" in each.value for each in page.caption)
    page.session_state["s_moment"] = 3.0
    page.run()
    assert not page.exception
    [[face]] = [data["faces"] for data in charts(page) if "faces" in data]
    assert face["units"][0]["name"] == "AU26 jaw drop"
    page.session_state["s_moment"] = 5.5
    page.run()
    assert not [data for data in charts(page) if "faces" in data]
    assert any("not in the picture then" in each.value for each in page.caption)


def test_a_session_without_movements_does_not_speak_of_them():
    page = run(page_of, table=TWO)
    page.session_state["s_moment"] = 3.0
    page.run()
    assert len(charts(page)) == 3
    assert not any(
        "action units" in each.value or "Most visible" in each.value for each in page.caption
    )
    assert "**Movements**" not in {each.value for each in page.markdown}


def test_a_saved_photo_has_its_face():
    page = run(page_of, table=moving_session({"jawOpen": lambda t_s: 0.6}, 0.1))
    shares, diagram = charts(page)
    assert "figure" in shares
    assert diagram["faces"][0]["units"][0]["name"] == "AU26 jaw drop"
    assert not page.caption
