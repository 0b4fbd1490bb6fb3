"""The engines there are, which one ``auto`` means at the moment, and why."""

from __future__ import annotations

from dataclasses import dataclass

from fer_core.errors import DownloadFailed, UnknownEngine, WeightsCorrupt, WeightsMissing
from fer_core.models.emotion.custom import own_networks, own_title
from fer_core.models.weights.files import find, start_download

DEFAULT_WAIT_S = 60.0
"""How long the library and the command line wait for a download. Pages wait next to nothing."""

# For each kind: the one whose weights are fetched, then the one that is always here.
DETECTORS = ("yunet", "haar")
EMOTION_MODELS = ("deepface", "compact")

_TITLES = {"yunet": "YuNet", "haar": "Haar cascade", "deepface": "DeepFace", "compact": "Compact"}


def title(name: str) -> str:
    """What people read where programs read the name of an engine."""
    return _TITLES.get(name) or own_title(name)


@dataclass(frozen=True, slots=True)
class Choice:
    """The engine in use, by name, and a sentence that says why."""

    name: str
    why: str


def choose_detector(name: str = "auto", wait_s: float = DEFAULT_WAIT_S) -> Choice:
    """The detector that ``name`` means. ``auto`` is YuNet where its weights are here or come
    within ``wait_s``, else Haar.

    A download that takes longer goes on in the background, for the next call to find.
    Raises ``UnknownEngine``, and ``WeightsError`` where YuNet is asked for by name in vain.
    """
    return _choose("detector", name, DETECTORS, wait_s)


def choose_emotion_model(name: str = "auto", wait_s: float = DEFAULT_WAIT_S) -> Choice:
    """The emotion model that ``name`` means: one of ``EMOTION_MODELS``, or of ``own_networks``.
    ``auto`` is DeepFace's where its weights are here or come within ``wait_s``, else the compact
    one.

    A download that takes longer goes on in the background, for the next call to find.
    Raises ``UnknownEngine``, and ``WeightsError`` where DeepFace is asked for by name in vain.
    """
    own = own_networks()
    if name in own:
        return Choice(name, "Chosen by you.")
    return _choose("emotion model", name, EMOTION_MODELS, wait_s, own)


def _choose(
    kind: str, name: str, names: tuple[str, str], wait_s: float, own: tuple[str, ...] = ()
) -> Choice:
    fetched, shipped = names
    if name == "auto":
        return _choose_automatically(fetched, shipped, wait_s)
    if name not in names:
        raise UnknownEngine(
            f"There is no {kind} called {name!r}. Choose {', '.join(['auto', *own, fetched])} or "
            f"{shipped}."
        )
    if name == fetched:
        _require_weights(fetched, wait_s)
    return Choice(name, "Chosen by you.")


def _choose_automatically(fetched: str, shipped: str, wait_s: float) -> Choice:
    try:
        _require_weights(fetched, wait_s)
    except WeightsMissing:
        return Choice(shipped, f"{title(fetched)}'s weights are still downloading.")
    except DownloadFailed:
        return Choice(shipped, f"{title(fetched)}'s weights could not be fetched.")
    except WeightsCorrupt as error:
        return Choice(shipped, str(error))
    return Choice(fetched, "Installed.")


def _require_weights(key: str, wait_s: float) -> None:
    """Return once the weights are here. Raises ``WeightsError``."""
    if find(key):
        return
    download = start_download(key)
    if not download.wait(wait_s):
        raise WeightsMissing(
            f"{title(key)}'s weights are still downloading ({download.fraction:.0%}). "
            "Try again in a moment."
        )
    if download.error:
        # A new exception: the one that is remembered would collect a traceback at every call.
        raise type(download.error)(str(download.error)) from download.error
