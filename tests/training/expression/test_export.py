"""The ONNX file agrees with PyTorch, and can be read back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch is absent: pip install -r requirements-train.txt"
)

import onnx  # noqa: E402
import onnxruntime  # noqa: E402

from fer_core.errors import DatasetError, WeightsCorrupt  # noqa: E402
from fer_core.models.emotion.compact import SHIPPED_WEIGHTS, CompactEmotionModel  # noqa: E402
from fer_core.paths import ROOT  # noqa: E402
from fer_core.training.expression import export as exporter  # noqa: E402
from fer_core.training.expression.metrics import softmax  # noqa: E402
from fer_core.training.expression.network import CompactNet  # noqa: E402
from fer_core.training.expression.targets import FER2013, FERPLUS, HEADS  # noqa: E402
from fer_core.training.expression.train import predict_logits  # noqa: E402
from tests.training.expression.conftest import face  # noqa: E402
from tests.training.runs import replaced_only_if_equal  # noqa: E402

TILES = np.stack([face(i, 4) for i in range(9)])
TINY = (8, 8, 8, 8)
TEMPERATURES = {FERPLUS: 0.7, FER2013: 1.3}


@pytest.fixture(scope="module")
def network() -> CompactNet:
    torch.manual_seed(0)
    network = CompactNet(dict.fromkeys(HEADS, 7), channels=TINY)
    with torch.no_grad():
        network(torch.from_numpy(TILES)[:, None].float())  # batch statistics of their own
    network.eval()
    return network


@pytest.fixture(scope="module")
def exported(network: CompactNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file for all who look at it: an export takes three seconds of a core."""
    path = tmp_path_factory.mktemp("export") / "x.onnx"
    with replaced_only_if_equal(exporter, path):
        assert exporter.export(network, HEADS, TEMPERATURES, TILES, path) <= exporter.PARITY
    return path


def test_both_outputs_are_calibrated_and_close_to_the_network(
    exported: Path, network: CompactNet
) -> None:
    model = CompactEmotionModel(exported)
    logits = predict_logits(network, TILES)
    np.testing.assert_array_equal(model.predict(TILES), model.predict_both(TILES)[0])
    for head, shares in zip((FERPLUS, FER2013), model.predict_both(TILES), strict=True):
        expected = softmax(logits[head] / TEMPERATURES[head])
        np.testing.assert_allclose(shares, expected, atol=5e-3)  # half-precision weights


def test_the_file_does_not_tell_where_it_was_made(exported: Path) -> None:
    assert str(ROOT).encode() not in exported.read_bytes()
    assert b"export.py" not in SHIPPED_WEIGHTS.read_bytes()


def test_the_network_can_be_read_back(exported: Path, network: CompactNet) -> None:
    again, classes = exporter.read_exported(exported)
    assert classes == HEADS
    for head, logits in predict_logits(again, TILES).items():
        np.testing.assert_allclose(logits, predict_logits(network, TILES)[head], atol=2e-2)


def test_own_classes_and_a_face_that_is_enlarged_inside_the_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small, large = (CompactNet({"own": 3}, channels=TINY, side=side) for side in (48, 80))
    with torch.no_grad():
        small(torch.from_numpy(TILES)[:, None].float())
    large.load_state_dict(small.eval().state_dict())
    path = tmp_path / "own.onnx"
    classes = {"own": ["awake", "asleep", "unclear"]}
    exporter.export(large.eval(), classes, {"own": 1.0}, TILES, path)
    session = onnxruntime.InferenceSession(path)
    assert session.run(None, {"tiles": TILES})[0].shape == (9, 3)
    with pytest.raises(WeightsCorrupt, match="another network"):
        CompactEmotionModel(path)
    again, read = exporter.read_exported(path)
    assert (read, again.side) == (classes, 80)
    said = predict_logits(again, TILES)["own"]
    np.testing.assert_allclose(said, predict_logits(large, TILES)["own"], atol=2e-3)
    assert np.abs(said - predict_logits(small, TILES)["own"]).max() > 1e-2  # the side matters
    model = onnx.load(path)
    kept = [note for note in model.metadata_props if note.key != "side"]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, path)
    assert exporter.read_exported(path)[0].side == 48  # as in files made before it was noted


def test_the_shipped_network_can_be_read_back() -> None:
    network, classes = exporter.read_exported(SHIPPED_WEIGHTS)
    assert list(classes) == [FERPLUS, FER2013]
    said = CompactEmotionModel().predict(TILES).argmax(axis=1)
    np.testing.assert_array_equal(predict_logits(network, TILES)[FERPLUS].argmax(axis=1), said)


def test_a_file_that_differs_is_not_kept(tmp_path: Path) -> None:
    path, partial = tmp_path / "x.onnx", tmp_path / "x.partial"
    path.write_bytes(b"the old one")
    partial.write_bytes(b"the new one")
    with pytest.raises(RuntimeError, match="differ by"):
        exporter.keep_if_equal(2 * exporter.PARITY, partial, path)
    assert path.read_bytes() == b"the old one"
    assert [p.name for p in tmp_path.iterdir()] == ["x.onnx"]
    partial.write_bytes(b"the new one")
    exporter.keep_if_equal(exporter.PARITY, partial, path)
    assert path.read_bytes() == b"the new one"


@pytest.mark.parametrize("content", [b"", b"no network"])
def test_a_file_that_is_no_network(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="not a compact network"):
        exporter.read_exported(path)
