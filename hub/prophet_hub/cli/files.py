"""Files of tickets: put in, listed, got out; streamed both ways."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.views import Views, plain
from prophet_hub.cli.writing import Pen
from prophet_hub.errors import UsageError
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Stored

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["attach", "attachment"]

_STDIO = "-"


def attach(
    pen: Pen, name: str, paths: Sequence[str], *, called: str, content_type: str, private: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Adds files to a record, all or none."""
    if called and len(paths) > 1:
        raise UsageError("One name for several files.", hint="Attach them one by one.")
    if _STDIO in paths and not called:
        raise UsageError("What is standard input called?", hint="Give --name.")
    given = {"private": "yes" if private else "no"}
    given |= {"content_type": content_type} if content_type else {}
    with ExitStack() as stack, pen.records() as records:
        ticket = pen.row(records, name)
        opened = [(_open(path, stack), called or Path(path).name) for path in paths]
        with records.replica.transaction():
            rows = [records.attach(ticket, file, _safe(word), given) for file, word in opened]
        found = [(row, records.get(row)) for row in rows]
    if as_json:
        pen.desk.json([
            {"number": row.number, "uuid": text(row.record), "type": row.type,
             "properties": plain(shown, str)}
            for row, shown in found
        ])  # fmt: skip
        return
    for row, shown in found:
        pen.desk.say(f"Attached #{row.number}  {shown['name']}  {shown['size']} bytes")


def attachment(desk: Desk, name: str, *, output: str, force: bool, as_json: bool) -> None:
    """Lists the attachments of a record; of an attachment, gets the content out."""
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(name)
        if replica.type_of(record) == "attachment":
            _get(desk, replica, record, output, force=force)
            return
        if output:
            raise UsageError(f"{name} is no attachment.",
                             hint=f"List them: prophet-hub ticket attachment {name}")  # fmt: skip
        rows = sorted(
            (views.label(one), text(one), views.properties(one))
            for one in replica.children(record, "attachment") if replica.alive(one)
        )  # fmt: skip
    if as_json:
        desk.json([{"number": n, "uuid": u, "properties": p} for n, u, p in rows])
        return
    desk.table(
        [(f"#{n}", str(p.get("name", "")), str(p.get("size", "?")), str(p.get("content_type", "")),
          str(p.get("author", ""))) for n, _, p in rows],
        head=("", "name", "bytes", "type", "who"),
    )  # fmt: skip


def _get(desk: Desk, replica: Replica, record: RecordId, output: str, *, force: bool) -> None:
    shown: dict[str, Any] = dict(replica.shown(record))
    content = shown.get("content")
    if not isinstance(content, Stored):
        raise UsageError("The content of this attachment was never read.", hint="Sync, or pull.")
    pieces = iter(replica.content(content))
    first = next(pieces, b"")  # before a file is made: it may not be here
    if output == _STDIO:
        for piece in chain((first,), pieces):
            sys.stdout.buffer.write(piece)
        return
    path = Path(output or ".")
    path = path / _safe(replica.text(shown.get("name"))) if path.is_dir() else path
    try:
        with path.open("wb" if force else "xb") as file:
            for piece in chain((first,), pieces):
                file.write(piece)
    except FileExistsError:
        raise UsageError(f"{path} is there already.", hint="Give --output or --force.") from None
    desk.say(f"Wrote {path}  {content.size} bytes")


def _open(path: str, stack: ExitStack) -> BinaryIO:
    if path == _STDIO:
        return sys.stdin.buffer
    try:
        return stack.enter_context(Path(path).open("rb"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}.", hint="Look at its name and its rights."
        ) from error


def _safe(name: str) -> str:
    from prophet_hub.foreign.attachments import safe_name  # noqa: PLC0415 - imports the sdk

    return safe_name(name)
