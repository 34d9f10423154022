"""The commands of `quarantine`: what stands in the log and does not count, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.tables import clean, counted, cut, shown_time
from prophet_hub.errors import Invalid, UsageError
from prophet_hub.model import codec, seals
from prophet_hub.model.ids import text
from prophet_hub.store.held import Held
from prophet_hub.values import Stored, Value, from_micros, instant_text

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica
    from prophet_hub.model.changes import Changeset
    from prophet_hub.store.base import EntryRow

__all__ = ["app"]

app = typer.Typer(help="Shows changesets that do not count, and lets them count.")

_VALUE = 60  # columns of a value
_BYTES = 64  # of an entry that cannot be read
_PAGE = 500

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.callback(invoke_without_command=True)
def quarantine(ctx: typer.Context, as_json: _Json = False) -> None:
    """Shows changesets that do not count, and lets them count."""
    if ctx.invoked_subcommand is None:
        list_quarantine(ctx, as_json=as_json)


@app.command("list")
def list_quarantine(
    ctx: typer.Context,
    most: Annotated[
        int, typer.Option("--most", "-n", metavar="NUMBER", min=0, help="So many; 0 for all.")
    ] = 50,
    as_json: _Json = False,
) -> None:
    """Lists what does not count, with the reason."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        held = Held(replica.store)
        reasons = held.reasons()
        rows = [_data(row) for row in _rows(replica, held, most)]
    if as_json:
        desk.json({"reasons": reasons, "held": rows})
        return
    desk.table(
        [
            (str(one["number"]), one["when"], one["author"], f"{one['origin'][:8]}/{one['sequence']}",
             "" if one["writes"] is None else str(one["writes"]), one["reason"])
            for one in rows
        ],
        head=("entry", "when (UTC)", "who", "replica", "writes", "why"),
    )  # fmt: skip
    total = sum(reasons.values())
    if total > len(rows):
        desk.say(f"{counted(total, 'changeset')} in all:")
        desk.table([(str(count), clean(why)) for why, count in sorted(reasons.items())])


@app.command("show")
def show_held(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Of the entry, as listed.")],
    as_json: _Json = False,
) -> None:
    """Shows what a held changeset says; nothing of it is believed."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        row = _held(replica, number)
        seal = replica.store.log.seals(number, number).get(number, b"")
    data = _data(row) | {"running": row.running.hex(), "bytes": len(row.raw),
                         "key": seals.named(seal[: seals.KEY]) if seal else ""}  # fmt: skip
    changeset = _read(row)
    if as_json:
        said = {"raw": row.raw.hex()} if changeset is None else {"content": _content(changeset)}
        desk.json(data | said)
        return
    desk.table([(name, str(value)) for name, value in data.items() if value not in (None, "")])
    if changeset is None:
        desk.say(f"It cannot be read; it begins {row.raw[:_BYTES].hex(' ', 4)}")
        return
    desk.table(
        [
            (one["record"][:8], one["type"], _cell(one), cut(clean(str(one["value"])), _VALUE))
            for one in _content(changeset)
        ],
        head=("record", "type", "property", "value"),
    )  # fmt: skip


@app.command("accept")
def accept(
    ctx: typer.Context,
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="NUMBER", help="Of entries, as listed.", show_default=False),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything that can be read.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Does not ask.")] = False,
) -> None:
    """Lets changesets count, whoever signed them."""
    desk: Desk = ctx.obj
    if bool(numbers) is every:
        raise UsageError("Which of them?", hint="Name NUMBER, or give --all.")
    with desk.replica(write=True, make=False) as replica:
        held = Held(replica.store)
        if every:
            total = held.count()
            if total and not yes:
                if not desk.asks:
                    raise UsageError("Nobody can be asked whether to accept all.",
                                     hint="Give --yes.")  # fmt: skip
                typer.confirm(f"Let {counted(total, 'changeset')} count?", abort=True)
            freed = _release_all(replica, held)
            desk.say(f"{counted(freed, 'changeset')} accepted.")
            if total > freed:
                desk.say(f"{counted(total - freed, 'changeset')} cannot be read and stay.")
            return
        for number in numbers or ():
            codec.check(_held(replica, number).raw)
        freed = replica.release(numbers or ())
    desk.say(f"{counted(freed, 'changeset')} accepted.")


def _release_all(replica: Replica, held: Held) -> int:
    after = freed = 0
    with replica.transaction():
        while page := held.page(after, _PAGE):
            freed += replica.release([number for number, _ in page])
            after = page[-1][0]
    return freed


def _rows(replica: Replica, held: Held, most: int) -> list[EntryRow]:
    """Returns so many held entries, the first first; 0 for all."""
    found: list[EntryRow] = []
    after = 0
    while page := held.page(after, min(most - len(found), _PAGE) if most else _PAGE):
        found += sorted(replica.store.log.entries([number for number, _ in page]))
        after = page[-1][0]
        if most and len(found) >= most:
            break
    return found


def _held(replica: Replica, number: int) -> EntryRow:
    for row in replica.store.log.entries((number,)):
        if row.reason is not None:
            return row
    raise UsageError(f"Entry {number} is not in quarantine.", hint="See prophet-hub quarantine.")


def _read(row: EntryRow) -> Changeset | None:
    try:
        return codec.check(row.raw)[2]
    except Invalid:
        return None


def _data(row: EntryRow) -> dict[str, Any]:
    found = _read(row)
    return {
        "number": row.number, "origin": text(row.origin), "sequence": row.sequence,
        "when": shown_time(found.created) if found else "",
        "author": found.author if found else "", "note": found.note if found else "",
        "writes": len(found.writes) if found else None, "reason": row.reason,
    }  # fmt: skip


def _content(changeset: Changeset) -> list[dict[str, Any]]:
    return [
        {"record": text(w.cell.record), "type": w.type, "property": w.cell.prop,
         "member": w.cell.member, "value": _plain(w.value),
         "created": instant_text(from_micros(w.created))}
        for w in changeset.writes
    ]  # fmt: skip


def _cell(one: dict[str, Any]) -> str:
    return f"{one['property']}={one['member']}" if one["member"] else str(one["property"])


def _plain(value: Value) -> str | None:
    return f"({value.size} bytes, {value.sha256[:12]})" if isinstance(value, Stored) else value
