"""What changed: listings in pages while tickets move, and cursors at the edge of a second."""

from __future__ import annotations

from prophet_hub.errors import NotFound
from prophet_hub.sdk import COMMENT, Checkpoint, Gone, Pull, Ref, Ticket
from prophet_hub.testing.contract.checks import (
    Checks,
    Told,
    can,
    check,
    lacks,
    looks_back,
    promises,
    pull,
    raised,
    read,
    told_id,
)
from prophet_hub.testing.contract.sandbox import Absent, Sandbox

IDLE = 2
"""Requests that a pull may cost when nothing changed (log-in apart)."""


class Changes(Checks):
    """What `changed` tells, and what its cursors mean."""

    @check()
    def test_a_first_pull_tells_every_ticket(self, sandbox: Sandbox) -> None:
        """More than a page of them."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        missed = made - set(pull(sandbox.connector).ids)
        assert not missed, f"not told: {sorted(missed)}"

    @check()
    def test_every_pull_ends_with_a_checkpoint(self, sandbox: Sandbox) -> None:
        """Also the one that has nothing to tell; cursors are never empty."""
        sandbox.make(sandbox.new())
        sandbox.settle()
        first = pull(sandbox.connector)
        for told in (first, pull(sandbox.connector, first.cursor)):
            cursors = [i.cursor for i in told.items if isinstance(i, Checkpoint)]
            assert all(cursors), "a checkpoint has an empty cursor"

    @check()
    def test_an_idle_pull_is_cheap_and_silent(self, sandbox: Sandbox) -> None:
        """Nothing is told, time after time, in two requests at most."""
        sandbox.make(sandbox.new())
        sandbox.settle()
        cursor = pull(sandbox.connector).cursor
        for n in range(4):
            sandbox.settle()
            before = sandbox.requests()
            told = pull(sandbox.connector, cursor)
            spent = sandbox.requests() - before
            assert spent <= IDLE, f"an idle pull took {spent} requests"
            assert not told.ids or n == 0, f"told again and again: {told.ids}"
            cursor = told.cursor

    @check()
    def test_an_edit_is_told_by_the_next_pull(self, sandbox: Sandbox) -> None:
        """The ticket that changed is told."""
        quiet, moved = sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.edit(moved, sandbox.title.theirs, "It moved")
        told = pull(sandbox.connector, cursor).ids
        assert moved in told
        assert quiet not in told, "a ticket of long ago is told again"

    @check()
    def test_an_edit_in_the_second_of_the_pull_is_told(self, sandbox: Sandbox) -> None:
        """The clock did not move between the pull and the edit."""
        ticket = sandbox.make(sandbox.new())
        cursor = pull(sandbox.connector).cursor
        sandbox.edit(ticket, sandbox.title.theirs, "In the same second")
        assert ticket in pull(sandbox.connector, cursor).ids

    @check()
    def test_another_ticket_in_the_second_of_the_pull_is_told(self, sandbox: Sandbox) -> None:
        """Several pulls and several tickets within one second of the tracker."""
        cursor = ""
        for n in range(3):
            made = sandbox.make(sandbox.new(n))
            told = pull(sandbox.connector, cursor)
            assert made in told.ids, f"ticket {n} of the same second was not told"
            cursor = told.cursor

    @check()
    def test_a_comment_makes_a_ticket_changed(self, sandbox: Sandbox) -> None:
        """A comment alone is a change."""
        ticket = sandbox.make(sandbox.new())
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.comment(ticket, "A remark")
        assert ticket in pull(sandbox.connector, cursor).ids

    @check()
    def test_an_attachment_makes_a_ticket_changed(self, sandbox: Sandbox) -> None:
        """An attachment alone is a change."""
        ticket = sandbox.make(sandbox.new())
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.attach(ticket, "a.txt", b"abc")
        assert ticket in pull(sandbox.connector, cursor).ids

    @check(can("update", COMMENT))
    def test_an_edited_comment_makes_a_ticket_changed(self, sandbox: Sandbox) -> None:
        """The listing tells it, and the read shows the new text under the old ref."""
        ticket = sandbox.make(sandbox.new())
        note = sandbox.comment(ticket, "Before")
        read(sandbox, ticket)
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.edit_comment(ticket, note, "After")
        assert ticket in pull(sandbox.connector, cursor).ids
        told = [(c.ref.id, c.body) for c in read(sandbox, ticket).comments]
        assert told == [(note, "After")]

    @check(can("delete", COMMENT))
    def test_a_deleted_comment_makes_a_ticket_changed(self, sandbox: Sandbox) -> None:
        """The listing tells it, and the read shows the others."""
        ticket = sandbox.make(sandbox.new())
        note, other = sandbox.comment(ticket, "To go"), sandbox.comment(ticket, "To stay")
        read(sandbox, ticket)
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.delete_comment(ticket, note)
        assert ticket in pull(sandbox.connector, cursor).ids
        assert [c.ref.id for c in read(sandbox, ticket).comments] == [other]

    @check(promises("ordered"))
    def test_older_changes_are_told_first(self, sandbox: Sandbox) -> None:
        """By their last change, so that a checkpoint in the middle is worth something."""
        cursor = self._cursor(sandbox)
        sandbox.settle()
        made = []
        for n in range(sandbox.many):
            made.append(sandbox.make(sandbox.new(n)))
            sandbox.settle()
        sandbox.edit(made[1], sandbox.title.theirs, "The last to change")
        told = [i for i in pull(sandbox.connector, cursor).ids if i in made]
        last = {ticket: n for n, ticket in enumerate(told)}
        expected = [made[0], *made[2:], made[1]]
        assert sorted(last, key=lambda ticket: last[ticket]) == expected

    @check()
    def test_a_cursor_needs_no_memory(self, sandbox: Sandbox) -> None:
        """A connector made anew goes on from it: all that counts is in the text."""
        sandbox.make(sandbox.new(1))
        cursor = self._cursor(sandbox)
        sandbox.settle()
        moved = sandbox.make(sandbox.new(2))
        other = sandbox.connect()
        try:
            assert moved in pull(other, cursor).ids
        finally:
            other.close()

    @check()
    def test_every_checkpoint_is_a_place_to_start_from(self, sandbox: Sandbox) -> None:
        """What was told before it and what is told from it are everything."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        items = pull(sandbox.connector).items
        stops = [n for n, item in enumerate(items) if isinstance(item, Checkpoint)]
        for n in {*stops[:3], *stops[-2:]}:  # a real server may have hundreds of pages
            told = Told(items[: n + 1])
            missed = made - set(told.ids) - set(pull(sandbox.connector, told.cursor).ids)
            assert not missed, f"between checkpoint {told.cursor!r} and its pull: {missed}"

    @check()
    def test_nothing_is_missed_while_tickets_move(self, sandbox: Sandbox) -> None:
        """Tickets are edited and made while the pages are walked."""
        made = [sandbox.make(sandbox.new(n)) for n in range(sandbox.many)]
        title, told, late = sandbox.title.theirs, [], ""
        moved = {made[0], made[-1], made[1]}
        for item in sandbox.connector.changed(Pull()):
            told.append(item)
            if not late:
                sandbox.advance(1)
                for ticket in moved:
                    sandbox.edit(ticket, title, "It moved in the walk")
                late = sandbox.make(sandbox.new(99))
        first = Told(told)
        missed = set(made) - set(first.ids)
        assert not missed, f"not told: {sorted(missed)}"
        fresh = {i.id for i in told[1:] if isinstance(i, Ref)}
        fresh |= {i.ref.id for i in told if isinstance(i, Ticket) and "moved" in i.fields[title]}
        unseen = {*moved, late} - fresh - set(pull(sandbox.connector, first.cursor).ids)
        assert not unseen, f"never told as they are after the walk: {sorted(unseen)}"

    @check()
    def test_nothing_is_missed_while_tickets_vanish(self, sandbox: Sandbox) -> None:
        """A ticket told on the first page is deleted: the next page does not skip one."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        told, victim = [], ""
        for item in sandbox.connector.changed(Pull()):
            told.append(item)
            if not victim and told_id(item) in made:
                victim = told_id(item)
                sandbox.advance(1)
                sandbox.delete(victim)
        missed = made - set(Told(told).ids) - {victim}
        assert not missed, f"not told: {sorted(missed)}"

    @check()
    def test_what_is_told_can_be_read(self, sandbox: Sandbox) -> None:
        """The refs of a listing are the refs of the tickets."""
        made = sandbox.make(sandbox.new())
        for item in pull(sandbox.connector).items:
            if isinstance(item, Ref) and item.id == made:
                shown = sandbox.connector.ticket(item)
                assert not isinstance(shown, Gone)
                assert shown.ref == item

    @check()
    def test_a_query_narrows(self, sandbox: Sandbox) -> None:
        """What does not match is not told, and not told as gone."""
        if not sandbox.narrow:
            raise Absent("the sandbox gives no query")
        query, field, value = sandbox.narrow
        match = sandbox.make({**sandbox.new(1), field: value})
        other = sandbox.make(sandbox.new(2))
        told = pull(sandbox.connector, query=query)
        assert match in told.ids
        assert other not in told.ids

    @check(promises("tombstones"))
    def test_a_deletion_is_told(self, sandbox: Sandbox) -> None:
        """By the next pull and by a read, as gone and not as merged."""
        ticket = sandbox.make(sandbox.new())
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.delete(ticket)
        told = pull(sandbox.connector, cursor)
        assert ticket in told.ids, "the next pull says nothing of a deleted ticket"
        for gone in (told.gone.get(ticket), sandbox.connector.ticket(Ref(id=ticket))):
            if gone is not None:  # a bare ref in the listing will do
                assert isinstance(gone, Gone), f"a deleted ticket is told as {gone!r}"
                assert not gone.merged_into

    @check(lacks("tombstones"))
    def test_a_deletion_that_is_not_promised_is_not_told(self, sandbox: Sandbox) -> None:
        """What the connector cannot know for sure it does not say: absence is no deletion."""
        ticket = sandbox.make(sandbox.new())
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.delete(ticket)
        assert ticket not in pull(sandbox.connector, cursor).gone
        raised(NotFound, lambda: sandbox.connector.ticket(Ref(id=ticket)))

    @check()
    def test_a_hidden_ticket_is_not_told_as_gone(self, sandbox: Sandbox) -> None:
        """A lost permission is not a deletion."""
        ticket = sandbox.make(sandbox.new())
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.hide(ticket)
        assert ticket not in pull(sandbox.connector, cursor).gone
        assert ticket not in pull(sandbox.connector).gone

    @check()
    def test_a_merged_ticket_is_not_deleted(self, sandbox: Sandbox) -> None:
        """If it is told as gone, then with the name of the ticket that took its place."""
        one, two = sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))
        cursor = self._cursor(sandbox)
        sandbox.settle()
        sandbox.merge(one, two)
        gone = [pull(sandbox.connector, cursor).gone.get(one)]
        try:
            shown = sandbox.connector.ticket(Ref(id=one))
        except NotFound:
            shown = None  # absence: the hub does nothing
        gone.append(shown if isinstance(shown, Gone) else None)
        assert all(g.merged_into == two for g in gone if g), f"a merged ticket is told as {gone}"
        if shown is not None and not isinstance(shown, Gone):
            assert shown.ref.id == one, "asked for the merged ticket, it tells the other one"

    @check(looks_back)
    def test_an_index_that_lags_loses_nothing(self, sandbox: Sandbox) -> None:
        """A change that reaches the listings as late as the promised overlap is told late, not never."""
        late = int(sandbox.connector.capabilities.overlap.total_seconds())
        sandbox.lag(late)
        ticket = sandbox.make(sandbox.new())
        sandbox.advance(late + 1)
        cursor = pull(sandbox.connector).cursor
        sandbox.advance(3 * late)
        sandbox.edit(ticket, sandbox.title.theirs, "Not in the index yet")
        seen: list[str] = []
        for _ in range(6):
            told = pull(sandbox.connector, cursor)
            seen += told.ids
            cursor = told.cursor
            sandbox.advance(late / 4)
        assert ticket in seen

    @check()
    def test_the_hubs_own_clock_does_not_count(self, sandbox: Sandbox) -> None:
        """A tracker a day ahead of us, or three days behind: nothing is missed."""
        for seconds in (-3 * 86400, 86400):
            sandbox.skew(seconds)
            ticket = sandbox.make(sandbox.new())
            sandbox.settle()
            cursor = pull(sandbox.connector).cursor
            sandbox.advance(2)
            sandbox.edit(ticket, sandbox.title.theirs, f"At {seconds}")
            assert ticket in pull(sandbox.connector, cursor).ids, f"missed at {seconds} seconds"

    def _cursor(self, sandbox: Sandbox) -> str:
        """Returns a cursor after all that happened so far."""
        sandbox.settle()
        return pull(sandbox.connector).cursor
