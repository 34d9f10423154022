# ruff: noqa: S608 - statements are put together from this file's own words; values stand apart
"""From a tree of terms to one SQL condition over the tables of searches.

Every term is a set of documents, so that terms combine by AND, OR and NOT, and each of them is
answered by an index.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from prophet_hub.engine.query_index import COLUMNS, CONFLICT, IS
from prophet_hub.engine.query_language import (
    All,
    Either,
    Field,
    Node,
    Not,
    Query,
    Term,
    Words,
    fault,
)
from prophet_hub.engine.query_values import DATE, Span, date_key, fold, keyed, span_of
from prophet_hub.engine.reading import Reading
from prophet_hub.errors import UsageError
from prophet_hub.store.search import Key, Search

__all__ = ["Sql", "condition"]

_COLUMN: Final = ("summary", "description", "body")
_ALIASES: Final = {"label": "labels", "tag": "labels", "tags": "labels"}
_STATES: Final = ("conflict", "deleted", "alive")
_LATER: Final = "\U0010ffff"
_UUID: Final = 16

Where = tuple[Any, ...]
"""A condition on a shown value, and its parameters."""


@dataclass(slots=True, kw_only=True)
class Sql:
    """A query as one statement for the numbers of the documents it finds.

    Attributes:
        unknown: Properties that it names and nothing shows.
    """

    text: str = ""
    values: list[Any] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def condition(query: Query, kind: str, replica: Reading, now: datetime) -> Sql:
    """Returns the statement of a query.

    `kind` is the type of what is to be found where the query tells none, "" for any; names such as
    `#5` are looked up in the replica.

    Raises:
        UsageError: A term means nothing; the sentence shows which.
    """
    return _Terms(query, kind, replica, now).statement()


class _Terms:
    """Writes terms as conditions on a document, parameters beside them."""

    def __init__(self, query: Query, kind: str, replica: Reading, now: datetime) -> None:
        self._query, self._replica, self._now = query, replica, now
        self._search = Search(replica.store)
        self._properties = self._search.properties()
        named = list(_named(query.root))
        self._all_kinds = not kind or any(f.name == "type" for f in named)
        self._kind = _only_kind(query.root) if self._all_kinds else kind
        self._dead = any(f.name == IS and t.text == "deleted" for f in named for t in f.terms)
        self._sql = Sql()

    def statement(self) -> Sql:
        terms = [] if self._dead else ["d.dead = 0"]
        if not self._all_kinds:
            terms.append("d.kind = ?")
            self._sql.values.append(self._kind)
        if self._query.root is not None:
            terms.append(self._node(self._query.root))
        order = [self._order(*one) for one in self._query.sort]
        where = " AND ".join(terms) or "1"
        self._sql.text = (
            f"SELECT d.doc FROM documents d WHERE {where}"
            f" ORDER BY {', '.join([*order, 'd.changed DESC', 'd.doc'])}"
        )
        return self._sql

    # --- terms ---

    def _node(self, node: Node) -> str:
        match node:
            case Words():
                return self._words(node)
            case Field():
                return self._field(node)
            case Not():
                return f"NOT {self._node(node.part)}"
            case All():
                return f"({' AND '.join(map(self._node, node.parts))})"
            case Either():
                return f"({' OR '.join(map(self._node, node.parts))})"

    def _words(self, node: Words) -> str:
        """Finds documents, and those to which living documents with these words belong."""
        match = self._match(node.text, node.prefix, node.at)
        found = "FROM words JOIN documents f ON f.doc = words.rowid WHERE words MATCH ?"
        if self._kind and not self._search.belongs(self._kind):
            self._sql.values += [self._kind, match, self._kind]
            return (
                f"d.doc IN (SELECT iif(f.kind = ?, f.doc, f.home) {found}"
                " AND (f.dead = 0 OR f.kind = ?))"
            )
        self._sql.values += [match, match]
        return f"d.doc IN (SELECT f.doc {found} UNION ALL SELECT f.home {found} AND f.dead = 0)"

    def _match(self, text: str, prefix: bool, at: int, column: str = "") -> str:
        if not any(letter.isalnum() for letter in text):
            raise fault(
                self._query.text, at, "There is no letter and no digit in this",
                "Only words can be searched for.",
            )  # fmt: skip
        phrase = '"' + text.replace('"', '""').replace("\0", " ") + '"' + ("*" if prefix else "")
        return f"{column} : {phrase}" if column else phrase

    def _field(self, node: Field) -> str:
        name, terms = self._whole_name(node)
        if name == "type":
            return self._either(terms, lambda t: self._put("d.kind = ?", t.text))
        if name == "id":
            return self._either(terms, lambda t: self._put("d.doc = ?", self._document(t)))
        if name == IS:
            return self._either(terms, self._is)
        if name in ("has", "no"):
            return self._either(terms, lambda t: self._has(t, no=name == "no"))
        if name in self._properties or name in COLUMNS or "." not in name:
            return f"d.doc IN ({self._shown(name, terms)})"
        return self._one_step(name, terms)

    def _whole_name(self, node: Field) -> tuple[str, tuple[Term, ...]]:
        """Returns the name and the values: a name may hold colons, as `rt:severity` does."""
        name, (first, *rest) = node.name, node.terms
        while ":" in first.text and not first.quoted and not first.op:
            more, _, value = first.text.partition(":")
            if f"{name}:{more}" not in self._properties:
                break
            name = f"{name}:{more}"
            first = Term(op="", text=value, quoted=False, at=first.at + len(more) + 1)
        if name not in self._properties and _ALIASES.get(name) in self._properties:
            name = _ALIASES[name]
        return name, (first, *rest)

    def _one_step(self, name: str, terms: tuple[Term, ...]) -> str:
        """Follows a reference: to what belongs to a document, or to what a property names."""
        first, _, prop = name.partition(".")
        shown = f"({self._shown(prop, terms)})"
        values = self._sql.values[-shown.count("?") :]
        children = (
            f"SELECT f.home FROM {shown} s CROSS JOIN documents f ON f.doc = s.doc"
            " WHERE f.home <> f.doc AND f.dead = 0 AND +f.kind = ?"
        )
        self._sql.values.append(first)
        if first == "ticket":
            self._sql.values += values
            return (
                f"d.doc IN ({children} UNION ALL SELECT doc FROM documents"
                f" WHERE home <> doc AND home IN {shown})"
            )
        known = first in ("comment", "attachment") or self._search.belongs(first)
        self._sql.values += [self._property(first, known=known), *values]
        return (
            f"d.doc IN ({children} UNION ALL SELECT s.doc FROM shown s"
            " JOIN records r ON r.record = s.value JOIN records w ON w.record = r.whole"
            f" WHERE s.prop = ? AND length(s.value) = {_UUID} AND w.number IN {shown})"
        )

    def _is(self, term: Term) -> str:
        if term.text not in _STATES:
            raise fault(
                self._query.text, term.at, f"A record is never {term.text}",
                f"It may be {', '.join(_STATES)}.",
            )  # fmt: skip
        if term.text == CONFLICT:
            self._sql.values += [self._properties.get(IS, 0), CONFLICT]
            return "d.doc IN (SELECT doc FROM shown WHERE prop = ? AND value = ?)"
        return f"d.dead = {int(term.text == 'deleted')}"

    def _has(self, term: Term, *, no: bool) -> str:
        prop = self._property(_ALIASES.get(term.text, term.text), known=True)
        self._sql.values += [term.text, prop]
        return (
            f"d.doc {'NOT ' * no}IN (SELECT home FROM documents"
            " WHERE kind = ? AND home <> doc AND dead = 0"
            f" UNION ALL SELECT doc FROM shown WHERE prop = ?)"
        )

    # --- values ---

    def _shown(self, prop: str, terms: tuple[Term, ...]) -> str:
        """Returns the statement for the documents that show one of the values."""
        if prop == "ticket":
            return self._union(
                self._put("SELECT doc FROM documents WHERE home <> doc AND home = ?",
                          self._document(t)) for t in terms
            )  # fmt: skip
        column = COLUMNS.get(prop)
        found = []
        for term in terms:
            if column is not None and not term.op:
                text = term.text if term.quoted else term.text.rstrip("*")
                prefix = not term.quoted and term.text.endswith("*")
                self._sql.values.append(self._match(text, prefix, term.at, _COLUMN[column]))
                found.append("SELECT rowid AS doc FROM words WHERE words MATCH ?")
                continue
            for where, *values in self._value(term):  # one by one, so that each is a range
                self._sql.values += [self._property(prop), *values]
                found.append(f"SELECT doc FROM shown WHERE prop = ? AND {where}")
        return self._union(found)

    def _value(self, term: Term) -> Iterator[Where]:
        """Yields the conditions of which a shown value must keep one."""
        span = None if term.quoted else span_of(term.text, self._now)
        if term.op:
            yield self._compared(term, span)
            return
        key = keyed(term.text)
        if not term.quoted and term.text.endswith("*"):
            yield from _beginning(fold(term.text.rstrip("*")))
        else:
            yield "value = ?", key
            if isinstance(key, str) and "@" not in key:  # jesse finds jesse@example.com
                yield "value >= ? AND value < ?", f"{key}@", f"{key}A"
        if span:
            start, end = span if span[0] < span[1] else _day_of(span[0])
            between = f"length(value) = {DATE} AND value >= ? AND value < ?"
            yield between, date_key(start), date_key(end)
        if term.text.startswith("#") and not term.quoted:
            for member in self._members(term):
                yield "value = ?", bytes(member)

    def _compared(self, term: Term, span: Span | None) -> Where:
        if span:
            start, end = map(date_key, span)
            if start == end:
                op, bound = term.op, start
            else:  # later than a day is from its end on
                op = "<" if "<" in term.op else ">="
                bound = start if term.op in ("<", ">=") else end
            return f"length(value) = {DATE} AND typeof(value) = 'blob' AND value {op} ?", bound
        key = keyed(term.text)
        if isinstance(key, bytes):
            what = "A record is not compared"
            raise fault(self._query.text, term.at, what, "Leave the sign out.")
        if isinstance(key, str):
            return f"typeof(value) = 'text' AND value {term.op} ?", key
        return f"value < '' AND value {term.op} ?", key

    # --- names ---

    def _property(self, name: str, *, known: bool = False) -> int:
        """Returns the number of a property, 0 for one that nothing shows."""
        found = self._properties.get(name, 0)
        if not (found or known) and name not in self._sql.unknown:
            self._sql.unknown.append(name)
        return found

    def _members(self, term: Term) -> list[bytes]:
        return sorted(self._replica.members(self._record(term)))

    def _document(self, term: Term) -> int:
        lines = self._replica.store.derived.lines((self._record(term),))
        return next((line.number for line in lines.values()), 0)

    def _record(self, term: Term) -> Any:
        number = term.text.isascii() and term.text.isdigit()
        try:
            return self._replica.resolve_id(f"#{term.text}" if number else term.text)
        except UsageError as error:
            raise fault(self._query.text, term.at, error.sentence.rstrip("."), error.hint) from None

    def _order(self, prop: str, descending: bool) -> str:
        down = " DESC" if descending else ""
        if prop == "id":
            return f"(SELECT label FROM records WHERE number = d.doc){down}"
        prop = _ALIASES.get(prop, prop) if prop not in self._properties else prop
        least = "max" if descending else "min"
        number = self._property(prop)
        value = f"(SELECT {least}(value) FROM shown WHERE doc = d.doc AND prop = {number})"
        return f"{value}{down} NULLS LAST"

    # --- pieces ---

    def _put(self, sql: str, *values: Key) -> str:
        self._sql.values += values
        return sql

    @staticmethod
    def _union(statements: Any) -> str:
        return " UNION ALL ".join(statements)

    @staticmethod
    def _either(terms: tuple[Term, ...], one: Any) -> str:
        return f"({' OR '.join(map(one, terms))})"


def _beginning(text: str) -> Iterator[Where]:
    yield "value >= ? AND value < ?", text, text + _LATER
    if text[:1] in tuple("-0123456789"):
        number = "value < '' AND substr(value, 1, ?) = ?"
        yield number, len(text), text


def _day_of(instant: datetime) -> Span:
    start = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    return start, start + timedelta(days=1)


def _named(node: Node | None) -> Any:
    """Yields all fields of a query."""
    match node:
        case Field():
            yield node
        case Not():
            yield from _named(node.part)
        case All() | Either():
            for part in node.parts:
                yield from _named(part)


def _only_kind(node: Node | None) -> str:
    """Returns the one type that a query asks for, "" if it might be several."""
    parts = node.parts if isinstance(node, All) else (node,)
    kinds = [p.terms for p in parts if isinstance(p, Field) and p.name == "type"]
    return kinds[0][0].text if len(kinds) == 1 and len(kinds[0]) == 1 else ""
