"""Photos in, expressions out."""

import streamlit as st

from fer_core.ui.photo.page import analyze_all, picture_inputs, show_outcome, show_table
from fer_core.ui.photo.save import save_photos
from fer_core.ui.shared.models import models_in_use, models_line

st.title("Facial expressions in photos")
pictures = picture_inputs()
in_use = models_in_use()
models_line(in_use)

if not pictures:
    st.info(
        "Add one or more pictures above to see the expression of every face in them, "
        "or switch on the sample picture.",
        icon=":material/add_photo_alternate:",
    )

outcomes = analyze_all(in_use.analyzer, pictures)
landmarks = False
if pictures:
    with st.container(horizontal=True, gap="medium"):
        landmarks = st.toggle("Mark landmarks and head pose", True, key="photo_marks")
        save_photos({name: o.result for name, o in outcomes.items() if o.result})
for picture in pictures:
    show_outcome(outcomes[picture.name], picture, landmarks)
show_table(outcomes)
