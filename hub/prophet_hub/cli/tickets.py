"""Commands that show records: `tickets`, `show`, `export`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean
from prophet_hub.cli.views import Views, plain
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE, LINKING, VOTE
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Value, to_micros

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Conflict, RecordRow, Replica

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
    until = to_micros(_time(as_of)) if as_of else None
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        data = _whole(views, record, until)
        if as_json:
            desk.json(data)
        else:
            desk.say(*_page(data))


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
            desk.say(json.dumps(one, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


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


# --- one ticket ---


def _whole(views: Views, record: RecordId, until: int | None) -> dict[str, Any]:
    """Returns a ticket with all that belongs to it, as data."""
    replica = views.replica
    data: dict[str, Any] = {
        "number": views.number(record), "uuid": text(record), "type": replica.type_of(record),
        "at": views.addresses(record), "alive": replica.alive(record),
        "properties": views.properties(record) if until is None else _then(views, record, until),
    }  # fmt: skip
    for kind in ("comment", "attachment"):
        data[f"{kind}s"] = [
            {"uuid": text(child), "at": views.addresses(child), **properties}
            for child in replica.children(record, kind)
            if (properties := _child(views, child, until)) is not None
        ]
        data[f"{kind}s"].sort(key=lambda one: (one.get("created", ""), one["uuid"]))
    if until is None:
        data["conflicts"] = [
            {"property": c.cell.prop, "member": c.cell.member, "values": _values(views, c)}
            for c in views.conflicts(record)
        ]
    return data


def _child(views: Views, child: RecordId, until: int | None) -> dict[str, Any] | None:
    """Returns a comment or attachment, None where it is not there."""
    if until is None:
        return views.properties(child) if views.replica.alive(child) else None
    return _then(views, child, until) or None


def _then(views: Views, record: RecordId, until: int) -> dict[str, Any]:
    """Returns what a record showed at a time; nothing if it was not there."""
    cells = views.replica.as_of(record, until)
    if not cells or cells.get((LIFE, "alive"), "") is None:
        return {}
    found: dict[str, Any] = {}
    sets: dict[str, set[str]] = {}
    for (prop, member), value in cells.items():
        if value is None or prop in (LIFE, *LINKING) or prop.startswith(VOTE):
            continue
        if member:
            sets.setdefault(prop, set()).add(member)
        else:
            found[prop] = value
    return plain(found | {k: frozenset(v) for k, v in sets.items()}, views.replica.text)


def _values(views: Views, conflict: Conflict) -> list[str]:
    values: set[Value] = {head.value for head in conflict.cell.heads}
    return sorted(views.short(value, conflict.cell.prop) for value in values)


def _page(data: dict[str, Any]) -> list[str]:
    """Returns a ticket as a page of text."""
    properties = dict(data["properties"])
    body = str(properties.pop("description", ""))
    lines = [f"{data['number']}  {_one_line(properties.pop('summary', ''))}"]
    if not data["alive"]:
        lines.append("This ticket was deleted.")
    rows = {"uuid": data["uuid"], "at": " ".join(data["at"]), **properties}
    wide = max(map(len, rows))
    marks = {c["property"]: " | ".join(c["values"]) for c in data.get("conflicts", ())}
    for prop, value in rows.items():
        said = ", ".join(value) if isinstance(value, list) else str(value)
        held = f"  (in conflict: {marks[prop]})" if prop in marks else ""
        lines.append(f"{prop:{wide}}  {_one_line(said)}{held}")
    lines += [f"{prop:{wide}}  (in conflict: {said})" for prop, said in marks.items()
              if prop not in rows]  # fmt: skip
    if body:
        lines += ["", *_block(body)]
    for comment in data["comments"]:
        private = "  [private]" if comment.get("private") in ("yes", "true", "1") else ""
        head = f"{_when(comment)}  {comment.get('author', '')}  {' '.join(comment['at'])}"
        lines += ["", f"{head.rstrip()}{private}", *_block(str(comment.get("body", "")))]
    if data["attachments"]:
        lines.append("")
    lines += [
        f"attachment  {_one_line(one.get('name', ''))}  {one.get('size', '?')} bytes"
        f"  {one.get('content_type', '')}  {_when(one)}".rstrip()
        for one in data["attachments"]
    ]
    return lines


def _when(data: dict[str, Any]) -> str:
    created = str(data.get("created", ""))
    return created[:16].replace("T", " ") if _DATES.match(created) else created


def _block(body: str) -> list[str]:
    return [f"    {_one_line(line)}".rstrip() for line in body.splitlines()]


def _one_line(words: object) -> str:
    return clean(str(words))


def _time(words: str) -> datetime:
    try:
        found = datetime.fromisoformat(words)
    except ValueError as error:
        raise UsageError(
            f'"{words}" is no time.', hint="Write 2026-11-20 or 2026-11-20T18:43."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
