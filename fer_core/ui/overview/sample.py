"""The sample picture, read by the models in use."""

from __future__ import annotations

import base64
from functools import lru_cache
from html import escape

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.export.draw import annotate
from fer_core.export.files import to_jpeg
from fer_core.media.images import read_picture
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion import EmotionModel
from fer_core.paths import SAMPLE
from fer_core.schema import Face
from fer_core.ui.shared.expression_html import face_html
from fer_core.ui.shared.face_diagram import diagram_of_face

_QUALITY = 85


def analyzed_sample(analyzer: Analyzer) -> None:
    """The sample picture with its marks, and the reading of its face beside it."""
    # Every object can be hashed, which mypy does not know of protocols.
    st.html(_sample_html(analyzer.detector, analyzer.emotion))  # type: ignore[arg-type]


@lru_cache(maxsize=8)
def _sample_html(detector: FaceDetector, emotion: EmotionModel) -> str:
    """Made once for each pair of models, for all visitors.

    The picture is a part of it: one that came by itself would push what is below it.
    """
    picture = read_picture(SAMPLE)
    result = Analyzer(detector, emotion).analyze(picture)
    marked = to_jpeg(annotate(picture, result, True, True), _QUALITY)
    faces = "".join(face_html(face) + _movements_html(face) for face in result.faces)
    faces = faces or "<p>This detector finds no face in it.</p>"
    return (
        '<div class="fer-sample"><figure>'
        f'<img src="data:image/jpeg;base64,{base64.b64encode(marked).decode()}" '
        'alt="Astronaut Eileen Collins, her face marked">'
        "<figcaption>Astronaut Eileen Collins (NASA, public domain)</figcaption></figure>"
        f"<div>{faces}</div></div>"
    )


def _movements_html(face: Face) -> str:
    """The strongest movements of a face in words, if they were measured."""
    diagram = diagram_of_face(face)
    if diagram is None:
        return ""
    units = (f"{unit['name']} {unit['share']}".strip() for unit in diagram["units"])
    return f'<p class="fer-small">Movements: {escape(", ".join(units))}</p>'
