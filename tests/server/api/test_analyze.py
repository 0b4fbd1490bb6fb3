"""POST /api/v1/analyze: answers to valid requests, bad pictures and invalid requests."""

from __future__ import annotations

import base64
import gzip
import io
import json
import struct
import tempfile
import zlib

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from opentelemetry import trace
from PIL import Image
from prometheus_client import REGISTRY

from fer_core.cli import main
from fer_core.errors import WeightsCorrupt
from fer_core.media import decoder_pool
from fer_core.media.images import read_picture
from fer_core.server.api import analysis
from fer_core.server.api.schemas import AnalyzeAnswer, ErrorAnswer, ModelsAnswer
from tests.conftest import SAMPLE
from tests.server.api.conftest import ENGINES

URL = "/api/v1/analyze"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def files(*pictures):
    """``(name, bytes)`` as the field ``pictures`` of a form."""
    return [("pictures", picture) for picture in pictures]


def as_json(*pictures, **options):
    encoded = [{"name": n, "data": base64.b64encode(data).decode()} for n, data in pictures]
    return {"pictures": encoded, **options}


def post(client, *pictures, **params):
    return client.post(URL, params=ENGINES | params, files=files(*pictures))


def refusal(answer, status, code):
    """The sentence of an error, whose form is checked."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    error = ErrorAnswer.model_validate(answer.json()).error
    assert error.code == code
    assert error.message.endswith(".")
    assert not any(sign in error.message for sign in ("Traceback", "/site-packages/"))
    return error.message


def without_latency(record):
    return {key: value for key, value in record.items() if key != "latency_ms"}


def test_the_records_are_those_of_the_command_line(client, sample):
    command = ["analyze", str(SAMPLE), "--detector", "scout", "--emotion", "compact"]
    printed = json.loads(CliRunner().invoke(main.main, command).stdout)
    by_form = post(client, (str(SAMPLE), sample))
    by_json = client.post(URL, json=as_json((str(SAMPLE), sample), **ENGINES))
    for answer in (by_form, by_json):
        assert answer.status_code == 200
        AnalyzeAnswer.model_validate(answer.json())
        [record] = answer.json()["pictures"]
        assert list(record) == list(printed)
        assert without_latency(record) == without_latency(printed)
        assert record["faces"][0]["dominant"] == "happy"


def test_a_broken_picture_does_not_stop_the_others(client, sample):
    answer = post(client, ("1.jpg", sample[:5000]), ("2.jpg", sample), ("3.jpg", b""))
    assert answer.status_code == 200
    AnalyzeAnswer.model_validate(answer.json())
    first, second, third = answer.json()["pictures"]
    assert [each["file"] for each in (first, second, third)] == ["1.jpg", "2.jpg", "3.jpg"]
    assert "damaged" in first["error"]
    assert len(second["faces"]) == 1
    assert "empty" in third["error"]


def test_no_picture_that_can_be_read_is_an_error_with_the_reasons(client):
    answer = post(client, ("a.txt", b"words"), ("b.jpg", b""))
    refusal(answer, 422, "unreadable")
    assert [each["file"] for each in answer.json()["error"]["pictures"]] == ["a.txt", "b.jpg"]
    assert "not a picture" in refusal(post(client, ("a.txt", b"words")), 422, "unreadable")


def test_a_picture_without_a_face_is_no_error(client):
    grey = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(grey, "PNG")
    [record] = post(client, ("grey.png", grey.getvalue())).json()["pictures"]
    assert (record["width"], record["faces"]) == (64, [])


def png_of(width, height):
    """A PNG of a few bytes with a huge size in its header."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", pixels), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_picture_bomb_is_refused_by_its_header(client, width, height):
    answer = post(client, ("bomb.png", png_of(width, height)))
    assert "million pixels" in refusal(answer, 422, "unreadable")


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "..\\..\\boot.ini",
        "/etc/shadow",
        "file:///etc/passwd",
        "<script>alert(1)</script>.jpg",
        "a\u202egpj.exe",
        "größer 😀.jpg",
        "$(reboot).jpg",
        "con",
    ],
)
def test_names_are_labels_and_come_back_as_they_came(client, sample, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Only quotes and line breaks would need an escape, and none is here.
    part = (
        b'Content-Disposition: form-data; name="pictures"; filename="'
        + name.replace("\\", "\\\\").encode()
        + b'"\r\n\r\n'
    )
    body = b"--x\r\n" + part + sample + b"\r\n--x--\r\n"
    by_form = client.post(
        URL,
        params=ENGINES,
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    by_json = client.post(URL, json=as_json((name, sample), **ENGINES))
    assert by_json.json()["pictures"][0]["file"] == name
    assert by_form.json()["pictures"][0]["file"] == name
    assert not list(tmp_path.iterdir())


def test_a_form_that_is_cut_off_is_not_taken_for_a_shorter_one(client, sample):
    part = b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
    answer = client.post(URL, params=ENGINES, content=(part + sample + b"\r\n") * 2, headers=FORM)
    assert "too early" in refusal(answer, 422, "invalid_request")


def test_a_long_name_is_cut(client, sample):
    assert post(client, ("n" * 4000, sample)).json()["pictures"][0]["file"] == "n" * 255


def test_nothing_goes_to_opentelemetry(open_client, sample, monkeypatch):
    class Tracers(trace.TracerProvider):
        def get_tracer(self, *_args, **_more):
            raise AssertionError("a request was traced")

    provider = Tracers()
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    assert post(open_client(), ("a.jpg", sample)).status_code == 200


def test_no_byte_of_an_upload_is_written_to_disk(client, monkeypatch):
    def fail(*_args, **_more):
        raise AssertionError("a temporary file was asked for")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    large = io.BytesIO()
    Image.new("RGB", (1000, 800)).save(large, "PNG", compress_level=0)
    assert len(large.getvalue()) > 2_000_000
    assert post(client, ("large.png", large.getvalue())).status_code == 200


def test_engines_are_taken_from_the_body_before_the_address(client, sample):
    others = {"detector": "haar", "emotion": "compact"}  # not those that `auto` would take
    for answer in (
        client.post(URL, params=others, files=files(("a", sample))),
        client.post(URL, data=others, files=files(("a", sample))),
        client.post(URL, params={"emotion": "deepface"}, data=others, files=files(("a", sample))),
        client.post(URL, params={"emotion": "deepface"}, json=as_json(("a", sample), **others)),
    ):
        [record] = answer.json()["pictures"]
        assert (record["detector"], record["model"]) == ("haar", "compact")


def test_settings_decide_where_nothing_is_said(client, sample, monkeypatch):
    monkeypatch.setenv("FER_DETECTOR", "haar")
    monkeypatch.setenv("FER_EMOTION", "compact")
    [record] = client.post(URL, files=files(("a", sample))).json()["pictures"]
    assert (record["detector"], record["model"]) == ("haar", "compact")


def test_auto_works_without_a_network(client, sample):
    [record] = post(client, ("a", sample), detector="auto", emotion="auto").json()["pictures"]
    assert (record["detector"], record["model"]) == ("scout", "compact")


@pytest.fixture
def sharp_and_blurred() -> bytes:
    """A picture with two faces, the second of which is too blurred to read well."""
    face = read_picture(SAMPLE)
    both = np.hstack([face, cv2.GaussianBlur(face, (0, 0), 5.0)])
    return cv2.imencode(".png", both)[1].tobytes()


def test_faces_that_cannot_be_read_well_are_left_out_where_asked(client, sharp_and_blurred, sample):
    pictures = ("both.png", sharp_and_blurred), ("one.jpg", sample)
    both, one = post(client, *pictures, readable_only="true").json()["pictures"]
    assert len(both["faces"]) == len(one["faces"]) == 1
    assert both["faces"][0]["quality"]["problems"] == []
    assert both["note"] == "Left out: 1 face that cannot be read well."
    assert "note" not in one
    # The body decides, as for the models.
    body = as_json(*pictures, readable_only=False, **ENGINES)
    answer = client.post(URL, params={"readable_only": "true"}, json=body)
    assert [len(each["faces"]) for each in answer.json()["pictures"]] == [2, 1]


@pytest.mark.parametrize(
    "option",
    [{"detector": "mtcnn"}, {"emotion": "vgg"}, {"emotion": ""}, {"readable_only": "perhaps"}],
)
def test_an_option_that_cannot_be_is_refused(client, sample, option):
    assert next(iter(option)) in refusal(
        post(client, ("a", sample), **option), 422, "invalid_request"
    )


def test_an_own_network_that_is_not_there(client, sample):
    answer = post(client, ("a", sample), emotion="own/nobody")
    assert "own/nobody" in refusal(answer, 422, "unknown_engine")


@pytest.mark.parametrize("option", [{"detector": "yunet"}, {"emotion": "deepface"}])
def test_an_engine_that_cannot_be_had_is_503(client, sample, option):
    refusal(post(client, ("a", sample), **option), 503, "engine_unavailable")


def test_where_the_weights_lie_is_not_told(client, sample, monkeypatch):
    def fail(*_args, **_more):
        raise WeightsCorrupt("/secret/folder/yunet.onnx cannot be used.")

    monkeypatch.setattr(analysis, "Analyzer", fail)
    answer = post(client, ("a", sample))
    assert "secret" not in refusal(answer, 503, "engine_unavailable")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"--",
        b"--x",
        b"--x\r\n",
        b"--x--\r\n",
        b"--y\r\nContent-Disposition: form-data\r\n\r\n--y--",
        b"--x\r\n\r\nno headers\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="pictures"\r\n\r\nno file\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nz\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\ncut off',
        b"--x\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        b"--x\r\nContent-Disposition: " + b"z" * 100_000,
        b'--x\r\nContent-Disposition: form-data; name="emotion"\r\n\r\n' + b"e" * 5000,
        b"\x00\xff" * 500,
        b"--x\r\n" * 5000,
    ],
    ids=lambda body: repr(body[:60]),
)
def test_malformed_multipart(client, body):
    answer = client.post(URL, content=body, headers=FORM)
    refusal(answer, 422, "invalid_request")


