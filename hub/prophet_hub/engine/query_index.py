"""Brings the tables of searches up to what changed, batch by batch, when somebody searches.

A class is taken in again when an entry touched it after the last one that is in the tables.  Home,
the one thing that other classes decide, is told anew by whoever takes in, or gives back, members.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeGuard

from prophet_hub.engine.query_values import DATE, LETTERS, date_key, fold, keyed
from prophet_hub.engine.reading import latest
from prophet_hub.engine.rows import decode_heads, present
from prophet_hub.merge.cells import shown_of
from prophet_hub.model.changes import LIFE, LINKING, NOTED, VOTE
from prophet_hub.store.base import CellRow, RecordLine
from prophet_hub.store.search import Document, Key, Search, Texts
from prophet_hub.store.sqlite import Store
from prophet_hub.values import Stored, from_micros

__all__ = ["COLUMNS", "CONFLICT", "IS", "TO_COME", "Indexer", "catch_up"]

COLUMNS: Final = {
    "summary": 0, "title": 0, "name": 0, "description": 1, "body": 2,
}  # fmt: skip
"""Properties that are searched by words -> where they stand in a document's texts."""

IS: Final = "is"
CONFLICT: Final = "conflict"
CONTENT: Final = "content"  # of an attachment: bytes, no words
TO_COME: Final = ""  # the property under which the hash of a text stands that is not here yet
CREATED, UPDATED = "created", "updated"
_HEAD: Final = 40  # so many letters of a summary are kept for sorting
_PAGE: Final = 1_000
_LAST: Final = 1 << 62
_MOST: Final = 1_000_000  # bytes of a text that are searched


def catch_up(store: Store, *, told: Callable[[int], None] | None = None, page: int = _PAGE) -> int:
    """Takes in all that changed; returns how many classes.  A second time does nothing.

    Each batch is a transaction of its own, unless one is open.  `told` is called after each with
    the number of classes so far.

    Raises:
        Locked: Another process holds the write lock for longer than the patience.
    """
    indexer, count = Indexer(store), 0
    while indexer.search.stale():
        with store.transaction():
            done = indexer.batch(page)
        count += done
        if told:
            told(count)
    return count


