"""Our log as a replica of the old tool: replayed entry by entry, each step told in its words.

A replica of the old tool is a serial place, so an entry becomes what it changed in what is shown
here.  Conflicts, links and votes have no words there; what they change in what is shown does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.rows import parent_of
from prophet_hub.engine.settings import SETTING
from prophet_hub.errors import Invalid, StoreError
from prophet_hub.interop import _v1_words as words
from prophet_hub.interop._v1_format import Place, cas_name, encode, index_row
from prophet_hub.interop._v1_view import changeset_name
from prophet_hub.model import codec
from prophet_hub.model.changes import LINKING, SAME_AS, Changeset, Entry
from prophet_hub.model.ids import RecordId, text
from prophet_hub.store.base import EntryRow
from prophet_hub.values import Stored, Value

__all__ = ["Step", "Telling", "steps"]

_PAGE: Final = 500
_TYPE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}").fullmatch
_NOTE: Final = re.compile(r"sd ([0-9a-f-]{36}):(\d{1,10})").fullmatch
_DERIVED: Final = frozenset({"size", "sha256"})
_PRIVATE: Final = "private"
_PUBLIC: Final = frozenset({"no", "false", "0"})
_INNER: Final = frozenset({"comment", "attachment"})
_YES: Final = frozenset({"yes", "true", "1"})
_LARGEST: Final = 1 << 25

Props = dict[str, str]
Told = dict[RecordId, tuple[str, Props]]
"""What is published of each record: its type and properties in the old tool's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One changeset of theirs, with its row for the index."""

    place: Place
    raw: bytes

    @property
    def name(self) -> str:
        """Its file."""
        return cas_name("changesets", self.place.key)

    @property
    def row(self) -> bytes:
        """Its row in the index."""
        return index_row(self.place)


@dataclass(slots=True)
class Telling:
    """What is told, grown step by step.

    Attributes:
        records: What is shown in the end.
        spelled: How a record's uuid is spelled, where that is not the usual way.
        missing: Texts and contents that are not here, or too large for the old tool.
    """

    records: Told = field(default_factory=dict)
    spelled: dict[RecordId, str] = field(default_factory=dict)
    missing: int = 0


def steps(replica: Replica, told: Telling, *, private: bool) -> Iterator[Step]:
    """Yields the log as changesets of theirs, in order; `told` grows along.

    Without `private`, nothing of a private record is told, nor of what belongs to one; a comment or
    an attachment that does not say is private.
    """
    hidden = frozenset() if private else _private(replica)
    scratch = Replica.open(":memory:", clock=lambda: 0)
    try:
        replay = _Replay(replica, scratch, told, hidden)
        number, seen = 0, set()
        for row in _rows(replica):
            entry = _read(row)
            changes = replay.take(row, entry)
            if changes and entry is not None:
                number += 1
                source, sequence = _identity(entry)
                if (source, sequence) in seen:
                    source, sequence = entry.origin, entry.sequence
                seen.add((source, sequence))
                yield _step(number, source, sequence, entry.changeset, changes)
    finally:
        scratch.close()


def _rows(replica: Replica) -> Iterator[EntryRow]:
    after = 0
    while page := replica.store.log.after(after, _PAGE):
        yield from page
        after = page[-1].number


def _read(row: EntryRow) -> Entry | None:
    try:
        return None if row.reason else codec.decode(row.before, row.raw)
    except Invalid:
        return None


def _identity(entry: Entry) -> tuple[bytes, int]:
    """Returns where an entry stands for the old tool: where it was read from one, its place there."""
    if found := _NOTE(entry.changeset.note):
        source, sequence = bytes.fromhex(found[1].replace("-", "")), int(found[2])
        if changeset_name(source, sequence) == entry.changeset.name:
            return source, sequence
    return entry.origin, entry.sequence


def _step(
    number: int, source: bytes, sequence: int, changeset: Changeset, changes: Mapping[str, Any]
) -> Step:
    raw = encode({
        "changes": changes,
        "created": words.instant_text(changeset.created),
        "creator": words.text_to_v1(changeset.author) or None,
        "is_nullification": None,
        "is_resolution": None,
        "original_sequence_no": str(sequence),
        "original_source_uuid": text(source),
    })  # fmt: skip
    key = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    return Step(place=Place(number, source, sequence, key), raw=raw)


