"""The folder with the copies of uploaded videos and the annotated videos made from them.

Also with the copies of videos that only play in the camera's place, and that no job has.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import IO

from fer_core.errors import NO_ROOM, VideoError
from fer_core.media.names import printable
from fer_core.settings import settings

ORPHAN_S = 3600.0
"""How old a file without a job must be to be deleted: one that is being added has no job yet."""

_OURS = re.compile(r"[0-9a-f]{32}\.(video|marked\.mp4)(\.([0-9a-f]{8}\.)?(part|lock))?")

_played: set[Path] = set()
"""The copies that play in this process."""

_log = logging.getLogger(__name__)


class VideoCopies:
    """The videos in ``folder``, which only this user can read.

    All files of a job have the same name up to the first dot.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self) -> None:
        """Raise ``VideoError`` if the folder cannot be written. Does not create it."""
        folders = (self._folder, *self._folder.parents)
        # As in is_here. On a disk that is mounted read-only, even root may not write.
        existing = next(each for each in folders if os.path.exists(each))  # noqa: PTH110
        if not os.access(existing, os.W_OK | os.X_OK):
            reason = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            raise VideoError(self._no_copy_sentence("Uploaded videos", reason))

    def add(self, name: str, data: IO[bytes]) -> Path:
        """Copy the video ``name`` under a new name: the user's own name is never used on disk.

        Raises ``VideoError`` if there is no space, or the folder cannot be written.
        """
        path = self._folder / f"{uuid.uuid4().hex}.video"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("xb") as copy:
                path.chmod(0o600)
                shutil.copyfileobj(data, copy, 1 << 20)
        except OSError as error:
            if is_here(str(path)):
                delete_file(path)
            raise VideoError(self._no_copy_sentence(name, error)) from error
        return path

    def add_played(self, name: str, data: IO[bytes]) -> Path:
        """Like ``add``, for a video that only plays, until ``delete_played``."""
        path = self.add(name, data)
        _played.add(path)
        return path

    def delete_orphans(self, known: set[str]) -> None:
        """Delete files of none of the jobs with copies at these paths.

        A process that was killed leaves them, and a file that could not be deleted.
        """
        for path in tuple(_played):  # it may play for longer than an hour
            with suppress(OSError):
                os.utime(path)
        names = {_name(Path(path)) for path in known}
        for path in self._files():
            if _name(path) not in names and _age_s(path) > ORPHAN_S:
                delete_file(path)

    def _no_copy_sentence(self, name: str, error: OSError) -> str:
        name, reason = printable(name), error.strerror or error
        if error.errno in NO_ROOM:
            return (
                f"There is no space for a copy of {name} ({reason}). Remove other videos, or free "
                "some disk space, and try again."
            )
        return (
            f"{name} could not be copied into {self._folder} ({reason}). Allow the dashboard's "
            "account to write there, or set FER_DATA_DIR to a folder that it can write."
        )

    def _files(self) -> list[Path]:
        try:
            return [path for path in self._folder.iterdir() if _OURS.fullmatch(path.name)]
        except FileNotFoundError:  # no video was added yet
            return []
        except OSError as error:
            _log.warning("The videos in %s cannot be tidied: %s", self._folder, error)
            return []


def delete_played(path: Path) -> None:
    """Delete a copy that no longer plays."""
    _played.discard(path)
    delete_file(path)


def delete_all_played() -> None:
    """Delete the copies that play, at the end of the process."""
    for path in tuple(_played):
        delete_played(path)


def videos_folder() -> Path:
    """The dashboard's folder for ``VideoCopies``."""
    return settings().data_dir / "videos"


def is_here(path: str) -> bool:
    """Whether the copy at this path is on this machine, and not deleted yet."""
    # Path.is_file raises if a folder above may not be entered.
    return os.path.isfile(path)  # noqa: PTH113


def delete_file(path: Path) -> None:
    """Delete a file, if it exists; if that is impossible, the log says so.

    On Windows, a file that somebody reads cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s could not be deleted, which is tried again later: %s", path, error)


def _name(path: Path) -> str:
    return path.name.partition(".")[0]


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:  # another process deleted it
        return 0.0