def test_a_picture_without_a_file_name_is_told_so(client, sample):
    head = b'--x\r\nContent-Disposition: form-data; name="pictures"\r\n\r\n'
    answer = client.post(URL, content=head + sample + b"\r\n--x--\r\n", headers=FORM)
    assert "as a file, with a file name" in refusal(answer, 422, "invalid_request")


def test_base64_as_browsers_and_mail_write_it_is_told_so(client, sample):
    once = base64.b64encode(sample).decode()
    for data in (f"data:image/jpeg;base64,{once}", base64.encodebytes(sample).decode()):
        answer = client.post(URL, json={"pictures": [{"data": data}]})
        assert "without line breaks and without a prefix" in refusal(answer, 422, "invalid_request")


def test_a_compressed_body_is_told_so(client, sample):
    body = json.dumps(as_json(("a", sample), **ENGINES)).encode()
    kind = {"Content-Type": "application/json"}
    zipped = {**kind, "Content-Encoding": "gzip"}
    answer = client.post(URL, content=gzip.compress(body), headers=zipped)
    assert "without compression" in refusal(answer, 415, "unsupported_media_type")
    plain = {**kind, "Content-Encoding": "identity"}
    assert client.post(URL, content=body, headers=plain).status_code == 200


@pytest.mark.parametrize("boundary", ["", '""', "x" * 10_000, "é".encode(), b"\xff\xfe"])
def test_a_boundary_that_cannot_be(client, boundary):
    boundary = boundary if isinstance(boundary, bytes) else boundary.encode()
    kind = b"multipart/form-data; boundary=" + boundary
    answer = client.post(URL, content=b"--a\r\n", headers={"Content-Type": kind})
    refusal(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"pictures": []}',
        b'{"pictures": [{"name": "a"}]}',
        b'{"pictures": [{"data": 7}]}',
        b'{"pictures": [{"data": "!!!!"}]}',
        b'{"pictures": [{"data": "AAA"}]}',
        b'{"pictures": [{"data": "AAAA\\nAAAA"}]}',
        b'{"pictures": [{"data": "\xc3\xa9"}]}',
        b'{"pictures": [{"data": "", "name": "\\ud800"}]}',
        b'{"pictures": [{"data": "", "path": "/etc/passwd"}]}',
        b'{"pictures": [{"data": ""}], "emotion": {"a": 1}}',
        b'{"pictures": [{"data": ""}], "detectors": "haar"}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"pictures": [{"data": "", "name": "' + b"n" * 300 + b'"}]}',
    ],
    ids=lambda body: repr(body[:60]),
)
def test_malformed_json(client, body):
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    refusal(answer, 422, "invalid_request")


