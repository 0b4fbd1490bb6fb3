"""The benchmarks run, and calculate correctly; no test checks speed."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import benchmarks
from benchmarks import _deepface, _mini_xception, stream_speed, where_time_goes
from benchmarks._camera import BITS, CELLS, FPS, STRIP_PX, at_camera_rate, numbered
from benchmarks._framing import (
    JITTER,
    THE_RULE,
    Framing,
    SeenFace,
    crops,
    entropy_bits,
    jittered,
    reframe_box,
    reframe_tile,
    total_variation,
)
from benchmarks._race import Race, race
from benchmarks._report import Report, command, machine, percent, table
from benchmarks._scenes import HEIGHT, WIDTH, Clip, fill, portrait
from benchmarks.closed_eyes import best_accuracy, roc_auc
from benchmarks.live_page import median_and_p95
from fer_core.analysis.analyzer import face_crop
from fer_core.schema import Box

FOLDER = Path(benchmarks.__file__).parent
RUNNABLE = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", RUNNABLE)
def test_each_says_how_it_is_run(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert f"python -m benchmarks.{name}" in str(module.__doc__)
    assert "--json" in CliRunner().invoke(module.run, ["--help"]).output


def test_eyes_that_are_told_apart_by_any_limit_in_between():
    open_eyes, closed = np.array([0.8, 0.9, 0.7]), np.array([0.2, 0.4])
    values, truth = np.concatenate([open_eyes, closed]), np.array([False] * 3 + [True] * 2)
    assert roc_auc(values, truth) == 1.0
    accuracy, limit = best_accuracy(values, truth)
    assert accuracy == 1.0
    assert limit == pytest.approx(0.55)
    values[0] = 0.3  # an open eye between the closed ones
    assert roc_auc(values, truth) == pytest.approx(5 / 6)
    assert best_accuracy(values, truth)[0] == pytest.approx((1.0 + 2 / 3) / 2)


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.booleans()), min_size=2))
def test_limits_by_brute_force(eyes: list[tuple[float, bool]]):
    values, truth = np.array([value for value, _ in eyes]), np.array([shut for _, shut in eyes])
    if truth.all() or not truth.any():
        return
    shut, wide = values[truth].tolist(), values[~truth].tolist()
    wins = [1.0 if a < b else 0.5 if a == b else 0.0 for a in shut for b in wide]
    assert roc_auc(values, truth) == pytest.approx(np.mean(wins))
    every = [
        (np.mean(np.array(shut) < at) + np.mean(np.array(wide) >= at)) / 2
        for at in (0.0, 0.15, 0.25, 0.35, 1.0)
    ]
    accuracy, limit = best_accuracy(values, truth)
    assert accuracy == pytest.approx(max(every))
    told = (np.mean(np.array(shut) < limit) + np.mean(np.array(wide) >= limit)) / 2
    assert told == pytest.approx(accuracy)


def test_a_race_takes_turns_and_leaves_out_the_first():
    order: list[str] = []
    found = race({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, turns=3, calls=2)
    assert "".join(order) == "aabb" * 4
    assert {side: len(times) for side, times in found.times_ms.items()} == {"a": 3, "b": 3}


def test_a_ratio_is_the_median_of_the_turns():
    # In the third turn the machine was busy: both sides took ten times as long.
    found = Race({"slow": np.array([8.0, 10.0, 100.0]), "fast": np.array([2.0, 2.0, 20.0])})
    assert found.median_ms("slow") == 10
    assert found.times_longer("slow", "fast") == (5.0, 4.5, 5.0)


def test_time_a_frame():
    passes = Race({"a": np.array([10.0]), "b": np.array([10.0])})
    found = stream_speed.a_frame(passes, {"a": 2, "b": 5})
    assert {side: times.tolist() for side, times in found.times_ms.items()} == {"a": [5], "b": [2]}


def test_a_table():
    assert table(["what", "ms"], [["one", 1.5], ["a longer name", 20]]) == (
        "| what          |  ms |\n"
        "| ------------- | --: |\n"
        "| one           | 1.5 |\n"
        "| a longer name |  20 |"
    )
    assert percent(0.674) == "67.4 %"


def test_a_report_is_a_section_or_json():
    report = Report("Title", {"ms": 1}, ["| table |"], ["note"])
    assert report.as_markdown() == "### Title\n\n| table |\n\n- note"
    run = command(lambda: report)
    assert report.as_markdown() in CliRunner().invoke(run).output
    assert json.loads(CliRunner().invoke(run, ["--json"]).output) == {"machine": machine(), "ms": 1}


def test_the_machine_is_named_without_its_address():
    assert re.match(r"\d+ cores of an .+, \d+ GiB; Python 3\.\d+\.\d+, onnxruntime ", machine())


def test_deepfaces_network_has_its_shape():
    """1,485,831 parameters, which in 32 bits are the 5.9 MB of DeepFace's file."""
    content = _deepface.network()
    weights = onnx.load_from_string(content).graph.initializer
    assert sum(int(np.prod(each.dims)) for each in weights) == 1_485_831
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    shares = session.run(["shares"], {"faces": np.ones((2, 48, 48, 1), np.float32)})[0]
    np.testing.assert_allclose(shares.sum(axis=1), [1, 1], rtol=1e-5)


