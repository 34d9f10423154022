"""Workflow: what a ticket offers can be had, what it does not offer is never half done."""

from __future__ import annotations

from collections.abc import Mapping

from prophet_hub.errors import Rejected
from prophet_hub.sdk import Field, Gone, Ref, Update, Value, members
from prophet_hub.testing.contract.checks import Checks, check, read
from prophet_hub.testing.contract.sandbox import Absent, Sandbox

__all__ = ["Workflow"]


def _offers(sandbox: Sandbox) -> str:
    """A ticket tells where it may go, and may be written."""
    try:
        row = _row(sandbox)
        told = read(sandbox, sandbox.make(sandbox.new())).reachable
    except Absent as absent:
        return str(absent)
    if not row.writable or ("update", "ticket") not in sandbox.connector.capabilities.writes:
        return "not declared: a status that may be written"
    return "not told: what a ticket offers" if told is None else ""


def _draws(sandbox: Sandbox) -> str:
    """The tracker tells its graph of statuses, and a status may be written."""
    if not _is_written(sandbox):
        return "not declared: a status that may be written"
    return "" if sandbox.connector.describe().transitions else "not told: transitions"


def _demands(sandbox: Sandbox) -> str:
    """The tracker tells what it demands of whoever enters a status."""
    if not _is_written(sandbox):
        return "not declared: a status that may be written"
    return "" if sandbox.connector.describe().requires else "not told: required fields of a status"


class Workflow(Checks):
    """From which status to which."""

    @check(_offers)
    def test_what_a_ticket_offers_can_be_had(self, sandbox: Sandbox) -> None:
        """Each status that a new ticket offers is reached in one update, and then shown."""
        status = _row(sandbox)
        offered = read(sandbox, sandbox.make(sandbox.new())).reachable or frozenset()
        for word in sorted(offered):
            ticket = sandbox.make(sandbox.new())
            _enter(sandbox, ticket, word)
            shown = read(sandbox, ticket).fields.get(status.theirs)
            assert _same(status, shown, word), f"{word!r} was offered, and {shown!r} is shown"

    @check(_offers)
    def test_what_a_ticket_does_not_offer_is_never_half_done(self, sandbox: Sandbox) -> None:
        """It is refused and nothing of the update is done, or all of it is."""
        status, title = _row(sandbox), sandbox.title
        for word in _words(sandbox, status):
            ticket = sandbox.make(sandbox.new())
            before = read(sandbox, ticket)
            present = before.fields.get(status.theirs)
            offered = before.reachable or frozenset()
            if any(_same(status, one, word) for one in (present, *offered)):
                continue
            changes = {status.theirs: word, title.theirs: "With a status"}
            wanted = _enter_or_not(sandbox, ticket, changes)
            after = read(sandbox, ticket)
            then = changes if wanted else before.fields
            whole = all(
                _same(row, after.fields.get(row.theirs), then.get(row.theirs))
                for row in (status, title)
            )
            shown = after.fields.get(status.theirs), after.fields.get(title.theirs)
            assert whole, f"{word!r} is not offered from {present!r}, and then {shown} is shown"

    @check(_draws)
    def test_a_way_of_the_graph_can_be_gone(self, sandbox: Sandbox) -> None:
        """From where a new ticket stands at least one of the ways told leads on, if any does."""
        status = _row(sandbox)
        start = read(sandbox, sandbox.make(sandbox.new())).fields.get(status.theirs)
        ways = sandbox.connector.describe().transitions.get(str(start), ())
        for word in ways:
            ticket = sandbox.make(sandbox.new())
            try:
                _enter(sandbox, ticket, word)
            except Rejected:
                continue
            told = sandbox.connector.ticket(Ref(id=ticket))
            if isinstance(told, Gone):
                continue  # where being deleted is a status, too
            if _same(status, told.fields.get(status.theirs), word):
                return
        assert not ways, f"none of {list(ways)} is reached from {start!r}"

    @check(_draws)
    def test_the_graph_names_what_a_ticket_shows(self, sandbox: Sandbox) -> None:
        """A new ticket's status and all that it offers are statuses of the tracker."""
        schema = sandbox.connector.describe()
        told = read(sandbox, sandbox.make(sandbox.new()))
        shown = {word for word in (told.fields.get(_row(sandbox).theirs),) if word}
        unknown = {*shown, *(told.reachable or ())} - set(schema.statuses)
        assert not unknown, f"these are no statuses of the tracker: {sorted(map(str, unknown))}"

    @check(_demands)
    def test_what_a_status_demands_can_be_said(self, sandbox: Sandbox) -> None:
        """It is a status of the tracker, and each field has a row that may be written."""
        schema = sandbox.connector.describe()
        assert set(schema.requires) <= set(schema.statuses)
        for status, names in schema.requires.items():
            for name in names:
                row = sandbox.connector.fields.theirs(name)
                assert row is not None, f"{name} is demanded by {status!r} and has no row"
                assert row.writable, f"{name} is demanded by {status!r} and cannot be written"

    @check(_demands)
    def test_what_a_status_demands_is_demanded(self, sandbox: Sandbox) -> None:
        """Without it the status is refused, with it taken: where one step leads there."""
        status, schema = _row(sandbox), sandbox.connector.describe()
        for word, names in sorted(schema.requires.items()):
            told = read(sandbox, sandbox.make(sandbox.new()))
            start = told.fields.get(status.theirs)
            offered = told.reachable
            if offered is None:
                offered = frozenset(schema.transitions.get(str(start), schema.statuses))
            if word not in offered or all(told.fields.get(name) for name in names):
                continue
            done = _enter_or_not(sandbox, told.ref.id, {status.theirs: word})
            assert not done, f"{word!r} was entered without {', '.join(names)}"
            _enter(sandbox, told.ref.id, word)
            shown = read(sandbox, told.ref.id).fields.get(status.theirs)
            assert _same(status, shown, word), f"{word!r} has what it demands, {shown!r} is shown"