class Indexer:
    """Takes in classes.

    Attributes:
        search: The tables.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._derived, self.search = store, store.derived, Search(store)
        self._numbers = self.search.properties()

    def batch(self, page: int) -> int:
        """Takes in the next classes, inside a transaction; returns how many."""
        at = self.search.position()
        lines = self._derived.changed("", at, page)
        late = self.search.arrived()
        self._take([*lines, *self._derived.lines(late).values()])
        if len(lines) < page:
            end = latest(self._store), _LAST
        else:
            end = lines[-1].changed, lines[-1].number
        self._drop_gone(end[0])
        self.search.move(*end)
        return len(lines) + len(late)

    def differences(self, lines: Iterable[RecordLine]) -> Iterator[RecordLine]:
        """Yields those whose documents, of all that was taken in, are not as their cells say."""
        at = self.search.position()
        taken = [line for line in lines if line.kind and (line.changed, line.number) <= at]
        documents, texts, shown = self._made(taken, lambda prop: self._numbers.get(prop, 0))
        docs = [line.number for line in taken]
        old = self.search.documents(docs), self.search.texts(docs), self.search.shown(docs)
        homes = self.search.lines(one.home for some in (documents, old[0]) for one in some.values())
        later = {n for n, home in homes.items() if (home.changed, n) > at}
        for line in taken:
            n = line.number
            stood = old[0].get(n)
            if stood and not later.isdisjoint((stood.home, documents[n].home)):
                stood = stood._replace(home=documents[n].home)  # told when that one is taken in
            if (documents[n], texts[n], shown[n]) != (stood, old[1].get(n), old[2].get(n, set())):
                yield line

    def _take(self, lines: Sequence[RecordLine]) -> None:
        """Writes the documents of classes anew."""
        members = self.search.members(line.record for line in lines)
        known = self.search.known(line.number for line in lines)
        self.search.drop(
            self.search.known(number for found in members.values() for number in found.values())
        )
        documents, texts, shown = self._made(lines, self._number)
        self.search.put(documents.values())
        self.search.put_texts(texts)
        self.search.put_shown(shown)
        self._rehome(
            {
                record
                for line in lines
                if line.record in members or line.number not in known
                for record in (line.record, *members.get(line.record, ()))
            }
        )

    def _made(
        self, lines: Iterable[RecordLine], number: Callable[[str], int]
    ) -> tuple[dict[int, Document], dict[int, Texts | None], dict[int, set[tuple[int, Key]]]]:
        """Returns the documents of classes, their texts and what they show."""
        wholes = {line.record: line for line in lines}
        seen = {whole: _Seen() for whole in wholes}
        for row in self._derived.cells(wholes):
            seen[row.record].take(row)
        for one in seen.values():
            one.read(self._text)
        homes = self._homes({one.parent for one in seen.values() if one.parent})
        documents, texts, shown = {}, {}, {}
        for line, one in zip(wholes.values(), seen.values(), strict=True):
            n = line.number
            home = homes.get(one.parent or b"", n)
            documents[n] = Document(n, home, line.kind, int(one.dead), line.changed)
            texts[n] = one.texts()
            shown[n] = {(number(prop), key) for prop, key in one.shown()}
        return documents, texts, shown

    def _drop_gone(self, until: int) -> None:
        gone = self.search.gone(until)
        self.search.drop(gone.values())
        self._rehome(gone)

    def _rehome(self, parents: Iterable[bytes]) -> None:
        """Tells what belongs to records, anew, to which document it belongs."""
        children = self.search.children(parents)
        homes = self._homes({parent for parent, _ in children})
        self.search.move_home((homes.get(parent, number), number) for parent, number in children)

    def _homes(self, records: Iterable[bytes]) -> dict[bytes, int]:
        """Returns the documents of raw records, of those that have one or will."""
        lines = self._derived.lines(records)
        wholes = self._derived.lines({line.whole for line in lines.values()})
        return {
            record: wholes[line.whole].number
            for record, line in lines.items()
            if wholes[line.whole].kind
        }

    def _number(self, prop: str) -> int:
        if prop not in self._numbers:
            self._numbers[prop] = self.search.property(prop)
        return self._numbers[prop]

    def _text(self, stored: Stored) -> str | None:
        """Returns a long text, "" for one that is not here, None for one that is to come."""
        data = self._store.log.text(stored.sha256)
        if data is None and self._store.blobs.has(stored):
            data = b"".join(self._store.blobs.read(stored))
        if data is None:
            return None if self.search.wanted(stored.sha256) else ""
        return data[:_MOST].decode(errors="replace")


class _Seen:
    """What one class shows, as far as searches ask for it.

    Attributes:
        parent: The raw record that its `ticket` cell shows.
        dead: Whether it is deleted.
    """

    __slots__ = ("_first", "_last", "_long", "_pairs", "_texts", "dead", "parent")

    def __init__(self) -> None:
        self._texts: tuple[list[str], list[str], list[str]] = ([], [], [])
        self._pairs: list[tuple[str, Key]] = []
        self._long: list[tuple[str, Stored]] = []
        self._first, self._last = _LAST, 0
        self.parent: bytes | None = None
        self.dead = False

    def take(self, row: CellRow) -> None:
        """Takes in one cell."""
        prop = row.prop
        if prop in LINKING or prop == NOTED or prop.startswith(VOTE):
            return
        if row.conflict:
            self._pairs.append((IS, CONFLICT))
        heads = decode_heads(row.heads)
        for head in heads:
            self._first, self._last = min(self._first, head.created), max(self._last, head.created)
        if prop == LIFE:
            self.dead = not present(row)
            return
        value = heads[0].value if len(heads) == 1 else shown_of(heads, row.member)
        if value is None:
            return
        if row.member:
            self._show(prop, row.member)
        elif row.parent:
            self.parent = row.parent
        elif isinstance(value, str):
            self._show(prop, value)
        elif prop != CONTENT:
            self._long.append((prop, value))

    def read(self, text_of: Callable[[Stored], str | None]) -> None:
        """Fetches the texts that stand by hash."""
        for prop, stored in self._long:
            text = text_of(stored)
            self._show(prop, text or "")
            if text is None:
                self._pairs.append((TO_COME, stored.sha256))

    def _show(self, prop: str, value: str) -> None:
        column = COLUMNS.get(prop)
        if column is not None:
            self._texts[column].append(value)
            self._pairs.append((prop, "" if column else fold(value)[:_HEAD]))
            return
        self._pairs.append((prop, keyed(value)))
        if len(value) > LETTERS:
            self._texts[-1].append(value)

    def texts(self) -> Texts | None:
        """Returns the texts to be searched by words."""
        if not any(self._texts):
            return None
        summary, description, body = map("\n".join, self._texts)
        return summary, description, body

    def shown(self) -> set[tuple[str, Key]]:
        """Returns the values to be searched; every record has a date of its making and changing."""
        found = set(self._pairs)
        told = {prop: key for prop, key in found if prop in (CREATED, UPDATED) and _is_date(key)}
        if self._last:
            first, last = (date_key(from_micros(at)) for at in (self._first, self._last))
            newest = told.pop(UPDATED, last)
            if newest != last:
                found.discard((UPDATED, newest))
            found.add((UPDATED, max(last, newest)))
            if CREATED not in told:
                found.add((CREATED, first))
        return found


def _is_date(key: Key) -> TypeGuard[bytes]:
    return isinstance(key, bytes) and len(key) == DATE
