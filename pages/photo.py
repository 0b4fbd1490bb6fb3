"""Photos in, expressions out."""

import streamlit as st

from fer_core.ui.photo.inputs import picture_inputs
from fer_core.ui.photo.outcomes import analyze_all
from fer_core.ui.photo.save import save_photos, watch_saved
from fer_core.ui.photo.show import show_outcome, what_to_expect
from fer_core.ui.photo.table import show_table
from fer_core.ui.shared.models import models_in_use, models_line

st.title("Facial expressions in photos")
pictures = picture_inputs()
in_use = models_in_use()
outcomes = analyze_all(in_use.analyzer, pictures)
landmarks, saved = False, 0
# With the camera on also between two shots: what was chosen holds for the next.
if pictures or st.session_state["photo_camera"]:
    with st.container(key="photo_switches", horizontal=True, gap="small"):
        landmarks = st.toggle(
            "Mark landmarks and head pose", True, key="photo_marks", persist_state="session"
        )
        saved = save_photos(outcomes.values())
if not pictures:
    what_to_expect()
for picture in pictures:
    show_outcome(outcomes[picture.name], picture, landmarks)
show_table(outcomes)
models_line(in_use)
watch_saved(saved)
