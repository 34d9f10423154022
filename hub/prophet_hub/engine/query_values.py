"""Shown values as searches compare them: numbers as numbers, dates as dates, texts without case."""

from __future__ import annotations

import re
import unicodedata
import uuid
from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from typing import Final

from prophet_hub.store.search import Key
from prophet_hub.values import to_micros

__all__ = ["DATE", "LETTERS", "Span", "date_key", "fold", "keyed", "span_of"]

LETTERS: Final = 100
"""Values are told apart by so many letters; longer ones are searched by their words."""

DATE: Final = 8
"""So many bytes are a date's key; a record's has twice as many."""

Span = tuple[datetime, datetime]
"""From the first instant to the one after the last."""

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_BROKEN = re.compile(r"-?(?:0|[1-9]\d{0,11})\.\d{0,8}[1-9]")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(
    r"(\d{4}-\d\d)(?:(-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?"
)
_RELATIVE = re.compile(r"([+-]?)(\d{1,4})(min|h|d|w|m|y)")
_UNITS: Final = {
    "min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}  # fmt: skip
_MONTHS: Final = {"m": 1, "y": 12}
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_DAY: Final = timedelta(days=1)
_INSTANT: Final = timedelta(microseconds=1)
_NEGATIVE: Final = 1 << 63  # dates before 1970 come before those after it


def keyed(text: str) -> Key:
    """Returns the key of a value.

    A number is what is written as one, so `1.10` is none (it may be a version); a date has a day at
    least; a uuid names a record.
    """
    if _WHOLE.fullmatch(text):
        return int(text)
    if _BROKEN.fullmatch(text):
        return float(text)
    if _UUID.fullmatch(text):
        return uuid.UUID(text).bytes
    if text[4:5] == "-" and len(text) >= len("2026-12-01"):
        span = _span_of_date(text)
        if span:
            return date_key(span[0])
    return fold(text)


def fold(text: str) -> str:
    """Returns a text as it is compared: without case, and no longer than `LETTERS`."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.casefold()[:LETTERS]


def date_key(instant: datetime) -> bytes:
    """Returns the key of an instant."""
    return (to_micros(instant) + _NEGATIVE).to_bytes(DATE, "big")


def span_of(word: str, now: datetime) -> Span | None:
    """Returns the time that a word of a query names, None if it names none.

    Dates (`2026-12-01`, `2026-12`, `2026-12-01T18:43`, in UTC where they tell no zone) span what
    they leave open; `today`, `yesterday` and `tomorrow` a day; `2w` is the instant two weeks ago,
    `+2w` the one in two weeks (`min h d w m y`), and `now` is now.
    """
    word = word.lower()
    if word == "now":
        return now, now
    if word in _DAYS:
        day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        day += _DAYS[word] * _DAY
        return day, day + _DAY
    relative = _RELATIVE.fullmatch(word)
    if relative is None:
        return _span_of_date(word)
    sign, count, unit = relative.groups()
    ahead = int(count) if sign == "+" else -int(count)
    try:
        if unit in _UNITS:
            instant = now + ahead * _UNITS[unit]
        else:
            instant = _months_on(now, ahead * _MONTHS[unit])
    except (OverflowError, ValueError):
        return None
    return instant, instant


def _span_of_date(word: str) -> Span | None:
    found = _DATE.fullmatch(word.upper())
    if found is None:
        return None
    month, day, minutes, seconds, zone = found.groups()
    try:
        start = datetime.fromisoformat(f"{month}{day or '-01'}T{minutes or '00:00'}{seconds or ''}")
        start = start.replace(tzinfo=UTC)
        if zone and zone != "Z":
            start -= _offset(zone)
        if minutes:
            width = timedelta(minutes=1) if not seconds else timedelta(seconds=1)
            return start, start + (_INSTANT if seconds and "." in seconds else width)
        return start, start + _DAY if day else _months_on(start, 1)
    except (OverflowError, ValueError):  # no such day
        return None


def _offset(zone: str) -> timedelta:
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return (timedelta(hours=hours, minutes=minutes)) * (-1 if zone[0] == "-" else 1)


def _months_on(start: datetime, months: int) -> datetime:
    """Returns the same day some months on, or the last one of a shorter month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return start.replace(
        year=year, month=month + 1, day=min(start.day, monthrange(year, month + 1)[1])
    )
