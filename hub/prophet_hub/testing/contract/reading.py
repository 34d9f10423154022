"""Reading: what a ticket shows, who is named, what is not there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from prophet_hub.errors import NotFound
from prophet_hub.sdk import ATTACHMENT, Person, Ref
from prophet_hub.testing.contract.checks import (
    Checks,
    can,
    check,
    holds,
    only,
    promises,
    raised,
    read,
    remarks,
)
from prophet_hub.testing.contract.sandbox import Absent, Sandbox
from prophet_hub.testing.texts import TEXTS

BYTES = bytes(range(256)) * 1200 + b"\r\n\x00\xff the end"
"""300 kB in which every byte occurs, line ends and a NUL among them."""

WINK = timedelta(minutes=2)
"""How far two clocks of one place may be apart; no zone is so near to UTC."""


class Reading(Checks):
    """What one ticket tells."""

    @check()
    def test_whoami_names_the_account(self, sandbox: Sandbox) -> None:
        """The account has an id, the same each time."""
        me = sandbox.connector.whoami()
        assert isinstance(me, Person)
        assert me.id
        assert sandbox.connector.whoami().id == me.id

    @check()
    def test_a_ticket_shows_its_fields(self, sandbox: Sandbox) -> None:
        """What a person wrote is what is told, every field that a new ticket carries."""
        fields = sandbox.new()
        shown = read(sandbox, sandbox.make(fields))
        for name, value in fields.items():
            holds(sandbox.connector.fields, shown, name, value)

    @check()
    def test_a_ticket_shows_each_writable_field(self, sandbox: Sandbox) -> None:
        """What a person changed afterwards is told too, field by field."""
        tried = 0
        for row in sandbox.connector.fields:
            try:
                value = sandbox.pair(row)[0]
                ticket = sandbox.make(sandbox.new())
                sandbox.edit(ticket, row.theirs, value)
            except Absent:
                continue
            tried += 1
            holds(sandbox.connector.fields, read(sandbox, ticket), row.theirs, value)
        if not tried:
            raise Absent("no field could be edited by a person")

    @check()
    def test_what_is_empty_is_absent(self, sandbox: Sandbox) -> None:
        """No field shows "", an empty set or None: it is not there."""
        shown = read(sandbox, sandbox.make(sandbox.new()))
        empty = {n: v for n, v in shown.fields.items() if not v}
        assert not empty, f"told although empty: {empty}"

    @check()
    def test_fields_are_those_of_the_table(self, sandbox: Sandbox) -> None:
        """Every field told has a row; sets are sets and the others text."""
        shown = read(sandbox, sandbox.make(sandbox.new()))
        for name, value in shown.fields.items():
            row = sandbox.connector.fields.theirs(name)
            assert row is not None, f"{name} is told and has no row in the field map"
            expected = frozenset if row.kind.many else str
            assert isinstance(value, expected), f"{name} is told as {value!r}"

    @check()
    def test_a_ticket_answers_to_the_id_asked_for(self, sandbox: Sandbox) -> None:
        """Asked for one ticket, the connector does not tell another."""
        one, two = sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))
        assert [read(sandbox, t).ref.id for t in (one, two)] == [one, two]

    @check()
    def test_times_are_aware_and_in_utc(self, sandbox: Sandbox) -> None:
        """Every instant of a ticket is aware, in UTC, and updated is not before created."""
        ticket = sandbox.make(sandbox.new())
        self._stir(sandbox, ticket)
        shown = read(sandbox, ticket)
        instants = [shown.created, shown.updated, *(e.created for e in shown.events)]
        instants += [c.created for c in shown.comments] + [a.created for a in shown.attachments]
        for instant in instants:
            assert isinstance(instant, datetime)
            assert instant.tzinfo is not None, f"{instant} is naive"
            assert instant.utcoffset() == UTC.utcoffset(None), f"{instant} is not in UTC"
        assert shown.updated >= shown.created

    @check()
    def test_times_are_those_of_the_tracker(self, sandbox: Sandbox) -> None:
        """Whatever zone the server or the account lives in: an hour off is a zone taken for UTC."""
        begun = sandbox.now()
        ticket = sandbox.make(sandbox.new())
        sandbox.advance(1)
        self._stir(sandbox, ticket)
        shown = read(sandbox, ticket)
        ended = sandbox.now()
        instants = {"created": shown.created, "updated": shown.updated}
        instants |= {f"event {e.id}": e.created for e in shown.events}
        instants |= {f"comment {c.ref.id}": c.created for c in shown.comments}
        instants |= {f"attachment {a.ref.id}": a.created for a in shown.attachments}
        for what, instant in instants.items():
            assert begun - WINK <= instant <= ended + WINK, f"{what}: {instant}, not about {ended}"

    @check()
    def test_authors_are_told(self, sandbox: Sandbox) -> None:
        """The ticket, its comments and its attachments name the person who made them."""
        if not sandbox.person:
            raise Absent("the sandbox does not say who the person is")
        ticket = sandbox.make(sandbox.new())
        self._stir(sandbox, ticket)
        shown = read(sandbox, ticket)
        named = {shown.author.id}
        named |= {c.author.id for c in shown.comments} | {a.author.id for a in shown.attachments}
        assert named == {sandbox.person}

    @check()
    def test_people_are_keyed_by_their_id(self, sandbox: Sandbox) -> None:
        """The details of persons stand under the id by which fields and authors name them."""
        shown = read(sandbox, sandbox.make(sandbox.new()))
        for name, person in shown.people.items():
            assert person.id == name

    @check()
    def test_reading_twice_tells_the_same(self, sandbox: Sandbox) -> None:
        """A ticket that nobody touched is told the same, to the last part."""
        ticket = sandbox.make(sandbox.new())
        self._stir(sandbox, ticket)
        assert read(sandbox, ticket) == read(sandbox, ticket)

    @check()
    def test_tickets_are_read_from_several_threads(self, sandbox: Sandbox) -> None:
        """Each thread gets the ticket it asked for, whole."""
        tickets = [sandbox.make(sandbox.new(n)) for n in range(sandbox.many)] * 4
        alone = {t: read(sandbox, t) for t in set(tickets)}
        workers = max(2, sandbox.connector.capabilities.concurrency)
        with ThreadPoolExecutor(max_workers=workers) as pool:
            told = list(pool.map(lambda t: sandbox.connector.ticket(Ref(id=t)), tickets))
        assert told == [alone[t] for t in tickets]

    @check()
    def test_a_missing_ticket_is_not_found(self, sandbox: Sandbox) -> None:
        """A number that nobody ever had is not found, and not gone."""
        raised(NotFound, lambda: sandbox.connector.ticket(Ref(id="999999999")))

    @check()
    def test_a_hidden_ticket_is_not_found(self, sandbox: Sandbox) -> None:
        """A ticket that the account may no longer see is not found: never told as deleted."""
        ticket = sandbox.make(sandbox.new())
        sandbox.hide(ticket)
        raised(NotFound, lambda: sandbox.connector.ticket(Ref(id=ticket)))

    @check()
    def test_comments_are_told_in_order(self, sandbox: Sandbox) -> None:
        """A person's comments are all there, oldest first, their text as written."""
        ticket = sandbox.make(sandbox.new())
        bodies = ["The first", "The second", "The third"]
        ids = []
        for body in bodies:
            ids.append(sandbox.comment(ticket, body))
            sandbox.advance(1)
        shown = read(sandbox, ticket)
        assert remarks(shown) == bodies
        assert [c.ref.id for c in shown.comments] == ids
        assert {c.ref.ticket for c in shown.comments} == {ticket}

    @check()
    def test_a_comment_keeps_its_text(self, sandbox: Sandbox) -> None:
        """Scripts from right to left, emoji, combining marks, quotes, markup: nothing is lost."""
        ticket = sandbox.make(sandbox.new())
        for text in TEXTS:
            sandbox.comment(ticket, text)
        assert remarks(read(sandbox, ticket)) == list(TEXTS)

    @check(promises("private_comments"))
    def test_a_private_comment_is_told_as_private(self, sandbox: Sandbox) -> None:
        """True, or None where the tracker does not tell, which counts as private; never False."""
        ticket = sandbox.make(sandbox.new())
        secret = sandbox.comment(ticket, "For us alone", private=True)
        told = {c.ref.id: c.private for c in read(sandbox, ticket).comments}
        assert told.get(secret, False) is not False

    @check()
    def test_a_public_comment_is_told_as_public(self, sandbox: Sandbox) -> None:
        """Else it would never leave the tracker."""
        ticket = sandbox.make(sandbox.new())
        sandbox.comment(ticket, "For everybody")
        assert [c.private for c in read(sandbox, ticket).comments] == [False]

    @check()
    def test_an_attachment_is_read_byte_for_byte(self, sandbox: Sandbox) -> None:
        """300 kB with every byte in it come back as they are."""
        ticket = sandbox.make(sandbox.new())
        made = sandbox.attach(ticket, "all bytes.bin", BYTES)
        told = only(read(sandbox, ticket).attachments)
        assert (told.ref.id, told.ref.ticket, told.name) == (made, ticket, "all bytes.bin")
        assert told.size in (None, len(BYTES))
        data = b"".join(sandbox.connector.content(told.ref))
        assert data == BYTES, f"{len(data)} bytes came for {len(BYTES)}"

    @check(promises("streams"))
    def test_an_attachment_comes_in_pieces(self, sandbox: Sandbox) -> None:
        """No piece is as large as the file: it is never held whole."""
        ticket = sandbox.make(sandbox.new())
        sandbox.attach(ticket, "large.bin", BYTES * 3)
        told = only(read(sandbox, ticket).attachments)
        sizes = [len(piece) for piece in sandbox.connector.content(told.ref)]
        assert sum(sizes) == len(BYTES) * 3
        assert max(sizes) <= len(BYTES), f"a piece of {max(sizes)} bytes"

    @check()
    def test_an_attachment_may_have_any_name(self, sandbox: Sandbox) -> None:
        """Names keep their letters, blanks and brackets."""
        ticket = sandbox.make(sandbox.new())
        name = "Ünï 日本語 (1).txt"
        sandbox.attach(ticket, name, b"abc")
        assert only(read(sandbox, ticket).attachments).name == name

    @check(can("create", ATTACHMENT))
    def test_an_empty_file_is_a_file(self, sandbox: Sandbox) -> None:
        """It is told, and has no bytes."""
        ticket = sandbox.make(sandbox.new())
        sandbox.attach(ticket, "empty.txt", b"")
        told = only(read(sandbox, ticket).attachments)
        assert told.size in (None, 0)
        assert b"".join(sandbox.connector.content(told.ref)) == b""

    @check()
    def test_parts_of_two_tickets_never_share_an_id(self, sandbox: Sandbox) -> None:
        """The hub knows a comment and a file by its id alone, wherever it hangs."""
        tickets = [sandbox.make(sandbox.new(n)) for n in (1, 2)]
        for ticket in tickets:
            self._stir(sandbox, ticket)
        shown = [read(sandbox, ticket) for ticket in tickets]
        if not any(ticket.comments or ticket.attachments for ticket in shown):
            raise Absent("nothing hangs on a ticket here")
        for kind in ("comments", "attachments"):
            ids = [part.ref.id for ticket in shown for part in getattr(ticket, kind)]
            assert len(set(ids)) == len(ids), f"{kind} of two tickets share an id: {sorted(ids)}"

    @check()
    def test_a_missing_attachment_is_not_found(self, sandbox: Sandbox) -> None:
        """Bytes that are not there are an error, not an empty file."""
        ticket = sandbox.make(sandbox.new())
        sandbox.attach(ticket, "a.txt", b"a")
        told = only(read(sandbox, ticket).attachments)
        wrong = Ref(kind=told.ref.kind, id="999999999", ticket=ticket)
        raised(NotFound, lambda: b"".join(sandbox.connector.content(wrong)))

    def _stir(self, sandbox: Sandbox, ticket: str) -> None:
        """Lets a person do what can be done to a ticket here."""
        title = sandbox.title.theirs
        for act in (
            lambda: sandbox.edit(ticket, title, "Another title"),
            lambda: sandbox.comment(ticket, "A remark"),
            lambda: sandbox.attach(ticket, "a.txt", b"abc"),
        ):
            try:
                act()
            except Absent:
                continue


__all__ = ["BYTES", "Reading"]
