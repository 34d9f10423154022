"""History: events explain the state, or do not pretend to."""

from __future__ import annotations

from prophet_hub.sdk import FieldChange, FieldMap, History, SetChange, Ticket, Value, single
from prophet_hub.testing.contract.checks import Checks, can, check, holds, read, tells, update
from prophet_hub.testing.contract.sandbox import Absent, Sandbox

FULL = tells(History.FULL)
SOME = tells(History.FULL, History.PARTIAL)


class Story(Checks):
    """The events of a ticket."""

    @check(FULL)
    def test_history_explains_the_state(self, sandbox: Sandbox) -> None:
        """Walked backwards from now, the events lead to the ticket as it was born."""
        born = sandbox.new()
        ticket = sandbox.make(born)
        rows = self._edit_all(sandbox, ticket)
        shown = read(sandbox, ticket)
        birth = unwound(sandbox.connector.fields, shown)
        for name in {sandbox.title.theirs, *rows}:
            row = sandbox.connector.fields.theirs(name)
            assert row is not None
            old = birth.get(name)
            expected = born.get(name)
            same = old == expected or (
                not row.kind.many and row.same(single(old), single(expected) or row.default or None)
            )
            assert same, f"{name} was born as {expected!r}, the story leads to {old!r}"

    @check(FULL)
    def test_each_change_is_told_once(self, sandbox: Sandbox) -> None:
        """Three edits of one field are three changes, from each value to the next."""
        title = sandbox.title.theirs
        ticket = sandbox.make({**sandbox.new(), title: "zero"})
        for text in ("one", "two", "three"):
            sandbox.advance(1)
            sandbox.edit(ticket, title, text)
        shown = read(sandbox, ticket)
        changes = [c for e in shown.events for c in e.changes if c.field == title]
        steps = [(c.old, c.new) for c in changes if isinstance(c, FieldChange)]
        expected = [("zero", "one"), ("one", "two"), ("two", "three")]
        assert len(steps) == len(expected), f"three edits are told as {steps}"
        same = sandbox.title.same
        for (old, new), (before, after) in zip(steps, expected, strict=True):
            assert same(old, before), f"told: {steps}"
            assert same(new, after), f"told: {steps}"

    @check(FULL)
    def test_a_field_that_goes_there_and_back_is_told(self, sandbox: Sandbox) -> None:
        """a, b, a within one second are two changes, though the state is as before."""
        title = sandbox.title.theirs
        ticket = sandbox.make({**sandbox.new(), title: "a"})
        for text in ("b", "a"):
            sandbox.edit(ticket, title, text)
        shown = read(sandbox, ticket)
        told = [c for e in shown.events for c in e.changes if c.field == title]
        values = [c.new for c in told if isinstance(c, FieldChange)]
        assert len(values) == 2, f"b, then a: told as {values}"
        assert sandbox.title.same(values[0], "b"), f"b, then a: told as {values}"
        assert sandbox.title.same(values[1], "a"), f"b, then a: told as {values}"

    @check(FULL)
    def test_members_of_sets_come_and_leave(self, sandbox: Sandbox) -> None:
        """A set's changes name the members that came and those that left, nobody twice."""
        for row in sandbox.connector.fields:
            if row.kind.many and row.writable:
                one, two = sandbox.pair(row)
                break
        else:
            raise Absent("the field map has no set that may be written")
        ticket = sandbox.make(sandbox.new())
        for value in (one, two):
            sandbox.advance(1)
            sandbox.edit(ticket, row.theirs, value)
        shown = read(sandbox, ticket)
        told = [c for e in shown.events for c in e.changes if c.field == row.theirs]
        assert all(isinstance(c, SetChange) for c in told), f"a set changed by {told}"
        come = frozenset().union(*(c.added for c in told if isinstance(c, SetChange)))
        left = frozenset().union(*(c.removed for c in told if isinstance(c, SetChange)))
        assert isinstance(one, frozenset)
        assert isinstance(two, frozenset)
        assert (come, left) == (one | two, one - two)

    @check(FULL)
    def test_events_have_authors_and_times(self, sandbox: Sandbox) -> None:
        """Each names who did it and when, by the tracker's clock; time never runs backward."""
        if not sandbox.person:
            raise Absent("the sandbox does not say who the person is")
        ticket = sandbox.make(sandbox.new())
        self._edit_all(sandbox, ticket)
        shown = read(sandbox, ticket)
        events = [e for e in shown.events if e.changes]
        assert {e.author.id for e in events} == {sandbox.person}
        times = [shown.created, *(e.created for e in shown.events)]
        assert times == sorted(times)
        assert times[-1] <= shown.updated

    @check(SOME)
    def test_events_never_change(self, sandbox: Sandbox) -> None:
        """What was told stays as it is when more is told: ids, order, all of it; ids are unique."""
        ticket = sandbox.make(sandbox.new())
        for n in range(4):
            sandbox.advance(1)
            sandbox.edit(ticket, sandbox.title.theirs, f"Title {n}")
        before = read(sandbox, ticket).events
        assert before, "no event at all was told of four edits"
        sandbox.advance(1)
        for n in range(4):
            sandbox.edit(ticket, sandbox.title.theirs, f"Later title {n}")
        after = read(sandbox, ticket).events
        assert after[: len(before)] == before
        ids = [e.id for e in after]
        assert all(ids)
        assert len(set(ids)) == len(ids), f"an event id stands twice: {ids}"

    @check(SOME)
    def test_one_event_changes_a_field_once(self, sandbox: Sandbox) -> None:
        """At most one change per field and event, and none from a value to itself."""
        ticket = sandbox.make(sandbox.new())
        self._edit_all(sandbox, ticket)
        for event in read(sandbox, ticket).events:
            names = [c.field for c in event.changes]
            assert len(set(names)) == len(names), f"event {event.id} changes {names}"
            for change in event.changes:
                if isinstance(change, FieldChange):
                    assert change.old != change.new, f"event {event.id}: {change}"
                else:
                    assert change.added or change.removed, f"event {event.id}: {change}"
                    assert not change.added & change.removed, f"event {event.id}: {change}"

    @check(SOME)
    def test_events_speak_of_fields_of_the_table(self, sandbox: Sandbox) -> None:
        """A change of a field without a row could never be understood."""
        ticket = sandbox.make(sandbox.new())
        self._edit_all(sandbox, ticket)
        for event in read(sandbox, ticket).events:
            for change in event.changes:
                assert sandbox.connector.fields.theirs(change.field), f"{change.field} has no row"

    @check(FULL, can("update"))
    def test_our_own_change_names_our_account(self, sandbox: Sandbox) -> None:
        """By this the hub knows its echo."""
        me = sandbox.connector.whoami().id
        title = sandbox.title.theirs
        ticket = sandbox.make(sandbox.new())
        sandbox.advance(1)
        update(sandbox, ticket, title, "Ours")
        told = [e for e in read(sandbox, ticket).events if any(c.field == title for c in e.changes)]
        assert told, "no event tells of our own change"
        assert [e.author.id for e in told] == [me]

    @check()
    def test_what_no_event_tells_is_in_the_state(self, sandbox: Sandbox) -> None:
        """Whatever the events leave out, the fields are as they are now: it becomes residue."""
        ticket = sandbox.make(sandbox.new())
        title = sandbox.title.theirs
        for n in range(7):
            sandbox.edit(ticket, title, f"Title {n}")
            holds(sandbox.connector.fields, read(sandbox, ticket), title, f"Title {n}")

    @check(tells(History.NONE))
    def test_no_history_is_no_history(self, sandbox: Sandbox) -> None:
        """A connector that declares none tells no events."""
        ticket = sandbox.make(sandbox.new())
        sandbox.edit(ticket, sandbox.title.theirs, "Another title")
        assert read(sandbox, ticket).events == ()

    def _edit_all(self, sandbox: Sandbox, ticket: str) -> list[str]:
        """Edits each field that a person can, twice; returns their names."""
        edited = []
        for row in sandbox.connector.fields:
            try:
                pair = sandbox.pair(row) if row.writable else ()
                for value in pair:
                    sandbox.advance(1)
                    sandbox.edit(ticket, row.theirs, value)
            except Absent:
                continue
            edited += [row.theirs] if pair else []
        return edited


def unwound(fields: FieldMap, ticket: Ticket) -> dict[str, Value]:
    """Returns a ticket's fields as they were at birth, by its events alone.

    Asserts on the way that each event leads to what stood after it.
    """
    state: dict[str, Value] = dict(ticket.fields)
    for event in reversed(ticket.events):
        for change in event.changes:
            now = state.get(change.field)
            if isinstance(change, SetChange):
                members = now if isinstance(now, frozenset) else frozenset()
                assert change.added <= members, (
                    f"event {event.id} adds {set(change.added - members)} to {change.field}, "
                    "and no later event takes it away"
                )
                old: Value | None = (members - change.added) | change.removed
            else:
                row = fields.theirs(change.field)
                assert row is not None, f"{change.field} has no row"
                assert row.same(single(now), change.new), (
                    f"event {event.id} leaves {change.field} at {change.new!r}, "
                    f"and then it is {now!r}"
                )
                old = change.old
            if old:
                state[change.field] = old
            else:
                state.pop(change.field, None)
    return state
