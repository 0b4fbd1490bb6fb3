"""How long things are stored, in words, as the settings say."""

from __future__ import annotations

from fer_core.settings import settings
from fer_core.wording import count_of

NOTHING_SAVED = (
    "Nothing is saved yet. Switch on “Save to history” on the Photo, Live or Video page to keep "
    "its numbers here, ready to open, compare and export."
)


def saved_until(what: str = "them") -> str:
    """How long the history keeps ``what``: ``until you delete them``, or some days."""
    days = settings().retention_days
    until = f"until you delete {what}"
    return until if days is None else f"for {count_of(days, 'day')}, or {until}"


def save_help() -> str:
    """What the switch "Save to history" of photos and live sessions does."""
    return (
        "Numbers and times only, no pictures. They stay on the computer that runs the dashboard "
        f"{saved_until()}."
    )


def copies_for() -> str:
    """The longest time for which the copy of an uploaded video is kept: ``24 hours``."""
    return count_of(settings().video_hours, "hour")
