"""Requests and responses as pydantic models, from which the OpenAPI document is made.

They validate requests. Responses come from ``fer_core.export.records``, as on the command line;
tests validate each with its model.
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
    """A field that takes ``auto`` or the name of a model of a kind. The names are those at the time
    of the request. For a user's own networks any name is valid here; the analysis checks whether it
    exists."""

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
    """The models for the pictures, by default those of the server's settings, and a filter."""

    detector: Annotated[str, _KnownModel(Kind.DETECTOR, own=False)] | None = Field(
        default=None, description="The face detector."
    )
    emotion: (
        Annotated[str, Field(max_length=MAX_NAME), _KnownModel(Kind.EMOTION, own=True)] | None
    ) = Field(
        default=None, description="The emotion model; own/NAME is a network adapted on the server."
    )
    readable_only: bool | None = Field(
        default=None,
        description="Leave out faces that cannot be read well; a picture's note tells how many.",
    )


class EncodedPicture(_Strict):
    """A picture file as text."""

    name: str = Field(default="picture", max_length=MAX_NAME, description="A label only.")
    data: str = Field(
        description="The file's bytes in base64, without line breaks.",
        json_schema_extra={"contentEncoding": "base64"},
    )


class AnalyzeBody(Options):
    """The JSON that POST /api/v1/analyze takes."""

    pictures: list[EncodedPicture] = Field(min_length=1)


class HeadPoseRecord(_Strict):
    """The head pose in degrees; all 0 for a face that looks straight into the camera."""

    yaw_deg: float = Field(description="Positive: turned to the right of the picture.")
    pitch_deg: float = Field(description="Positive: raised.")
    roll_deg: float = Field(description="Positive: tilted clockwise in the picture.")


class QualityRecord(_Strict):
    """How well a face can be read, and its problems, if any."""

    size_px: int = Field(description="Longer edge of the box.")
    sharpness: float = Field(ge=0, description="Of its edges; 0.3 and more for sharp faces.")
    contrast: float = Field(ge=0, description="Standard deviation of its greys, 0 to 128.")
    glare: Share = Field(description="The part of it that is white.")
    turn_deg: float | None = Field(description="Away from the camera, 0 to 90.")
    mouth_covered: Share | None = Field(description="Probability that the mouth is covered.")
    eyes_covered: Share | None = Field(description="Probability that the eyes are covered.")
    problems: list[Problem] = Field(description="Why expressions are read less well.")


class GazeRecord(_Strict):
    """Where the eyes look, in degrees; right and up in the picture are positive."""

    yaw_deg: float = Field(description="In the head: 0 straight ahead.")
    pitch_deg: float = Field(description="In the head: 0 straight ahead.")
    room_yaw_deg: float = Field(description="With the head: 0 into the camera.")
    room_pitch_deg: float = Field(description="With the head: 0 into the camera.")


class FaceRecord(_Strict):
    """A face and its expression. Missing fields could not be measured."""

    box: Annotated[list[int], Field(min_length=4, max_length=4)] = Field(
        description="Left, top, width, height, in pixels."
    )
    score: Share = Field(description="The detector's confidence.")
    dominant: str = Field(description="The expression with the largest share.")
    emotions: dict[str, Share] = Field(description="The share of each expression; they sum to 1.")
    landmarks: list[Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(
        default=[],
        description="In pixels: the 68 points of iBUG's layout, or YuNet's 5 if those are unknown.",
    )
    pose: HeadPoseRecord | None = None
    presence: Share | None = Field(default=None, description="Certainty that this is a face.")
    eye_aspect_ratio: float | None = Field(default=None, description="How open the eyes are.")
    mouth_aspect_ratio: float | None = Field(default=None, description="How open the mouth is.")
    movements: dict[str, Share] | None = Field(
        default=None, description="How much each movement shows, by MediaPipe's names."
    )
    action_units: dict[str, Share] | None = Field(
        default=None,
        description="FACS action units derived from the movements: AU12 is both sides, AU12_left "
        "the person's own left.",
    )
    asymmetry: Share | None = Field(
        default=None,
        description="How unequally both sides move: the mean difference of the action units' "
        "sides, weighted by how much each unit shows.",
    )
    gaze: GazeRecord | None = None
    quality: QualityRecord | None = None
    valence: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")
    arousal: float | None = Field(default=None, ge=-1, le=1, description="From the shares.")


class PictureRecord(_Strict):
    """The record of an analysed picture, as on the command line."""

    file: str = Field(description="The name it was sent with.")
    note: str | None = Field(
        default=None, description="What is missing from the file, was not analysed or was left out."
    )
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    model: str = Field(description="The emotion model that was used.")
    detector: str = Field(description="The detector that was used.")
    latency_ms: float = Field(description="Duration of the analysis.")
    turned_deg: Literal[0, 90, 180, 270] = Field(
        default=0, description="The clockwise rotation that made the faces upright."
    )
    faces: list[FaceRecord] = Field(description="Largest first.")


class PictureFault(_Strict):
    """A picture that could not be read."""

    file: str = Field(description="The name it was sent with.")
    error: str = Field(description="What is wrong with it, and what to do.")


class AnalyzeAnswer(_Strict):
    """One record per picture, in the order they were sent."""

    pictures: list[PictureRecord | PictureFault]


class ModelRecord(_Strict):
    """A detector or an emotion model."""

    name: str = Field(description="The name to send as detector or emotion.")
    title: str
    about: str
    status: State = Field(description="Whether its file is on the server.")
    licence: str
    source: str
    source_url: str
    size_bytes: int
    measured: str = Field(description="Its measured accuracy, and on which data.")


class ModelsAnswer(_Strict):
    """The available models, and the default ones."""

    detectors: list[ModelRecord]
    emotion_models: list[ModelRecord]
    default_detector: str | None = Field(
        description="Used unless a request names one; null if it is unavailable."
    )
    default_emotion_model: str | None = Field(
        description="Used unless a request names one; null if it is unavailable."
    )


class ErrorDetail(_Strict):
    """What went wrong."""

    code: str = Field(description="For programs.")
    message: str = Field(description="A sentence: what is wrong and what to do.")
    pictures: list[PictureFault] | None = Field(
        default=None, description="For unreadable pictures: the error of each."
    )


class ErrorAnswer(_Strict):
    """Every error has this form."""

    error: ErrorDetail


class HealthAnswer(_Strict):
    """The process is alive."""

    alive: bool


class ReadyAnswer(_Strict):
    """Whether expressions can be recognised and saved right now, by which models, or why not."""

    ready: bool
    detector: str | None = None
    model: str | None = None
    error: str | None = None
