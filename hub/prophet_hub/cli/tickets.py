"""Commands that show records: `tickets`, `show`, `export`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk, is_poor
from prophet_hub.cli.one import show_one
from prophet_hub.cli.tables import counted
from prophet_hub.cli.views import Views, plain
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import text
from prophet_hub.model.neutral import CLOSED

if TYPE_CHECKING:
    from prophet_hub.engine.replica import RecordRow, Replica

__all__ = ["Listing", "closed_statuses", "export", "show", "tickets"]

_PAGE = 500
_COLUMNS = ("status", "owner", "summary")
_TITLED = frozenset({"ticket"})
_DATES = re.compile(r"\d{4}-\d\d-\d\d")


def tickets(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="As status:open -label:wontfix; see search.", show_default=False
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="FIELD=VALUE",
            help="Only those that show this value, or hold this member; may be repeated.",
        ),
    ] = None,
    remote: Annotated[
        str, typer.Option(metavar="NAME", help="Only those that stand in this remote.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--type", metavar="TYPE", help="The type of the records.")
    ] = "ticket",
    sort: Annotated[
        str, typer.Option(metavar="FIELD", help="By this field; with - in front downwards.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists tickets as they are shown."""
    desk: Desk = ctx.obj
    terms = [_term(words) for words in where or ()]
    with desk.replica(write=bool(query) and desk.database.exists()) as replica:  # its index
        found = Listing(replica, kind=kind, query=query or (), terms=terms, remote=remote,
                        deleted=deleted, sort=sort)  # fmt: skip
        hides = kind == "ticket" and not (every or deleted or query or terms)
        rows, closed = found.rows(hides=hides)
        for note in found.notes:
            desk.tell(f"prophet-hub: {note}.")
        if as_json:
            desk.json([
                {"number": row.number, "uuid": text(row.record), "type": row.type,
                 "at": found.views.addresses(row.record), "properties": plain(shown, replica.text)}
                for row, shown in rows
            ])  # fmt: skip
            return
        desk.table([found.line(row, shown) for row, shown in rows], head=found.head)
    if closed:
        desk.tell(f"{counted(closed, 'closed ticket')} not listed: --all")


def show(
    ctx: typer.Context,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.")],
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="TIME", help="As it was then: 2026-11-20 or with 18:43, in UTC."
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Shows one ticket with comments, attachments and conflicts."""
    desk: Desk = ctx.obj
    show_one(desk, ticket, as_of=as_of, as_json=as_json)


def export(
    ctx: typer.Context,
    as_json: Annotated[  # noqa: ARG001 - the only format there is; said for what may come
        bool, typer.Option("--json", help="One JSON object a line; the only format.")
    ] = True,
) -> None:
    """Prints every record as it is shown, one JSON object a line."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        for one in replica.export():
            desk.say(json.dumps(one, ensure_ascii=is_poor(), sort_keys=True, separators=(",", ":")))


# --- lists ---


Row = tuple["RecordRow", dict[str, Any]]


class Listing:
    """Records of one type that show what is asked for.

    Attributes:
        views: Of the database.
        head: The titles of `line`.
        notes: What is to be told besides.
    """

    def __init__(
        self, replica: Replica, *, kind: str = "ticket", query: Sequence[str] = (),
        terms: Sequence[tuple[str, str]] = (), remote: str = "", deleted: bool = False,
        sort: str = "",
    ) -> None:  # fmt: skip
        self.views, self._replica, self.notes = Views(replica), replica, list[str]()
        self._kind, self._query, self._terms = kind, " ".join(query), terms
        self._remote, self._deleted, self._sort = remote, deleted, sort
        self._columns = _COLUMNS if kind in _TITLED else ()
        self.head = ("", *self._columns[:2], "at", *(self._columns[2:] or ("shows",)))

    def rows(self, *, hides: bool = False) -> tuple[list[Row], int]:
        """Returns the records, and with `hides` how many closed ones are not among them."""
        closed = closed_statuses(self._replica) if hides else frozenset()
        found, left = list[Row](), 0
        for row, shown in self._told():
            if shown.get("status") in closed:
                left += 1
            elif all(_holds(shown, prop, value, self._replica) for prop, value in self._terms):
                at = self.views.addresses(row.record) if self._remote else ()
                if not self._remote or any(a.startswith(f"{self._remote}#") for a in at):
                    found.append((row, shown))
        if self._sort:
            name = self._sort.removeprefix("-")
            found.sort(key=lambda one: one[0].number)
            found.sort(key=lambda one: _order(_cell(self.views, one[1], name)),
                       reverse=self._sort.startswith("-"))  # fmt: skip
        elif not self._query:
            found.sort(key=lambda one: one[0].number)
        return found, left

    def line(self, row: RecordRow, shown: dict[str, Any]) -> tuple[str, ...]:
        """Returns one line of a table."""
        at = " ".join(self.views.addresses(row.record))
        if not self._columns:
            said = (f"{name}: {_cell(self.views, shown, name)}" for name in sorted(shown))
            return f"#{row.number}", at, "  ".join(said)
        cells = [_cell(self.views, shown, prop) for prop in self._columns]
        return f"#{row.number}", *cells[:2], at, cells[2]

    def _told(self) -> Iterator[Row]:
        if not self._query:
            yield from _shown(self._replica, self._kind, deleted=self._deleted)
            return
        from prophet_hub.engine.query import search  # noqa: PLC0415 - a parser

        found = search(self._replica, self._query, type=self._kind)
        self.notes += [f'no record shows "{name}"' for name in found.unknown]
        if found.behind:
            self.notes.append(f"{counted(found.behind, 'changed record')} not searched yet")
        for row in found:
            yield row, dict(self._replica.shown(row.record))


def closed_statuses(replica: Replica) -> frozenset[str]:
    """Returns the statuses in which nobody works on a ticket any more."""
    from prophet_hub.engine.settings import Settings  # noqa: PLC0415 - not for `show`

    told = Settings(replica).get("closed_statuses")
    return frozenset(map(str, told)) if told is not None else frozenset(CLOSED)


def _order(word: str) -> tuple[bool, bool, float, str]:
    """Returns the key by which texts are sorted: numbers as numbers, what is absent last."""
    try:
        return not word, True, float(word), ""
    except ValueError:
        return not word, False, 0.0, word.casefold()


def _shown(
    replica: Replica, kind: str, *, deleted: bool
) -> Iterator[tuple[RecordRow, dict[str, Any]]]:
    """Yields records with what they show, read in pages."""
    from prophet_hub.engine.history import shown  # noqa: PLC0415 - loaded by now

    rows = replica.records(kind)
    while page := list(islice(rows, _PAGE)):
        cells = replica.cells_of([row.record for row in page])
        for row in page:
            life = cells[row.record].get((LIFE, "alive"))
            if (life is not None and life.shown is None) is deleted:
                yield row, shown(cells[row.record])


def _term(words: str) -> tuple[str, str]:
    prop, equals, value = words.partition("=")
    if not (prop and equals):
        raise UsageError(f'"{words}" is no filter.', hint="Write FIELD=VALUE, as status=open.")
    return prop, value


def _holds(shown: dict[str, Any], prop: str, value: str, replica: Replica) -> bool:
    found = shown.get(prop)
    return value in found if isinstance(found, frozenset) else replica.text(found) == value


def _cell(views: Views, shown: dict[str, Any], prop: str) -> str:
    value = shown.get(prop)
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    return "" if value is None else views.short(value)
