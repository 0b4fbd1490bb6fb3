"""Which engines this browser session uses, and the line that says so on every page."""

from __future__ import annotations

import gc
import sys

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import FerError
from fer_core.models.choice import (
    DETECTORS,
    EMOTION_MODELS,
    Choice,
    choose_detector,
    choose_emotion_model,
    title,
)
from fer_core.models.detectors import FaceDetector, load_detector
from fer_core.models.emotion import load_emotion_model
from fer_core.models.emotion.custom import own_networks
from fer_core.settings import settings
from fer_core.ui.shared.widgets import models_link

# Enough to learn that there is no network; a longer download goes on behind the page.
PAGE_WAIT_S = 0.3


def detector_choice() -> Choice:
    """The detector of this session, as it stands now.

    Raises ``UnknownEngine``, and ``WeightsError`` where the one asked for cannot be had.
    """
    asked_for = st.session_state.get("detector", settings().detector)
    return choose_detector(asked_for, PAGE_WAIT_S)


def emotion_choice() -> Choice:
    """The emotion model of this session, as it stands now. Raises like ``detector_choice``."""
    asked_for = st.session_state.get("emotion_model", settings().emotion)
    return choose_emotion_model(asked_for, PAGE_WAIT_S)


def pick_detector() -> None:
    """The widget that chooses the detector for every page of this session."""
    _pick("Face detector in use", "detector", DETECTORS, settings().detector)


def pick_emotion_model() -> None:
    """The widget that chooses the emotion model for every page of this session."""
    _pick("Expression network in use", "emotion_model", emotion_models(), settings().emotion)


def emotion_models() -> tuple[str, ...]:
    """Every emotion model there is: those of the dashboard, then the user's own."""
    return (*EMOTION_MODELS, *own_networks())


def _pick(label: str, key: str, names: tuple[str, ...], default: str) -> None:
    options = ("auto", *names)
    if st.session_state.get(key, "auto") not in options:
        del st.session_state[key]  # one of the user's own that has been removed since
    st.radio(
        label,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda name: "Automatic" if name == "auto" else title(name),
        horizontal=True,
        key=key,
        persist_state="session",
    )


def current_analyzer() -> Analyzer:
    """The analyzer of this session. Where an engine cannot be had, the page says so and ends."""
    try:
        detector, emotion = detector_choice(), emotion_choice()
        analyzer = Analyzer(_detector(detector.name), load_emotion_model(emotion.name))
    except FerError as error:
        st.error(str(error), icon=":material/error:")
        models_link("Choose another on the Models page")
        st.stop()
    analyzer.detector_choice, analyzer.emotion_choice = detector, emotion
    _spare_the_collector((detector.name, emotion.name, len(sys.modules)))
    return analyzer


def analyzer_of(detector: str, emotion: str) -> Analyzer:
    """An analyzer of engines by name, for work outside any session.

    Raises ``UnknownEngine`` or ``WeightsError``.
    """
    return Analyzer(_detector(detector), load_emotion_model(emotion))


def engine_line() -> None:
    """The engines in use, why, and a way to change them, in small print.

    Call it after ``current_analyzer``, which ends the page where they cannot be had.
    """
    parts = {"Faces": detector_choice(), "Expressions": emotion_choice()}
    lines = [f"{what}: **{title(choice.name)}**. {choice.why}" for what, choice in parts.items()]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.caption("  \n".join(lines), width="content")
        models_link("Models")


# Kept by name, so that all sessions of the server share one detector of each kind.
@st.cache_resource(show_spinner=False)
def _detector(name: str) -> FaceDetector:
    return load_detector(name)


@st.cache_resource(show_spinner=False)
def _spare_the_collector(loaded: tuple[str, str, int]) -> None:  # noqa: ARG001 (the cache's key)
    """Take what is loaded by now out of the garbage collector's sight, once for each set of it.

    The modules and engines, 210,000 objects that live as long as the process, take a full
    collection 150 ms, during which no thread may run Python. What comes after is still collected.
    """
    gc.collect()  # what is garbage now would never be freed
    gc.freeze()
