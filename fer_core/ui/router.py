"""The frame of every page: browser tab and navigation. Runs at each rerun of any page."""

from pathlib import Path

import streamlit as st

from fer_core.paths import ROOT
from fer_core.ui.auth import require_access, sign_out_page
from fer_core.ui.services import page_database_sentence
from fer_core.ui.uploads import forget_other_pages

HERE = Path(__file__).parent

# Our own file, because a named icon makes every visitor's browser ask a font service.
st.set_page_config(page_icon=HERE / "favicon.svg", layout="wide")
st.logo(HERE / "logo.svg", size="large")

PAGES = ROOT / "pages"

inside = require_access()
page = st.navigation(
    [
        st.Page(PAGES / "overview.py", title="Overview", icon=":material/home:", default=True),
        st.Page(
            PAGES / "photo.py", title="Photo", icon=":material/photo_camera:", url_path="photo"
        ),
        st.Page(PAGES / "live.py", title="Live", icon=":material/videocam:", url_path="live"),
        st.Page(PAGES / "video.py", title="Video", icon=":material/movie:", url_path="video"),
        st.Page(
            PAGES / "history.py", title="History", icon=":material/history:", url_path="history"
        ),
        st.Page(PAGES / "models.py", title="Models", icon=":material/tune:", url_path="models"),
        st.Page(PAGES / "about.py", title="About", icon=":material/info:", url_path="about"),
        *sign_out_page(),
    ],
    position="top" if inside else "hidden",
)
# Tabs, the list behind Back and screen readers tell the pages apart by it.
st.set_page_config(page_title=f"{page.title} · FER Dashboard" if inside else "FER Dashboard")
if inside:
    forget_other_pages(page.url_path)
    with page_database_sentence():
        page.run()
