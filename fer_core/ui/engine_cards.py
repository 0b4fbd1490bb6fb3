"""A card for each engine: what it is, where it comes from, how accurate it was when measured."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core.detectors.haar import CASCADE
from fer_core.emotion.compact import SHIPPED_WEIGHTS
from fer_core.emotion.own import held_out_report, own_network, own_networks
from fer_core.engines import Choice, title
from fer_core.errors import WeightsError
from fer_core.settings import ROOT
from fer_core.ui.widgets import plain
from fer_core.weights import WEIGHTS, State, start_download, status

REFRESH_S = 0.5
CARDS_A_ROW = 2


@dataclass(frozen=True, slots=True)
class _Facts:
    about: str
    source: str
    licence: str
    size_bytes: int
    measured: str


def _facts(name: str) -> _Facts:
    if name == "yunet":
        return _Facts(
            about="A small network that also finds faces that are turned or tilted, "
            "and marks eyes, nose and corners of the mouth.",
            source=f"[OpenCV Zoo]({WEIGHTS['yunet'].source})",
            licence=WEIGHTS["yunet"].licence,
            size_bytes=WEIGHTS["yunet"].size_bytes,
            measured="misses 0.1 % of the faces of a press-photo set",
        )
    if name == "haar":
        return _Facts(
            about="The classic of 2001: a cascade of simple tests. Finds faces that look "
            "straight at the camera.",
            source="[OpenCV](https://github.com/opencv/opencv/tree/4.x/data/haarcascades)",
            licence="BSD-style Intel",
            size_bytes=CASCADE.stat().st_size,
            measured="misses 8 % of the faces of a press-photo set",
        )
    if name == "deepface":
        return _Facts(
            about="The pretrained network of the DeepFace package, known from many projects.",
            source=f"[serengil/deepface]({WEIGHTS['deepface'].source})",
            licence=WEIGHTS["deepface"].licence,
            size_bytes=WEIGHTS["deepface"].size_bytes,
            measured="57.4 % on FER2013, by its author's account",
        )
    if name in own_networks():
        return _own_facts(name)
    return _Facts(
        about="Trained by this project and shipped with it: works without a network.",
        source="this project",
        licence="MIT",
        size_bytes=SHIPPED_WEIGHTS.stat().st_size if SHIPPED_WEIGHTS.is_file() else 0,
        measured=_accuracy_on_card(SHIPPED_WEIGHTS.with_suffix(".md")),
    )


def _own_facts(name: str) -> _Facts:
    report = held_out_report(name)
    measured, about = "no report beside it", "Adapted on this computer."
    if report:
        measured = f"{report.accuracy:.0%} of {report.n} held-out faces"
        classes = ", ".join(plain(label) for label in report.classes)
        about = f"Adapted on this computer with {report.learned_from} faces, to {classes}."
    return _Facts(
        about=about,
        source="`python -m fer_core train --from`",
        licence="your own",
        size_bytes=own_network(name).stat().st_size,
        measured=measured,
    )


def _accuracy_on_card(card: Path) -> str:
    """The figures that the model card states."""
    text = card.read_text(encoding="utf-8") if card.is_file() else ""
    row = re.search(r"^\| accuracy \| ([\d.]+)% \| ([\d.]+)% \|$", text, re.MULTILINE)
    if row is None:
        return "not measured yet"
    ferplus, fer2013 = row.groups()
    return f"{fer2013} % on FER2013, {ferplus} % on its FER+ labels (validation pictures)"


def engine_cards(names: tuple[str, ...], choose: Callable[[], Choice]) -> None:
    """Which of these engines is in use and why, then a card for each of them."""
    in_use = ""
    try:
        choice = choose()
    except WeightsError:  # its card has the sentence
        st.error("What you chose cannot be used: see its card, or choose Automatic.")
    else:
        st.caption(f"In use now: **{title(choice.name)}**. {choice.why}")
        in_use = choice.name
    for start in range(0, len(names), CARDS_A_ROW):
        row = names[start : start + CARDS_A_ROW]
        for column, name in zip(st.columns(CARDS_A_ROW), row, strict=False):
            with column:
                _card(name, name == in_use)


def _card(name: str, in_use: bool) -> None:
    facts = _facts(name)
    badge = " :green-badge[:material/check: in use]" if in_use else ""
    with st.container(border=True, height="stretch"):
        st.markdown(f"#### {title(name)}{badge}")
        st.markdown(f"{facts.about}\n\n**Accuracy:** {facts.measured}")
        st.caption(
            f"From {facts.source} · {facts.licence} licence · {facts.size_bytes / 1e6:.1f} MB"
        )
        if name in own_networks():
            _recalls(name)
        if name in WEIGHTS:
            _weights(name)
        else:
            st.caption(":material/check_circle: Always here, nothing to fetch")


def _recalls(name: str) -> None:
    """How many of each class's held-out faces an own network recognised."""
    report = held_out_report(name)
    if report is None:
        return
    with st.expander("Each class"):
        st.dataframe(
            {"class": report.classes, "recognised": report.recall},
            hide_index=True,
            column_config={"recognised": st.column_config.NumberColumn(format="percent")},
        )


def _weights(key: str) -> None:
    now = status(key)
    if now.state is State.DOWNLOADING:
        _progress(key)
        return
    if now.path:
        place = now.path.relative_to(ROOT) if now.path.is_relative_to(ROOT) else now.path
        st.caption(f":material/check_circle: Weights are here: `{place}`")
    elif now.state is State.MISSING:
        st.caption(":material/cloud_download: Weights are not here yet")
    else:
        st.warning(now.sentence, icon=":material/warning:")
    if now.fetchable:
        st.button(
            "Fetch the weights" if now.state is State.MISSING else "Try again",
            key=f"fetch_{key}",
            icon=":material/download:",
            on_click=_fetch,
            args=(key,),
        )


def _fetch(key: str) -> None:
    start_download(key, retry=True)


# Only this part runs again while the bytes come in.
@st.fragment(run_every=REFRESH_S)
def _progress(key: str) -> None:
    now = status(key)
    if now.state is not State.DOWNLOADING:
        st.rerun()  # the whole page: another engine may be in use now
    st.progress(now.fraction, text=f"Fetching the weights: {now.fraction:.0%}")