def test_mini_xception_has_kerass_layers():
    """Random weights of the shapes in the package's file; the sum over a layer by hand."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in _shapes()}
    for name in weights:
        if name.endswith("moving_variance"):
            weights[name] = np.abs(weights[name]) + 0.5
    content = _mini_xception.as_onnx(weights)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    faces = rng.uniform(-1, 1, (3, 1, 64, 64)).astype(np.float32)
    shares = session.run(["shares"], {"faces": faces})[0]
    assert shares.shape == (3, 7)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    used = {each.name for each in onnx.load_from_string(content).graph.initializer}
    assert {name.replace("depthwise_kernel", "depthwise") for name in weights} == used


def _shapes():
    norms = [8, 8] + [maps for maps in (16, 32, 64, 128) for _ in range(3)]
    for number, maps in enumerate(norms, start=1):
        for kind in ("gamma", "beta", "moving_mean", "moving_variance"):
            yield f"batch_normalization_{number}/{kind}", (maps,)
    plain = [(3, 1, 8), (3, 8, 8), (1, 8, 16), (1, 16, 32), (1, 32, 64), (1, 64, 128), (3, 128, 7)]
    for number, (side, before, after) in enumerate(plain, start=1):
        yield f"conv2d_{number}/kernel", (side, side, before, after)
    yield "conv2d_7/bias", (7,)
    separable = [(8, 16), (16, 16), (16, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128)]
    for number, (before, after) in enumerate(separable, start=1):
        yield f"separable_conv2d_{number}/depthwise_kernel", (3, 3, before, 1)
        yield f"separable_conv2d_{number}/pointwise_kernel", (1, 1, before, after)


def test_a_picture_fills_the_camera():
    assert portrait().shape == (HEIGHT, WIDTH, 3)
    wide = np.zeros((270, 480, 3), np.uint8)
    wide[:, 239:241] = 255
    filled = fill(wide)
    assert filled.shape == (HEIGHT, WIDTH, 3)
    assert filled[:, WIDTH // 2].min() == 255
    assert filled[:, : WIDTH // 2 - 10].max() == 0


boxes = st.builds(
    Box, st.integers(-50, 200), st.integers(-50, 200), st.integers(1, 300), st.integers(1, 300)
)


@given(boxes, st.floats(0.5, 2), st.floats(-0.3, 0.3))
def test_a_reframed_box_is_a_square_where_it_was_asked_for(box, scale, shift):
    square = reframe_box(box, Framing(scale, shift))
    edge = max(box.w, box.h)
    assert square == box or square.w == square.h == max(1, round(edge * scale))
    assert square.x + square.w / 2 == pytest.approx(box.x + box.w / 2, abs=1)
    assert square.y + square.h / 2 == pytest.approx(box.y + box.h / 2 + shift * edge, abs=1)


def test_the_rule_is_the_pipelines_own():
    picture, box = portrait(), Box(250, 60, 101, 130)
    np.testing.assert_array_equal(
        crops([SeenFace(picture, box)], THE_RULE)[0], face_crop(picture, box)
    )


def test_a_reframed_tile():
    tile = np.random.default_rng(0).integers(0, 256, (48, 48)).astype(np.uint8)
    np.testing.assert_array_equal(reframe_tile(tile, THE_RULE), tile)
    shifted = reframe_tile(tile, Framing(shift=0.25))
    np.testing.assert_array_equal(shifted[:36], tile[12:])
    np.testing.assert_array_equal(shifted[36:], np.repeat(tile[-1:], 12, axis=0))
    halved = reframe_tile(tile, Framing(scale=2.0))
    assert (halved[:11, :11] == tile[0, 0]).all()


@given(st.floats(0.5, 2))
def test_a_tile_is_scaled_about_its_middle(scale):
    ramp = np.tile(np.arange(48, dtype=np.uint8) * 5, (48, 1))
    scaled = reframe_tile(ramp, Framing(scale))
    mirrored = reframe_tile(ramp[:, ::-1].copy(), Framing(scale))
    np.testing.assert_allclose(scaled, mirrored[:, ::-1], atol=1)


@given(boxes, st.integers(0, 100))
def test_a_jittered_box_stays_near(box, seed):
    moved = jittered(SeenFace(np.zeros((1, 1, 3), np.uint8), box), np.random.default_rng(seed)).box
    edge = max(box.w, box.h)
    assert moved.w == pytest.approx(box.w, abs=JITTER * box.w + 1)
    assert moved.x + moved.w / 2 == pytest.approx(box.x + box.w / 2, abs=JITTER * edge + 1)
    assert moved.y + moved.h / 2 == pytest.approx(box.y + box.h / 2, abs=JITTER * edge + 1)


def test_certainty_and_steadiness():
    shares = np.array([[1.0, 0, 0, 0], [0.25, 0.25, 0.25, 0.25]])
    np.testing.assert_allclose(entropy_bits(shares), [0, 2], atol=1e-6)
    assert total_variation(shares, shares) == 0
    assert total_variation(shares[:1], np.array([[0.0, 1, 0, 0]])) == 1


def test_the_camera_plays_forth_and_back_at_its_rate():
    pictures = [np.full((1, 1, 3), i, np.uint8) for i in range(3)]
    seen = [int(each[0, 0, 0]) for each in at_camera_rate(Clip(pictures, [0.0, 0.1, 0.2]))]
    assert seen == seen[::-1]
    half = seen[: len(seen) // 2]
    assert FPS == 30
    assert [half.count(i) for i in range(3)] == [3, 3, pytest.approx(1.5, abs=0.5)]
    assert len(at_camera_rate(Clip(pictures, [0.0, 60.0, 120.0]))) == 2**BITS


@given(st.integers(0, 2**BITS - 1))
def test_a_number_can_be_read_from_the_picture(number):
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    marked = numbered(picture, number)
    # As _camera.js reads it: the middle of each cell, at 96 % of the height.
    row = marked[round(0.96 * HEIGHT), :, 1]
    cells = [int(row[round((i + 0.5) * WIDTH / CELLS)] > 127) for i in range(CELLS)]
    white, black, *bits, parity = cells
    assert (white, black, parity) == (1, 0, sum(bits) % 2)
    assert int("".join(map(str, bits)), 2) == number
    np.testing.assert_array_equal(marked[:-STRIP_PX], picture[:-STRIP_PX])


def test_stages_add_up():
    watches = []
    for extra in (0.0, 1.0, 50.0):
        watch = where_time_goes.Watch()
        watch.ms.update({"decode": 4.0, "analysis": 20.0 + extra, "detect": 6.0, "emotion": 4.0})
        watches.append(watch)
    stages = where_time_goes.stage_medians(watches, frames=2)
    assert tuple(stages) == where_time_goes.STAGES
    assert (stages["decode"], stages["detect"], stages["other analysis"]) == (2.0, 3.0, 5.5)


def test_median_and_p95():
    assert median_and_p95(list(range(101))) == (50.0, 95.0)
    assert all(np.isnan(median_and_p95([])))
