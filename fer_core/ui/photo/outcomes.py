"""What becomes of each picture, computed once and kept while the page is open."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import PictureError, unexpected_error_message
from fer_core.export.files import to_jpeg
from fer_core.media.decoder_pool import decode_apart
from fer_core.media.resize import shrink
from fer_core.models.detectors.pyramid import OnProgress
from fer_core.schema import FrameResult
from fer_core.telemetry import ERRORS, PICTURES
from fer_core.ui.photo.inputs import Picture

PREVIEW_PX = 1280
PREVIEW_QUALITY = 95

LARGE_PIXELS = 16_000_000
"""The search of a photo of more pixels takes longer than a second, and is shown as a bar."""

AT_ONCE = threading.BoundedSemaphore(2)
"""Pictures that are decoded and analysed at once, for all visitors together. More would not be
sooner, and each of a telephone's takes 100 MB for a moment."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a picture: a result with a preview, or a sentence that says why not.

    ``note`` says what of the file is missing or was not looked at. The preview is the picture
    itself, smaller, without marks, as a JPEG file: it stays with the page, and an array would take
    ten times the memory. ``key`` is another for other bytes, another name or other models.
    """

    name: str
    result: FrameResult | None = None
    preview: bytes = b""
    note: str = ""
    error: str = ""
    key: str = ""


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
    bar = st.empty()
    for number, picture in enumerate(todo):
        if len(todo) > 1:
            _show_progress(bar, number, len(todo), 0.0)
        on_progress = partial(_show_progress, bar, number, len(todo))
        key = keys[picture.name]
        known[key] = replace(analyze_picture(analyzer, picture, on_progress), key=key)
    bar.empty()
    return {name: known[key] for name, key in keys.items()}


def analyze_picture(
    analyzer: Analyzer, picture: Picture, on_progress: OnProgress | None = None
) -> Outcome:
    """Decode and analyse one picture; what is wrong with it becomes a sentence.

    ``on_progress`` is called for a picture of more than ``LARGE_PIXELS``.
    """
    with AT_ONCE:
        try:
            decoded = decode_apart(picture.data)
            height, width = decoded.bgr.shape[:2]
            large = width * height > LARGE_PIXELS
            result = analyzer.analyze(decoded.bgr, on_progress=on_progress if large else None)
        except PictureError as error:
            ERRORS.labels("page").inc()
            return Outcome(picture.name, error=str(error))
        except Exception as error:  # whatever one picture makes a library raise
            ERRORS.labels("page").inc()
            return Outcome(picture.name, error=unexpected_error_message(error))
        PICTURES.labels("page").inc()
        preview = to_jpeg(shrink(decoded.bgr, PREVIEW_PX)[0], PREVIEW_QUALITY)
        return Outcome(picture.name, result, preview, decoded.note)


def _show_progress(bar: DeltaGenerator, number: int, count: int, done: float) -> None:
    """Show how much is done, 0..1, of the picture ``number`` of ``count``.

    Streamlit ends the run here, and with it the search, if the user has left the page or changed
    the pictures.
    """
    text = f"Picture {number + 1} of {count}" if count > 1 else "Searching this large picture"
    bar.progress((number + done) / count, text)


def _key(picture: Picture, analyzer: Analyzer) -> str:
    """The same bytes through the same models give the same outcome."""
    models = f"{analyzer.detector.name}|{analyzer.emotion.name}|{picture.name}|"
    return hashlib.sha256(models.encode() + picture.data).hexdigest()