@pytest.mark.parametrize(
    "body",
    [
        b'{"pictures": [%s]}' % b",".join([b"0"] * 10_000),
        b'{"pictures": [%s]}' % b",".join([b'{"data":""}'] * 10_000),
        b'{"pictures": [{"data": [%s]}]}' % b",".join([b"[]"] * 10_000),
        b"{%s}" % b",".join(b'"%x":0' % number for number in range(10_000)),
    ],
    ids=["numbers", "pictures", "lists", "names"],
)
def test_json_of_many_values_is_refused_before_it_takes_memory(client, body):
    """A body of 40 MB of them took more than 9 GB, and the whole dashboard with it."""
    answer = client.post(URL, content=body, headers={"Content-Type": "application/json"})
    assert "more values than 20 pictures" in refusal(answer, 422, "invalid_request")


def test_names_of_commas_and_brackets_are_names(client, sample):
    pictures = [(",[{" * 85, sample[:100])] * 20
    answer = client.post(URL, json=as_json(*pictures, **ENGINES))
    refusal(answer, 422, "unreadable")
    assert [each["file"] for each in answer.json()["error"]["pictures"]] == [",[{" * 85] * 20


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "image/jpeg",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json2",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x; charset=undefined",
        "multipart/form-data; boundary=x; charset=unicode_escape",
        "multipart/mixed; boundary=x",
    ],
)
def test_a_body_of_another_kind(client, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    refusal(client.post(URL, content=b"x", headers=headers), 415, "unsupported_media_type")


def test_too_many_pictures(client, sample, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_PICTURES", "2")
    three = [("a", sample)] * 3
    assert post(client, *three[:2]).status_code == 200
    assert "2 pictures" in refusal(post(client, *three), 422, "invalid_request")
    assert "2 pictures" in refusal(post(client, *three * 9), 422, "invalid_request")
    answer = client.post(URL, json=as_json(*three))
    assert "2 pictures" in refusal(answer, 422, "invalid_request")


def test_too_many_bytes_in_one_picture(client, monkeypatch):
    monkeypatch.setenv("FER_MAX_UPLOAD_MB", "1")
    large = bytes(1_000_001)
    assert "1 MB" in refusal(post(client, ("a", large)), 413, "too_large")
    assert "1 MB" in refusal(client.post(URL, json=as_json(("a", large))), 413, "too_large")
    refusal(post(client, ("a", large[1:])), 422, "unreadable")  # zeros, and few enough of them


def test_too_many_bytes_in_all(client, monkeypatch):
    monkeypatch.setenv("FER_API_MAX_BODY_MB", "1")
    half = bytes(600_000)
    answer = post(client, ("a", half), ("b", half))
    assert "FER_API_MAX_BODY_MB" in refusal(answer, 413, "too_large")


def test_the_rate_is_limited_for_each_caller(open_client, sample, monkeypatch):
    monkeypatch.setenv("FER_API_REQUESTS_PER_MINUTE", "2")
    first, second = "the-first-callers-own-token", "the-second-callers-own-token"
    monkeypatch.setenv("FER_API_TOKENS", f"{first},{second}")
    client = open_client("10.0.0.5", "app.example")

    def ask(token):
        return client.post(URL, content=b"", headers={"Authorization": f"Bearer {token}"})

    assert [ask(first).status_code for _ in range(2)] == [415, 415]
    limited = ask(first)
    assert "2 requests a minute" in refusal(limited, 429, "rate_limited")
    assert 1 <= int(limited.headers["retry-after"]) <= 30
    assert ask(second).status_code == 415


def test_strangers_do_not_use_up_the_rate(open_client, monkeypatch):
    monkeypatch.setenv("FER_API_REQUESTS_PER_MINUTE", "1")
    monkeypatch.setenv("FER_API_TOKENS", "a-token-that-is-good-enough")
    client = open_client()
    assert {client.post(URL).status_code for _ in range(5)} == {401}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/analyze", 405),
        ("DELETE", "/api/v1/models", 405),
        ("POST", "/metrics", 405),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/models/", 404),
    ],
)
def test_addresses_and_methods_that_are_not_there(client, method, path, status):
    code = {404: "not_found", 405: "method_not_allowed"}[status]
    answer = client.request(method, path, follow_redirects=False)
    refusal(answer, status, code)
    assert ("allow" in answer.headers) == (status == 405)


