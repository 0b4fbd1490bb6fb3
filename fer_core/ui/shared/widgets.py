"""Small parts that several pages use."""

from __future__ import annotations

import streamlit as st
from streamlit.errors import StreamlitAPIException

from fer_core.paths import ROOT


def photo_link(label: str) -> None:
    """A link to the photo page."""
    _page_link("photo.py", "/", label, ":material/photo_camera:")


def models_link(label: str) -> None:
    """A link to the models page."""
    _page_link("models.py", "/models", label, ":material/tune:")


def _page_link(file: str, address: str, label: str, icon: str) -> None:
    try:
        st.page_link(ROOT / "pages" / file, label=label, icon=icon)
    except StreamlitAPIException:  # the page runs by itself, without the navigation
        st.markdown(f"[{label}]({address})")


def plain(text: str) -> str:
    """A name from outside with Markdown's special characters made harmless."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$~:&" else c for c in text)


SAVE_HELP = "Numbers and times only, no pictures. They stay on this computer until you delete them."
