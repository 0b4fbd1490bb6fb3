"""Which models this browser session uses, and the line that says so on every page."""

from __future__ import annotations

import gc
import sys
from dataclasses import dataclass

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import FerError
from fer_core.models.loading import AUTO, Choice, choose, load, names
from fer_core.models.registry import Kind, Model, models, title_of
from fer_core.settings import settings
from fer_core.ui.shared.widgets import models_link, plain

# Enough to learn that there is no connection; a longer download goes on behind the page.
PAGE_WAIT_S = 0.3

_KEYS = {
    Kind.DETECTOR: "detector",
    Kind.LANDMARKS: "landmark_model",
    Kind.EMOTION: "emotion_model",
}
"""Where the session keeps what was chosen."""


@dataclass(frozen=True, slots=True)
class ModelsInUse:
    """The analyzer of a page run, and the models that it is made of."""

    analyzer: Analyzer
    detector: Choice
    emotion: Choice


def models_in_use() -> ModelsInUse:
    """The models of this session, as they are now. Call it once in the run of a page.

    Where one cannot be had, the page says so and ends.
    """
    try:
        detector, emotion = choice(Kind.DETECTOR), choice(Kind.EMOTION)
        analyzer = Analyzer(load(detector.model), load(emotion.model), wait_s=PAGE_WAIT_S)
    except FerError as error:
        st.error(plain(error), icon=":material/error:")
        models_link("Choose another on the Models page")
        st.stop()
    _spare_the_collector((detector.model.name, emotion.model.name, len(sys.modules)))
    return ModelsInUse(analyzer, detector, emotion)


def models_line(in_use: ModelsInUse, accuracy: bool = False) -> None:
    """These models in small print, and a way to change them; why these, behind the (?).

    With ``accuracy``, also how good they were when measured.
    """
    detector, emotion = in_use.detector, in_use.emotion
    does = {"finds faces": detector, "reads expressions": emotion}
    parts = [
        f"{plain(now.model.title)} {what}{f': {plain(now.model.measured)}' if accuracy else ''}"
        for what, now in does.items()
    ]
    with st.container(
        key="models_line",
        horizontal=True,
        vertical_alignment="center",
        gap="small",
        wrap=not accuracy,
    ):
        st.caption(
            f"{'. '.join(parts)}." if accuracy else ", ".join(parts),
            width="stretch" if accuracy else "content",
            help="  \n".join(
                f"{plain(now.model.title)}: {plain(now.reason)}" for now in (detector, emotion)
            ),
        )
        models_link("Models")
    offer(emotion)


def offer(now: Choice) -> None:
    """Where ``auto`` chose, a model that may be better: both accuracies, and a button that takes it
    for the rest of the session."""
    kind = now.model.kind
    if _asked_for(kind) != AUTO:
        return
    for other in models(kind).values():
        if other.offered_beside == now.model.name:
            with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
                accuracies = [f"{each.title}: {each.measured}." for each in (now.model, other)]
                st.caption("  \n".join(accuracies), width="content")
                st.button(
                    f"Use {other.title}",
                    key=f"use_{other.name}",
                    on_click=_use,
                    args=(other,),
                )


def _use(model: Model) -> None:
    st.session_state[_KEYS[model.kind]] = model.name


def choice(kind: Kind) -> Choice:
    """The model of a kind that this session uses, as it is now.

    Raises ``UnknownModel``, and ``WeightsError`` where the one asked for cannot be had.
    """
    return choose(kind, _asked_for(kind), PAGE_WAIT_S)


def pick(kind: Kind, label: str) -> None:
    """The widget that chooses the model of a kind for every page of this session."""
    options, key, default = names(kind), _KEYS[kind], _default(kind)
    if st.session_state.get(key, AUTO) not in options:
        del st.session_state[key]  # one of the user's own that has been removed since
    st.radio(
        label,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda name: "Automatic" if name == AUTO else plain(title_of(name)),
        horizontal=True,
        label_visibility="collapsed",  # the heading above says it
        key=key,
        persist_state="session",
    )


def _asked_for(kind: Kind) -> str:
    """The name that was chosen in this session, else in the settings."""
    return str(st.session_state.get(_KEYS[kind], _default(kind)))


def _default(kind: Kind) -> str:
    """What the settings ask for."""
    match kind:
        case Kind.DETECTOR:
            return settings().detector
        case Kind.EMOTION:
            return settings().emotion
        case Kind.LANDMARKS:
            return AUTO


@st.cache_resource(show_spinner=False)
def _spare_the_collector(loaded: tuple[str, str, int]) -> None:  # noqa: ARG001 (the cache's key)
    """Take what is loaded by now out of the garbage collector's sight, once for each set of it.

    The modules and models, 210,000 objects that live as long as the process, take a full
    collection 150 ms, during which no thread may run Python. What comes after is still collected.
    """
    gc.collect()  # what is garbage now would never be freed
    gc.freeze()
