"""Kinds of values: how what somebody types is brought into the one form in which it is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from prophet_hub.values import from_micros, instant_text

__all__ = ["KINDS", "Moment", "meant"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Who writes and when.

    Attributes:
        now: Microseconds since 1970, UTC.
        author: The person's word, an e-mail address where one is known; "" for nobody.
    """

    now: int
    author: str = ""


def meant(default: str, moment: Moment) -> str:
    """Returns a default with `$now`, `$today` and `$author` replaced by the moment's."""
    if default == "$now":
        return _instant("now", moment)
    if default == "$today":
        return _day("today", moment)
    return moment.author if default == "$author" else default


_STEP: Final = re.compile(r"\+(\d{1,4})([dw])")
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY: Final = re.compile(
    r"(mon|tue|wed|thu|fri|sat|sun)(day|sday|nesday|rsday|urday)?", re.IGNORECASE
)
_DECIMAL: Final = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_SPAN: Final = re.compile(r"(?:(\d{1,6})h)? ?(?:(\d{1,6})m(?:in)?)?")
_YES: Final = {"yes": "yes", "true": "yes", "1": "yes", "on": "yes",
               "no": "no", "false": "no", "0": "no", "off": "no"}  # fmt: skip


def _line(value: str, _: Moment) -> str:
    return " ".join(part.strip() for part in value.splitlines()).strip()


def _long(value: str, _: Moment) -> str:
    return value


def _person(value: str, moment: Moment) -> str:
    word = value.strip()
    if word == "me" and moment.author:
        return moment.author
    return word.lower() if "@" in word and ":" not in word else word


def _day(value: str, moment: Moment) -> str:
    """Reads `2026-12-24`, `today`, `tomorrow`, `friday` (the next one), `+3d`, `+2w`."""
    word = value.strip().lower()
    today = from_micros(moment.now).date()
    step, weekday = _STEP.fullmatch(word), _WEEKDAY.fullmatch(word)
    if word in ("today", "tomorrow"):
        found = today + timedelta(days=word == "tomorrow")
    elif step:
        found = today + timedelta(days=int(step[1]) * (7 if step[2] == "w" else 1))
    elif weekday:
        ahead = (_WEEKDAYS.index(weekday[1]) - today.weekday()) % 7 or 7
        found = today + timedelta(days=ahead)
    else:
        try:
            found = date.fromisoformat(word[:10] if "t" in word else word)
        except ValueError:
            raise ValueError(
                f'"{value}" is no day. Write 2026-12-24, tomorrow, friday, +3d or +2w.'
            ) from None
    return found.isoformat()


def _instant(value: str, moment: Moment) -> str:
    word = value.strip()
    if word == "now":
        at = from_micros(moment.now).replace(microsecond=0)
    else:
        try:
            at = datetime.fromisoformat(word)
            at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        except (ValueError, OverflowError):  # before the year 1 or after 9999, in UTC
            raise ValueError(f'"{value}" is no time. Write 2026-12-24T18:43Z.') from None
    return instant_text(at)


def _number(value: str, _: Moment) -> str:
    if not _DECIMAL.fullmatch(value.strip()):
        raise ValueError(f'"{value}" is no number.')
    return value.strip()


def _minutes(value: str, moment: Moment) -> str:
    span = _SPAN.fullmatch(value.strip())
    if span and (span[1] or span[2]):
        return str(int(span[1] or 0) * 60 + int(span[2] or 0))
    try:
        return _number(value, moment)
    except ValueError:
        raise ValueError(f'"{value}" is no span. Write minutes, 2h or 1h 30m.') from None


def _yes(value: str, _: Moment) -> str:
    found = _YES.get(value.strip().lower())
    if found is None:
        raise ValueError(f'"{value}" is neither yes nor no.')
    return found


KINDS: Final[Mapping[str, Callable[[str, Moment], str]]] = {
    "text": _line, "long": _long, "word": _line, "person": _person, "day": _day,
    "instant": _instant, "number": _number, "minutes": _minutes, "yes": _yes,
}  # fmt: skip
"""Kind -> what brings a value into its one form, or raises ValueError with a sentence.

`text`: one line; `long`: as it is; `word`: one of a few; `person`: an e-mail address in small letters,
or `remote:login`; `day`: YYYY-MM-DD; `instant`: RFC 3339 in UTC with Z; `number`; `minutes`; `yes`: or no.
"""
