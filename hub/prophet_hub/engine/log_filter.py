"""The log by what is asked of it: who, when, where, which record, which words; read in pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from prophet_hub.engine.history import LogRow, log_row
from prophet_hub.errors import Invalid
from prophet_hub.model import codec
from prophet_hub.model.changes import LINKING, VOTE, Changeset
from prophet_hub.model.ids import RecordId
from prophet_hub.store.base import EntryRow
from prophet_hub.store.log import Log
from prophet_hub.values import Stored, Value

if TYPE_CHECKING:
    from prophet_hub.engine.reading import Reading

__all__ = ["Wanted", "entries"]

_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of the log; what is left out asks for nothing.

    Attributes:
        author: Part of who wrote it, in either case.
        since, until: When it was made, both included; microseconds since 1970.
        record: What it writes to: this record, or a comment or attachment of it.
        origin: The replica that recorded it.
        grep: What must be found in author, note or any value that it writes, long texts too.
    """

    author: str = ""
    since: int | None = None
    until: int | None = None
    record: RecordId | None = None
    origin: bytes = b""
    grep: re.Pattern[str] | None = None


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """A changeset as far as most questions need it."""

    name: bytes
    author: str
    created: int
    writes: msgspec.Raw
    note: str = ""


_head = msgspec.msgpack.Decoder(tuple[bytes, int, _Head])


def entries(replica: Reading, wanted: Wanted) -> Iterator[LogRow]:
    """Yields the entries that answer, newest first."""
    log = replica.store.log
    rows = _pages(log) if wanted.record is None else _of_record(replica, wanted.record)
    for row in rows:
        if wanted.origin and row.origin != wanted.origin:
            continue
        if _answers(row, wanted) and (wanted.grep is None or _holds(log, row, wanted.grep)):
            yield log_row(row)


def _pages(log: Log) -> Iterator[EntryRow]:
    at = 1 << 62
    while page := log.before(at, _PAGE):
        yield from page
        at = page[-1].number


def _of_record(replica: Reading, record: RecordId) -> Iterator[EntryRow]:
    members = set(replica.members(record))
    for kind in ("comment", "attachment"):
        for child in replica.children(record, kind):
            members |= replica.members(child)
    numbers = iter(reversed(replica.store.log.numbers_of(members)))
    while page := list(islice(numbers, _PAGE)):
        yield from sorted(replica.store.log.entries(page), reverse=True)


def _answers(row: EntryRow, wanted: Wanted) -> bool:
    """Tells whether author and time are those that are asked for."""
    try:
        head = _head.decode(row.raw)[2]
    except msgspec.DecodeError:  # in quarantine
        return not (wanted.author or wanted.since is not None or wanted.until is not None)
    return (
        wanted.author.casefold() in head.author.casefold()
        and (wanted.since is None or head.created >= wanted.since)
        and (wanted.until is None or head.created <= wanted.until)
    )


def _holds(log: Log, row: EntryRow, pattern: re.Pattern[str]) -> bool:
    try:
        changeset = codec.decode(row.before, row.raw).changeset
    except Invalid:
        return False
    return any(pattern.search(words) for words in _words(log, changeset))


def _words(log: Log, changeset: Changeset) -> Iterator[str]:
    """Yields all that people can read in a changeset."""
    yield changeset.author
    yield changeset.note
    for w in changeset.writes:
        if w.cell.prop not in LINKING and not w.cell.prop.startswith(VOTE):
            yield w.cell.member
            yield _text(log, w.value)


def _text(log: Log, value: Value) -> str:
    if not isinstance(value, Stored):
        return value or ""
    return (log.text(value.sha256) or b"").decode("utf-8", "replace")
