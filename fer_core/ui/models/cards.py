"""A card for each engine: what it is, where it comes from, how accurate it was when measured."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from fer_core.errors import WeightsError
from fer_core.models.choice import Choice, title
from fer_core.models.emotion.custom import held_out_report, own_networks
from fer_core.models.facts import engine_facts
from fer_core.models.weights.files import WEIGHTS, State, start_download, status
from fer_core.settings import ROOT
from fer_core.ui.shared.widgets import plain

REFRESH_S = 0.5
CARDS_A_ROW = 2


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
    facts = engine_facts(name)
    source = f"[{facts.source}]({facts.source_url})" if facts.source_url else plain(facts.source)
    badge = " :green-badge[:material/check: in use]" if in_use else ""
    with st.container(border=True, height="stretch"):
        st.markdown(f"#### {title(name)}{badge}")
        st.markdown(f"{plain(facts.about)}\n\n**Accuracy:** {facts.measured}")
        st.caption(f"From {source} · {facts.licence} licence · {facts.size_bytes / 1e6:.1f} MB")
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
    with st.expander("Recall by class"):
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
        st.caption(f":material/check_circle: Installed: `{place}`")
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
