"""Times as the visitor's own clock shows them; files have them as ISO 8601 with the offset."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from fer_core.ui.shared.bounds import bounded

_DAY_MINUTES = 24 * 60

# Days outside of these are nobody's, and some have no time in UTC.
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(9000, 1, 1)


def visitor_zone() -> tzinfo:
    """The time zone of the visitor's browser; UTC where it does not say.

    To be asked while a page is drawn: what is made for a download later does not know the visitor.
    """
    return zone_of(st.context.timezone, st.context.timezone_offset)


def zone_of(name: object, offset_minutes: object) -> tzinfo:
    """The zone a browser names (IANA), else that of its offset, which counts westwards; else UTC.

    Both may be anything.
    """
    try:
        return ZoneInfo(name) if isinstance(name, str) and name else _fixed(offset_minutes)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return _fixed(offset_minutes)


def zone_name(zone: tzinfo) -> str:
    """``Europe/Berlin``, ``UTC``, or "" for a zone that is known by its offset alone."""
    return zone.key if isinstance(zone, ZoneInfo) else "UTC" if zone is UTC else ""


def zone_label(zone: tzinfo, moment: datetime) -> str:
    """``Europe/Berlin, UTC+01:00``: the name, if it has one, and the offset at that moment."""
    offset = f"UTC{moment.astimezone(zone).isoformat(timespec='minutes')[16:]}"
    name = zone_name(zone)
    return offset.removesuffix("+00:00") if name in ("", "UTC") else f"{name}, {offset}"


def for_pages(moment: datetime, zone: tzinfo) -> str:
    """``2026-11-26 11:40 (Europe/Berlin, UTC+01:00)``."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M} ({zone_label(zone, moment)})"


def for_files(moment: datetime, zone: tzinfo) -> str:
    """``2026-11-26T11:40:07+01:00``."""
    return moment.astimezone(zone).isoformat(timespec="seconds")


def start_of(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day, in UTC."""
    return datetime.combine(_within(day), time.min, zone).astimezone(UTC)


def end_of(day: date, zone: tzinfo) -> datetime:
    """The first moment after a day, in UTC."""
    return datetime.combine(_within(day) + timedelta(days=1), time.min, zone).astimezone(UTC)


def _within(day: date) -> date:
    return min(max(day, _FIRST_DAY), _LAST_DAY)


def _fixed(offset_minutes: object) -> tzinfo:
    offset = bounded(offset_minutes, 1 - _DAY_MINUTES, _DAY_MINUTES - 1)
    return timezone(-timedelta(minutes=offset)) if offset else UTC