def test_a_bug_is_an_error_of_the_same_form(client, sample, monkeypatch):
    def fail(*_args):
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(analysis, "picture_record", fail)
    answer = post(client, ("a", sample))
    assert "secret" not in refusal(answer, 500, "internal")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_one_picture_makes_a_library_raise_is_its_error_alone(client, sample, monkeypatch):
    decode = decoder_pool.decode_apart

    def fail(data, *others):
        if data == b"odd":
            raise RuntimeError("a secret detail")
        return decode(data, *others)

    monkeypatch.setattr(analysis, "decode_apart", fail)
    first, second = post(client, ("a", b"odd"), ("b", sample)).json()["pictures"]
    assert "could not be analysed" in first["error"]
    assert "secret" not in first["error"]
    assert len(second["faces"]) == 1


def test_a_picture_without_its_last_bytes_has_a_note(client, sample):
    [record] = post(client, ("a", sample[:-2])).json()["pictures"]
    assert "last bytes" in record["note"]
    assert len(record["faces"]) == 1


@pytest.mark.parametrize(
    "path", ["/api/v1/models", "/api/v1/nothing", "/metrics", "/healthz", "/readyz"]
)
def test_every_answer_has_the_security_headers(client, path):
    headers = client.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert not [name for name in headers if name.startswith("access-control-")]


