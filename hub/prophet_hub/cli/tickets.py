"""Commands that show records: `tickets`, `show`, `export`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from prophet_hub.cli.desk import Desk, is_poor
from prophet_hub.cli.listing import Listing, closed_statuses, searchable
from prophet_hub.cli.one import show_one
from prophet_hub.cli.tables import counted
from prophet_hub.cli.views import plain
from prophet_hub.errors import UsageError
from prophet_hub.model.ids import text

__all__ = ["Listing", "closed_statuses", "export", "show", "tickets"]

_LIMIT = 50


def tickets(
    ctx: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="QUERY", help="As status:open -label:wontfix; see docs/search.md.", show_default=False
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
    regex: Annotated[
        str,
        typer.Option(metavar="PATTERN", help="Only those in whose texts or comments it is found."),
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, show_default=False,
            help="So many at most; 0 for all. Else 50, and all with --json.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:  # fmt: skip
    """Lists tickets as they are shown."""
    desk: Desk = ctx.obj
    terms = [_term(words) for words in where or ()]
    most = limit if limit is not None else 0 if as_json else _LIMIT
    asks = bool(query or terms or deleted or sort or regex)
    with searchable(desk) if asks else desk.replica() as replica:
        found = Listing(replica, kind=kind, query=query or (), terms=terms, remote=remote,
                        deleted=deleted, sort=sort, regex=regex, desk=desk)  # fmt: skip
        hides = kind == "ticket" and not (every or deleted or query or terms or regex)
        rows, closed = found.rows(hides=hides, limit=most)
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
    if found.more:
        desk.tell(f"There are more than these {most}: --limit N, or --limit 0 for all.")
    if closed:
        desk.tell(f"{counted(closed, 'closed ticket')} not listed: --all")


def show(
    ctx: typer.Context,
    ticket: Annotated[str, typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.")],
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            metavar="MOMENT",
            help="As it was then: 2026-11-20, with T18:43, yesterday, 2w; or after a changeset.",
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
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="MOMENT", help="As it was then: a time, or after a changeset."
        ),
    ] = "",
) -> None:
    """Prints every record as it is shown, one JSON object a line."""
    from prophet_hub.engine.then import moment_of  # noqa: PLC0415 - seldom

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        moment = moment_of(replica, as_of, replica.now()) if as_of else None
        for one in replica.export(moment):
            desk.say(json.dumps(one, ensure_ascii=is_poor(), sort_keys=True, separators=(",", ":")))


def _term(words: str) -> tuple[str, str]:
    prop, equals, value = words.partition("=")
    if not (prop and equals):
        raise UsageError(f'"{words}" is no filter.', hint="Write FIELD=VALUE, as status=open.")
    return prop, value
