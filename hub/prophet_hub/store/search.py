"""The tables that searches ask: words by document, shown values by property.

A *document* is a class as searches see it, under the number of its least record's line.  These
tables follow from the cells; whoever searches brings them up to date, so that no pull pays for it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from prophet_hub.errors import StoreError
from prophet_hub.store.base import Locked, RecordLine, Row
from prophet_hub.store.schema import SEARCH, statements
from prophet_hub.store.sqlite import Store

__all__ = ["Document", "Key", "Search", "Texts"]

Key = str | int | float | bytes
"""A shown value as it is compared: numbers before texts before dates and records."""

Texts = tuple[str, str, str]
"""What words are looked for in: summary, description, body."""

_AT: Final = "searched"
_LINE: Final = "SELECT number, record, type, whole, kind, label, changed FROM records"
_GONE: Final = """
SELECT r.record, r.number FROM records r
WHERE r.kind = '' AND r.whole = r.record AND r.changed > ? AND r.changed <= ?
AND (EXISTS (SELECT 1 FROM documents d WHERE d.doc = r.number)
     OR EXISTS (SELECT 1 FROM cells c WHERE c.parent = r.record))
"""
_LAST: Final = 1 << 62
_ASIDE: Final = re.compile(r"CREATE (TABLE|VIRTUAL TABLE|INDEX) (\w+)")
_COLUMNS: Final = ("summary", "description", "body")


class Document(NamedTuple):
    """A class as searches see it.

    Attributes:
        home: The document to which it belongs (a comment's ticket), else its own number.
        dead: Whether it is deleted.
        changed: The local number of the last entry that touched it.
    """

    doc: int
    home: int
    kind: str
    dead: int
    changed: int


class Search:
    """Reads and writes the tables of searches."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def may_write(self) -> bool:
        """Tells whether the database was opened for writing."""
        return not self._store.rows("PRAGMA query_only")[0][0]

    @contextlib.contextmanager
    def impatient(self, millis: int) -> Iterator[None]:
        """Waits no longer than this for another process that writes."""
        before = self._store.rows("PRAGMA busy_timeout")[0][0]
        self._store.run(f"PRAGMA busy_timeout = {min(before, millis):d}")
        try:
            yield
        finally:
            self._store.run(f"PRAGMA busy_timeout = {before:d}")

    def go_aside(self) -> None:
        """Puts the tables in memory, over those of a database that may only be read.

        What they hold is taken over; the file itself stays read-only.
        """
        self._store.run("PRAGMA query_only = OFF")
        for statement in statements(SEARCH):
            if "ON records" not in statement:
                self._store.run(_ASIDE.sub(r"CREATE \1 temp.\2", statement, count=1))
        self._store.run("CREATE TEMP TABLE meta (name TEXT PRIMARY KEY, value ANY)")
        for table in ("meta", "documents", "searched", "properties", "shown"):
            self._store.run(f"INSERT INTO temp.{table} SELECT * FROM main.{table}")  # noqa: S608 - our own names
        self._store.run("INSERT INTO words (words) VALUES ('rebuild')")

    # --- how far ---

    def position(self) -> tuple[int, int]:
        """Returns (changed, number) of the last class that is in the tables."""
        changed, _, number = str(self._store.meta(_AT) or "0:0").partition(":")
        return int(changed), int(number)

    def move(self, changed: int, number: int) -> None:
        """Notes that all classes up to this one are in the tables."""
        self._store.set_meta(_AT, f"{changed}:{number}")

    def behind(self) -> int:
        """Returns how many classes have changed since."""
        found: int = self._store.rows(
            "SELECT count(*) FROM records WHERE kind <> '' AND (changed, number) > (?, ?)",
            self.position(),
        )[0][0]
        return found + len(self.gone()) + len(self.arrived())

    def stale(self) -> bool:
        """Tells whether any class has changed since."""
        (found,) = self._store.rows(
            "SELECT EXISTS (SELECT 1 FROM records WHERE kind <> '' AND (changed, number) > (?, ?))",
            self.position(),
        )
        return bool(found[0] or self.gone() or self.arrived())

    def newest(self, kind: str, before: tuple[int, int], limit: int) -> list[RecordLine]:
        """Returns the next classes before (changed, number), of one type or of all, newest first."""
        term = "kind <> '' AND" + (" kind = ? AND" if kind else "")  # the indexes ask for the first
        found = self._store.rows(
            f"{_LINE} WHERE {term} (changed, number) < (?, ?)"
            " ORDER BY changed DESC, number DESC LIMIT ?",
            ((kind,) if kind else ()) + (*before, limit),
        )
        return [RecordLine._make(row) for row in found]

    def gone(self, until: int = _LAST) -> dict[bytes, int]:
        """Returns the records (with numbers) that were touched since and are no class of their own,
        for no write but links is on them, though they may have been part of one.
        """
        after = self.position()[0]
        return dict(self._store.rows(_GONE, (after, until)))

    def arrived(self) -> list[bytes]:
        """Returns the classes a long text of which has come since they were taken in."""
        found = self._store.rows(
            "SELECT DISTINCT record FROM shown JOIN properties ON id = prop AND name = ''"
            " JOIN records ON number = doc"
            " WHERE NOT EXISTS (SELECT 1 FROM wanted WHERE sha256 = value)"
        )
        return [record for (record,) in found]

    def clear(self) -> None:
        """Empties the tables; the next search fills them."""
        self._store.run("INSERT INTO words (words) VALUES ('delete-all')")
        for table in ("documents", "searched", "shown", "properties"):
            self._store.run(f"DELETE FROM {table}")  # noqa: S608 - our own names
        self.move(0, 0)

    # --- documents ---

    def members(self, wholes: Iterable[bytes]) -> dict[bytes, dict[bytes, int]]:
        """Returns the members of classes of several, but their least: class -> record -> number."""
        found: dict[bytes, dict[bytes, int]] = {}
        sql = "SELECT whole, record, number FROM records WHERE whole <> record AND whole IN (?)"
        for whole, record, number in self._store.rows_in(sql, wholes):
            found.setdefault(whole, {})[record] = number
        return found

    def children(self, parents: Iterable[bytes]) -> list[tuple[bytes, int]]:
        """Returns what belongs to raw records: (raw record, number of what belongs to it)."""
        sql = (
            "SELECT cells.parent, number FROM cells JOIN records ON records.record = cells.record"
            " WHERE cells.parent IN (?)"
        )
        return list(set(self._store.rows_in(sql, parents)))

    def wanted(self, sha256: str) -> bool:
        """Tells whether a text is still to come."""
        return bool(self._store.rows("SELECT 1 FROM wanted WHERE sha256 = ?", (sha256,)))

    def known(self, docs: Iterable[int]) -> set[int]:
        """Returns those of the numbers that are documents."""
        sql = "SELECT doc FROM documents WHERE doc IN (?)"
        return {doc for (doc,) in self._store.rows_in(sql, docs)}

    def documents(self, docs: Iterable[int]) -> dict[int, Document]:
        """Returns documents by number."""
        sql = "SELECT doc, home, kind, dead, changed FROM documents WHERE doc IN (?)"
        return {row[0]: Document._make(row) for row in self._store.rows_in(sql, docs)}

    def belongs(self, kind: str) -> bool:
        """Tells whether any document of a type belongs to another one."""
        sql = "SELECT 1 FROM documents WHERE kind = ? AND home <> doc LIMIT 1"
        return bool(self._store.rows(sql, (kind,)))

    def put(self, documents: Iterable[Document]) -> None:
        """Writes documents over what stands there."""
        self._store.run_many("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?)", documents)

    def move_home(self, homes: Iterable[tuple[int, int]]) -> None:
        """Gives documents another home: (home, document)."""
        self._store.run_many("UPDATE documents SET home = ? WHERE doc = ?", homes)

    def drop(self, docs: Collection[int]) -> None:
        """Takes documents out, with all that they show."""
        if docs:
            self.put_texts(dict.fromkeys(docs))
            self.put_shown({doc: set() for doc in docs})
            self._store.run_many("DELETE FROM documents WHERE doc = ?", ((doc,) for doc in docs))

    def lines(self, docs: Iterable[int]) -> dict[int, RecordLine]:
        """Returns the lines of documents."""
        found = self._store.rows_in(f"{_LINE} WHERE number IN (?)", docs)
        return {line[0]: RecordLine._make(line) for line in found}

    # --- words ---

    def texts_with(self, literals: Sequence[str]) -> Iterator[Row]:
        """Yields (document, home, dead, texts ...) of those whose texts hold all LIKE patterns."""
        like = " OR ".join(f"{one} LIKE ? ESCAPE '\\'" for one in _COLUMNS)
        where = " AND ".join([f"({like})"] * len(literals)) or "1"
        values = [f"%{one}%" for one in literals for _ in _COLUMNS]
        columns = ", ".join(_COLUMNS)
        sql = (
            f"SELECT documents.doc, home, dead, {columns} FROM searched"  # noqa: S608 - our own words
            f" JOIN documents ON documents.doc = searched.doc WHERE {where}"
        )
        return iter(self._store.run(sql, values))

    def texts(self, docs: Iterable[int]) -> dict[int, Texts]:
        """Returns the texts of those documents that have any."""
        sql = "SELECT doc, summary, description, body FROM searched WHERE doc IN (?)"
        return {doc: (one, two, three) for doc, one, two, three in self._store.rows_in(sql, docs)}

    def whole(self) -> bool:
        """Tells whether the index of words fits the texts; where nothing may be written, nobody
        can tell, and it is taken to.
        """
        if not self.may_write():
            return True
        try:
            self._store.run("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
        except Locked:
            raise
        except StoreError:
            return False
        return True

    def put_texts(self, texts: Mapping[int, Texts | None]) -> None:
        """Writes the texts of documents, None for none; what did not change costs a look."""
        old = self.texts(texts)
        out = [(doc, *was) for doc, was in old.items() if texts[doc] != was]
        new = [(doc, *now) for doc, now in texts.items() if now and old.get(doc) != now]
        self._store.run_many(
            "INSERT INTO words (words, rowid, summary, description, body)"
            " VALUES ('delete', ?, ?, ?, ?)", out,
        )  # fmt: skip
        self._store.run_many("DELETE FROM searched WHERE doc = ?", ((row[0],) for row in out))
        self._store.run_many("INSERT INTO searched VALUES (?, ?, ?, ?)", new)
        self._store.run_many(
            "INSERT INTO words (rowid, summary, description, body) VALUES (?, ?, ?, ?)", new
        )

    # --- shown values ---

    def properties(self) -> dict[str, int]:
        """Returns the numbers of all properties that any document ever showed."""
        return {name: n for n, name in self._store.rows("SELECT id, name FROM properties")}

    def property(self, name: str) -> int:
        """Returns the number of a property, which gets one the first time."""
        self._store.run("INSERT OR IGNORE INTO properties (name) VALUES (?)", (name,))
        found: int = self._store.rows("SELECT id FROM properties WHERE name = ?", (name,))[0][0]
        return found

    def shown(self, docs: Iterable[int]) -> dict[int, set[tuple[int, Key]]]:
        """Returns what documents show: (property's number, value)."""
        found: dict[int, set[tuple[int, Key]]] = {}
        sql = "SELECT doc, prop, value FROM shown WHERE doc IN (?)"
        for doc, prop, value in self._store.rows_in(sql, docs):
            found.setdefault(doc, set()).add((prop, value))
        return found

    def put_shown(self, shown: Mapping[int, set[tuple[int, Key]]]) -> None:
        """Writes what documents show: (property's number, value)."""
        old = {(doc, *pair) for doc, pairs in self.shown(shown).items() for pair in pairs}
        new = {(doc, *pair) for doc, pairs in shown.items() for pair in pairs}
        self._store.run_many(
            "DELETE FROM shown WHERE doc = ? AND prop = ? AND value = ?", old - new
        )
        self._store.run_many(
            "INSERT OR IGNORE INTO shown VALUES (?, ?, ?)", sorted(new - old, key=itemgetter(0))
        )