def _private(replica: Replica) -> frozenset[RecordId]:
    """Returns the records that are private today, and what belongs to them."""
    found: set[RecordId] = set()
    for row in replica.records():
        said = replica.shown(row.record).get(_PRIVATE)
        if said not in _PUBLIC if row.type in _INNER else said in _YES:
            found |= replica.members(row.record)
            for kind in _INNER:
                for child in replica.children(row.record, kind):
                    found |= replica.members(child)
    return frozenset(found)


class _Replay:
    """Lets a replica in memory take entry after entry, and says what that changed in what it shows."""

    def __init__(
        self, replica: Replica, scratch: Replica, told: Telling, hidden: frozenset[RecordId]
    ) -> None:
        self._replica, self._scratch, self._told, self._hidden = replica, scratch, told, hidden

    def take(self, row: EntryRow, entry: Entry | None) -> dict[str, Any]:
        """Takes an entry; returns the changes by the record's uuid as it is spelled."""
        touched = self._touched(entry) if entry else set()
        before = {self._scratch.name(one) for one in touched}
        self._scratch.integrate([(row.before, row.raw)], judge=lambda _: row.reason)
        after = {self._scratch.name(one) for one in touched}
        found = {}
        for record in sorted(touched | before | after):
            change = self._change(record)
            if change:
                found[self._told.spelled.get(record, text(record))] = change
        return found

    def _touched(self, entry: Entry) -> set[RecordId]:
        """Returns the records that an entry may change: those it writes to, joins and parts, and the
        tickets of comments, which may bring them back.
        """
        found: set[RecordId] = set()
        for w in entry.changeset.writes:
            if w.cell.prop not in LINKING:
                found.add(w.cell.record)
            elif w.cell.prop == SAME_AS:
                found |= {w.cell.record, RecordId(bytes.fromhex(w.cell.member))}
        for w in entry.changeset.writes:
            if w.type in _INNER:
                values = [w.value] if w.cell.prop == "ticket" else []
                cell = self._scratch.cell(w.cell.record, "ticket")
                for value in (*values, cell.shown if cell else None):
                    ticket = parent_of(value)
                    if ticket is not None:
                        found.add(RecordId(ticket))
        return found

    def _change(self, record: RecordId) -> dict[str, Any] | None:
        told = self._told.records
        was, now = told.get(record), self._now(record)
        if now is None:
            if was is None:
                return None
            del told[record]
            return {"change_type": "delete", "prop_changes": {}, "record_type": was[0]}
        kind, props = now
        told[record] = now
        if was is None:
            verb, old = "add_file", {}
        else:
            verb, old = "update_file", was[1]
        changes = {
            name: {"new_value": props.get(name, ""), "old_value": old.get(name)}
            for name in sorted(old.keys() | props.keys())
            if old.get(name) != props.get(name)
        }
        if not changes:
            return None
        return {"change_type": verb, "prop_changes": changes, "record_type": kind}

    def _now(self, record: RecordId) -> tuple[str, Props] | None:
        """Returns type and properties of a record in the old tool's words, None if it is not told."""
        scratch = self._scratch
        kind = words.text_to_v1(scratch.type_of(record))
        if record in self._hidden or kind == SETTING or not _TYPE(kind):
            return None
        if scratch.name(record) != record or not scratch.alive(record):
            return None
        shown = scratch.shown(record)
        spelled = shown.pop(words.SPELLED, None)
        if isinstance(spelled, str) and spelled.lower() == text(record):
            self._told.spelled[record] = spelled
        found: Props = {}
        for prop, value in sorted(shown.items(), key=lambda one: _rank(kind, one[0])):
            name = words.their_name(kind, prop)
            if kind in _INNER and (prop in _DERIVED or (prop == _PRIVATE and value in _PUBLIC)):
                continue  # the old tool knows nothing private, and counts for itself
            words_ = self._value(kind, name, value)
            if words_:
                found.setdefault(words.text_to_v1(name), words_)
        return (kind, found) if found else None

    def _value(self, kind: str, name: str, value: Value | frozenset[str]) -> str | None:
        if isinstance(value, frozenset):
            return words.text_to_v1(", ".join(sorted(value)))
        if isinstance(value, Stored) and value.size > _LARGEST:
            self._told.missing += 1
            return None
        try:
            if isinstance(value, Stored) and kind == "attachment" and name == words.CONTENT:
                return words.bytes_to_text(b"".join(self._replica.content(value)))
            return words.text_to_v1(words.their_value(kind, name, self._replica.text(value)))
        except StoreError:
            self._told.missing += 1
            return None


def _rank(kind: str, prop: str) -> tuple[bool, str]:
    """Sorts a property that has a name of its own there before one that only looks like it."""
    return words.their_name(kind, prop) == prop, prop
