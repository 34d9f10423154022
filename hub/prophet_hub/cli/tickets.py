"""Commands that show records: `tickets`, `show`, `export`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk, is_poor
from prophet_hub.cli.one import show_one
from prophet_hub.cli.views import Views, plain
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import text

if TYPE_CHECKING:
    from prophet_hub.engine.replica import RecordRow, Replica

__all__ = ["export", "show", "tickets"]

_PAGE = 500
_COLUMNS = ("status", "owner", "summary")
_DATES = re.compile(r"\d{4}-\d\d-\d\d")


def tickets(
    ctx: typer.Context,
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
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Lists tickets as they are shown."""
    desk: Desk = ctx.obj
    terms = [_term(words) for words in where or ()]
    with desk.replica() as replica:
        views = Views(replica)
        rows = []
        for row, shown in _shown(replica, kind, deleted=deleted):
            if all(_holds(shown, prop, value, replica) for prop, value in terms):
                at = views.addresses(row.record)
                if not remote or any(one.startswith(f"{remote}#") for one in at):
                    rows.append((row, shown, at))
        rows.sort(key=lambda one: one[0].number)
        if as_json:
            desk.json([
                {"number": row.number, "uuid": text(row.record), "type": row.type, "at": at,
                 "properties": plain(shown, replica.text)}
                for row, shown, at in rows
            ])  # fmt: skip
            return
        head = ("", *_COLUMNS[:2], "at", _COLUMNS[2])
        desk.table(
            [
                (f"#{row.number}", *(_cell(views, shown, prop) for prop in _COLUMNS[:2]),
                 " ".join(at), _cell(views, shown, _COLUMNS[2]))
                for row, shown, at in rows
            ],
            head=head,
        )  # fmt: skip


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
