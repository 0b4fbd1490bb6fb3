"""The about page contains the required information."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from fer_core.paths import ROOT


def test_times_are_those_of_the_settings(monkeypatch):
    def words() -> str:
        page = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
        return " ".join(item.value for item in page.markdown)

    assert "on that computer until you delete them; the only" in words()
    assert "until you remove it, 24 hours at most" in words()
    monkeypatch.setenv("FER_RETENTION_DAYS", "30")
    monkeypatch.setenv("FER_VIDEO_HOURS", "1")
    assert "on that computer for 30 days, or until you delete them; the only" in words()
    assert "until you remove it, 1 hour at most" in words()


def test_limits_privacy_and_prohibitions_are_named():
    page = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    assert not page.exception
    words = " ".join(item.value for item in page.markdown)
    for must in ("5(1)(f)", "Article 50", "at work or in education", "Nothing is stored", "feels"):
        assert must in words
