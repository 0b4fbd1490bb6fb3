"""Says in words why a file did not get through to the dashboard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.server.upload_guard import NO_ACCESS, NO_ROOM, TOO_SLOW

BROKEN = "The upload was interrupted. Check your connection and try again."

# With no figure: what is above the page's own limit is not sent at all, so that it is most likely a
# proxy that refused, and its limit is not known here.
TOO_LARGE = (
    "This file is larger than this server, or a proxy in front of it, accepts. Use a smaller one."
)

_component = st.components.v2.component(
    "fer_upload_problem",
    html='<div class="fer-upload-problem"></div>',
    js=(Path(__file__).parent / "upload_problem.js").read_text("utf-8"),
    isolate_styles=False,
)


@st.fragment
def upload_problem() -> None:
    """Show what is wrong, if anything is, with an upload of this page.

    Streamlit reads the status of the answer and not its sentence. A fragment: what the browser
    reports does not run the page again.
    """
    reported = _component(key="upload_problem", on_problem_change=lambda: None).problem
    if reported:
        sentences = {"401": NO_ACCESS, "408": TOO_SLOW, "413": TOO_LARGE, "503": NO_ROOM}
        st.error(sentences.get(reported, BROKEN), icon=":material/upload_file:")
