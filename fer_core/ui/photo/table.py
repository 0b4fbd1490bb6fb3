"""All faces of all pictures as a table, and the same as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from fer_core.export.files import faces_table, to_csv, to_json
from fer_core.schema import FrameResult
from fer_core.timeline.spreadsheet import BOM
from fer_core.ui.photo.outcomes import Outcome
from fer_core.ui.shared.expression_html import problems_in_words


def show_table(outcomes: Mapping[str, Outcome]) -> None:
    """All faces of all pictures, and the same as files."""
    results = {name: o.result for name, o in outcomes.items() if o.result is not None}
    notes = {name: outcome.note for name, outcome in outcomes.items()}
    if not any(result.faces for result in results.values()):
        return
    st.subheader("All faces")
    results = _readable(results)
    shares = list(map(str, next(iter(results.values())).labels))
    table = faces_table(results)
    table[shares] *= 100
    table["problems"] = [
        problems_in_words(face) for result in results.values() for face in result.faces
    ]
    percent = st.column_config.NumberColumn(format="%.0f%%", width=70)
    st.dataframe(
        table,
        hide_index=True,
        column_order=["file", "face", "dominant", *shares, "score", "problems"],
        column_config={
            **dict.fromkeys(shares, percent),
            "score": st.column_config.NumberColumn(
                "detector", format="%.2f", help="How sure the detector is that this is a face."
            ),
        },
    )
    csv, json, _ = st.columns([1, 1, 3])
    files: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
        ("CSV", "text/csv", lambda: BOM + to_csv(results)),
        ("JSON", "application/json", lambda: to_json(results, notes)),
    )
    for column, (kind, mime, make) in zip((csv, json), files, strict=True):
        column.download_button(
            kind,
            data=make,
            file_name=f"expressions.{kind.lower()}",
            mime=mime,
            on_click="ignore",
            icon=":material/download:",
            width="stretch",
        )


def _readable(results: Mapping[str, FrameResult]) -> dict[str, FrameResult]:
    """All of them; or without the faces that cannot be read well, where the user wants that."""
    poor = sum(
        bool(problems_in_words(face)) for result in results.values() for face in result.faces
    )
    if not poor or not st.toggle(
        f"Leave out {poor} that cannot be read well",
        key="photo_readable",
        help="From the table and the files: faces that are too small, blurred, dark, bright or "
        "turned, with covered eyes or mouth, or hardly recognised as a face.",
    ):
        return dict(results)
    # Numbered before, so that each face keeps the number that it has in the marked picture.
    return {name: result.numbered().readable() for name, result in results.items()}
