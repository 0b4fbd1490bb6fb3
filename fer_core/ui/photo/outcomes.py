"""What becomes of each picture, computed once and kept while the page is open."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import PictureError, unexpected_error_message
from fer_core.export.files import to_jpeg
from fer_core.media.decoder_pool import decode_apart
from fer_core.media.resize import shrink
from fer_core.schema import FrameResult
from fer_core.telemetry import ERRORS, PICTURES
from fer_core.ui.photo.inputs import Picture

PREVIEW_PX = 1280
PREVIEW_QUALITY = 95

AT_ONCE = threading.BoundedSemaphore(2)
"""Pictures that are decoded and analysed at once, for all visitors together. More would not be
sooner, and each of a telephone's takes 100 MB for a moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a picture: a result with a preview, or a sentence that says why not.

    ``note`` says what of the file is missing or was not looked at. The preview is the picture
    itself, smaller, without marks, as a JPEG file: it stays with the page, and an array would take
    ten times the memory.
    """

    name: str
    result: FrameResult | None = None
    preview: bytes = b""
    note: str = ""
    error: str = ""


def analyze_all(analyzer: Analyzer, pictures: list[Picture]) -> dict[str, Outcome]:
    """The outcome of each picture by name; only what is new is computed, with progress shown.

    Kept in the session, so that a click elsewhere on the page does not repeat the work.
    """
    before: dict[str, Outcome] = st.session_state.get("photo_outcomes", {})
    keys = {picture.name: _key(picture, analyzer) for picture in pictures}
    known = {key: before[key] for key in keys.values() if key in before}
    todo = [picture for picture in pictures if keys[picture.name] not in known]
    # The same dict, filled as it goes: pictures that are done survive an interrupted run.
    st.session_state["photo_outcomes"] = known
    for picture in _with_progress(todo):
        known[keys[picture.name]] = analyze_picture(analyzer, picture)
    return {name: known[key] for name, key in keys.items()}


def analyze_picture(analyzer: Analyzer, picture: Picture) -> Outcome:
    """Decode and analyse one picture; what is wrong with it becomes a sentence."""
    with AT_ONCE:
        try:
            decoded = decode_apart(picture.data)
            result = analyzer.analyze(decoded.bgr)
        except PictureError as error:
            ERRORS.labels("page").inc()
            return Outcome(picture.name, error=str(error))
        except Exception as error:  # whatever one picture makes a library raise
            ERRORS.labels("page").inc()
            return Outcome(picture.name, error=unexpected_error_message(error))
        PICTURES.labels("page").inc()
        preview = to_jpeg(shrink(decoded.bgr, PREVIEW_PX)[0], PREVIEW_QUALITY)
        return Outcome(picture.name, result, preview, decoded.note)


def _with_progress(todo: list[Picture]) -> Iterator[Picture]:
    """The pictures one by one; a bar where there are several."""
    if len(todo) < 2:
        yield from todo
        return
    bar = st.progress(0.0)
    for done, picture in enumerate(todo):
        bar.progress(done / len(todo), f"Picture {done + 1} of {len(todo)}")
        yield picture
    bar.empty()


def _key(picture: Picture, analyzer: Analyzer) -> str:
    """The same bytes through the same models give the same outcome."""
    models = f"{analyzer.detector.name}|{analyzer.emotion.name}|{picture.name}|"
    return hashlib.sha256(models.encode() + picture.data).hexdigest()
