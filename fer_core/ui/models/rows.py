"""A row for each model: what it is, how accurate it was when measured, where it comes from."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from fer_core.errors import WeightsError
from fer_core.models.emotion import custom
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS
from fer_core.models.emotion.custom import held_out_report
from fer_core.models.registry import Kind, Model, models
from fer_core.models.weights.files import State, Status, start_download, status
from fer_core.paths import INSTALLED, ROOT
from fer_core.ui.shared.models import choice, offer
from fer_core.ui.shared.widgets import plain

REFRESH_S = 0.5


def model_rows(kind: Kind) -> None:
    """Which of the models of a kind is in use and why, then a row for each of them."""
    in_use = None
    try:
        now = choice(kind)
    except WeightsError:  # its row has the sentence
        st.error("The chosen model cannot be used: see below, or choose Automatic.")
    else:
        st.caption(f"In use now: **{plain(now.model.title)}**. {plain(now.reason)}")
        offer(now)
        in_use = now.model
    for model in models(kind).values():
        _row(model, model == in_use)


def train_command() -> str:
    """What to type to adapt the compact network, with the paths of this installation."""
    start, out = _shown(SHIPPED_WEIGHTS), _shown(custom.OWN_NETWORKS / "NAME")
    return f"python -m fer_core train --from {start} --data FOLDER --out {out}"


def _row(model: Model, in_use: bool) -> None:
    badge = " :green-badge[:material/check: in use]" if in_use else ""
    with st.container(border=True, key=f"model_{model.name}"):
        about, accuracy, file = st.columns([5, 5, 4], gap="medium")
        with about:
            st.markdown(f"#### {plain(model.title)}{badge}\n\n{plain(model.about)}")
        with accuracy:
            # Elsewhere these words follow others; here they begin.
            measured = model.measured[:1].upper() + model.measured[1:]
            st.markdown(f"**Accuracy**\n\n{plain(measured)}")
            if model.own:
                _recalls(model)
        with file:
            st.caption(f"{_origin(model)} · {model.size_bytes / 1e6:.1f} MB")
            now = status(model)
            _file(model, now)
        _mend(model, now)


def _origin(model: Model) -> str:
    """Where a model comes from, and its licence."""
    if model.own:
        return "Your own network"
    source = f"[{model.source}]({model.source_url})" if model.source_url else plain(model.source)
    return f"From {source} · {plain(model.licence)} licence"


def _recalls(model: Model) -> None:
    """How many of each class's held-out faces an own network recognised."""
    report = held_out_report(model.name)
    if report is None:
        return
    with st.expander("Recall by class"):
        st.dataframe(
            {"class": report.classes, "recognised": report.recall},
            hide_index=True,
            column_config={"recognised": st.column_config.NumberColumn(format="percent")},
        )


def _file(model: Model, now: Status) -> None:
    """Where the model's file is."""
    if now.path:
        built_in = not (model.downloadable or model.own)
        where = None if built_in else plain(_shown(now.path))
        st.caption(f":material/check_circle: {'Built in' if built_in else 'Installed'}", help=where)
    elif now.state is State.MISSING and now.fetchable:
        st.caption(":material/cloud_download: Not installed")


def _mend(model: Model, now: Status) -> None:
    """A download as it goes; or what is wrong with the file, and a button that may change that."""
    if now.state is State.DOWNLOADING:
        _progress(model)
        return
    missing = now.state is State.MISSING and now.fetchable
    if not (now.path or missing):
        st.warning(plain(now.sentence), icon=":material/warning:")
    if now.fetchable:
        st.button(
            "Fetch the weights" if now.state is State.MISSING else "Try again",
            key=f"fetch_{model.name}",
            icon=":material/download:",
            on_click=_fetch,
            args=(model,),
        )


def _fetch(model: Model) -> None:
    start_download(model, retry=True)


def _shown(path: Path) -> Path:
    """As people type it who are in the checkout; of a wheel, the whole path."""
    relative = path.is_relative_to(ROOT) and not INSTALLED
    return path.relative_to(ROOT) if relative else path


# Only this part runs again while the bytes come in.
@st.fragment(run_every=REFRESH_S)
def _progress(model: Model) -> None:
    now = status(model)
    if now.state is not State.DOWNLOADING:
        st.rerun()  # the whole page: another model may be in use now
    st.progress(now.fraction, text=f"Fetching the weights: {now.fraction:.0%}")
