"""Records of any kind, written and read by their properties: the small interface of a replica.

Types give defaults, bring values into their one form and refuse what they do not allow, when
somebody writes here.  What peers and trackers tell is taken as it comes: state is a function of the
log alone, and a declaration that arrives later, or never, must not change it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeAlias

from prophet_hub.engine.history import shown
from prophet_hub.engine.property_cells import as_said, differs, to_cells
from prophet_hub.engine.reading import RecordRow
from prophet_hub.engine.record_types import Types
from prophet_hub.errors import Fault, Unfit, UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId, fresh, text
from prophet_hub.model.kinds import Moment
from prophet_hub.model.schema import (
    Given,
    Property,
    RecordType,
    canonical,
    filled,
    kept,
)
from prophet_hub.values import PRESENT, Stored, Value

if TYPE_CHECKING:
    from prophet_hub.engine.replica import CellState, Replica

__all__ = ["Named", "Records"]

Named: TypeAlias = RecordRow | RecordId | uuid.UUID | str | int
"""How a record may be named: a row, an id, its number `5` or `#5`, a uuid or the beginning of one."""

Content: TypeAlias = bytes | BinaryIO | Iterable[bytes]
"""What a file may be given as."""

_TYPE: Final = re.compile(r"[A-Za-z_][\w.-]{0,63}")
_NUMBER: Final = re.compile(r"#?\d{1,9}")
_PIECE: Final = 1 << 16


class Records:
    """Writes and reads records by their properties.

    Attributes:
        replica: Where they stand.
        types: What is known of their types.
        author, note: Of everything that is written.
        force: Whether values that break a declaration are taken as they are.
    """

    def __init__(
        self, replica: Replica, *, author: str = "", note: str = "",
        plugins: Sequence[RecordType] = (), force: bool = False,
    ) -> None:  # fmt: skip
        self.replica, self.types = replica, Types(replica, plugins, force=force)
        self.author, self.note, self.force = author, note, force

    # --- writing ---

    def create(self, kind: str, given: Mapping[str, Any]) -> RecordRow:
        """Makes a record with the properties that are given and its type's defaults.

        Raises:
            Unfit: With everything that is wrong at once; nothing was written.
        """
        if not _TYPE.fullmatch(kind):
            raise UsageError(f'"{kind}" is no name for a record type.')
        moment, declared = self._moment(), self.types.get(kind)
        whole = filled(declared, as_said(given), moment)
        written = self._checked(declared, {}, whole, moment, new=True)
        changes = {key: v for key, v in to_cells({}, written).items() if v is not None}
        return self._write(RecordId(fresh()), kind, changes or {_LIFE: PRESENT}, moment)

    def set(
        self, record: Named, given: Mapping[str, Any], *,
        add: Mapping[str, Iterable[str]] | None = None,
        remove: Mapping[str, Iterable[str]] | None = None,
    ) -> RecordRow:  # fmt: skip
        """Writes the properties that are not so already; a second time changes nothing.

        Args:
            record: Which.
            given: The whole of each property: a text, a set, or None (or nothing) to clear it.
            add: Members that come to sets.
            remove: Members that go.

        Raises:
            Unfit: With everything that is wrong at once; nothing was written.
        """
        row = self._living(record)
        moment, declared = self._moment(), self.types.get(row.type)
        with self.replica.transaction():
            cells = self.replica.cells(row.record)
            now = self._plain(shown(cells))
            said, named = as_said(given), set[tuple[str, str]]()
            for names, sign in ((add, True), (remove, False)):
                for name, members in (names or {}).items():
                    before = said.get(name, now.get(name))
                    held = before if isinstance(before, frozenset) else {before} if before else ()
                    told = self._members(declared, name, members, moment)
                    said[name] = frozenset(held) | told if sign else frozenset(held) - told
                    named |= {(name, member) for member in told}
            written = self._checked(declared, now, said, moment, new=False)
            changes = {
                key: value for key, value in to_cells(now, written).items()
                if differs(cells.get(key), self._plain_value(cells.get(key)), value,
                            asked=key in named or not key[1])
            }  # fmt: skip
            return self._write(row.record, row.type, changes, moment)

    def comment(self, ticket: Named, body: str, given: Mapping[str, Any]) -> RecordRow:
        """Says something of a ticket, or of any other record."""
        return self.create("comment", {"ticket": self._uuid(ticket), "body": body, **given})

    def attach(
        self, ticket: Named, content: Content, name: str,
        given: Mapping[str, Any],
    ) -> RecordRow:  # fmt: skip
        """Adds a file to a ticket, or to any other record; the content is streamed."""
        plain = PurePath(name.replace("\\", "/")).name
        said = {
            "ticket": self._uuid(ticket),
            "name": plain,
            "content_type": _guessed(plain),
            **given,
        }
        moment, declared = self._moment(), self.types.get("attachment")
        whole = filled(declared, as_said(said), moment)
        written = self._checked(declared, {}, whole, moment, new=True)
        stored = self.replica.store.blobs.put(_pieces(content))
        changes: dict[tuple[str, str], Value] = {
            **{key: v for key, v in to_cells({}, written).items() if v is not None},
            ("content", ""): stored, ("size", ""): str(stored.size),
            ("sha256", ""): stored.sha256,
        }  # fmt: skip
        return self._write(RecordId(fresh()), "attachment", changes, moment)

    def delete(self, record: Named) -> RecordRow:
        """Takes a record's life; a second time changes nothing."""
        return self._live(record, None)

    def restore(self, record: Named) -> RecordRow:
        """Brings a deleted record back with all that it had; a second time changes nothing."""
        return self._live(record, PRESENT)

    def _live(self, record: Named, life: Value) -> RecordRow:
        row = self.row(record)
        with self.replica.transaction():
            cell = self.replica.cell(row.record, *_LIFE)
            same = self.replica.alive(row.record) is (life is not None)
            changes = {} if same and not (cell and cell.conflict) else {_LIFE: life}
            return self._write(row.record, row.type, changes, self._moment())

    # --- reading ---

    def row(self, record: Named) -> RecordRow:
        """Returns the record that is named.

        Raises:
            UsageError: None, or several.
        """
        line = self.replica.store.derived.lines((self._id(record),)).get(self._id(record))
        if line is None or not (line.type or line.kind):
            raise UsageError(f"There is no record {_said_as(record)}.")
        whole = self.replica.store.derived.lines((line.whole,))[line.whole]
        return RecordRow(RecordId(whole.record), whole.kind, whole.changed, whole.label)

    def get(self, record: Named) -> dict[str, Any]:
        """Returns the properties that a record shows: texts, sets of texts, contents as `Stored`."""
        found = self._plain(self.replica.shown(self.row(record).record))
        return {k: set(v) if isinstance(v, frozenset) else v for k, v in sorted(found.items())}

    def find(self, kind: str, query: str, equal: Mapping[str, Any]) -> Iterator[RecordRow]:
        """Yields the living records of a type that show all of this, the last changed first.

        With a query (docs/search.md) those of them that it finds, in its own order.
        """
        from prophet_hub.engine.finding import found  # noqa: PLC0415 - a parser behind it

        return found(self.replica, kind, query, equal)

    # --- steps ---

    def _checked(
        self, kind: RecordType, now: Given, said: Given, moment: Moment, *, new: bool
    ) -> dict[str, str | frozenset[str] | None]:
        """Returns what is to be written, in its one form."""
        held = {
            prop: value & before
            for prop, value in said.items()
            if isinstance(value, frozenset) and isinstance(before := now.get(prop), frozenset)
        }
        fresh_ = {prop: value - held[prop] if isinstance(value, frozenset) and prop in held else value
                  for prop, value in said.items()}  # fmt: skip
        written, faults = canonical(kind, fresh_, moment, force=self.force)
        for prop in kind.properties:
            if prop.reference and prop.name in written:
                written[prop.name] = self._referred(prop, written[prop.name], faults)
        for prop_, members in held.items():  # what stands there already is not judged again
            told = written.get(prop_)
            whole = members | told if isinstance(told, frozenset) else members
            written[prop_] = whole or None
        if not self.force:
            told_of = {one.path for one in faults}
            faults += [one for one in kept(kind, now, written, new=new) if one.path not in told_of]
        if faults:
            raise Unfit(f"This {kind.name} cannot be written.", faults=_each_once(faults))
        return written

    def _members(
        self, declared: RecordType, name: str, members: Iterable[str], moment: Moment
    ) -> frozenset[str]:
        """Returns members in their one form; such as are none are left for `_checked` to tell."""
        said = {name: frozenset(members)}
        found, _ = canonical(declared, said, moment, force=True)
        prop = declared.property(name)
        value = found.get(name, said[name])
        referred = self._referred(prop, value, []) if prop.reference else value
        return referred if isinstance(referred, frozenset) else frozenset()

    def _referred(
        self, prop: Property, value: str | frozenset[str] | None, faults: list[Fault]
    ) -> str | frozenset[str] | None:
        """Returns references as the uuids of the records that they name."""
        if isinstance(value, frozenset):
            return frozenset(str(self._referred(prop, one, faults)) for one in value)
        if value is None or "://" in value:
            return value
        try:
            row = self.row(value)
        except UsageError as error:
            if not self.force:
                faults.append(Fault(error.sentence, path=prop.name))
            return value
        if row.type != prop.reference != "*" and not self.force:
            said = f"{value} is a {row.type}, no {prop.reference}."
            faults.append(Fault(said, path=prop.name))
        return text(row.record)

    def _write(
        self, record: RecordId, kind: str, changes: Mapping[tuple[str, str], Value], moment: Moment
    ) -> RecordRow:
        with self.replica.transaction():
            if changes:
                self.replica.edit(record, kind, changes, author=self.author, note=self.note,
                                  created=moment.now)  # fmt: skip
            return self.row(record)

    def _moment(self) -> Moment:
        return Moment(now=self.replica.now(), author=self.author)

    def _uuid(self, record: Named) -> str:
        return text(self._living(record).record)

    def _living(self, record: Named) -> RecordRow:
        """Returns the record that is named.

        Raises:
            UsageError: It was deleted; who writes on it all the same brings a conflict upon others.
        """
        row = self.row(record)
        if not self.force and not self.replica.alive(row.record):
            raise UsageError(f"#{row.number} was deleted.", hint="Restore it first.")
        return row

    def _id(self, record: Named) -> RecordId:
        match record:
            case RecordRow():
                return record.record
            case uuid.UUID():
                return RecordId(record.bytes)
            case int():
                return self.replica.resolve_id(f"#{record}")
            case bytes():
                return RecordId(record)
        words = record.strip()
        number = _NUMBER.fullmatch(words) is not None
        return self.replica.resolve_id(f"#{words.removeprefix('#')}" if number else words)

    def _plain_value(self, cell: CellState | None) -> Value:
        """Returns what a cell shows, a long text as text."""
        value = cell.shown if cell else None
        return self.replica.text(value) if isinstance(value, Stored) else value

    def _plain(self, found: Mapping[str, Value | frozenset[str]]) -> dict[str, Any]:
        """Returns properties with long texts as texts; a content stays what it is."""
        return {
            name: self.replica.text(value)
            if isinstance(value, Stored) and name != "content" else value
            for name, value in found.items()
        }  # fmt: skip


_LIFE: Final = (LIFE, "alive")


def _each_once(faults: Iterable[Fault]) -> list[Fault]:
    return list({(one.path, one.sentence): one for one in faults}.values())


def _said_as(record: Named) -> str:
    match record:
        case RecordRow():
            return text(record.record)
        case bytes():
            return record.hex()
    return str(record)


def _guessed(name: str) -> str:
    import mimetypes  # noqa: PLC0415 - reads the system's own list

    return mimetypes.guess_type(name, strict=False)[0] or "application/octet-stream"


def _pieces(content: Content) -> Iterable[bytes]:
    if isinstance(content, bytes):
        return (content,)
    read = getattr(content, "read", None)
    return iter(lambda: read(_PIECE), b"") if read else content
