"""The pages' upload route, called by a client that is not a browser but has a visitor's cookies."""

from __future__ import annotations

import http.client
import io
import select
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Dashboard, WarmDashboard
from tests.browser.states import drawn, wear
from tests.browser.test_photo import upload
from tests.conftest import SAMPLE
from tests.server.api.test_server import END, PART
from tests.servers import running

KIND = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard that takes pictures of 1 MB, videos of 2 MB, and 4 MB of files in all."""
    folder = tmp_path_factory.mktemp("small")
    sizes = {"FER_MAX_UPLOAD_MB": "1", "FER_MAX_VIDEO_MB": "2", "FER_MAX_UPLOADS_MB": "4"}
    with running(WarmDashboard(folder, **sizes)) as server:
        yield server


class Keys:
    """Where a visitor's browser uploads to, and what it shows for it."""

    def __init__(self, page: Page) -> None:
        with page.expect_request(lambda asked: "/_stcore/upload_file/" in asked.url) as sent:
            upload(page, SAMPLE)
        request = sent.value
        headers = request.all_headers()
        wanted = ("cookie", "x-xsrftoken")
        self.headers = {name: headers[name] for name in wanted if name in headers}
        address = urlsplit(request.url)
        self.host = address.netloc
        self.folder = address.path.rpartition("/")[0]

    def put(self, name: str, body: bytes, **headers: str) -> int:
        connection = http.client.HTTPConnection(self.host, timeout=60)
        try:
            path = f"{self.folder}/{name}"
            connection.request("PUT", path, body, {**self.headers, **KIND, **headers})
            return connection.getresponse().status
        finally:
            connection.close()


@pytest.fixture
def dashboard(small: Dashboard) -> str:
    """Where ``open_page`` goes in this module."""
    return small.url


@pytest.fixture
def page(open_page) -> Page:
    """The photo page."""
    page: Page = open_page("/photo")
    expect(page.get_by_text("Add one or more pictures")).to_be_visible()
    return page


def test_forged_uploads(page, small):
    keys = Keys(page)
    picture = PART + SAMPLE.read_bytes() + END
    assert keys.put("a", picture) == 204
    two = PART + b"1\r\n" + PART.replace(b'"pictures"', b'"others"') + b"2" + END
    for body in (
        b"", b"no form", PART, b"--x--", two, picture.replace(b"--x", b"--y"),
        picture.replace(b'name="pictures"', b""),
    ):  # fmt: skip
        assert keys.put("b", body) == 400, body[:80]
    assert keys.put("c", PART + bytes(4_000_000) + END) == 413
    assert keys.put("d", picture, **{"x-xsrftoken": "2|forged"}) == 403
    keys.folder = keys.folder.rpartition("/")[0] + "/somebody-else"
    assert keys.put("e", picture) == 401
    assert "Traceback" not in small.log.read_text()


TRICKS = (
    *("../../../etc/passwd.jpg", "..\\..\\evil.jpg", "/etc/passwd.jpg"),
    "<img src=x onerror=1>.jpg",
)


def test_tricks_in_file_names_are_just_names(page, small):
    before = sorted(Path(small.log.parent).rglob("*"))
    content = SAMPLE.read_bytes()
    upload(page, *({"name": n, "mimeType": "image/jpeg", "buffer": content} for n in TRICKS))
    readings = page.locator(".fer-reading")
    expect(readings).to_have_count(len(TRICKS))
    for reading in readings.all():
        expect(reading).to_contain_text("happy")
    assert page.locator("img[src=x]").count() == 0
    assert sorted(Path(small.log.parent).rglob("*")) == before


def test_a_picture_bomb_is_a_sentence(page, tmp_path):
    bomb = tmp_path / "bomb.png"
    Image.new("1", (12_000, 12_000)).save(bomb)
    assert bomb.stat().st_size < 100_000
    upload(page, bomb)
    expect(page.get_by_text("more than 64 million pixels")).to_be_visible()


def test_200_uploads_at_once(page):
    keys = Keys(page)
    file = io.BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    body = PART + file.getvalue() + END
    together = threading.Barrier(200)

    def put(number: int) -> int:
        together.wait()
        return keys.put(f"many-{number}", body)

    with ThreadPoolExecutor(200) as clients:
        statuses = Counter(clients.map(put, range(200)))
    assert statuses == {204: 200}
    # The page that was open is still alive.
    page.get_by_text("Try the sample picture").click()
    expect(page.locator(".fer-reading").nth(1)).to_contain_text("happy")


def test_files_of_a_page_that_was_left_take_no_room(page, tmp_path):
    large = tmp_path / "large.jpg"
    large.write_bytes(SAMPLE.read_bytes() + bytes(900_000))
    for _ in range(6):
        upload(page, large)
        expect(page.locator(".fer-reading").first).to_contain_text("happy")
        page.get_by_role("link", name="About").click()
        expect(page.get_by_role("heading", name="About")).to_be_visible()
        page.get_by_role("link", name="Photo", exact=True).click()
        expect(page.get_by_text("Add one or more pictures")).to_be_visible()


def test_what_there_is_no_room_for_is_refused_in_words(page, tmp_path, screenshot):
    keys = Keys(page)
    body = PART + bytes(900_000) + END
    statuses = [keys.put(f"room-{number}", body) for number in range(6)]
    assert statuses[0] == 204
    assert statuses[-1] == 503
    large = tmp_path / "large.jpg"
    large.write_bytes(SAMPLE.read_bytes() + bytes(800_000))
    upload(page, large)
    refusal = page.get_by_text("cannot hold more files")
    expect(refusal).to_be_visible()
    screenshot(page, "photo-no-room")
    page.get_by_role("button", name="Remove large.jpg").click()
    expect(refusal).to_have_count(0)


def test_a_video_may_be_larger_than_streamlits_own_limit(open_page, server):
    page = open_page("/healthz")
    page.goto(f"{server.url}/photo")  # without the small limits
    keys = Keys(page)
    host, _, port = keys.host.partition(":")
    lines = [f"PUT {keys.folder}/large HTTP/1.1", f"Host: {keys.host}", "Content-Length: 900000000"]
    lines += [f"{name}: {value}" for name, value in {**keys.headers, **KIND}.items()]
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + PART)
        # No refusal while the rest is awaited.
        assert not select.select([connection], [], [], 2.0)[0]


LOOKS = """async () => {
  let looks = 0;
  const find = document.querySelectorAll;
  document.querySelectorAll = function (what) {
    looks += what.includes("stFileUploader");
    return find.call(this, what);
  };
  document.body.append(document.createElement("i"));
  await null; // what watches the page has seen it by then
  delete document.querySelectorAll;
  return looks;
}"""


def test_the_page_is_watched_once_however_often_its_colours_change(open_page):
    page = open_page("/photo", camera="none")
    drawn(page)
    assert page.evaluate(LOOKS) == 1
    for theme in ("dark", "light", "dark"):
        wear(page, theme)
        drawn(page)
    assert page.evaluate(LOOKS) == 1
    page.get_by_role("link", name="About", exact=True).click()
    expect(page.get_by_role("heading", name="About", exact=True)).to_be_visible()
    drawn(page)
    assert page.evaluate(LOOKS) == 0
