"""Which entry a person means: by its number here, its place, its changeset's name, or a range."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from prophet_hub.errors import Invalid, UsageError
from prophet_hub.model import codec
from prophet_hub.model.ids import text

if TYPE_CHECKING:
    from prophet_hub.engine.reading import Reading
    from prophet_hub.store.base import EntryRow
    from prophet_hub.store.log import Log

__all__ = ["changeset_of", "changesets_of", "origin_of"]

_NUMBER: Final = re.compile(r"\d{1,9}").fullmatch
_PLACE: Final = re.compile(r"([0-9a-fA-F][0-9a-fA-F-]{0,35}):(\d{1,15})").fullmatch
_NAME: Final = re.compile(r"[0-9a-fA-F]{4}[0-9a-fA-F-]{0,32}").fullmatch
_LATEST: Final = re.compile(r"latest(?:~(\d{1,9}))?").fullmatch
_RANGE: Final = ".."
_LOOK: Final = "`prophet-hub log` lists them, with their names under --json."
_MANY: Final = 5


def changeset_of(replica: Reading, words: str) -> EntryRow:
    """Returns the entry that the words name, quarantined ones included.

    `17` is the local number, `latest` the last entry and `latest~2` the third from the end;
    `3f2a:12` is the place: an origin's beginning and its sequence; anything else is the beginning
    of the changeset's name, at least four digits of it.

    Raises:
        UsageError: They name none, or several.
    """
    words = words.strip()
    log = replica.store.log
    if latest := _LATEST(words):
        back = int(latest[1] or 0)
        found = [row.number for row in log.before(1 << 62, back + 1)[back:]]
    elif _NUMBER(words):
        found = [int(words)]
    elif place := _PLACE(words):
        found = log.numbers_at(origin_of(replica, place[1]), int(place[2]))
    elif _NAME(words):
        found = _named(log, _digits(words))
    else:
        raise UsageError(
            f'"{words}" names no changeset.',
            hint="Write its number (17), its place (3f2a:12), its name's beginning, or latest.",
        )
    rows = sorted(log.entries(found))
    if len(rows) == 1:
        return rows[0]
    if rows:
        several = ", ".join(str(row.number) for row in rows[:_MANY])
        raise UsageError(f"{words} names several changesets.", hint=f"Name one of {several}.")
    raise UsageError(f"There is no changeset {words}.", hint=_LOOK)


def changesets_of(replica: Reading, words: str) -> list[EntryRow]:
    """Returns the entry that the words name, or those of a range `A..B`, as they came here.

    A range holds both of its ends, and all that came here between them; `A..` ends with the latest.

    Raises:
        UsageError: They name none, an end names several, or the range is upside down.
    """
    first, dots, last = words.partition(_RANGE)
    if not dots:
        return [changeset_of(replica, words)]
    lower = changeset_of(replica, first).number
    upper = changeset_of(replica, last or "latest").number
    if lower > upper:
        raise UsageError(
            f"{words} is upside down: {upper} came here before {lower}.",
            hint=f"Write {last}..{first}.",
        )
    found = replica.store.log.after(lower - 1, upper - lower + 1)  # numbers may have gaps
    return [row for row in found if row.number <= upper]


def _digits(words: str) -> str:
    return words.replace("-", "").lower()


def origin_of(replica: Reading, words: str) -> bytes:
    """Returns the origin whose uuid begins so.

    Raises:
        UsageError: None does, or several.
    """
    found = [one for one in replica.store.log.origins() if one.hex().startswith(_digits(words))]
    if len(found) == 1:
        return found[0]
    if found:
        several = ", ".join(map(text, found[:_MANY]))
        raise UsageError(f"{words} begins several replicas.", hint=f"Name one of {several}.")
    raise UsageError(f"No replica begins with {words}.", hint=_LOOK)


def _named(log: Log, digits: str) -> list[int]:
    """Returns the numbers of the entries whose changeset's name begins with the digits."""
    piece = bytes.fromhex(digits[: len(digits) // 2 * 2])
    return [row.number for row in log.holding(piece) if _name_of(row).startswith(digits)]


def _name_of(row: EntryRow) -> str:
    try:
        return codec.decode(row.before, row.raw).changeset.name.hex()
    except Invalid:  # in quarantine, unreadable
        return ""
