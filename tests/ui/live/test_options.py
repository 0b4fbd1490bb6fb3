"""Tests of the live page's options, and of fragments that notice a change of them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def test_a_fragment_sees_that_other_pictures_were_chosen():
    def script() -> None:
        import streamlit as st

        from fer_core.ui.live.options import note_source, snapshots_toggle, source_changed
        from fer_core.ui.live.playback import source_choice

        # As in a fragment that runs by itself: before the page is drawn anew.
        st.text(str(source_changed()))
        by_video = source_choice("live_playback")
        by_snapshots = not by_video and snapshots_toggle()
        note_source(by_video=by_video, by_snapshots=by_snapshots)
        st.text(str(source_changed()))

    def seen(page: AppTest) -> tuple[str, str]:
        return page.text[0].value, page.text[1].value

    page = AppTest.from_function(script, default_timeout=30).run()
    assert seen(page) == ("False", "False")
    page.toggle[0].set_value(True).run()
    assert seen(page) == ("True", "False")
    page.toggle[0].set_value(False).run()
    assert seen(page) == ("True", "False")
    for source in ("video", "camera"):
        page.segmented_control[0].set_value(source).run()
        assert seen(page) == ("True", "False")
        assert seen(page.run()) == ("False", "False")


def test_marks_change_at_the_click_and_not_only_with_the_page():
    def script() -> None:
        import streamlit as st

        from fer_core.ui.live.options import marks_toggles

        st.text(str(st.session_state.get("live_marks")))
        marks_toggles()

    page = AppTest.from_function(script, default_timeout=30).run()
    page.toggle(key="live_landmarks").set_value(True).run()
    assert page.text[0].value == "Marks(landmarks=True, pose=False)"
    page.toggle(key="live_pose").set_value(True).run()
    page.toggle(key="live_landmarks").set_value(False).run()
    assert page.text[0].value == "Marks(landmarks=False, pose=True)"


def test_options_last_while_another_page_is_open():
    def script() -> None:
        import streamlit as st

        from fer_core.ui.live.options import affect_toggle, marks_toggles, movements_toggle

        if st.button("About"):
            return
        marks_toggles()
        affect_toggle()
        movements_toggle()

    page = AppTest.from_function(script, default_timeout=30).run()
    for toggle in page.toggle:
        toggle.set_value(True)
    page.run()
    page.button[0].click().run()
    assert not page.toggle
    page.run()
    assert [toggle.value for toggle in page.toggle] == [True] * 4
    assert str(page.session_state["live_marks"]) == "Marks(landmarks=True, pose=True)"
