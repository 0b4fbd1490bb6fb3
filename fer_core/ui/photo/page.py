"""The photo page: pictures in, annotated pictures, charts, a table and files out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.analysis.quality import IN_WORDS
from fer_core.errors import PictureError, unexpected_error_message
from fer_core.export.charts.basic import expression_bars
from fer_core.export.draw import annotate, face_name
from fer_core.export.files import faces_table, to_csv, to_jpeg, to_json, to_png
from fer_core.media.decoder_pool import decode_apart
from fer_core.media.images import decode_picture
from fer_core.media.resize import shrink
from fer_core.models.detectors.pyramid import smallest_face_px
from fer_core.paths import SAMPLE
from fer_core.schema import Face, FrameResult
from fer_core.settings import settings
from fer_core.telemetry import ERRORS, PICTURES
from fer_core.timeline.spreadsheet import BOM
from fer_core.ui.shared.upload_problem import upload_problem
from fer_core.ui.shared.widgets import plain

PREVIEW_PX = 1280
PREVIEW_QUALITY = 95
CHARTS_BESIDE = 2
"""So many charts fit beside a picture; those of further faces come below it."""
CHARTS_A_ROW = 3
MOST_CHARTS = 8
"""Of more faces the chart of one is drawn, and which one is chosen: a chart takes 0.1 s."""

AT_ONCE = threading.BoundedSemaphore(2)
"""Pictures that are decoded and analysed at once, for all visitors together. More would not be
sooner, and each of a telephone's takes 100 MB for a moment."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file the user handed over."""

    name: str
    data: bytes


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


def picture_inputs() -> list[Picture]:
    """The widgets that take pictures, and what they hold now."""
    uploads = st.file_uploader(
        "Pictures",
        type=None,  # what a file is, its content tells
        accept_multiple_files=True,
        max_upload_size=settings().max_upload_mb,
        help="One or many. They stay in this computer's memory until you leave this page.",
    )
    upload_problem()
    camera_column, sample_column, _ = st.columns([1, 1, 2])
    with camera_column:
        camera_on = st.toggle("Take a picture with the camera", key="photo_camera")
    with sample_column:
        sample_on = st.toggle(
            "Try the sample picture",
            key="photo_sample",
            help="Astronaut Eileen Collins (NASA, public domain).",
        )
    pictures = [Picture(upload.name, upload.getvalue()) for upload in uploads]
    if camera_on and (shot := st.camera_input("Camera", label_visibility="collapsed")):
        pictures.append(Picture("camera.jpg", shot.getvalue()))
    if sample_on:
        pictures.append(Picture("sample.jpg", SAMPLE.read_bytes()))
    return _with_unique_names(pictures)


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


def show_outcome(outcome: Outcome, picture: Picture, landmarks: bool) -> None:
    """One picture: marked, with a chart for each face; or the sentence of its error.

    With ``landmarks``, the marks are the 68 points and the axes of the head as well.
    """
    with st.container(border=True):
        st.markdown(f"**{plain(outcome.name)}**")
        if outcome.result is None:
            st.error(plain(outcome.error), icon=":material/broken_image:")
            return
        if outcome.note:
            st.info(outcome.note, icon=":material/info:")
        left, right = st.columns([3, 2], gap="medium")
        with left:
            preview = decode_picture(outcome.preview)
            marked = annotate(preview, outcome.result, landmarks, landmarks)
            st.image(to_jpeg(marked, PREVIEW_QUALITY), width="stretch", output_format="JPEG")
            if outcome.result.turned_deg:
                st.caption(f":material/screen_rotation: {_turned(outcome.result.turned_deg)}")
        faces = outcome.result.faces
        with right:
            if not faces:
                st.info(_no_face(outcome.result), icon=":material/person_search:")
            if len(faces) > MOST_CHARTS:
                _chosen_chart(outcome)
            else:
                _charts(outcome, range(min(CHARTS_BESIDE, len(faces))), columns=1)
            st.download_button(
                "Annotated picture (PNG)",
                data=_png_of(picture, outcome.result, landmarks),
                file_name=f"{Path(outcome.name).stem}-expressions.png",
                mime="image/png",
                on_click="ignore",
                icon=":material/download:",
                key=f"png_{outcome.name}",
            )
        if len(faces) <= MOST_CHARTS:
            _charts(outcome, range(CHARTS_BESIDE, len(faces)), columns=CHARTS_A_ROW)


