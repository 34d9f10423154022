"""The listing in pages: what it shows of a ticket is what the ticket shows, at a fraction of the cost."""

from __future__ import annotations

from prophet_hub.errors import NotFound
from prophet_hub.sdk import Connector, Gone, ListedTicket, Pull, Ref, Ticket
from prophet_hub.testing.contract.checks import Checks, check, read, told_id
from prophet_hub.testing.contract.sandbox import Absent, Sandbox

__all__ = ["Listing"]

Line = ListedTicket | Ticket | Ref


def _pages(sandbox: Sandbox) -> str:
    """Whether the connector lists in pages; else `changed` stands for it, which is checked elsewhere."""
    return "" if sandbox.connector.listed(Pull()) is not None else "no listing in pages is told"


def _lines(connector: Connector, query: str = "") -> list[Line]:
    """Returns all lines of a listing, in order, that are of tickets which are there."""
    told = connector.listed(Pull(query=query))
    assert told is not None
    return [item for item in told if not isinstance(item, Gone)]


def _told(line: ListedTicket | Ticket) -> frozenset[str]:
    return line.told if isinstance(line, ListedTicket) else frozenset(line.fields)


class Listing(Checks):
    """What `listed` tells."""

    @check(_pages)
    def test_each_ticket_is_listed_once(self, sandbox: Sandbox) -> None:
        """More than a page of them, none twice."""
        made = {sandbox.make(sandbox.new(n)) for n in range(sandbox.many)}
        sandbox.settle()
        ids = [told_id(line) for line in _lines(sandbox.connector)]
        missed = made - set(ids)
        assert not missed, f"not listed: {sorted(missed)}"
        assert len(ids) == len(set(ids)), "a ticket is listed twice"

    @check(_pages)
    def test_a_listing_shows_what_the_ticket_shows(self, sandbox: Sandbox) -> None:
        """Field by field, as far as it tells them; its time of change is never ahead."""
        tickets = [sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))]
        for row in sandbox.connector.fields:
            try:
                sandbox.edit(tickets[0], row.theirs, sandbox.pair(row)[0])
            except Absent:
                continue
        sandbox.settle()
        shown = {ticket: read(sandbox, ticket) for ticket in tickets}
        lines = {told_id(line): line for line in _lines(sandbox.connector)}
        for ticket, whole in shown.items():
            line = lines[ticket]
            if isinstance(line, Ref):
                raise Absent("the listing tells numbers alone")
            told = _told(line)
            here = {name: line.fields.get(name) for name in told}
            there = {name: whole.fields.get(name) for name in told}
            assert here == there, "listed with other values than the ticket has"
            assert line.fields.keys() <= told, "a field is listed and not among those told"
            assert line.updated is None or line.updated <= whole.updated
            assert isinstance(line, Ticket) or line.updated is None or line.updated >= whole.created

    @check(_pages)
    def test_a_listing_tells_the_attachments_that_are_there(self, sandbox: Sandbox) -> None:
        """All their ids, if it tells any."""
        ticket, other = sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))
        made = sandbox.attach(ticket, "a.txt", b"abc")
        sandbox.settle()
        told = {
            told_id(line): line.attachments
            for line in _lines(sandbox.connector)
            if isinstance(line, ListedTicket)
        }
        assert told.get(ticket) in (None, frozenset({made}))
        assert told.get(other) in (None, frozenset())

    @check(_pages)
    def test_an_edit_shows_in_the_listing(self, sandbox: Sandbox) -> None:
        """By the new value, or by the time of change."""
        ticket = sandbox.make(sandbox.new())
        sandbox.settle()
        before = {told_id(line): line for line in _lines(sandbox.connector)}
        sandbox.edit(ticket, sandbox.title.theirs, "Listed anew")
        sandbox.settle()
        after = {told_id(line): line for line in _lines(sandbox.connector)}
        line = after[ticket]
        if isinstance(line, Ref) or not (line.updated or sandbox.title.theirs in _told(line)):
            raise Absent("the listing tells neither summaries nor times")
        assert before[ticket] != line

    @check(_pages)
    def test_what_is_not_there_is_not_listed(self, sandbox: Sandbox) -> None:
        """A ticket that the account may not see."""
        ticket = sandbox.make(sandbox.new())
        sandbox.hide(ticket)
        sandbox.settle()
        try:
            sandbox.connector.ticket(Ref(id=ticket))
        except NotFound:
            assert ticket not in {told_id(line) for line in _lines(sandbox.connector)}
        else:
            raise Absent("what is hidden here can be read")

    @check(_pages)
    def test_a_listing_costs_far_less_than_a_request_a_ticket(self, sandbox: Sandbox) -> None:
        """However long it is: what does not change is asked for once."""
        for n in range(sandbox.many):
            sandbox.make(sandbox.new(n))
        sandbox.settle()
        listed = len(_lines(sandbox.connector))  # who and what numbers mean is known from here on
        before = sandbox.requests()
        assert len(_lines(sandbox.connector)) == listed
        spent = sandbox.requests() - before
        assert spent <= max(2, (listed + 1) // 2 + 1), f"{spent} requests for {listed} tickets"

    @check(_pages)
    def test_a_query_narrows_the_listing(self, sandbox: Sandbox) -> None:
        """Told is what the query finds, and nothing else."""
        if sandbox.narrow is None:
            raise Absent("the sandbox gives no query")
        query, name, value = sandbox.narrow
        fitting = sandbox.make({**sandbox.new(1), name: value})
        other = sandbox.make(sandbox.new(2))
        sandbox.settle()
        ids = {told_id(line) for line in _lines(sandbox.connector, query)}
        assert fitting in ids
        assert other not in ids, "a ticket that the query does not find is listed"