def _row(sandbox: Sandbox) -> Field:
    found = sandbox.connector.fields.ours("status")
    if found is None:
        raise Absent("the field map has no status")
    return found


def _is_written(sandbox: Sandbox) -> bool:
    row = sandbox.connector.fields.ours("status")
    can = ("update", "ticket") in sandbox.connector.capabilities.writes
    return row is not None and row.writable and can


def _same(row: Field, one: Value | None, other: Value | None) -> bool:
    if isinstance(one, frozenset) or isinstance(other, frozenset):
        return one == other
    return row.same(one, other)


def _words(sandbox: Sandbox, row: Field) -> list[str]:
    """Returns the statuses that can be said."""
    said = {theirs for theirs, _ in row.values if not theirs.endswith("*")}
    return sorted(said | set(sandbox.connector.describe().statuses))


def _enter(sandbox: Sandbox, ticket: str, word: str) -> None:
    """Takes a ticket to a status, with what is demanded there and not said yet."""
    shown = read(sandbox, ticket)
    changes: dict[str, str | None] = {_row(sandbox).theirs: word}
    added: dict[str, frozenset[str]] = {}
    for name in sandbox.connector.describe().requires.get(word, ()):
        row = sandbox.connector.fields.theirs(name)
        if row is None or shown.fields.get(name):
            continue
        value = sandbox.pair(row)[0]
        if isinstance(value, str):
            changes[name] = value
        else:
            added[name] = members(value)
    sandbox.connector.apply(
        Update(ref=shown.ref, changes=changes, added=added, before=shown.fields,
               version=shown.version)
    )  # fmt: skip


def _enter_or_not(sandbox: Sandbox, ticket: str, changes: Mapping[str, str]) -> bool:
    """Sends an update that may be refused; returns whether it was taken."""
    shown = read(sandbox, ticket)
    try:
        sandbox.connector.apply(
            Update(ref=shown.ref, changes=changes, before=shown.fields, version=shown.version)
        )
    except Rejected:
        return False
    return True
