"""Tests of the weights' files: found, downloaded from a local server, checked, refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fer_core.errors import DownloadFailed, WeightsCorrupt
from fer_core.models.registry import MODELS, Model
from fer_core.models.registry import downloads as all_downloads
from fer_core.models.weights import files
from fer_core.models.weights.files import State
from fer_core.paths import ROOT
from tests.certificates import certificate
from tests.downloads import (
    CONTENT,
    WeightsServer,
    files_in,
    isolate,
    limit_patience,
    use,
    weights_server,
)
from tests.graphs import expression_graph
from tests.history.conftest import fill
from tests.history.conftest import small_disk as small_disk
from tests.waiting import until

KEYS = ("yunet", "deepface")


@pytest.fixture(scope="module")
def _server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


@pytest.fixture
def server(_server: WeightsServer) -> WeightsServer:
    _server.go_on.clear()
    _server.requests.clear()
    return _server


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "downloaded"
    isolate(monkeypatch, folder)
    return folder


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("FER_WEIGHTS_DIR", str(folder))
    return folder


def test_the_registry_is_complete() -> None:
    for file in all_downloads().values():
        for address in (file.source_url, *file.addresses):
            assert address.startswith("https://")
        assert all(address.endswith(f"/{file.file_name}") for address in file.addresses)
    assert re.fullmatch("[0-9a-f]{64}", MODELS["yunet"].sha256)


def test_deepfaces_addresses_are_the_package_s_own() -> None:
    from deepface.models.demography.onnx import Emotion

    assert list(MODELS["deepface"].addresses) == Emotion.WEIGHTS_URL


@pytest.mark.shared
def test_the_real_yunet_is_accepted(own: Path, downloads: Path, shared: Path) -> None:
    source = shared / "weights" / "face_detection_yunet_2023mar.onnx"
    (own / source.name).write_bytes(source.read_bytes())
    assert files.find(MODELS["yunet"]) == own / source.name


@pytest.mark.parametrize("key", KEYS)
class TestFetch:
    def test_good(self, key, server, downloads, monkeypatch) -> None:
        file = use(monkeypatch, key, server.url(key, "good"))
        assert files.find(MODELS[key]) is None
        path = files.fetch(MODELS[key])
        assert path == files.download_folder(MODELS[key]) / file.file_name
        assert path.read_bytes() == CONTENT[key]
        assert files.find(MODELS[key]) == path
        assert files_in(downloads) == {file.file_name}

    def test_only_once(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "good"))
        assert files.fetch(MODELS[key]) == files.fetch(MODELS[key])
        assert server.gets(key) == 1

    @pytest.mark.parametrize(
        ("how", "reason"),
        [
            ("truncated", "was interrupted|incomplete|truncated"),
            ("short", "something else, (it has 115,200 bytes instead of|it is damaged)"),
            ("wrong", "something else, (its sha256|it is damaged)"),
            ("text", "something else"),
            ("missing", "404"),
            ("broken", "503"),
            ("nowhere", "cannot be understood"),
            ("huge", "far more"),
            ("hanging", "no (answer|connection)"),
            ("silent", "no answer in time"),
        ],
    )
    def test_bad_answers_leave_nothing(
        self, key, how, reason, server, downloads, monkeypatch
    ) -> None:
        # Only where silence is the point: a busy machine may need seconds for an honest answer.
        if how in ("hanging", "silent"):
            limit_patience(monkeypatch)
        file = use(monkeypatch, key, server.url(key, how))
        with pytest.raises(DownloadFailed) as caught:
            files.fetch(MODELS[key])
        assert re.search(rf"\(127\.0\.0\.1: .*({reason}).*\)", str(caught.value)), caught.value
        assert str(caught.value).endswith(
            f"put {file.file_name} into a folder and point FER_WEIGHTS_DIR at it."
        )
        assert files_in(downloads) == set()
        assert not list(files.download_folder(MODELS[key]).iterdir())

    def test_the_mirror_steps_in(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "wrong"), server.url(key, "good"))
        assert files.fetch(MODELS[key]).read_bytes() == CONTENT[key]

    def test_offline_fails_fast_and_says_so(self, key, downloads) -> None:
        with pytest.raises(DownloadFailed, match=r"(: no connection.*){2}FER_WEIGHTS_DIR"):
            files.fetch(MODELS[key])
        assert files_in(downloads) == set()

    def test_replaces_a_corrupt_download(self, key, server, downloads, monkeypatch) -> None:
        file = use(monkeypatch, key, server.url(key, "good"))
        path = files.download_folder(MODELS[key]) / file.file_name
        path.parent.mkdir(parents=True)
        path.write_bytes(CONTENT[key][:1000])
        with pytest.raises(WeightsCorrupt, match="weights fetch"):
            files.find(MODELS[key])
        assert files.fetch(MODELS[key]).read_bytes() == CONTENT[key]

    def test_a_failed_fetch_keeps_the_corrupt_file(
        self, key, server, downloads, monkeypatch
    ) -> None:
        """It is the only copy; nobody uses it, and the sentence names it."""
        file = use(monkeypatch, key, server.url(key, "missing"))
        path = files.download_folder(MODELS[key]) / file.file_name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"damaged")
        with pytest.raises(DownloadFailed):
            files.fetch(MODELS[key])
        assert path.read_bytes() == b"damaged"

    def test_progress(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "slow"))
        seen = []

        def progress(received: int, total: int) -> None:
            seen.append((received, total))
            server.go_on.set()  # half of it came: let the rest come

        files.fetch(MODELS[key], progress)
        assert {total for _, total in seen} == {len(CONTENT[key])}
        assert 0 < seen[0][0] < len(CONTENT[key])

    def test_a_folder_that_cannot_be_written(self, key, server, tmp_path, monkeypatch) -> None:
        (tmp_path / "file").write_bytes(b"")
        isolate(monkeypatch, tmp_path / "file" / "downloaded")
        use(monkeypatch, key, server.url(key, "good"))
        with pytest.raises(DownloadFailed, match=r"downloaded.*Not a directory.*FER_WEIGHTS_DIR"):
            files.fetch(MODELS[key])

    def test_a_full_disk(self, key, server, small_disk, monkeypatch) -> None:
        isolate(monkeypatch, small_disk / "downloaded")
        use(monkeypatch, key, server.url(key, "good"), server.url(key, "good"))
        fill(small_disk, free=100_000)
        sentence = r"downloaded.*: No space left on device\)\. Free some space there"
        with pytest.raises(DownloadFailed, match=sentence):
            files.fetch(MODELS[key])
        assert server.gets(key) == 1  # the mirror would not help
        (small_disk / "filler").unlink()
        assert files.fetch(MODELS[key]).read_bytes() == CONTENT[key]

    def test_a_certificate_nobody_knows(self, key, downloads, tmp_path, monkeypatch) -> None:
        file = certificate(tmp_path / "certificate.pem")
        with weights_server(file) as server:
            use(monkeypatch, key, server.url(key, "good"))
            with pytest.raises(DownloadFailed, match=r"not trusted.*REQUESTS_CA_BUNDLE"):
                files.fetch(MODELS[key])
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
            assert files.fetch(MODELS[key]).read_bytes() == CONTENT[key]

    def test_a_proxy_that_is_not_there(self, key, downloads, monkeypatch) -> None:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        use(monkeypatch, key, f"https://weights.example/{key}")
        with pytest.raises(
            DownloadFailed, match="no connection through the proxy, check HTTPS_PROXY"
        ):
            files.fetch(MODELS[key])

    def test_what_a_killed_process_left_goes_after_an_hour(
        self, key, server, downloads, monkeypatch
    ) -> None:
        file = use(monkeypatch, key, server.url(key, "good"))
        folder = files.download_folder(MODELS[key])
        for name, age_s in ((".fetch-killed", 4000.0), (".fetch-running", 60.0)):
            (folder / name).mkdir(parents=True)
            (folder / name / file.file_name).write_bytes(b"half")
            os.utime(folder / name, times=(time.time() - age_s,) * 2)
        files.fetch(MODELS[key])
        assert {each.name for each in folder.iterdir()} == {".fetch-running", file.file_name}

    def test_two_processes_at_once(self, key, server, downloads, monkeypatch) -> None:
        file = use(monkeypatch, key, server.url(key, "slow"))
        changed = {
            "addresses": file.addresses, "size_bytes": file.size_bytes, "sha256": file.sha256
        }  # fmt: skip
        fetch = (
            "from pathlib import Path; from fer_core.models.weights import files; "
            "from dataclasses import replace; from fer_core.models.registry import MODELS; "
            f"files.DOWNLOADS = Path({str(downloads)!r}); "
            f"print(files.fetch(replace(MODELS[{key!r}], **{changed!r})))"
        )
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", fetch],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
            for _ in range(2)
        ]
        final = files.download_folder(MODELS[key]) / file.file_name
        until(lambda: server.gets(key) == 2)
        assert not final.exists()
        server.go_on.set()
        for process in processes:
            out, err = process.communicate(timeout=30)
            assert process.returncode == 0, err
            assert out.splitlines()[-1] == str(final)
        assert final.read_bytes() == CONTENT[key]
        assert files_in(downloads) == {file.file_name}


@pytest.mark.parametrize("key", KEYS)
class TestOwnFolder:
    def test_comes_first_and_is_not_written_to(
        self, key, own, server, downloads, monkeypatch
    ) -> None:
        file = use(monkeypatch, key, server.url(key, "good"))
        files.fetch(MODELS[key])
        assert files_in(own) == set()
        (own / file.file_name).write_bytes(CONTENT[key])
        own.chmod(0o555)
        assert files.find(MODELS[key]) == files.fetch(MODELS[key]) == own / file.file_name
        assert server.gets(key) == 1
        own.chmod(0o755)

    def test_a_corrupt_file_is_refused_and_not_touched(
        self, key, own, server, downloads, monkeypatch
    ) -> None:
        file = use(monkeypatch, key, server.url(key, "good"))
        path = own / file.file_name
        path.write_bytes(CONTENT[key][:-100])
        for look in (files.find, files.fetch):
            with pytest.raises(WeightsCorrupt, match="Delete it or replace it") as caught:
                look(MODELS[key])
            assert str(path) in str(caught.value)
        assert path.read_bytes() == CONTENT[key][:-100]
        assert server.requests == []

    def test_a_repaired_file_is_seen(self, key, own, downloads, monkeypatch) -> None:
        file = use(monkeypatch, key)
        path = own / file.file_name
        path.write_bytes(b"damaged")
        with pytest.raises(WeightsCorrupt):
            files.find(MODELS[key])
        path.write_bytes(CONTENT[key])
        assert files.find(MODELS[key]) == path

    def test_a_folder_that_is_not_there(self, key, downloads, tmp_path, monkeypatch) -> None:
        folder = tmp_path / "gone"
        monkeypatch.setenv("FER_WEIGHTS_DIR", str(folder))
        assert files.find(MODELS[key]) is None
        with pytest.raises(DownloadFailed) as caught:
            files.fetch(MODELS[key])
        there = f"into the folder of FER_WEIGHTS_DIR: {folder}"
        assert str(caught.value).endswith(f"{there}, which does not exist.")
        folder.mkdir()
        with pytest.raises(DownloadFailed) as caught:
            files.fetch(MODELS[key])
        assert str(caught.value).endswith(f"{there}.")


@pytest.mark.parametrize(
    "content", [expression_graph(side=64), expression_graph(classes=8), b"", b"text"]
)
def test_another_network_is_not_deepfaces(
    content: bytes, own: Path, downloads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = use(monkeypatch, "deepface")
    (own / file.file_name).write_bytes(content)
    with pytest.raises(WeightsCorrupt, match="DeepFace's network for expressions"):
        files.find(MODELS["deepface"])


def test_deepface_home_is_obeyed(
    server: WeightsServer, downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = use(monkeypatch, "deepface", server.url("deepface", "good"))
    home = tmp_path / "home"
    monkeypatch.setenv("DEEPFACE_HOME", str(home))
    assert files.fetch(MODELS["deepface"]) == home / ".deepface" / "weights" / file.file_name
    monkeypatch.delenv("DEEPFACE_HOME")
    assert files.find(MODELS["deepface"]) is None
    assert files.fetch(MODELS["deepface"]) == downloads / ".deepface" / "weights" / file.file_name


def test_a_file_from_earlier_use_of_deepface_serves(
    downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = use(monkeypatch, "deepface")
    monkeypatch.delenv("DEEPFACE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".deepface" / "weights" / file.file_name
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT["deepface"])
    assert files.find(MODELS["deepface"]) == path


# No user has this name; and a name that is too long fails as one does that may not be entered.
@pytest.mark.parametrize("home", ["~nobody-has-this-name", f"/{'x' * 300}"])
def test_an_account_needs_no_home_of_its_own(
    downloads: Path, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = use(monkeypatch, "deepface")
    monkeypatch.delenv("DEEPFACE_HOME")
    monkeypatch.setenv("HOME", home)
    folder = downloads / ".deepface" / "weights"
    assert files.download_folder(file) == folder
    folder.mkdir(parents=True)
    (folder / file.file_name).write_bytes(CONTENT["deepface"])
    assert files.find(file) == folder / file.file_name


@pytest.mark.parametrize("key", KEYS)
class TestDownload:
    def test_comes_to_an_end(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "slow"))
        assert files.status(MODELS[key]).state is State.MISSING
        download = files.start_download(MODELS[key])
        until(lambda: download.fraction > 0)
        assert download.fraction < 1
        assert not download.wait(0.01)
        assert files.start_download(MODELS[key], retry=True) is download
        status = files.status(MODELS[key])
        assert (status.state, status.path) == (State.DOWNLOADING, None)
        assert 0 < status.fraction < 1
        server.go_on.set()
        assert download.wait(10)
        assert download.done
        assert download.error is None
        status = files.status(MODELS[key])
        assert status.state is State.HERE
        assert status.path == files.find(MODELS[key])
        assert server.gets(key) == 1

    def test_many_callers_share_one(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "slow"))
        found = []
        callers = [
            threading.Thread(target=lambda: found.append(files.start_download(MODELS[key])))
            for _ in range(20)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        server.go_on.set()
        assert found[0].wait(10)
        assert len(set(map(id, found))) == 1
        assert server.gets(key) == 1

    def test_a_failure_is_remembered_until_a_retry(
        self, key, server, downloads, monkeypatch
    ) -> None:
        use(monkeypatch, key, server.url(key, "missing"))
        failed = files.start_download(MODELS[key])
        assert failed.wait(10)
        assert isinstance(failed.error, DownloadFailed)
        status = files.status(MODELS[key])
        assert status.state is State.FAILED
        assert status.sentence == str(failed.error)
        use(monkeypatch, key, server.url(key, "good"))
        assert files.start_download(MODELS[key]) is failed
        again = files.start_download(MODELS[key], retry=True)
        assert again.wait(10)
        assert again.error is None
        assert files.status(MODELS[key]).state is State.HERE

    def test_a_deleted_file_is_fetched_again(self, key, server, downloads, monkeypatch) -> None:
        use(monkeypatch, key, server.url(key, "good"))
        assert files.start_download(MODELS[key]).wait(10)
        path = files.find(MODELS[key])
        assert path is not None
        path.unlink()
        assert files.status(MODELS[key]).state is State.MISSING
        assert files.start_download(MODELS[key]).wait(10)
        assert files.status(MODELS[key]).state is State.HERE

    def test_corrupt(self, key, downloads, own, monkeypatch) -> None:
        file = use(monkeypatch, key)
        (own / file.file_name).write_bytes(b"damaged")
        status = files.status(MODELS[key])
        assert status.state is State.CORRUPT
        assert str(own / file.file_name) in status.sentence

    def test_a_mistake_of_ours_ends_it_too(self, key, downloads, monkeypatch) -> None:
        def broken(model: Model, progress: files.Progress | None = None) -> Path:
            raise RuntimeError("a mistake")

        monkeypatch.setattr(files, "fetch", broken)
        download = files.start_download(MODELS[key])
        assert download.wait(5)
        assert isinstance(download.error, DownloadFailed)
