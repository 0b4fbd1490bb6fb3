"""The three ways in, one click each."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from fer_core.ui.shared.widgets import live_link, photo_link, video_link

_WAYS: tuple[tuple[str, Callable[[str], None], str, str], ...] = (
    (
        "live",
        live_link,
        "Use the camera",
        "Expressions as they change.",
    ),
    (
        "photo",
        photo_link,
        "Analyse photos",
        "Every face in one picture or many.",
    ),
    (
        "video",
        video_link,
        "Analyse a video",
        "A timeline of each face in a clip.",
    ),
)


def start_cards() -> None:
    """A card for the camera, photos and videos; each is a link as a whole."""
    for place, (name, link, label, sentence) in zip(
        st.columns(len(_WAYS), gap="small"), _WAYS, strict=True
    ):
        with place, st.container(key=f"start_{name}", border=True, gap=None, height="stretch"):
            link(label)
            st.caption(sentence)
