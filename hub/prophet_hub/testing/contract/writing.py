"""Writing: what was sent is there when it is read, and nothing else is."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from prophet_hub.errors import NotFound, Rejected, Stale, Unsupported
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Create,
    Delete,
    Field,
    Gone,
    Operation,
    Person,
    Ref,
    Update,
    Value,
)
from prophet_hub.testing.contract.checks import (
    Checks,
    can,
    carries,
    check,
    create,
    holds,
    kept,
    lacks,
    promises,
    pull,
    raised,
    read,
    update,
)
from prophet_hub.testing.contract.sandbox import Absent, Sandbox
from prophet_hub.testing.texts import LONG_TEXT, TEXTS

__all__ = ["Writing"]


class Writing(Checks):
    """Creates, updates and deletes through the connector."""

    @check(can("create"))
    def test_what_was_created_is_read(self, sandbox: Sandbox) -> None:
        """Every field that a create may carry is there, our account is the author."""
        fields = sandbox.new()
        for row in sandbox.connector.fields:
            value = self._value(sandbox, row)
            if row.on_create and value is not None:
                fields[row.theirs] = value
        made = sandbox.connector.apply(Create(ref=Ref(id=""), fields=fields)).ref
        assert made.kind == TICKET
        shown = read(sandbox, made.id)
        for name, value in fields.items():
            holds(sandbox.connector.fields, shown, name, value)
        if sandbox.person:  # where authors are told at all
            assert shown.author.id == sandbox.connector.whoami().id

    @check(can("create"))
    def test_what_was_created_is_told_by_a_pull(self, sandbox: Sandbox) -> None:
        """The hub meets its own ticket in the listings."""
        made = create(sandbox)
        assert made.id in pull(sandbox.connector).ids

    @check(can("create"))
    def test_creates_are_not_one(self, sandbox: Sandbox) -> None:
        """The same create twice makes two tickets: that they are one is for the hub to say."""
        assert create(sandbox).id != create(sandbox).id

    @check(can("update"))
    def test_what_was_updated_is_read(self, sandbox: Sandbox) -> None:
        """Each field that an update may change, from one value to another."""
        ticket = sandbox.make(sandbox.new())
        for row in sandbox.connector.fields:
            try:
                pair = sandbox.pair(row) if row.writable else ()
            except Absent:
                continue
            for value in pair:
                update(sandbox, ticket, row.theirs, value)
                kept(sandbox, ticket, row.theirs, value)

    @check(can("update"))
    def test_an_update_touches_nothing_else(self, sandbox: Sandbox) -> None:
        """The other fields, the comments and the attachments are as before."""
        ticket = sandbox.make(sandbox.new())
        for row in sandbox.connector.fields:
            value = self._value(sandbox, row)
            if row.writable and value is not None and row.theirs != sandbox.title.theirs:
                sandbox.edit(ticket, row.theirs, value)
        before = read(sandbox, ticket)
        update(sandbox, ticket, sandbox.title.theirs, "Only the title")
        after = read(sandbox, ticket)
        touched = {
            name
            for name in before.fields.keys() | after.fields.keys()
            if before.fields.get(name) != after.fields.get(name)
        }
        assert touched == {sandbox.title.theirs}
        assert (after.comments, after.attachments) == (before.comments, before.attachments)

    @check(can("update"))
    def test_a_field_is_cleared(self, sandbox: Sandbox) -> None:
        """Cleared, it is absent."""
        tried = False
        for name in sorted(sandbox.clearable):
            row = sandbox.connector.fields.theirs(name)
            value = self._value(sandbox, row) if row is not None and row.writable else None
            if value is None:
                continue
            tried = True
            ticket = sandbox.make({**sandbox.new(), name: value})
            update(sandbox, ticket, name, None)
            shown = read(sandbox, ticket)
            assert name not in shown.fields, f"{name} was cleared and shows {shown.fields[name]!r}"
        if not tried:
            raise Absent("the sandbox names no field that may be cleared")

    @check(can("update"))
    def test_members_of_a_set_are_added_and_removed(self, sandbox: Sandbox) -> None:
        """Only those named: a member that somebody else just added stays."""
        for row in sandbox.connector.fields:
            if row.kind.many and row.writable:
                one, two = sandbox.pair(row)
                break
        else:
            raise Absent("the field map has no set that may be written")
        assert isinstance(one, frozenset)
        assert isinstance(two, frozenset)
        ticket = sandbox.make(sandbox.new())
        name, ref = row.theirs, Ref(id=ticket)
        sandbox.connector.apply(Update(ref=ref, added={name: one}))
        kept(sandbox, ticket, name, one)
        sandbox.edit(ticket, name, one | two)
        sandbox.connector.apply(Update(ref=ref, removed={name: one}, before={name: one}))
        kept(sandbox, ticket, name, two)
        sandbox.connector.apply(Update(ref=ref, removed={name: two}, before={name: two}))
        assert name not in read(sandbox, ticket).fields

    @check(can("update"))
    def test_an_update_that_says_nothing_new_does_no_harm(self, sandbox: Sandbox) -> None:
        """The value that is there already may be sent."""
        title = sandbox.title.theirs
        ticket = sandbox.make({**sandbox.new(), title: "As it is"})
        update(sandbox, ticket, title, "As it is")
        kept(sandbox, ticket, title, "As it is")

    @check(can("update"))
    def test_titles_keep_their_letters(self, sandbox: Sandbox) -> None:
        """Every text of one line."""
        title = sandbox.title.theirs
        ticket = sandbox.make(sandbox.new())
        for text in TEXTS:
            if text == " ".join(text.split()):
                update(sandbox, ticket, title, text)
                kept(sandbox, ticket, title, text)

    @check(can("update"))
    def test_long_texts_keep_their_letters(self, sandbox: Sandbox) -> None:
        """Every text, and one of 64 kB or of the field's limit, in a field for long texts."""
        row = sandbox.long
        for text in (*TEXTS, LONG_TEXT[: row.limit].rstrip()):
            if row.writable:
                ticket = sandbox.make(sandbox.new())
                update(sandbox, ticket, row.theirs, text)
            else:
                ticket = create(sandbox, more={row.theirs: text}).id
            kept(sandbox, ticket, row.theirs, text)

    @check(can("update"))
    def test_a_refused_value_changes_nothing(self, sandbox: Sandbox) -> None:
        """The connector says Rejected, or a read shows the old value: no read shows the wrong one."""
        if not sandbox.refused:
            raise Absent("the sandbox knows no value that is refused")
        name, value = sandbox.refused
        ticket = sandbox.make(sandbox.new())
        before = read(sandbox, ticket).fields.get(name)
        with suppress(Rejected):
            update(sandbox, ticket, name, value)
        kept(sandbox, ticket, name, before)

    @check(can("update"))
    def test_an_update_of_a_missing_ticket_is_not_found(self, sandbox: Sandbox) -> None:
        """Nothing is made in its place."""
        lost = Update(ref=Ref(id="999999999"), changes={sandbox.title.theirs: "x"})
        raised((NotFound, Stale, Rejected), lambda: sandbox.connector.apply(lost))

    @check(can("delete"))
    def test_a_ticket_is_deleted(self, sandbox: Sandbox) -> None:
        """Gone where that is told, else not found; the others stay."""
        ticket, other = sandbox.make(sandbox.new(1)), sandbox.make(sandbox.new(2))
        shown = read(sandbox, ticket)
        sandbox.connector.apply(Delete(ref=shown.ref, version=shown.version))
        try:
            told = sandbox.connector.ticket(shown.ref)
        except NotFound:
            told = None
        assert told is None or isinstance(told, Gone), "it is still there"
        assert (told is not None) == sandbox.connector.capabilities.tombstones
        assert read(sandbox, other).ref.id == other

    @check(can("update"), promises("conditional"))
    def test_a_write_to_an_old_version_is_stale(self, sandbox: Sandbox) -> None:
        """Somebody was quicker: nothing is done, and the connector says so."""
        title = sandbox.title.theirs
        ticket = sandbox.make(sandbox.new())
        old = read(sandbox, ticket)
        assert old.version, "conditional is promised, and the ticket has no version"
        sandbox.edit(ticket, title, "Somebody was quicker")
        assert read(sandbox, ticket).version != old.version
        late = Update(ref=old.ref, changes={title: "Too late"}, version=old.version)
        raised(Stale, lambda: sandbox.connector.apply(late))
        kept(sandbox, ticket, title, "Somebody was quicker")

    @check(can("delete"), promises("conditional"))
    def test_a_delete_of_an_old_version_is_stale(self, sandbox: Sandbox) -> None:
        """An edit that nobody saw is not deleted."""
        ticket = sandbox.make(sandbox.new())
        old = read(sandbox, ticket)
        sandbox.edit(ticket, sandbox.title.theirs, "Somebody was quicker")
        late = Delete(ref=old.ref, version=old.version)
        raised(Stale, lambda: sandbox.connector.apply(late))
        kept(sandbox, ticket, sandbox.title.theirs, "Somebody was quicker")

    @check(can("create"), carries(TICKET))
    def test_a_ticket_is_found_by_its_key(self, sandbox: Sandbox) -> None:
        """At once; the ticket shows the key; what nobody carries is not found."""
        key = sandbox.key()
        made = create(sandbox, key=key)
        ask = Ref(id="")
        assert sandbox.connector.find(ask, key) == made
        assert sandbox.connector.find(ask, sandbox.key()) is None
        assert read(sandbox, made.id).key == key

    @check(can("create"), lacks("impersonation"))
    def test_an_author_that_is_not_promised_is_not_pretended(self, sandbox: Sandbox) -> None:
        """The ticket says that it was our account: the hub counts on it to know its own."""
        ada = Person(id="ada", name="Ada", email="ada@example.org")
        said = Create(ref=Ref(id=""), fields=sandbox.new(), author=ada)
        shown = read(sandbox, sandbox.connector.apply(said).ref.id)
        assert shown.author.id != "ada"

    @check(can("create"), can("update"))
    def test_what_an_answer_shows_is_what_a_read_shows(self, sandbox: Sandbox) -> None:
        """A receipt need not show the ticket; if it does, then as it is, the version too."""
        title = sandbox.title.theirs
        birth = Create(ref=Ref(id=""), fields=sandbox.new())
        made = sandbox.connector.apply(birth)
        shown = read(sandbox, made.ref.id)
        assert made.ticket in (None, shown)
        change = Update(ref=shown.ref, changes={title: "Shown"}, version=shown.version)
        told = sandbox.connector.apply(change)
        assert told.ref == shown.ref
        assert told.ticket in (None, read(sandbox, made.ref.id))

    @check(can("create"), promises("impersonation"))
    def test_an_author_and_a_date_are_taken_over(self, sandbox: Sandbox) -> None:
        """What was said years ago by somebody else shows so."""
        ada = Person(id="ada", name="Ada", email="ada@example.org")
        long_ago = datetime(2009, 7, 1, 12, 34, 56, tzinfo=UTC)
        old = Create(ref=Ref(id=""), fields=sandbox.new(), author=ada, created=long_ago)
        shown = read(sandbox, sandbox.connector.apply(old).ref.id)
        assert (shown.author.id, shown.created) == ("ada", long_ago)

    @check()
    def test_what_is_not_declared_is_refused_before_any_request(self, sandbox: Sandbox) -> None:
        """Every verb on every kind that is not declared, and a kind that nobody knows."""
        ticket = sandbox.make(sandbox.new())
        declared = sandbox.connector.capabilities.writes
        before = sandbox.requests()
        for kind in (TICKET, COMMENT, ATTACHMENT, "page"):
            for verb, operation in self._operations(sandbox, kind, ticket):
                if (verb, kind) not in declared:
                    raised(Unsupported, partial(sandbox.connector.apply, operation))
        assert sandbox.requests() == before, "a request was sent"

    def _operations(self, sandbox: Sandbox, kind: str, ticket: str) -> list[tuple[str, Operation]]:
        inner = "" if kind == TICKET else ticket
        fields = sandbox.new() if kind == TICKET else {"body": "x", "name": "x"}
        return [
            ("create", Create(ref=Ref(kind=kind, id="", ticket=inner), fields=fields)),
            ("update", Update(ref=Ref(kind=kind, id="1", ticket=inner), changes={"body": "x"})),
            ("delete", Delete(ref=Ref(kind=kind, id="1", ticket=inner))),
        ]

    def _value(self, sandbox: Sandbox, row: Field) -> Value | None:
        try:
            return sandbox.pair(row)[0]
        except Absent:
            return None
