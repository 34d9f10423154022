"""Commands that look back: `log`, `history`, `why`, `diff`."""

from __future__ import annotations

import re
import sys
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.differing import UNSAID, page, told
from prophet_hub.cli.tables import cut, shown_time
from prophet_hub.cli.views import Views, parsed_field
from prophet_hub.errors import UsageError
from prophet_hub.model.changes import LIFE, SAME_AS, VOTE
from prophet_hub.model.ids import RecordId, text
from prophet_hub.values import Stored, from_micros, instant_text

if TYPE_CHECKING:
    from prophet_hub.engine.history import HistoryRow, LogRow
    from prophet_hub.engine.log_filter import Wanted
    from prophet_hub.engine.replica import Replica
    from prophet_hub.engine.voting import Ballot

__all__ = ["diff", "history", "log", "why"]

_UUID = re.compile(r"\b([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_VALUE = 60  # columns of a value

_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Ticket = Annotated[str, typer.Argument(metavar="TICKET", help="5, rt-main#42 or a uuid.")]
_MOMENT = "2026-11-20, with T18:43, yesterday, 2w; or a changeset: 17, 3f2a:12, latest."


def log(
    ctx: typer.Context,
    most: Annotated[
        int,
        typer.Option(
            "--most", "-n", "--limit", metavar="NUMBER", min=0, help="So many; 0 for all."
        ),
    ] = 50,
    author: Annotated[str, typer.Option(metavar="WHO", help="By these; a part is enough.")] = "",
    since: Annotated[
        str, typer.Option(metavar="MOMENT", help="Made since then: 2026-11-20, yesterday, 2w.")
    ] = "",
    until: Annotated[str, typer.Option(metavar="MOMENT", help="Made until then.")] = "",
    record: Annotated[
        str, typer.Option(metavar="TICKET", help="About this ticket, its comments included.")
    ] = "",
    origin: Annotated[
        str, typer.Option(metavar="REPLICA", help="Recorded by this one: its uuid's beginning.")
    ] = "",
    grep: Annotated[
        str, typer.Option(metavar="REGEX", help="With this in author, place or any value.")
    ] = "",
    as_json: _Json = False,
) -> None:
    """Shows the changesets of this database, newest first."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        if author or since or until or record or origin or grep:
            from prophet_hub.engine.log_filter import entries  # noqa: PLC0415 - seldom

            wanted = _wanted(replica, author=author, since=since, until=until, record=record,
                             origin=origin, grep=grep)  # fmt: skip
            found = entries(replica, wanted)
        else:
            found = replica.log()
        rows = list(islice(found, min(most, sys.maxsize) or None))
    if as_json:
        desk.json([_entry(row) for row in rows])
        return
    desk.table(
        [
            (
                str(row.number),
                shown_time(row.created),
                row.author,
                str(row.writes),
                _where(row.note),
            )
            for row in rows
        ],
        head=("entry", "when (UTC)", "who", "writes", "where"),
    )


def _wanted(
    replica: Replica, *, author: str, since: str, until: str, record: str, origin: str, grep: str
) -> Wanted:
    from prophet_hub.engine.log_filter import Wanted  # noqa: PLC0415 - seldom
    from prophet_hub.engine.naming import origin_of  # noqa: PLC0415 - seldom

    try:
        pattern = re.compile(grep, re.IGNORECASE) if grep else None
    except re.error as error:
        raise UsageError(f'"{grep}" is no regular expression: {error}.') from error
    return Wanted(
        author=author,
        since=_time(replica, since) if since else None,
        until=_time(replica, until) if until else None,
        record=Views(replica).record(record) if record else None,
        origin=origin_of(replica, origin) if origin else b"",
        grep=pattern,
    )


def _time(replica: Replica, words: str) -> int:
    """Returns the instant that words name, in microseconds.

    Raises:
        UsageError: They name none.
    """
    from prophet_hub.engine.then import time_of  # noqa: PLC0415 - seldom

    found = time_of(words, replica.now())
    if found is None:
        raise UsageError(f'"{words}" is no time.',
                         hint="Write 2026-11-20, 2026-11-20T18:43, yesterday or 2w.")  # fmt: skip
    return found


def _entry(row: LogRow) -> dict[str, Any]:
    return {
        "number": row.number, "origin": text(row.origin), "sequence": row.sequence,
        "name": text(row.name) if row.name else "", "author": row.author,
        "created": instant_text(from_micros(row.created)), "note": row.note, "writes": row.writes,
    }  # fmt: skip


def history(
    ctx: typer.Context,
    ticket: _Ticket,
    own: Annotated[
        bool, typer.Option("--own", help="Without comments, attachments and their stories.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Shows the whole story of one ticket."""
    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        rows = [("", row) for row in replica.history(record, pairs=True)]
        for kind in () if own else ("comment", "attachment"):
            for child in replica.children(record, kind):
                name = f"{kind} {views.number(child)}"
                rows += [(name, row) for row in replica.history(child) if _told(row)]
        rows.sort(key=lambda one: (one[1].when, one[1].number))
        _print(desk, views, rows, as_json=as_json, heads=False)


def why(
    ctx: typer.Context,
    ticket: _Ticket,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="status, labels=urgent, or life.")],
    as_json: _Json = False,
) -> None:
    """Shows why a field of a ticket shows what it shows."""
    from prophet_hub.engine.voting import votes  # noqa: PLC0415 - lazy

    desk: Desk = ctx.obj
    prop, member = parsed_field(field)
    with desk.replica() as replica:
        views = Views(replica)
        record = views.record(ticket)
        rows = replica.why(record, prop, member)
        if not rows:
            raise UsageError(f"{ticket} has no {field}.", hint=_known(views, record, prop))
        ballots = [
            one for one in votes(replica, record) if (one.prop, one.member) == (prop, member)
        ]
        if as_json:
            desk.json(
                [*(_data(views, "", row) for row in rows), *(_vote(views, b) for b in ballots)]
            )
            return
        state = replica.cell(record, prop, member)
        if state is not None:
            held = ", in conflict" if state.conflict else ""
            desk.say(f"{field} of {ticket} shows {views.short(state.shown, prop)}{held}")
        _print(desk, views, [("", row) for row in rows], as_json=False, heads=True)
        for one in ballots:
            said = " and ".join(views.short(value, prop) for value in one.decisions)
            counts = "" if one.counts else ", which does not count"
            desk.say(f"{shown_time(one.when)}  {one.author}  voted for {said}{counts}")


