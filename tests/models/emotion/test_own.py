"""Tests of networks adapted to own classes: found by name, loaded, or refused as damaged."""

from __future__ import annotations

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_core.analysis.analyzer import Analyzer
from fer_core.errors import UnknownModel, WeightsCorrupt
from fer_core.models.emotion import custom
from fer_core.models.emotion.onnx_model import OnnxEmotionModel
from fer_core.models.loading import choose, load_emotion_model
from fer_core.models.registry import Kind
from fer_core.testing import FakeDetector
from tests.graphs import expression_graph, own_network_graph

CROPS = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)


def put(name: str, network: bytes, report: str | None = None) -> Path:
    folder = custom.OWN_NETWORKS / name
    folder.mkdir(parents=True)
    (folder / custom.NETWORK).write_bytes(network)
    if report is not None:
        (folder / custom.REPORT).write_text(report)
    return folder / custom.NETWORK


def test_none_at_first() -> None:
    assert custom.own_networks() == ()
    with pytest.raises(UnknownModel, match="auto, deepface or compact"):
        choose(Kind.EMOTION, "own/tired")


def test_a_network_is_called_by_the_name_of_its_folder() -> None:
    put("tired", own_network_graph(("awake", "tired")))
    put("attentive", own_network_graph(("away", "here", "unclear")))
    assert custom.own_networks() == ("own/attentive", "own/tired")
    chosen = choose(Kind.EMOTION, "own/tired")
    assert (chosen.model.name, chosen.model.title) == ("own/tired", "tired")
    assert chosen.reason == "Chosen by you."
    model = load_emotion_model("own/tired")
    assert (model.name, model.labels) == ("own/tired", ("awake", "tired"))
    assert model.predict(CROPS).shape == (3, 2)
    assert load_emotion_model("own/tired") is model
    with pytest.raises(UnknownModel, match="auto, deepface, compact, own/attentive or own/tired"):
        choose(Kind.EMOTION, "own/bored")


@pytest.mark.parametrize("side", [48, 64, 96])
def test_a_network_says_itself_which_tiles_it_takes(side: int) -> None:
    path = put("tired", own_network_graph(("awake", "tired"), tile=(side, side)))
    model = OnnxEmotionModel(path, "own/tired")
    assert model.side == side
    smaller = np.stack([cv2.resize(c, (side, side), interpolation=cv2.INTER_AREA) for c in CROPS])
    expected = model.session.run(None, {"tiles": smaller})[0]
    np.testing.assert_array_equal(model.predict(CROPS), expected)


def test_tiles_that_are_not_square_are_refused() -> None:
    path = put("tired", own_network_graph(("awake", "tired"), tile=(48, 64)))
    with pytest.raises(WeightsCorrupt, match="another network"):
        OnnxEmotionModel(path, "own/tired")


def test_names_lead_nowhere_else() -> None:
    put("tired", own_network_graph(("awake", "tired")))
    for name in ("own/../own/tired", "tired", "own/", "own/tired/"):
        with pytest.raises(UnknownModel):
            choose(Kind.EMOTION, name)


def test_a_network_that_was_trained_again_is_loaded_anew() -> None:
    path = put("tired", own_network_graph(("awake", "tired")))
    before = load_emotion_model("own/tired").predict(CROPS)
    path.write_bytes(own_network_graph(("awake", "tired"), seed=1))
    os.utime(path, ns=(1, 1))
    assert not np.allclose(load_emotion_model("own/tired").predict(CROPS), before)


@pytest.mark.parametrize("network", [b"", b"nonsense", expression_graph()])
def test_another_file_is_refused(network: bytes) -> None:
    put("tired", network)
    with pytest.raises(WeightsCorrupt, match=r"adapted\.onnx"):
        load_emotion_model("own/tired")


def test_its_expressions_are_those_of_the_faces(astronaut: np.ndarray) -> None:
    put("tired", own_network_graph(("awake", "tired")))
    [face] = Analyzer(FakeDetector(), "own/tired", None).analyze(astronaut).faces
    assert face.labels == ("awake", "tired")
    assert face.dominant in face.labels


def test_the_report_beside_it() -> None:
    report = {"classes": ["a", "b"], "learned_from": 8, "n": 2, "accuracy": 0.5, "recall": [1, 0]}
    put("good", own_network_graph(("a", "b")), json.dumps(report))
    found = custom.held_out_report("own/good")
    assert found == custom.HeldOutReport(("a", "b"), 8, 2, 0.5, (1, 0))
    for name, text in {"absent": None, "broken": "{", "other": "[]", "poor": "{}"}.items():
        put(name, own_network_graph(("a", "b")), text)
        assert custom.held_out_report(f"own/{name}") is None
