"""GET /models: every detector and emotion model, and the default ones."""

from __future__ import annotations

from typing import Any

from fer_core.errors import FerError
from fer_core.models.loading import choose
from fer_core.models.registry import Kind, Model, models
from fer_core.models.weights.files import status
from fer_core.server.api.analysis import DOWNLOAD_WAIT_S
from fer_core.server.api.schemas import ModelRecord, ModelsAnswer
from fer_core.settings import settings


def models_answer() -> dict[str, Any]:
    """``ModelsAnswer``, ready for JSON. May wait ``DOWNLOAD_WAIT_S`` for each kind of model."""
    wanted = settings()
    return ModelsAnswer(
        detectors=[_record(model) for model in models(Kind.DETECTOR).values()],
        emotion_models=[_record(model) for model in models(Kind.EMOTION).values()],
        default_detector=_in_use(Kind.DETECTOR, wanted.detector),
        default_emotion_model=_in_use(Kind.EMOTION, wanted.emotion),
    ).model_dump(mode="json")


def _record(model: Model) -> ModelRecord:
    return ModelRecord(
        name=model.name,
        title=model.title,
        about=model.about,
        status=status(model).state,
        licence=model.licence,
        source=model.source,
        source_url=model.source_url,
        size_bytes=model.size_bytes,
        measured=model.measured,
    )


def _in_use(kind: Kind, wanted: str) -> str | None:
    try:
        return choose(kind, wanted, DOWNLOAD_WAIT_S).model.name
    except FerError:
        return None