def diff(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help=_MOMENT)],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; else now.")] = "now",
    record: Annotated[
        str, typer.Option(metavar="TICKET", help="Only this ticket, its comments included.")
    ] = "",
    as_json: _Json = False,
) -> None:
    """Shows what differs between two moments."""
    from prophet_hub.engine.differences import differences  # noqa: PLC0415 - seldom
    from prophet_hub.engine.then import moment_of  # noqa: PLC0415 - seldom

    desk: Desk = ctx.obj
    with desk.replica() as replica:
        views = Views(replica)
        moments = [moment_of(replica, words, replica.now()) for words in (before, after)]
        only = views.record(record) if record else None
        found = differences(replica, *moments, record=only)
        if as_json:
            desk.json([told(views, one) for one in found])
            return
        none = True
        for one in found:
            desk.say(*page(views, one, first=none))
            none = False
        if none:
            desk.say("Nothing differs.")


# --- what the commands share ---


def _print(
    desk: Desk, views: Views, rows: list[tuple[str, HistoryRow]], *, as_json: bool, heads: bool
) -> None:
    """Prints writes one below the other; with `heads`, those that stand are marked."""
    if as_json:
        desk.json([_data(views, name, row) for name, row in rows])
        return
    desk.table([
        (shown_time(row.when), row.author, _where(row.note), f"{name} {_name(row)}".strip(),
         _step(views, row), _how(row, heads=heads))
        for name, row in rows
    ])  # fmt: skip


def _data(views: Views, name: str, row: HistoryRow) -> dict[str, Any]:
    def value(one: Any) -> Any:
        return views.text(one) if isinstance(one, (str, Stored)) else None

    content = row.prop == "content"  # bytes, which are named and not told
    return {
        "entry": row.number, "when": instant_text(from_micros(row.when)), "author": row.author,
        "note": row.note, "of": name, "property": row.prop, "member": row.member,
        "old": None if content else value(row.old), "new": None if content else value(row.new),
        "rule": row.rule, "write": text(row.write), "superseded": row.superseded,
    }  # fmt: skip


def _vote(views: Views, ballot: Ballot) -> dict[str, Any]:
    return {
        "when": instant_text(from_micros(ballot.when)), "author": ballot.author, "note": ballot.note,
        "property": "vote", "member": text(ballot.voter), "counts": ballot.counts,
        "new": [None if value is None else views.text(value) for value in ballot.decisions],
    }  # fmt: skip


def _where(note: str) -> str:
    """Returns where a changeset came from, a uuid by its beginning."""
    return _UUID.sub(r"\1", note)


def _told(row: HistoryRow) -> bool:
    return row.prop not in UNSAID or row.old is not None


def _name(row: HistoryRow) -> str:
    if row.prop.startswith(VOTE):
        return "vote"
    if row.prop == SAME_AS:
        return "pair"
    return row.prop if row.prop == LIFE or not row.member else f"{row.prop}={row.member}"


def _step(views: Views, row: HistoryRow) -> str:
    """Returns what was written, after what its author saw if that was something."""
    if row.prop.startswith(VOTE):
        return _decision(views, row)
    if row.prop == SAME_AS:
        other = views.number(RecordId(bytes.fromhex(row.member))) or row.member
        return f"{'joined with' if row.new is not None else 'parted from'} {other}"
    if row.prop == LIFE and row.new is None:
        return "deleted"
    old, new = (cut(views.short(one, row.prop), _VALUE) for one in (row.old, row.new))
    return new if row.old is None and row.prop != LIFE else f"{old} -> {new}"


def _decision(views: Views, row: HistoryRow) -> str:
    from prophet_hub.merge.votes import value_in  # noqa: PLC0415 - seldom

    found = value_in(row.new)
    return "withdrawn" if found is None else f"for {cut(views.short(found[0]), _VALUE)}"


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
