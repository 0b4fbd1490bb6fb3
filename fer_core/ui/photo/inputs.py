"""The widgets that take pictures, in one row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from fer_core.paths import SAMPLE
from fer_core.settings import settings
from fer_core.ui.shared.upload_problem import upload_problem

_NAMES = "photo_names"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file the user handed over."""

    name: str
    data: bytes


def picture_inputs() -> list[Picture]:
    """The widgets that take pictures, and what they hold now."""
    with st.container(key="photo_inputs", horizontal=True, vertical_alignment="center"):
        uploads = st.file_uploader(
            "Pictures",
            type=None,  # what a file is, its content tells
            accept_multiple_files=True,
            max_upload_size=settings().max_upload_mb,
            label_visibility="collapsed",
        )
        with st.container(key="photo_other_inputs", width="content", gap="small"):
            camera_on = st.toggle("Take a picture with the camera", key="photo_camera")
            sample_on = st.toggle(
                "Try the sample picture",
                key="photo_sample",
                help="Astronaut Eileen Collins (NASA, public domain).",
            )
    upload_problem()
    pictures = {upload.file_id: Picture(upload.name, upload.getvalue()) for upload in uploads}
    if camera_on and (shot := st.camera_input("Camera", label_visibility="collapsed", width=640)):
        pictures[shot.file_id] = Picture("camera.jpg", shot.getvalue())
    if sample_on:
        pictures["sample"] = Picture("sample.jpg", SAMPLE.read_bytes())
    wanted = {each: picture.name for each, picture in pictures.items()}
    names = st.session_state[_NAMES] = unique_names(wanted, st.session_state.get(_NAMES, {}))
    return [replace(picture, name=names[each]) for each, picture in pictures.items()]


def unique_names(wanted: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """``a.jpg``, ``a (2).jpg``: uploads may share a name, and the table tells them apart.

    The names of pictures by what tells these apart; ``before`` has those that were given so far. A
    picture keeps its name when others come or go: by another it would be another picture, to be
    analysed and saved again.
    """
    names = {each: before[each] for each in wanted if each in before}
    for each, name in wanted.items():
        if each not in names:
            names[each] = _free_name(name, names.values())
    return names


def _free_name(wanted: str, taken: Collection[str]) -> str:
    name, number, path = wanted, 1, Path(wanted)
    while name in taken:
        number += 1
        name = f"{path.stem} ({number}){path.suffix}"
    return name
