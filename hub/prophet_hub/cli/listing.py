"""Records listed page by page: of 50,000 tickets those are read that are shown.

Without a filter the list follows the changes, newest first; filters, queries and orders are answered
by the index that searches keep.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import counted
from prophet_hub.cli.views import Views
from prophet_hub.errors import StoreError, UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.model.neutral import CLOSED

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk
    from prophet_hub.engine.replica import RecordRow, Replica

__all__ = ["Listing", "Row", "closed_statuses", "query_of", "searchable"]

_PAGE = 500
_COLUMNS = ("status", "owner", "summary")
_TITLED = frozenset({"ticket"})
_FOUND_OUT = 10_000  # so many records made searchable are worth a word

Row = tuple["RecordRow", dict[str, Any]]


@contextlib.contextmanager
def searchable(desk: Desk) -> Iterator[Replica]:
    """Opens the database so that searches may bring their index up to date, where they may at all."""
    writes = desk.database.exists() and os.access(desk.database, os.W_OK)
    with contextlib.ExitStack() as stack:
        try:
            replica = stack.enter_context(desk.replica(write=writes))
        except StoreError:
            if not writes:
                raise
            replica = stack.enter_context(desk.replica())
        yield replica


def query_of(words: Sequence[str]) -> str:
    """Returns the query that words from a command line make.

    A single word is the query itself.  Among several, one with a blank in it stood in quotation
    marks that the shell took away.
    """
    for word in words:
        if word.startswith("--"):  # a minus takes away a term, and two take away nothing
            raise UsageError(f"No such option: {word}.", hint="See prophet-hub tickets --help.")
    return " ".join(words) if len(words) == 1 else " ".join(map(_word, words))


def _word(word: str) -> str:
    if not any(map(str.isspace, word)) or '"' in word or word.startswith(("(", "-(")):
        return word
    name, colon, value = word.partition(":")
    if colon and not any(map(str.isspace, name)):
        return f'{name}:"{value}"'
    return f'-"{word[1:]}"' if word.startswith("-") else f'"{word}"'


class Listing:
    """Records of one type that show what is asked for.

    Attributes:
        views: Of the database.
        head: The titles of `line`.
        more: Whether there is more than was asked for; how much is in the notes.
        notes: What is to be told besides.
    """

    def __init__(
        self, replica: Replica, *, kind: str = "ticket", query: Sequence[str] = (),
        terms: Sequence[tuple[str, str]] = (), remote: str = "", deleted: bool = False,
        sort: str = "", regex: str = "", desk: Desk | None = None,
    ) -> None:  # fmt: skip
        self.views, self._replica, self.notes = Views(replica), replica, list[str]()
        self._kind, self._query, self._terms = kind, query_of(query), terms
        self._remote, self._deleted, self._sort = remote, deleted, sort
        self._regex, self._desk, self.more = regex, desk, False
        self._columns = _COLUMNS if kind in _TITLED else ()
        self.head = ("", *self._columns[:2], "at", *(self._columns[2:] or ("shows",)))

    def rows(self, *, hides: bool = False, limit: int = 0) -> tuple[list[Row], int]:
        """Returns the records, and with `hides` how many closed ones were met and left out.

        With a limit no more than so many, the last changed first where nothing else is asked for,
        and `more` tells whether there is more; without one by number.
        """
        closed = closed_statuses(self._replica) if hides else frozenset()
        found, left = list[Row](), 0
        for row, shown in self._shown():
            if shown.get("status") in closed:
                left += 1
            elif self._fits(row, shown):
                if limit and len(found) == limit:
                    self.more = True
                    break
                found.append((row, shown))
        if not (limit or self._query or self._sort):
            found.sort(key=lambda one: one[0].number)
        return found, left

    def line(self, row: RecordRow, shown: dict[str, Any]) -> tuple[str, ...]:
        """Returns one line of a table."""
        at = " ".join(self.views.addresses(row.record))
        if not self._columns:
            said = (f"{name}: {self._cell(shown, name)}" for name in sorted(shown))
            return f"#{row.number}", at, "  ".join(said)
        cells = [self._cell(shown, prop) for prop in self._columns]
        return f"#{row.number}", *cells[:2], at, cells[2]

    # --- what is listed ---

    def _shown(self) -> Iterator[Row]:
        """Yields records with what they show, read in pages."""
        from prophet_hub.engine.history import shown  # noqa: PLC0415 - loaded by now

        rows = iter(self._searched() if self._asks() else self._newest())
        while page := list(islice(rows, _PAGE)):
            cells = self._replica.cells_of([row.record for row in page])
            for row in page:
                life = cells[row.record].get((LIFE, "alive"))
                dead = life is not None and life.shown is None
                if self._asks() or not dead:
                    yield row, shown(cells[row.record])

    def _asks(self) -> bool:
        """Tells whether the index is needed."""
        return bool(self._query or self._terms or self._deleted or self._sort or self._regex)

    def _newest(self) -> Iterator[RecordRow]:
        from prophet_hub.engine.query import newest  # noqa: PLC0415 - a parser behind it

        return newest(self._replica, self._kind)

    def _searched(self) -> Iterable[RecordRow]:
        from prophet_hub.engine.query import search, term  # noqa: PLC0415 - as above

        also = [said for prop, value in self._terms if (said := term(prop, value))]
        also += ["is:deleted"] * self._deleted + [f"sort:{self._sort}"] * bool(self._sort)
        found = search(
            self._replica, self._query, also=" ".join(also), type=self._kind, regex=self._regex,
            told=self._tell,
        )  # fmt: skip
        self.notes += [f'no record shows "{name}"' for name in found.unknown]
        if found.behind:
            self.notes.append(f"{counted(found.behind, 'changed record')} not searched yet")
        return found

    def _fits(self, row: RecordRow, shown: dict[str, Any]) -> bool:
        """Tells whether a record shows exactly what filters ask for."""
        if not all(self._holds(shown, prop, value) for prop, value in self._terms):
            return False
        at = self.views.addresses(row.record) if self._remote else ()
        return not self._remote or any(one.startswith(f"{self._remote}#") for one in at)

    def _holds(self, shown: dict[str, Any], prop: str, value: str) -> bool:
        found = shown.get(prop)
        if isinstance(found, frozenset):
            return value in found
        return self._replica.text(found) == value

    def _cell(self, shown: dict[str, Any], prop: str) -> str:
        value = shown.get(prop)
        if isinstance(value, frozenset):
            return ", ".join(sorted(value))
        return "" if value is None else self.views.short(value)

    def _tell(self, count: int) -> None:
        if self._desk and count % _FOUND_OUT == 0:
            self._desk.tell(f"prophet-hub: {count:,} records made searchable ...")


def closed_statuses(replica: Replica) -> frozenset[str]:
    """Returns the statuses in which nobody works on a ticket any more."""
    from prophet_hub.engine.settings import Settings  # noqa: PLC0415 - not for `show`

    told = Settings(replica).get("closed_statuses")
    return frozenset(map(str, told)) if told is not None else frozenset(CLOSED)
