"""Which engines there are, which are in use, and their weights."""

import streamlit as st

from fer_core.models.choice import DETECTORS
from fer_core.ui.models.cards import engine_cards
from fer_core.ui.shared.models import (
    detector_choice,
    emotion_choice,
    emotion_models,
    pick_detector,
    pick_emotion_model,
)

st.title("Models")
st.markdown(
    "A **detector** finds the faces in a picture, an **expression network** reads each of them. "
    "What you choose here holds for all pages until you close the browser tab."
)

st.subheader("Finding faces")
pick_detector()
engine_cards(DETECTORS, detector_choice)

st.subheader("Reading expressions")
pick_emotion_model()
engine_cards(emotion_models(), emotion_choice)
st.caption(
    "Your own classes: `python -m fer_core train --from models/emotion_compact.onnx --data FOLDER "
    "--out models/own/NAME` adapts the compact network to a folder of labelled pictures; it then "
    "appears here."
)
