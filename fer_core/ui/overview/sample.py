"""The sample picture, read by the models in use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.export.draw import annotate
from fer_core.export.files import to_jpeg
from fer_core.media.images import read_picture
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion import EmotionModel
from fer_core.paths import SAMPLE
from fer_core.schema import FrameResult
from fer_core.ui.shared.expression_html import face_html

_QUALITY = 90


@dataclass(frozen=True, slots=True)
class _Sample:
    """The result, and the marked picture as a JPEG file."""

    result: FrameResult
    marked: bytes


def analyzed_sample(analyzer: Analyzer) -> None:
    """The sample picture with its marks, and the reading of its face beside it."""
    sample = _read(analyzer.detector, analyzer.emotion)
    picture, reading = st.columns([5, 6], gap="medium")
    with picture:
        st.image(
            sample.marked,
            width="stretch",
            output_format="JPEG",
            alt="Astronaut Eileen Collins, her face marked",
        )
        st.caption("Astronaut Eileen Collins (NASA, public domain)")
    with reading:
        for face in sample.result.faces:
            st.html(face_html(face))
        if not sample.result.faces:
            st.caption("This detector finds no face in it.")


@lru_cache(maxsize=8)
def _read(detector: FaceDetector, emotion: EmotionModel) -> _Sample:
    """Once for each pair of models, for all visitors."""
    picture = read_picture(SAMPLE)
    result = Analyzer(detector, emotion).analyze(picture)
    return _Sample(result, to_jpeg(annotate(picture, result, True, True), _QUALITY))
