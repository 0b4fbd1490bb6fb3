"""The first page: ways in, a sample that is already read, and what was saved last."""

import streamlit as st

from fer_core.ui.overview.start import start_cards
from fer_core.ui.shared.widgets import sample_video_link

st.title("See what faces express")
start_cards()

sample_place, saved_place = st.columns([3, 2], gap="large")
with sample_place:
    st.subheader("A sample, read by the models in use")
    sample = st.container(key="overview_sample")
    sample_video_link("See it live with a sample video")
with saved_place:
    st.subheader("Last saved")
    saved = st.container(key="overview_saved")
line = st.container(key="overview_models")

# Only now, so that a server that has just started shows the ways in before it has loaded these.
from fer_core.ui.overview.sample import analyzed_sample  # noqa: E402
from fer_core.ui.overview.saved import saved_last  # noqa: E402
from fer_core.ui.shared.models import models_in_use, models_line  # noqa: E402

with sample:
    in_use = models_in_use()
    analyzed_sample(in_use.analyzer)
with line:
    models_line(in_use, accuracy=True)
with saved:
    saved_last()
