"""Says in words why a file did not get through to the dashboard."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.doors.uploads import NO_ROOM, TOO_SLOW, too_large

BROKEN = "The file did not get through. Check your connection and try again."

_component = st.components.v2.component(
    "fer_upload_problem",
    html='<div class="fer-upload-problem"></div>',
    # It draws nothing, and would leave a gap as wide as between two widgets.
    css=".stElementContainer:has(.fer-upload-problem) { display: none; }",
    js=(Path(__file__).parent / "upload_problem.js").read_text("utf-8"),
    isolate_styles=False,
)


@st.fragment
def upload_problem(limit_mb: int) -> None:
    """Show what is wrong, if anything is, with the upload of a page whose files may have so many
    megabytes.

    The sentences are those of the answers themselves, which Streamlit does not read. A fragment:
    what the browser reports does not run the page again.
    """
    reported = _component(key="upload_problem", on_problem_change=lambda: None).problem
    if reported:
        sentences = {"408": TOO_SLOW, "413": too_large(limit_mb), "503": NO_ROOM}
        st.error(sentences.get(reported, BROKEN), icon=":material/upload_file:")
