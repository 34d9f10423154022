"""Searching a replica: a query, or a regular expression over texts, answered from the index.

The language is told in docs/search.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prophet_hub.engine.query_index import COLUMNS, catch_up
from prophet_hub.engine.query_language import joint, parsed
from prophet_hub.engine.query_regex import matching
from prophet_hub.engine.query_sql import condition
from prophet_hub.engine.reading import RecordRow
from prophet_hub.model.ids import RecordId
from prophet_hub.store.base import Locked
from prophet_hub.store.search import Search
from prophet_hub.values import from_micros

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["Found", "catch_up", "find", "newest", "search", "term"]

_PAGE: Final = 500
_MEANT: Final = frozenset({*COLUMNS, "id", "type", "is", "has", "no", "sort"})
"""Names that mean something else in the language than a property's value."""

_WAIT: Final = 1_000  # milliseconds for another process that writes; then what is indexed must do


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search found.

    Attributes:
        docs: The documents, in the order asked for.
        behind: How many records changed since the index was written, which this search could not
            bring up to date because another process writes.
        unknown: Properties that the query names and no record shows.
    """

    replica: Replica
    docs: list[int]
    behind: int
    unknown: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.docs)

    def __iter__(self) -> Iterator[RecordRow]:
        return self.rows()

    def rows(self, limit: int | None = None) -> Iterator[RecordRow]:
        """Yields the records, the first `limit` of them; pages inside."""
        docs = self.docs[:limit]
        for start in range(0, len(docs), _PAGE):
            page = docs[start : start + _PAGE]
            lines = Search(self.replica.store).lines(page)
            for doc in page:
                line = lines[doc]
                yield RecordRow(RecordId(line.record), line.kind, line.changed, line.label)


def term(name: str, value: str) -> str:
    """Returns a term that holds wherever a property shows a value, "" where none can say so."""
    if name in _MEANT or '"' in name or not value:
        return ""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}":"{quoted}"'


def find(replica: Replica, query: str = "", *, type: str = "ticket", limit: int | None = None,  # noqa: A002 - Prophet's own word
         regex: str = "") -> Iterator[RecordRow]:  # fmt: skip
    """Yields the records that a query finds, in its order; else the last changed first.

    `type` is what is looked for where the query names no type, "" for records of any.  With `regex`
    only those in whose texts, or in those of what belongs to them, the expression is found.

    Raises:
        UsageError: The query or the expression cannot be read; the sentence shows where.
    """
    return search(replica, query, type=type, regex=regex).rows(limit)


def search(replica: Replica, query: str = "", *, also: str = "", type: str = "ticket",  # noqa: A002 - as above
           regex: str = "", told: Callable[[int], None] | None = None) -> Found:  # fmt: skip
    """Returns what a query finds; brings the index up to what changed first, where it may write.

    `also` is a second query that holds besides.  `told` is called while the index is written, with
    the number of records so far.

    Raises:
        UsageError: The query or the expression cannot be read; the sentence shows where.
    """
    what = joint(parsed(query), parsed(also))  # a query with a fault is told before any work
    store = replica.store
    index = Search(store)
    if index.stale():
        if not index.may_write():
            index.go_aside()
        with contextlib.suppress(Locked), index.impatient(_WAIT):
            catch_up(store, told=told)
    behind = index.behind() if index.stale() else 0
    sql = condition(what, type, replica, from_micros(replica.now()))
    docs = [doc for (doc,) in store.rows(sql.text, sql.values)]
    if regex:
        wanted = matching(store, regex)
        docs = [doc for doc in docs if doc in wanted]
    return Found(replica=replica, docs=docs, behind=behind, unknown=tuple(sql.unknown))


def newest(replica: Replica, type: str = "ticket") -> Iterator[RecordRow]:  # noqa: A002 - as above
    """Yields the records of a type, "" for any, deleted ones too, the last changed first.

    Needs no index; pages inside.
    """
    at = (1 << 62, 0)
    while lines := Search(replica.store).newest(type, at, _PAGE):
        for line in lines:
            yield RecordRow(RecordId(line.record), line.kind, line.changed, line.label)
        at = lines[-1].changed, lines[-1].number