def _turned(degrees: int) -> str:
    how = "stand on their heads" if degrees == 180 else "lie on their side"
    return f"The faces {how}: the picture was turned by {degrees}° clockwise to read them."


def _no_face(result: FrameResult) -> str:
    smallest = smallest_face_px(result.width, result.height)
    return (
        f"No face was found. In this picture of {result.width} x {result.height} pixels a face has "
        f"to be {smallest} pixels high. One that is larger, brighter or turned to the camera is "
        "found more easily."
    )


@st.fragment
def _chosen_chart(outcome: Outcome) -> None:
    """The chart of one face out of many; another choice draws nothing else anew."""
    assert outcome.result is not None
    faces = outcome.result.faces
    number = st.selectbox(
        f"{len(faces)} faces, largest first",
        range(len(faces)),
        format_func=lambda i: f"{face_name(faces[i], i + 1)}: {faces[i].dominant}",
        key=f"face_{outcome.name}",
    )
    _charts(outcome, range(number, number + 1), columns=1)


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
    table["problems"] = [_problems(face) for result in results.values() for face in result.faces]
    percent = st.column_config.NumberColumn(format="%.0f %%", width=70)
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
    poor = sum(bool(_problems(face)) for result in results.values() for face in result.faces)
    if not poor or not st.toggle(
        f"Leave out {poor} that cannot be read well",
        key="photo_readable",
        help="From the table and the files: faces that are too small, blurred, dark, bright or "
        "turned, with a covered mouth, or hardly recognised as a face.",
    ):
        return dict(results)
    return {
        name: replace(result, faces=tuple(f for f in result.faces if not _problems(f)))
        for name, result in results.items()
    }


def _problems(face: Face) -> str:
    """Why the face cannot be read well, in words."""
    return "; ".join(IN_WORDS[problem] for problem in face.quality.problems) if face.quality else ""


def _charts(outcome: Outcome, numbers: range, columns: int) -> None:
    """Bar charts of the faces with these positions, ``columns`` in a row."""
    assert outcome.result is not None
    for start in numbers[::columns]:
        row = range(start, min(start + columns, numbers.stop))
        for column, number in zip(st.columns(columns), row, strict=False):
            face = outcome.result.faces[number]
            with column:
                who = f"{face_name(face, number + 1)}: " if len(outcome.result.faces) > 1 else ""
                st.markdown(f"{who}**{plain(face.dominant)}** {face.confidence:.0%}")
                st.plotly_chart(
                    expression_bars(face),
                    key=f"bars_{outcome.name}_{number}",
                    config={"displayModeBar": False},
                )
                if problems := _problems(face):
                    st.warning(f"{problems.capitalize()}.", icon=":material/visibility_off:")
                if facts := _facts(face):
                    st.caption(facts)


def _facts(face: Face) -> str:
    """What the landmarks tell, and what is derived from the shares."""
    parts = []
    if face.pose:
        pose = face.pose
        parts.append(
            f"head: yaw {pose.yaw_deg:+.0f}°, pitch {pose.pitch_deg:+.0f}°, "
            f"roll {pose.roll_deg:+.0f}°"
        )
    if face.valence is not None:
        parts.append(f"derived: valence {face.valence:+.2f}, arousal {face.arousal:+.2f}")
    return " · ".join(parts)


def _png_of(picture: Picture, result: FrameResult, landmarks: bool) -> Callable[[], bytes]:
    """Made at full size when it is asked for, so that no copy of a large photo is kept."""
    return lambda: to_png(annotate(decode_apart(picture.data).bgr, result, landmarks, landmarks))


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


def _with_unique_names(pictures: list[Picture]) -> list[Picture]:
    """``a.jpg``, ``a (2).jpg``: uploads may share a name, and the table tells them apart."""
    taken: set[str] = set()
    renamed = []
    for picture in pictures:
        name, number = picture.name, 1
        while name in taken:
            number += 1
            path = Path(picture.name)
            name = f"{path.stem} ({number}){path.suffix}"
        taken.add(name)
        renamed.append(Picture(name, picture.data))
    return renamed
