"""Tests of the files of a batch: which are analysed, how, and in which order."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_core.analysis.analyzer import Analyzer
from fer_core.batch.files import (
    PICTURES_AT_ONCE,
    Item,
    Recipe,
    find,
    piece_from_text,
    piece_to_text,
    pieces,
)
from fer_core.media.video import WHOLE, Selection
from fer_core.models.emotion import custom
from fer_core.models.weights import files
from fer_core.testing import FakeDetector
from tests.batch.folders import RECIPE
from tests.graphs import own_network_graph


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"1")


def found(folder: Path) -> list[tuple[str, str]]:
    return [(each.file, each.kind) for each in find(folder).items]


def test_pictures_and_videos_by_name_folder_by_folder(tmp_path):
    touch(tmp_path, "b.JPG", "a/z.mp4", "a/y/x.heic", "c.gif", "a.txt", "README", "d.parquet")
    assert found(tmp_path) == [
        ("a/y/x.heic", "picture"),
        ("a/z.mp4", "video"),
        ("b.JPG", "picture"),
        ("c.gif", "video"),
    ]
    assert find(tmp_path).neither == ["README", "a.txt", "d.parquet"]
    assert find(tmp_path, [tmp_path / "d.parquet"]).neither == ["README", "a.txt"]


def test_what_an_item_tells(tmp_path):
    touch(tmp_path, "a/b.jpg")
    os.utime(tmp_path / "a" / "b.jpg", ns=(5, 7_000_000_123))
    listing = find(tmp_path)
    [each] = listing.items
    assert each == Item(tmp_path / "a" / "b.jpg", "a/b.jpg", "picture", 1, 7_000_000_123)
    assert listing.unread == []


def test_hidden_files_and_folders_are_left_out(tmp_path):
    touch(tmp_path, ".a.jpg", ".thumbs/b.jpg", "._c.jpg")
    assert found(tmp_path) == []
    assert find(tmp_path).hidden == ["._c.jpg", ".a.jpg", ".thumbs"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "real/a.jpg", "elsewhere/b.jpg")
    (tmp_path / "real" / "back").symlink_to(tmp_path)
    (tmp_path / "real" / "itself").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "real" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "real" / "round.jpg").symlink_to(tmp_path / "real" / "round.jpg")
    names = [name for name, _ in found(tmp_path)]
    assert names == ["elsewhere/b.jpg", "real/a.jpg", "real/link/b.jpg"]
    assert find(tmp_path).unread == [
        "real/gone.jpg is left out: it is not a regular file.",
        "real/round.jpg is left out: it is not a regular file.",
    ]


def test_folders_that_all_link_to_each_other(tmp_path):
    """By the paths through six of them, each file would be found 326 times."""
    for name in "abcdef":
        touch(tmp_path, f"{name}/1.jpg")
        for other in set("abcdef") - {name}:
            (tmp_path / name / other).symlink_to(tmp_path / other)
    names = [name for name, _ in found(tmp_path)]
    assert names[:6] == ["a/1.jpg", *(f"a/{other}/1.jpg" for other in "bcdef")]
    assert len(names) == 36


def test_what_is_behind_two_links(tmp_path):
    folder, far = tmp_path / "in", tmp_path / "far"
    touch(folder, "a/1.jpg")
    touch(far, "2.jpg", "deep/3.jpg")
    touch(tmp_path, "farther/4.jpg")
    (folder / "link").symlink_to(far)
    (far / "farther").symlink_to(tmp_path / "farther")
    (far / "back").symlink_to(folder / "a")
    assert [name for name, _ in found(folder)] == [
        "a/1.jpg", "link/2.jpg", "link/deep/3.jpg", "link/farther/4.jpg"
    ]  # fmt: skip


def test_a_folder_that_is_nested_deeper_than_python_calls(tmp_path, monkeypatch):
    depth = sys.getrecursionlimit() + 100
    monkeypatch.chdir(tmp_path)
    for _ in range(depth):  # by names from here, because a long path is slow
        os.mkdir("d")  # noqa: PTH102
        os.chdir("d")
    touch(Path(), "a.jpg")
    names = found(tmp_path)
    os.unlink("a.jpg")  # noqa: PTH108
    for _ in range(depth):  # whoever removes it by calling itself fails as well
        os.chdir("..")
        os.rmdir("d")  # noqa: PTH106
    assert names == [("d/" * depth + "a.jpg", "picture")]


def test_only_ordinary_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    assert found(tmp_path) == []


def test_a_folder_that_cannot_be_read_is_told_and_left_out(tmp_path, monkeypatch):
    touch(tmp_path, "a.jpg", "locked/b.jpg")
    scan = os.scandir

    def refuse(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = find(tmp_path)
    assert [each.file for each in listing.items] == ["a.jpg"]
    assert listing.unread == ["locked/ is left out: permission denied."]


def test_a_name_that_is_no_text(tmp_path):
    name = os.fsdecode(b"gr\xfc\xdfe.jpg")
    touch(tmp_path, name)
    [each] = find(tmp_path).items
    assert each.file == r"gr\xfc\xdfe.jpg"
    assert each.path.exists()


ITEM = Item(Path("/f/a.mp4"), "a.mp4", "video", 10, 20)


@pytest.mark.parametrize("other", [
    replace(ITEM, file="b.mp4"), replace(ITEM, size_bytes=11), replace(ITEM, mtime_ns=21),
])  # fmt: skip
def test_a_stamp_changes_with_the_file(other):
    assert RECIPE.stamp(ITEM) != RECIPE.stamp(other)
    assert RECIPE.stamp(ITEM) == RECIPE.stamp(replace(ITEM, path=Path("/moved/a.mp4")))


@pytest.mark.parametrize("other", [
    replace(RECIPE, detector="yunet"), replace(RECIPE, emotion="deepface"),
    replace(RECIPE, labels=("a", "b")), replace(RECIPE, networks="1 2"),
])  # fmt: skip
def test_a_stamp_changes_with_the_models(other):
    assert RECIPE.stamp(ITEM) != other.stamp(ITEM)


def test_a_stamp_changes_when_an_own_network_is_trained_again():
    path = custom.OWN_NETWORKS / "tired" / custom.NETWORK
    path.parent.mkdir(parents=True)
    stamps = set()
    note = b"\x32\x04note"  # the same network with a comment, as ONNX's protobuf has it
    for more, mtime_ns in ((b"", 1), (note, 1), (b"", 2)):
        path.write_bytes(own_network_graph(("awake", "tired")) + more)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        stamps.add(Recipe.of(Analyzer(FakeDetector(), "own/tired", None), WHOLE).stamp(ITEM))
    assert len(stamps) == 2  # the last one is the first one again, written later


@pytest.mark.parametrize("file", ["face.onnx", "face_detector.onnx", "emotion_compact.onnx"])
def test_a_stamp_changes_with_the_file_of_each_shipped_network(file, tmp_path, monkeypatch):
    for network in files.SHIPPED.glob("*.onnx"):
        shutil.copy(network, tmp_path)
    monkeypatch.setattr(files, "SHIPPED", tmp_path)
    before = Recipe.of(Analyzer("scout", "compact"), WHOLE)
    with (tmp_path / file).open("ab") as network:
        network.write(b"\x32\x04note")
    after = Recipe.of(Analyzer("scout", "compact"), WHOLE)
    assert before.stamp(ITEM) != after.stamp(ITEM)


def test_a_recipe_has_the_models_that_auto_found():
    recipe = Recipe.of(Analyzer("auto", "auto"), WHOLE)
    assert (recipe.detector, recipe.emotion) == ("scout", "compact")


def test_which_frames_matters_to_videos_only():
    other = replace(RECIPE, selection=Selection(fps=2))
    photo = replace(ITEM, kind="picture")
    assert RECIPE.stamp(ITEM) != other.stamp(ITEM)
    assert RECIPE.stamp(photo) == other.stamp(photo)


@given(st.lists(st.tuples(st.sampled_from(["picture", "video"]), st.integers(0, 99)), max_size=60))
def test_every_file_is_in_one_piece(files):
    items = [
        replace(ITEM, file=str(i), kind=kind, size_bytes=size)
        for i, (kind, size) in enumerate(files)
    ]
    work = pieces(items)
    assert sorted(int(each.file) for piece in work for each in piece) == list(range(len(items)))
    videos = [piece for piece in work if piece[0].kind == "video"]
    assert work[: len(videos)] == videos
    assert all(len(piece) == 1 for piece in videos)
    sizes = [video.size_bytes for [video] in videos]
    assert sizes == sorted(sizes, reverse=True)
    assert all(len(piece) <= PICTURES_AT_ONCE for piece in work)


@given(st.binary(min_size=1), st.integers(0, 2**62))
def test_a_piece_travels_as_text_whatever_its_names_are(name, number):
    file = os.fsdecode(name.replace(b"\0", b"/"))  # a name that is no UTF-8 has lone surrogates
    piece = (Item(Path("/in", file), file, "video", number, number),)
    text = piece_to_text(piece)
    assert text.isascii()
    assert piece_from_text(text) == piece
