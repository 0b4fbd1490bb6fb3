"""The exceptions of this package.

::

    FerError
    ├── PictureError            a picture cannot be used
    │   ├── EmptyFile           it has no bytes
    │   ├── UnreadablePicture   not a picture, or damaged
    │   └── PictureTooLarge     more bytes or pixels than the limit
    ├── VideoError              a video cannot be used
    │   ├── UnreadableVideo     not a video, damaged, or without a picture
    │   └── VideoTooLarge       more bytes, pixels or minutes than the limit
    ├── HistoryError            the history cannot be used
    │   ├── HistoryUnavailable  its database cannot be reached, read or written
    │   └── SessionUnknown      no session, or not this owner's
    ├── JobUnknown              no video job, or not this owner's
    ├── TooManyJobs             this owner already has as many videos in progress as allowed
    ├── WeightsError            a model cannot be used because something is missing
    │   ├── WeightsMissing      its file is not on this machine
    │   ├── WeightsCorrupt      its file is truncated, or another file
    │   ├── DownloadFailed      its file could not be downloaded
    │   └── PackageMissing      the Python package that runs it is not installed
    ├── UnknownModel            no model has this name
    ├── RestNotMeasured         a face was not seen long enough to measure its resting expression
    ├── IceSettingsWrong        the settings of the STUN and TURN servers contradict each other
    ├── RelayUnavailable        a provider of TURN servers gave no credentials
    ├── BackendFailed           Ray, which distributes the work over machines, is absent or failed
    └── DatasetError            labelled data or a checkpoint for training or evaluation is unusable

``str(error)`` is a sentence for the user: what is wrong, and what to do.
"""

from __future__ import annotations

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The numbers of an ``OSError`` that says that a disk is full, or one's share of it."""


class FerError(Exception):
    """The base class: ``except FerError`` catches what a user can cause, but no bugs."""


def unexpected_error_message(error: Exception) -> str:
    """The sentence for an unexpected exception that a library raises on an unusual file."""
    return (
        f"This file could not be analysed ({type(error).__name__}: {error}). Save it again in "
        "another program and retry."
    )


class PictureError(FerError):
    """A picture cannot be used."""


class EmptyFile(PictureError):
    """The file has no bytes."""


class UnreadablePicture(PictureError):
    """The bytes are not a picture in a known format, or the picture is damaged."""


class PictureTooLarge(PictureError):
    """The file or its decoded picture is larger than the limit."""


class VideoError(FerError):
    """A video cannot be used."""


class UnreadableVideo(VideoError):
    """The file is not a video, is damaged, or has no picture."""


class VideoTooLarge(VideoError):
    """The file, its frames or its length are larger than the limit."""


class HistoryError(FerError):
    """The history cannot be used."""


class HistoryUnavailable(HistoryError):
    """The database cannot be reached, read or written."""


class SessionUnknown(HistoryError):
    """There is no such session, or it is not this owner's."""


class JobUnknown(FerError):
    """There is no such video job, or it is not this owner's."""


class TooManyJobs(FerError):
    """This owner already has as many videos waiting or running as the limit allows."""


class WeightsError(FerError):
    """A model cannot be used because its file, or the package that reads it, is missing."""


class WeightsMissing(WeightsError):
    """The file is not on this machine."""


class WeightsCorrupt(WeightsError):
    """The file exists, but it is truncated or not the expected one."""


class DownloadFailed(WeightsError):
    """The file could not be downloaded."""


class PackageMissing(WeightsError):
    """The Python package that runs this model is not installed."""


class UnknownModel(FerError):
    """No detector, landmark model or emotion model has this name."""


UnknownEngine = UnknownModel
"""The name of ``UnknownModel`` in earlier versions."""


class RestNotMeasured(FerError):
    """The face was not seen long enough to measure its resting expression."""


class IceSettingsWrong(FerError):
    """The settings of the STUN and TURN servers are incomplete or contradict each other."""


class RelayUnavailable(FerError):
    """A provider of TURN servers gave no credentials."""


class BackendFailed(FerError):
    """Ray, which distributes work over several machines, is absent or failed."""


class DatasetError(FerError):
    """Labelled data, or a checkpoint, cannot be used for training or evaluation."""
