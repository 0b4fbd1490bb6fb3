"""The files of a folder, and what to do with each."""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from fer_core.analysis.analyzer import Analyzer
from fer_core.media.kinds import Kind, kind_of
from fer_core.media.names import as_text, printable
from fer_core.media.video import Selection
from fer_core.models import registry
from fer_core.models.weights.files import find as find_weights

PICTURES_AT_ONCE = 16
"""Pictures in a piece of work: enough for a file, and quickly repeated after a crash."""

_FORMAT = 3
"""Increased whenever rows change their meaning: then all files are analysed again."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file to analyse; ``file`` is its path below the folder, with slashes, as rows name it."""

    path: Path
    file: str
    kind: Kind
    size_bytes: int
    mtime_ns: int


Piece = tuple[Item, ...]
"""A unit of work with one output file: a video, or some pictures."""


def piece_to_text(piece: Piece) -> str:
    """The piece as JSON in ASCII, for another machine."""
    return json.dumps([[str(i.path), i.file, i.kind, i.size_bytes, i.mtime_ns] for i in piece])


def piece_from_text(text: str) -> Piece:
    """The piece from ``piece_to_text``."""
    return tuple(Item(Path(path), *others) for path, *others in json.loads(text))


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do with each file: models by name (never ``auto``), which frames of a video, and
    whether to leave out faces that cannot be read well.

    ``labels`` are those of the emotion model; ``networks`` is a digest of the files of all models,
    landmark model included: another file may have the same name.
    """

    detector: str
    emotion: str
    labels: tuple[str, ...]
    selection: Selection
    networks: str = ""
    readable_only: bool = False

    @classmethod
    def of(cls, analyzer: Analyzer, selection: Selection, readable_only: bool = False) -> Recipe:
        """The recipe with the analyzer's models, under the names of their rows."""
        detector, emotion = analyzer.detector.name, analyzer.emotion.name
        labels = tuple(map(str, analyzer.labels))
        return cls(detector, emotion, labels, selection, _networks(analyzer), readable_only)

    def stamp(self, item: Item) -> str:
        """32 hexadecimal digits that change with the file or the recipe."""
        frames = self.selection if item.kind == "video" else None
        identity = (_FORMAT, item.file, item.size_bytes, item.mtime_ns)
        made_by = (self.detector, self.emotion, self.labels, self.networks)
        done = (identity, made_by, frames, self.readable_only)
        return hashlib.sha256(repr(done).encode()).hexdigest()[:32]


@dataclass(slots=True)
class Listing:
    """The content of a folder: its pictures and videos, folder by folder; the names of other files,
    and of hidden files and folders; and sentences on what cannot be read."""

    items: list[Item] = field(default_factory=list)
    neither: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def find(folder: Path, outputs: Collection[Path] = ()) -> Listing:
    """List a folder recursively, without hidden ones, ``outputs``, and links back to a parent
    folder. Files are recognised by content.

    Links lead to all of a folder's files once more, under other names; those met behind a link only
    to what was not read yet, because folders that link to each other have endless such names.
    """
    listing = Listing()
    left_out = {str(output) for output in outputs}
    waiting = deque([_Folder(folder)])
    read: set[_Identity] = set()
    while waiting:
        here = waiting.popleft()
        try:
            status = here.path.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in here.above or (here.links > 1 and identity in read):
                continue
            with os.scandir(here.path) as found:
                entries = [entry for entry in found if entry.path not in left_out]
        except OSError as error:
            reason = (error.strerror or "unknown error").lower()
            name = printable(here.prefix or str(here.path))
            listing.unread.append(f"{name} is left out: {reason}.")
            continue
        read.add(identity)
        folders = _sort_in(entries, here, identity, listing)
        # Links after all others: by then it is known what is read without them.
        waiting.extendleft(each for each in reversed(folders) if each.links == here.links)
        waiting.extend(each for each in folders if each.links > here.links)
    listing.items.sort(key=lambda item: item.file.split("/"))
    for names in (listing.neither, listing.hidden):
        names.sort(key=lambda name: name.split("/"))
    return listing


def pieces(items: Iterable[Item]) -> list[Piece]:
    """The pieces of work, the largest videos first, so that at the end no core is left with a long
    one."""
    every = list(items)
    videos = sorted((i for i in every if i.kind == "video"), key=lambda each: -each.size_bytes)
    pictures = [i for i in every if i.kind == "picture"]
    starts = range(0, len(pictures), PICTURES_AT_ONCE)
    return [(each,) for each in videos] + [
        tuple(pictures[start : start + PICTURES_AT_ONCE]) for start in starts
    ]


def _networks(analyzer: Analyzer) -> str:
    """The sha256 of the files of an analyzer's models; a model without a row has no file."""
    used = {
        registry.Kind.DETECTOR: analyzer.detector,
        registry.Kind.LANDMARKS: analyzer.landmarks,
        registry.Kind.EMOTION: analyzer.emotion,
    }
    contents = hashlib.sha256()
    for kind, model in used.items():
        row = registry.models(kind).get(model.name) if model else None
        if row and (path := find_weights(row)):
            contents.update(hashlib.sha256(path.read_bytes()).digest())
    return contents.hexdigest()


_Identity = tuple[int, int]
"""The device of a folder and its number there."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to read: what its files' names begin with, the folders above it, and how many links
    lead to it."""

    path: Path
    prefix: str = ""
    above: tuple[_Identity, ...] = ()
    links: int = 0


def _sort_in(
    entries: Iterable[os.DirEntry[str]], folder: _Folder, identity: _Identity, listing: Listing
) -> list[_Folder]:
    """Add the files of a folder to the listing; returns the folders in it."""
    folders = []
    for entry in sorted(entries, key=lambda each: each.name):
        # File names need not be valid text, but a Parquet file holds only text.
        file = folder.prefix + as_text(entry.name)
        path = Path(entry.path)
        if entry.name[0] == ".":
            listing.hidden.append(file)
        elif _is_folder(entry):
            links = folder.links + entry.is_symlink()
            folders.append(_Folder(path, f"{file}/", (*folder.above, identity), links))
        elif (status := _regular_file(entry)) is None:
            listing.unread.append(f"{printable(file)} is left out: it is not a regular file.")
        elif kind := kind_of(path):
            listing.items.append(Item(path, file, kind, status.st_size, status.st_mtime_ns))
        else:
            listing.neither.append(file)
    return folders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _regular_file(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Size and time of a regular file; None for anything else, and for a file just removed."""
    try:
        return entry.stat() if entry.is_file() else None
    except OSError:
        return None
