"""What goes in and what comes out, as pydantic models: the OpenAPI document is made of these.

Requests are read by them. Answers are made by ``fer_core.export.files``, the same as on the command
line; tests hold each against the model that describes it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from fer_core.models.weights.files import State

MAX_NAME = 255

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Detector = Literal["auto", "yunet", "haar"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Options(_Strict):
    """Which engines look at the pictures; the server's settings where nothing is said."""

    detector: Detector | None = Field(default=None, description="Finds the faces.")
    emotion: str | None = Field(
        default=None,
        max_length=MAX_NAME,
        pattern=r"^(auto|deepface|compact|own/.+)$",
        description="Reads the expressions: auto, deepface, compact or own/NAME.",
    )


class EncodedPicture(_Strict):
    """A picture file as text."""

    name: str = Field(default="picture", max_length=MAX_NAME, description="A label, no more.")
    data: str = Field(
        description="The file's bytes in base64, without line breaks.",
        json_schema_extra={"contentEncoding": "base64"},
    )


class AnalyzeBody(Options):
    """The JSON that POST /api/v1/analyze takes."""

    pictures: list[EncodedPicture] = Field(min_length=1)


class HeadPoseRecord(_Strict):
    """Where the head points, in degrees; all 0 for a face that looks straight into the camera."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float


class FaceRecord(_Strict):
    """A face and its expression. What is missing was not measured, or cannot be."""

    box: Annotated[list[int], Field(min_length=4, max_length=4)] = Field(
        description="Left, top, width, height, in pixels."
    )
    score: Share = Field(description="How sure the detector is.")
    dominant: str = Field(description="The expression with the largest share.")
    emotions: dict[str, Share] = Field(description="The share of each expression; they sum to 1.")
    landmarks: list[Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(
        default=[], description="68 points of iBUG's layout, in pixels; YuNet's 5 without them."
    )
    pose: HeadPoseRecord | None = None
    presence: Share | None = Field(default=None, description="How surely this is a face at all.")
    eye_aspect_ratio: float | None = Field(default=None, description="How open the eyes are.")
    mouth_aspect_ratio: float | None = Field(default=None, description="How open the mouth is.")
    valence: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")
    arousal: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")


class PictureRecord(_Strict):
    """A picture that was analysed: what the command line prints of it."""

    file: str = Field(description="The name it was sent with.")
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    model: str = Field(description="The emotion model that was used.")
    detector: str = Field(description="The detector that was used.")
    latency_ms: float = Field(description="What the analysis took.")
    faces: list[FaceRecord] = Field(description="Largest first.")


class PictureFault(_Strict):
    """A picture that could not be read."""

    file: str = Field(description="The name it was sent with.")
    error: str = Field(description="What is wrong with it, and what to do.")


class AnalyzeAnswer(_Strict):
    """A record a picture, in the order they were sent."""

    pictures: list[PictureRecord | PictureFault]


class EngineRecord(_Strict):
    """A detector or an emotion model."""

    name: str = Field(description="What to send as detector or emotion.")
    title: str
    about: str
    status: State = Field(description="Whether its file is on the server.")
    licence: str
    source: str
    source_url: str
    size_bytes: int
    measured: str = Field(description="How accurate it was, and on what.")


class ModelsAnswer(_Strict):
    """The engines there are, and those in use where a request names none."""

    detectors: list[EngineRecord]
    emotion_models: list[EngineRecord]
    default_detector: str | None = Field(description="null: the one that is set cannot be had.")
    default_emotion_model: str | None = Field(description="null as above.")


class ErrorDetail(_Strict):
    """What went wrong."""

    code: str = Field(description="For programs.")
    message: str = Field(description="A sentence: what is wrong and what to do.")
    pictures: list[PictureFault] | None = Field(
        default=None, description="Why each picture could not be read, where that is the error."
    )


class ErrorAnswer(_Strict):
    """Every error has this form."""

    error: ErrorDetail


class HealthAnswer(_Strict):
    """The process lives."""

    alive: bool


class ReadyAnswer(_Strict):
    """Whether an expression could be recognised right now, by which engines, or why not."""

    ready: bool
    detector: str | None = None
    model: str | None = None
    error: str | None = None
