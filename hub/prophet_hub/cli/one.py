"""One ticket on a page: what `show` prints. Nothing here is slow to import."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import clean
from prophet_hub.cli.views import Views, plain
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE, LINKING, VOTE
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Value, to_micros

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk
    from prophet_hub.engine.replica import Conflict

__all__ = ["show_one"]

_DATES = re.compile(r"\d{4}-\d\d-\d\d")


def show_one(desk: Desk, ticket: str, *, as_of: str = "", as_json: bool = False) -> None:
    """Prints a ticket with comments, attachments and conflicts, now or as it was at a time."""
    until = to_micros(_time(as_of)) if as_of else None
    with desk.replica() as replica:
        views = Views(replica)
        data = _whole(views, views.record(ticket), until)
        if as_json:
            desk.json(data)
        else:
            desk.say(*_page(data))


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
            {
                "number": views.number(child),
                "uuid": text(child),
                "at": views.addresses(child),
                **properties,
            }
            for child in replica.children(record, kind)
            if (properties := _child(views, child, until)) is not None
        ]
        data[f"{kind}s"].sort(key=lambda one: (one.get("created", ""), int(one["number"][1:])))
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
    at = {"at": " ".join(data["at"])} if data["at"] else {}
    rows = {"uuid": data["uuid"], **at, **properties}
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
        f"attachment  {one['number']}  {_one_line(one.get('name', ''))}  {one.get('size', '?')} bytes"
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
