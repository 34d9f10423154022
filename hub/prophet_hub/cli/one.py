"""One ticket on a page: what `show` prints. Nothing here is slow to import."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import clean
from prophet_hub.cli.views import Views, plain
from prophet_hub.engine.history import shown
from prophet_hub.errors import UsageError
from prophet_hub.model.ids import RecordId, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from prophet_hub.cli.desk import Desk
    from prophet_hub.engine.replica import Head

__all__ = ["show_one"]

_KINDS = ("comment", "attachment")
_DATES = re.compile(r"\d{4}-\d\d-\d\d")


def show_one(desk: Desk, ticket: str, *, as_of: str = "", as_json: bool = False) -> None:
    """Prints a ticket with comments, attachments and conflicts, now or as it was at a moment."""
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        data = _then(views, record, as_of) if as_of else _now(views, record)
        if as_json:
            desk.json(data)
        else:
            desk.say(*_page(data))


def _now(views: Views, record: RecordId) -> dict[str, Any]:
    """Returns a ticket with all that belongs to it, as data."""
    replica = views.replica
    data = _about(views, record)
    data |= {"alive": replica.alive(record), "properties": views.properties(record)}
    for kind in _KINDS:
        data[f"{kind}s"] = _sorted(
            {**_inner(views, child), **views.properties(child)}
            for child in replica.children(record, kind)
            if replica.alive(child)
        )
    data["conflicts"] = [
        _conflict(views, c.cell.prop, c.cell.member, c.cell.heads) for c in views.conflicts(record)
    ]
    return data


def _then(views: Views, record: RecordId, as_of: str) -> dict[str, Any]:
    """Returns a ticket as it was, as data."""
    from prophet_hub.engine.then import Then, moment_of  # noqa: PLC0415 - seldom

    replica = views.replica
    then = Then(replica.store, moment_of(replica, as_of, replica.now()))
    cells = then.cells(record)
    if not cells:
        raise UsageError(
            f"{views.number(record) or text(record)} was not there at {as_of}.",
            hint="`prophet-hub history` tells when it came.",
        )
    data = _about(views, record)
    data |= {"as_of": as_of, "alive": then.alive(record),
             "properties": plain(shown(cells), replica.text)}  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
    for child in then.children(record):
        properties = then.properties(child)
        kind = replica.type_of(child)
        if properties is not None and kind in found:
            found[kind].append({**_inner(views, child), **plain(properties, replica.text)})
    data |= {f"{kind}s": _sorted(children) for kind, children in found.items()}
    data["conflicts"] = [
        _conflict(views, prop, member, cell.heads)
        for (prop, member), cell in sorted(cells.items())
        if cell.conflict
    ]
    return data


def _about(views: Views, record: RecordId) -> dict[str, Any]:
    return {
        "number": views.label(record), "uuid": text(record),
        "type": views.replica.type_of(record), "at": views.addresses(record),
    }  # fmt: skip


def _inner(views: Views, child: RecordId) -> dict[str, Any]:
    return {"number": views.label(child), "uuid": text(child), "at": views.addresses(child)}


def _sorted(children: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(children, key=lambda one: (one.get("created", ""), one["number"]))


def _conflict(views: Views, prop: str, member: str, heads: Sequence[Head]) -> dict[str, Any]:
    values = sorted({views.short(head.value, prop) for head in heads})
    return {"property": prop, "member": member, "values": values}


def _page(data: dict[str, Any]) -> list[str]:
    """Returns a ticket as a page of text."""
    properties = dict(data["properties"])
    body = str(properties.pop("description", ""))
    lines = [f"#{data['number']}  {_one_line(properties.pop('summary', ''))}"]
    if "as_of" in data:
        lines[0] += f"  (as of {data['as_of']})"
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
        who = f"{_when(comment)}  {comment.get('author', '')}"
        head = f"comment  #{comment['number']}  {who}  {' '.join(comment['at'])}"
        lines += ["", f"{head.rstrip()}{private}", *_block(str(comment.get("body", "")))]
    if data["attachments"]:
        lines.append("")
    lines += [
        f"attachment  #{one['number']}  {_one_line(one.get('name', ''))}  {one.get('size', '?')} bytes"
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
