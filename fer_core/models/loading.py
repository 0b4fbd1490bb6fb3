"""Chooses the model that a name currently means, and loads it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np

from fer_core.errors import DownloadFailed, UnknownModel, WeightsError, WeightsMissing
from fer_core.models.detectors import FaceDetector
from fer_core.models.emotion import EmotionModel
from fer_core.models.landmarks import LandmarkModel
from fer_core.models.registry import Kind, Model, models
from fer_core.models.weights.files import fetch, find, require_package, start_download
from fer_core.schema import Box

AUTO = "auto"
"""The name that stands for the first available model of its kind."""

DEFAULT_WAIT_S = 60.0
"""How long the library and the command line wait for a download. Pages hardly wait."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen model, and a sentence that says why."""

    model: Model
    reason: str


def names(kind: Kind) -> tuple[str, ...]:
    """The valid names: ``auto``, and every existing model of a kind."""
    return (AUTO, *models(kind))


def choose(kind: Kind, name: str = AUTO, wait_s: float = DEFAULT_WAIT_S) -> Choice:
    """The model of a kind that ``name`` means.

    ``auto`` is the first in ``MODELS`` whose file is here or arrives within ``wait_s``. A download
    that takes longer continues in the background, for the next call.
    Raises ``UnknownModel``, and ``WeightsError`` if the requested model is unavailable.
    """
    if name == AUTO:
        return _choose_automatically(kind, wait_s)
    model = models(kind).get(name)
    if model is None:
        *others, last = names(kind)
        raise UnknownModel(
            f"There is no {kind} called {name!r}. Choose {', '.join(others)} or {last}."
        )
    _require(model, wait_s)
    return Choice(model, "Chosen by you.")


def load(model: Model) -> Any:
    """The detector, landmark model or emotion model of a row, ready to use.

    Loaded once per process and shared; loaded again when its file is replaced.
    Raises ``WeightsError``.
    """
    require_package(model)
    path = fetch(model)
    key, mtime_ns = (model.loader, path, model.name), path.stat().st_mtime_ns
    if (known := _loaded.get(key)) and known[0] == mtime_ns:
        return known[1]
    with _loading:  # of two calls at the same time, the second gets what the first has loaded
        if (known := _loaded.get(key)) is None or known[0] != mtime_ns:
            known = _loaded[key] = mtime_ns, resolve_name(model.loader)(path, model.name)
        return known[1]


def load_detector(name: str = AUTO) -> FaceDetector:
    """The face detector that a name means: ``choose``, then ``load``."""
    detector: FaceDetector = load(choose(Kind.DETECTOR, name).model)
    return detector


def load_landmark_model(name: str = AUTO) -> LandmarkModel:
    """The landmark model that a name means: ``choose``, then ``load``."""
    model: LandmarkModel = load(choose(Kind.LANDMARKS, name).model)
    return model


def load_emotion_model(name: str = AUTO) -> EmotionModel:
    """The emotion model that a name means: ``choose``, then ``load``."""
    model: EmotionModel = load(choose(Kind.EMOTION, name).model)
    return model


def smoke_test(model: Model) -> None:
    """Load a model and run it on a blank picture. Raises ``WeightsError`` if that fails."""
    ready, blank = load(model), np.zeros((64, 64, 3), np.uint8)
    match model.kind:
        case Kind.DETECTOR:
            ready.detect(blank)
        case Kind.LANDMARKS:
            ready.locate(blank, [Box(0, 0, 64, 64)])
        case Kind.EMOTION:
            ready.predict(blank[np.newaxis, :, :, 0])


_loaded: dict[tuple[str, Path, str], tuple[int, Any]] = {}
"""Models by class, file and name, each with the time of its file."""

_loading = threading.Lock()


def _choose_automatically(kind: Kind, wait_s: float) -> Choice:
    reason = ""
    problem: WeightsError | None = None
    for model in models(kind).values():
        if model.own:
            continue  # its classes are the user's, so ``auto`` never chooses it
        try:
            _require(model, wait_s)
        except WeightsError as error:
            problem = problem or error
            reason = reason or _why_not(model, error)
        else:
            return Choice(model, reason or ("Installed." if model.downloadable else "Built in."))
    assert problem is not None, "every kind has a model"
    raise problem


def _why_not(model: Model, error: WeightsError) -> str:
    if isinstance(error, WeightsMissing) and model.downloadable:
        return f"{model.title}'s weights are still downloading."
    if isinstance(error, DownloadFailed):
        return f"{model.title}'s weights could not be fetched."
    return str(error)


def _require(model: Model, wait_s: float) -> None:
    """Wait until the file is here. Raises ``WeightsError``."""
    require_package(model)
    if not model.downloadable:
        fetch(model)  # raises if it is missing
        return
    if find(model):
        return
    download = start_download(model)
    if not download.wait(wait_s):
        raise WeightsMissing(
            f"{model.title}'s weights are still downloading ({download.fraction:.0%}). "
            "Try again in a moment."
        )
    if download.error:
        # A new exception: the stored one would collect a traceback at every call.
        raise type(download.error)(str(download.error)) from download.error