def test_models(client):
    answer = ModelsAnswer.model_validate(client.get("/api/v1/models").json())
    assert [each.name for each in answer.detectors] == ["yunet", "scout", "haar"]
    compact = {each.name: each for each in answer.emotion_models}["compact"]
    assert (compact.status, compact.licence) == ("here", "MIT")
    assert "% on FER2013" in compact.measured
    assert compact.size_bytes > 1_000_000
    assert (answer.default_detector, answer.default_emotion_model) == (
        "scout",
        "compact",
    )


def test_models_while_the_one_that_is_set_cannot_be_had(client, monkeypatch):
    monkeypatch.setenv("FER_EMOTION", "own/gone")
    assert client.get("/api/v1/models").json()["default_emotion_model"] is None


def test_the_metrics_count(client, sample):
    def value(name, **labels):
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def now():
        return (
            value("fer_pictures_total", source="api"),
            value("fer_errors_total", where="api"),
            value("fer_analysis_seconds_count", kind="picture"),
            value("fer_api_requests_total", route=URL, status="200"),
            value("fer_api_requests_total", route="other", status="404"),
        )

    before = now()
    post(client, ("a", sample), ("b", b"words"))
    client.get("/api/v1/people/by/name")
    assert [after - old for after, old in zip(now(), before, strict=True)] == [1, 1, 1, 1, 1]
    text = client.get("/metrics").text
    for name in ("fer_frames_total", "fer_live_streams", "process_resident_memory_bytes"):
        assert f"\n{name} " in text
    assert "people" not in text  # nobody fills the memory with addresses that are made up
