"""Commands that look back: `log`, `history`, `why`."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import cut, shown_time
from prophet_hub.cli.views import Views, parsed_field
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE, LINKING, VOTE
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Stored, from_micros

if TYPE_CHECKING:
    from prophet_hub.engine.history import HistoryRow

__all__ = ["history", "log", "why"]

_INNER = frozenset({"body", "name", LIFE})
"""What is told of a comment or an attachment; the rest goes without saying."""

_VALUE = 60  # columns of a value

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Ticket = Annotated[str, typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.")]


def log(
    ctx: typer.Context,
    most: Annotated[
        int, typer.Option("--most", "-n", metavar="NUMBER", min=0, help="So many; 0 for all.")
    ] = 50,
    as_json: _Json = False,
) -> None:
    """Shows the changesets of this database, newest first."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        rows = list(islice(replica.log(), most or None))
    if as_json:
        desk.json([
            {"number": row.number, "origin": text(row.origin), "sequence": row.sequence,
             "name": text(row.name) if row.name else "", "author": row.author,
             "created": from_micros(row.created).isoformat(), "note": row.note,
             "writes": row.writes}
            for row in rows
        ])  # fmt: skip
        return
    desk.table(
        [
            (str(row.number), shown_time(row.created), row.author, str(row.writes), row.note)
            for row in rows
        ],
        head=("entry", "when (UTC)", "who", "writes", "where"),
    )


def history(
    ctx: typer.Context,
    ticket: _Ticket,
    comments: Annotated[
        bool, typer.Option("--comments", help="With the stories of comments and attachments.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Shows the story of one ticket."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        kinds = ("comment", "attachment") if comments else ()
        records = [child for kind in kinds for child in replica.children(record, kind)]
        rows = [row for row in replica.history(record) if _told(row)]
        rows += [row for one in records for row in replica.history(one) if row.prop in _INNER]
        rows.sort(key=lambda row: (row.when, row.number))
        _print(desk, views, rows, as_json=as_json, heads=False)


def why(
    ctx: typer.Context,
    ticket: _Ticket,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="status, labels=urgent, or life.")],
    as_json: _Json = False,
) -> None:
    """Shows why a field of a ticket shows what it shows."""
    desk: Desk = ctx.obj
    prop, member = parsed_field(field)
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        rows = replica.why(record, prop, member)
        if not rows:
            raise UsageError(f"{ticket} has no {field}.", hint=_known(views, record, prop))
        state = replica.cell(record, prop, member)
        if not as_json and state is not None:
            held = ", in conflict" if state.conflict else ""
            desk.say(f"{field} of {ticket} shows {views.short(state.shown, prop)}{held}")
        _print(desk, views, rows, as_json=as_json, heads=True)


def _print(desk: Desk, views: Views, rows: list[HistoryRow], *, as_json: bool, heads: bool) -> None:
    """Prints writes one below the other; with `heads`, those that stand are marked."""
    if as_json:
        desk.json([_data(views, row) for row in rows])
        return
    desk.table([
        (shown_time(row.when), row.author, row.note, _name(row), _step(views, row),
         _how(row, heads=heads))
        for row in rows
    ])  # fmt: skip


def _data(views: Views, row: HistoryRow) -> dict[str, Any]:
    def value(one: Any) -> Any:
        return views.text(one) if isinstance(one, (str, Stored)) else None

    return {
        "entry": row.number, "when": from_micros(row.when).isoformat(), "author": row.author,
        "note": row.note, "property": row.prop, "member": row.member, "old": value(row.old),
        "new": value(row.new), "rule": row.rule, "write": text(row.write),
        "superseded": row.superseded,
    }  # fmt: skip


def _told(row: HistoryRow) -> bool:
    return row.prop not in LINKING and not row.prop.startswith(VOTE)


def _name(row: HistoryRow) -> str:
    return row.prop if row.prop == LIFE or not row.member else f"{row.prop}={row.member}"


def _step(views: Views, row: HistoryRow) -> str:
    """Returns what was written, after what its author saw if that was something."""
    old, new = (cut(views.short(one, row.prop), _VALUE) for one in (row.old, row.new))
    return new if row.old is None and row.prop != LIFE else f"{old} -> {new}"


def _how(row: HistoryRow, *, heads: bool) -> str:
    """Returns what is to be said of a write besides its values."""
    rule = {"": "", "person": "decided"}.get(row.rule, f"by rule: {row.rule}")
    stands = "stands" if heads and not row.superseded else ""
    return ", ".join(part for part in (rule, stands) if part)


def _known(views: Views, record: RecordId, prop: str) -> str:
    cells = views.replica.cells(record)
    members = sorted(member for name, member in cells if name == prop and member)
    if members:
        return f"It is a set; name a member: {', '.join(f'{prop}={one}' for one in members[:5])}."
    names = sorted({name for name, _ in cells if not name.startswith(VOTE)})
    return f"It has: {', '.join(names)}."
