"""Small parts that several pages use."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from fer_core.paths import ROOT


def photo_link(label: str) -> None:
    """A link to the photo page."""
    _page_link("photo.py", "/photo", label, ":material/photo_camera:")


def live_link(label: str) -> None:
    """A link to the live page with the camera, also for who chose a video there before."""
    _page_link("live.py", "/live", label, ":material/videocam:", source="camera")


def sample_video_link(label: str) -> None:
    """A link to the live page, with the sample video in the place of the camera."""
    _page_link("live.py", "/live", label, ":material/smart_display:", source="video")


def video_link(label: str) -> None:
    """A link to the video page."""
    _page_link("video.py", "/video", label, ":material/movie:")


def history_link(label: str) -> None:
    """A link to the history page."""
    _page_link("history.py", "/history", label, ":material/history:")


def models_link(label: str) -> None:
    """A link to the models page."""
    _page_link("models.py", "/models", label, ":material/tune:")


def _page_link(file: str, address: str, label: str, icon: str, **asked: str) -> None:
    try:
        st.page_link(ROOT / "pages" / file, label=label, icon=icon, query_params=asked)
    except StreamlitAPIException:  # the page runs by itself, without the navigation
        st.markdown(f"[{label}]({'?'.join(filter(None, (address, urlencode(asked))))})")


# What Markdown reads as syntax, unless a backslash stands before it: anywhere, or where a line
# begins, as "1." does of a list.
_SYNTAX = re.compile(r"[\\`*_{}\[\]()#|<>$~:&]")
_LINE_START = re.compile(r"^(\d*)([-+=.])")

# Without any of these a text is shown as it is. An underscore within a word is none.
_RISKY = re.compile(
    r"[\\`*\[\]#|<>$~&]|(?<![^\W_])_|_(?![^\W_])|^(?:[-+]|\d{1,9}[.)])(?!\S)|^[-=]{2}"
)

# What Streamlit replaces in the finished text, where a backslash no longer helps: emoji shortcodes
# and icons, addresses that become links, arrows and dashes.
_REPLACED = re.compile(
    r":(?=[\w+/-]+:|//)|@(?=[\w-]+\.)|www(?=\.)"
    r"|(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)",
    re.IGNORECASE,
)

_JOINER = "\u2060"
"""Has no width and breaks no line (WORD JOINER)."""

_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
"""Around a text with a direction of its own (FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE)."""

_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2068\ufb1d-\ufdff\ufe70-\ufefc"
    "\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
"""Letters of Hebrew, Arabic and the like, and characters that turn the direction around."""


def plain(text: object) -> str:
    """A text from outside for ``st.markdown`` and all that reads Markdown, to be shown as it is.

    File names, notes, tags, names, classes, sentences with such in them; for captions, alerts,
    metrics, labels of widgets, options of radio buttons. Line ends and runs of blanks become one
    blank, and what is written from right to left is ``isolated``. Whatever else pages, charts or
    reports show of such a text is safe by itself, but for Plotly's figures: those take
    ``charts.axis.safe``.
    """
    one_line = " ".join(str(text).split())
    broken = _REPLACED.sub(lambda found: found[0][:1] + _JOINER + found[0][1:], one_line)
    if _RISKY.search(broken):
        broken = _LINE_START.sub(r"\1\\\2", _SYNTAX.sub(r"\\\g<0>", broken))
    return isolated(broken)


def isolated(text: str) -> str:
    """A text from outside, so that it leaves the order of what stands beside it as it is.

    Of "NAME · 30 frames" with a name in Hebrew or Arabic, a browser would else make
    "30 · NAME frames". It also ends what a text may have begun to turn around.
    """
    return f"{_ISOLATE}{text}{_END_ISOLATE}" if _RIGHT_TO_LEFT.search(text) else text
