"""One picture: marked, with a reading of each face; or the sentence of its error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from fer_core.export.draw import annotate, face_name
from fer_core.export.files import to_jpeg, to_png
from fer_core.media.decoder_pool import decode_apart
from fer_core.media.images import decode_picture
from fer_core.models.detectors.pyramid import SMALLEST_PX
from fer_core.schema import Face, FrameResult
from fer_core.schema.action_units import DERIVED
from fer_core.ui.photo.inputs import Picture
from fer_core.ui.photo.outcomes import PREVIEW_QUALITY, Outcome
from fer_core.ui.shared.expression_html import face_html, mix_ribbon_html
from fer_core.ui.shared.face_diagram import diagram_of_face, face_diagram
from fer_core.ui.shared.file_names import file_stem
from fer_core.ui.shared.widgets import plain
from fer_core.wording import count_of

MOST_BESIDE = 4
"""So many faces fit beside a picture; more come below it."""
MOST_OPEN = 10
"""Of more faces the others, which are smaller, are folded away."""


def what_to_expect() -> None:
    """What the page does, where there is no picture yet."""
    with st.container(key="photo_empty"):
        st.html(
            '<div class="fer-empty">'
            "<p><strong>Add one or more pictures</strong> to see the expression of every face in "
            "them, or switch on the sample.</p>"
            "<ul>"
            "<li>JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF and more.</li>"
            "<li>You get each face marked, a share for each expression, a table and files.</li>"
            "<li>They are read on the computer that runs this dashboard, and are gone when you "
            "leave the page.</li>"
            "</ul></div>"
        )


def show_outcome(outcome: Outcome, picture: Picture, landmarks: bool) -> None:
    """One picture: marked, with a reading of each face; or the sentence of its error.

    With ``landmarks``, the marks are the 68 points and the axes of the head as well.
    """
    with st.container(border=True):
        st.markdown(f"**{plain(outcome.name)}**")
        if outcome.result is None:
            st.error(plain(outcome.error), icon=":material/broken_image:")
            return
        if outcome.note:
            st.info(outcome.note, icon=":material/info:")
        left, right = st.columns(2, gap="medium")
        with left, st.container(key=f"photo_picture_{outcome.name}"):
            _marked_picture(outcome, outcome.result, picture, landmarks)
        faces = outcome.result.faces
        with right:
            if not faces:
                st.info(_no_face(outcome.result), icon=":material/person_search:")
            elif len(faces) <= MOST_BESIDE:
                st.html(_faces_html(faces))
                _movements(faces, outcome.name)
            else:
                st.html(_summary_html(outcome.result))
        if len(faces) > MOST_BESIDE:
            st.html(_faces_html(faces))
            _movements(faces, outcome.name)


def _marked_picture(
    outcome: Outcome, result: FrameResult, picture: Picture, landmarks: bool
) -> None:
    marked = annotate(decode_picture(outcome.preview), result, landmarks, landmarks)
    st.image(
        to_jpeg(marked, PREVIEW_QUALITY),
        width="stretch",
        output_format="JPEG",
        alt=f"{outcome.name}, with its faces marked",
    )
    if result.turned_deg:
        st.caption(f":material/screen_rotation: {_turned(result.turned_deg)}")
    st.download_button(
        "Annotated picture (PNG)",
        data=_png_of(picture, result, landmarks),
        file_name=f"{file_stem(outcome.name)}-expressions.png",
        mime="image/png",
        on_click="ignore",
        icon=":material/download:",
        key=f"png_{outcome.name}",
    )


def _faces_html(faces: Sequence[Face]) -> str:
    """All faces, the largest first."""
    several = len(faces) > 1
    cards = [
        face_html(face, face_name(face, number) if several else "")
        for number, face in enumerate(faces, start=1)
    ]
    shown = f'<div class="fer-cards">{"".join(cards[:MOST_OPEN])}</div>'
    if len(cards) <= MOST_OPEN:
        return shown
    return (
        f"{shown}<details><summary>{count_of(len(cards) - MOST_OPEN, 'smaller face')}</summary>"
        f'<div class="fer-cards">{"".join(cards[MOST_OPEN:])}</div></details>'
    )


def _movements(faces: Sequence[Face], name: str) -> None:
    """How the features of the largest faces moved, where that was measured: of one face at once,
    of several when it is asked for."""
    several = len(faces) > 1
    diagrams = [
        diagram_of_face(face, face_name(face, number) if several else "")
        for number, face in enumerate(faces[:MOST_OPEN], start=1)
    ]
    drawn = [each for each in diagrams if each is not None]
    if not drawn:
        return
    most = f" The {MOST_OPEN} largest faces." if len(faces) > MOST_OPEN else ""
    note = f"{DERIVED} Left and right are the person's own.{most}"
    with st.expander("Movements", expanded=not several, icon=":material/face:"):
        face_diagram(drawn, note, f"moves_{name}")


def _summary_html(result: FrameResult) -> str:
    """How many faces show what."""
    times = Counter(str(face.dominant) for face in result.faces)
    listed = ", ".join(f"{count} {escape(label)}" for label, count in times.most_common())
    return (
        f'<p class="fer-reading"><strong>{len(result.faces)} faces</strong></p>'
        f"{mix_ribbon_html(times, result.labels)}<p>{listed}</p>"
    )


def _turned(degrees: int) -> str:
    how = "stand on their heads" if degrees == 180 else "lie on their side"
    return f"The faces {how}: the picture was turned by {degrees}° clockwise to read them."


def _no_face(result: FrameResult) -> str:
    return (
        f"No face was found. In this picture of {result.width} x {result.height} pixels, a face "
        f"must be at least {SMALLEST_PX} pixels high. Faces that are larger, brighter or turned "
        "to the camera are found more easily."
    )


def _png_of(picture: Picture, result: FrameResult, landmarks: bool) -> Callable[[], bytes]:
    """Made at full size when it is asked for, so that no copy of a large photo is kept."""
    return lambda: to_png(annotate(decode_apart(picture.data).bgr, result, landmarks, landmarks))
