"""What goes in and what comes out, as pydantic models: the OpenAPI document is made of these.

Requests are read by them. Answers are made by ``fer_core.export.files``, the same as on the command
line; tests hold each against the model that describes it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import CoreSchema, no_info_after_validator_function

from fer_core.models.emotion.custom import is_own
from fer_core.models.loading import names
from fer_core.models.registry import Kind
from fer_core.models.weights.files import State
from fer_core.schema import Problem

MAX_NAME = 255

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _KnownModel:
    """A field that takes ``auto`` or a model of a kind: those there are when it is read, or when
    the OpenAPI document is asked for. Of the user's own networks, any name passes here: whether
    there is one of it, the analysis finds out."""

    def __init__(self, kind: Kind, own: bool) -> None:
        self._kind, self._own = kind, own

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        names = self._names()
        if not self._own:
            return handler(schema) | {"enum": names}
        pattern = "|".join(map(re.escape, names))
        return handler(schema) | {"pattern": f"^({pattern}|own/.+)$"}

    def _checked(self, name: str) -> str:
        if name in self._names() or (self._own and re.fullmatch("own/.+", name)):
            return name
        names = [*self._names(), *(["own/NAME"] if self._own else [])]
        raise PydanticCustomError("unknown_model", f"Choose one of {', '.join(names)}")

    def _names(self) -> list[str]:
        return [name for name in names(self._kind) if not is_own(name)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Options(_Strict):
    """Which models look at the pictures; the server's settings where nothing is said."""

    detector: Annotated[str, _KnownModel(Kind.DETECTOR, own=False)] | None = Field(
        default=None, description="Finds the faces."
    )
    emotion: (
        Annotated[str, Field(max_length=MAX_NAME), _KnownModel(Kind.EMOTION, own=True)] | None
    ) = Field(
        default=None, description="Reads the expressions; own/NAME is a network of the server's."
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


class QualityRecord(_Strict):
    """How well a face can be read, and what is beyond the limit for that."""

    size_px: int = Field(description="Longer edge of the box.")
    sharpness: float = Field(ge=0, description="Of its edges; 0.3 and more for sharp faces.")
    contrast: float = Field(ge=0, description="Standard deviation of its greys, 0 to 128.")
    glare: Share = Field(description="The part of it that is white.")
    turn_deg: float | None = Field(description="Away from the camera, 0 to 90.")
    mouth_covered: Share | None = Field(description="How surely the mouth is covered.")
    problems: list[Problem] = Field(description="Why expressions are read less well.")


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
    quality: QualityRecord | None = None
    valence: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")
    arousal: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")


class PictureRecord(_Strict):
    """A picture that was analysed: what the command line prints of it."""

    file: str = Field(description="The name it was sent with.")
    note: str | None = Field(
        default=None, description="What of the file is missing or was not looked at, if anything."
    )
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    model: str = Field(description="The emotion model that was used.")
    detector: str = Field(description="The detector that was used.")
    latency_ms: float = Field(description="What the analysis took.")
    turned_deg: Literal[0, 90, 180, 270] = Field(
        default=0, description="Clockwise, what it took for the faces to stand upright."
    )
    faces: list[FaceRecord] = Field(description="Largest first.")


class PictureFault(_Strict):
    """A picture that could not be read."""

    file: str = Field(description="The name it was sent with.")
    error: str = Field(description="What is wrong with it, and what to do.")


class AnalyzeAnswer(_Strict):
    """A record a picture, in the order they were sent."""

    pictures: list[PictureRecord | PictureFault]


class ModelRecord(_Strict):
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
    """The models there are, and those in use where a request names none."""

    detectors: list[ModelRecord]
    emotion_models: list[ModelRecord]
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
    """Whether an expression could be recognised right now, by which models, or why not."""

    ready: bool
    detector: str | None = None
    model: str | None = None
    error: str | None = None
