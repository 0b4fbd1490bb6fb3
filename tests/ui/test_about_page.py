"""The about page contains the required information."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from fer_core.paths import ROOT


def test_limits_privacy_and_prohibitions_are_named():
    page = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    assert not page.exception
    words = " ".join(item.value for item in page.markdown)
    for must in ("5(1)(f)", "Article 50", "at work or in education", "Nothing is stored", "feels"):
        assert must in words
