"""Turns the text of a date or a timestamp into the value, strictly: ISO 8601 with four-digit years and no guessing."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?",
    re.ASCII,
)
FORMS = {
    "date": "Write it as 2024-01-31.",
    "timestamp": "Write it as 2024-01-31 or 2024-01-31 18:30:00.",
    "timestamptz": "Write it as 2024-01-31 18:30:00+02:00; without an offset it is UTC.",
    "time": "Write it as 18:30:00.",
}


def as_date(text: str) -> date | None:
    """The date, or None where the text is none.

    >>> as_date("2024-02-30") is None
    True
    """
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def as_timestamp(text: str, zoned: bool = False) -> datetime | None:
    """The timestamp, in UTC where it is a zoned one; None where the text is none."""
    form = _TIMESTAMP.fullmatch(text)
    if not form or (form["zone"] and not zoned):
        return None
    try:
        found = datetime.fromisoformat(_padded(text))
    except ValueError:
        return None
    if not zoned:
        return found
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def as_temporal(text: str, type_: str) -> date | datetime | None:
    """The value of a text that stands where a date or timestamp is wanted; a date may stand for its midnight.

    A timestamp compared with a date column stays a timestamp, so that nothing is cut off silently.
    """
    if type_ == "date":
        return as_date(text) or as_timestamp(text)
    return as_timestamp(text, zoned=type_ == "timestamptz")


def is_time(text: str) -> bool:
    """Whether the text is a time of day."""
    try:
        return (
            bool(re.fullmatch(r"\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?", text, re.ASCII))
            and time.fromisoformat(text) is not None
        )
    except ValueError:
        return False


def _padded(text: str) -> str:
    """Fractions of a second with six digits, which every Python reads."""
    return re.sub(r"\.(\d+)", lambda part: "." + part.group(1).ljust(6, "0"), text)
