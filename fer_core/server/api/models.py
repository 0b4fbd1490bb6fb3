"""GET /models: every detector and emotion model, and which of them is in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fer_core.errors import FerError
from fer_core.models.choice import (
    DETECTORS,
    EMOTION_MODELS,
    Choice,
    choose_detector,
    choose_emotion_model,
    title,
)
from fer_core.models.emotion.custom import own_networks
from fer_core.models.facts import engine_facts
from fer_core.models.weights.files import WEIGHTS, State, status
from fer_core.server.api.analysis import DOWNLOAD_WAIT_S
from fer_core.server.api.schemas import EngineRecord, ModelsAnswer
from fer_core.settings import settings


def models_answer() -> dict[str, Any]:
    """``ModelsAnswer``, ready for JSON. May wait ``DOWNLOAD_WAIT_S`` for each kind of engine."""
    wanted = settings()
    return ModelsAnswer(
        detectors=[_record(name) for name in DETECTORS],
        emotion_models=[_record(name) for name in (*EMOTION_MODELS, *own_networks())],
        default_detector=_in_use(choose_detector, wanted.detector),
        default_emotion_model=_in_use(choose_emotion_model, wanted.emotion),
    ).model_dump(mode="json")


def _record(name: str) -> EngineRecord:
    facts = engine_facts(name)
    return EngineRecord(
        name=name,
        title=title(name),
        about=facts.about,
        status=status(name).state if name in WEIGHTS else State.HERE,
        licence=facts.licence,
        source=facts.source,
        source_url=facts.source_url,
        size_bytes=facts.size_bytes,
        measured=facts.measured,
    )


def _in_use(choose: Callable[[str, float], Choice], wanted: str) -> str | None:
    try:
        return choose(wanted, DOWNLOAD_WAIT_S).name
    except FerError:
        return None
