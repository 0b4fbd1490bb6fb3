"""Converts the result of a picture to plain values: table rows, or a JSON record. No pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fer_core.labels import EMOTIONS
from fer_core.schema import MEASURES, Face, FrameResult
from fer_core.schema.quality import as_text

_BEFORE = ("file", "face", "dominant", "confidence")
_QUALITY = (
    "sharpness",
    "contrast",
    "glare",
    "turn_deg",
    "mouth_covered",
    "eyes_covered",
    "problems",
)
_AFTER = ("x", "y", "w", "h", "score", "model", "detector")

BATCH_BEFORE, BATCH_AFTER = ("file", "kind"), ("model", "detector", "error", "note", "stamp")
BATCH_TEXTS = (*BATCH_BEFORE, *BATCH_AFTER)
"""The texts in a batch's table, before and after the columns of a timeline."""


def columns(labels: Sequence[str] = EMOTIONS) -> tuple[str, ...]:
    """The columns of ``face_rows`` for a network with these labels."""
    return (*_BEFORE, *map(str, labels), *_AFTER, *MEASURES, *_QUALITY)


def face_rows(name: str, result: FrameResult) -> list[dict[str, Any]]:
    """One row with ``columns`` per face of the picture ``name``.

    Shares and scores are 0..1, boxes are in pixels; ``face`` is the number that
    ``FrameResult.numbered`` gave a face, else it counts from 1. The columns after ``detector`` are
    those of ``Face`` and ``FaceQuality``, None if they were not measured.
    """
    return [
        {
            "file": name,
            "face": number if face.track_id is None else face.track_id,
            "dominant": str(face.dominant),
            "confidence": face.confidence,
            **{str(label): share for label, share in face.emotions.items()},
            **dict(zip("xywh", face.box.to_list(), strict=True)),
            "score": face.score,
            "model": result.model,
            "detector": result.detector,
            **face.measures,
            **_quality(face),
        }
        for number, face in enumerate(result.faces, start=1)
    ]


def _quality(face: Face) -> dict[str, Any]:
    """The measures of quality, with the problems as text."""
    known = {name: getattr(face.quality, name, None) for name in _QUALITY}
    return known | ({"problems": as_text(face.quality.problems)} if face.quality else {})


def picture_record(name: str, result: FrameResult, note: str = "") -> dict[str, Any]:
    """The JSON-ready record of a picture, as the command line prints it, with a ``note`` if any."""
    record = result.to_dict()
    del record["t_s"]  # a picture has no time, and nothing in it is followed
    for face in record["faces"]:
        face.pop("track_id", None)
    return {"file": name, **({"note": note} if note else {}), **record}
