"""Which models there are, which are in use, and their files."""

import streamlit as st

from fer_core.models.registry import Kind
from fer_core.ui.models.rows import model_rows, train_command
from fer_core.ui.shared.models import pick

st.title("Models")
st.markdown(
    "A **detector** finds the faces in a picture, a **landmark network** marks 68 points on each "
    "of them and measures how its features move, an **expression network** reads its expression. "
    "What you choose here holds for all pages until you close the browser tab."
)

st.subheader("Finding faces")
pick(Kind.DETECTOR, "Face detector in use")
model_rows(Kind.DETECTOR)

st.subheader("Points and movements")
model_rows(Kind.LANDMARKS)

st.subheader("Reading expressions")
pick(Kind.EMOTION, "Expression network in use")
model_rows(Kind.EMOTION)
st.caption(
    "Compact assumes that all seven expressions are about equally frequent, so that a face is not "
    "read as neutral only because most faces are."
)
st.caption(
    f"Your own classes: `{train_command()}` adapts the compact network to a folder of labelled "
    "pictures; it then appears here."
)
