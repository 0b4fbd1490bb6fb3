"""The widgets that take pictures, in one row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from fer_core.paths import SAMPLE
from fer_core.settings import settings
from fer_core.ui.shared.upload_problem import upload_problem


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
    pictures = [Picture(upload.name, upload.getvalue()) for upload in uploads]
    if camera_on and (shot := st.camera_input("Camera", label_visibility="collapsed", width=640)):
        pictures.append(Picture("camera.jpg", shot.getvalue()))
    if sample_on:
        pictures.append(Picture("sample.jpg", SAMPLE.read_bytes()))
    return with_unique_names(pictures)


def with_unique_names(pictures: list[Picture]) -> list[Picture]:
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
