"""Comments and attachments: written through the connector, then read, found and taken away."""

from __future__ import annotations

from collections.abc import Iterator

from prophet_hub.errors import Rejected, Unsupported
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Create,
    Delete,
    Ref,
    Update,
)
from prophet_hub.testing.contract.checks import (
    Checks,
    can,
    carries,
    check,
    create,
    lacks,
    only,
    pieces,
    promises,
    raised,
    read,
    remark,
    remarks,
)
from prophet_hub.testing.contract.reading import BYTES
from prophet_hub.testing.contract.sandbox import Sandbox
from prophet_hub.testing.texts import LONG_TEXT, TEXTS

__all__ = ["Parts"]


class Parts(Checks):
    """What hangs on a ticket."""

    @check(can("create", COMMENT))
    def test_a_comment_that_was_made_is_read(self, sandbox: Sandbox) -> None:
        """Its text, its author, its ref."""
        ticket = sandbox.make(sandbox.new())
        made = remark(sandbox, ticket, "From the hub")
        told = only(read(sandbox, ticket).comments)
        assert (told.body, told.ref) == ("From the hub", made)
        assert told.author.id == sandbox.connector.whoami().id
        assert told.private is False

    @check(can("create", COMMENT))
    def test_comments_keep_their_letters(self, sandbox: Sandbox) -> None:
        """Every text, and one of 64 kB or of the limit for comments."""
        ticket = sandbox.make(sandbox.new())
        limit = sandbox.connector.capabilities.comment_limit
        texts = [*TEXTS, LONG_TEXT[:limit].rstrip()]
        for text in texts:
            remark(sandbox, ticket, text)
        assert [len(t) for t in remarks(read(sandbox, ticket))] == [len(t) for t in texts]
        assert remarks(read(sandbox, ticket)) == texts

    @check(can("create", COMMENT), promises("private_comments"))
    def test_a_private_comment_stays_private(self, sandbox: Sandbox) -> None:
        """What was sent as private is told as private, its public neighbour is not."""
        ticket = sandbox.make(sandbox.new())
        remark(sandbox, ticket, "For us", private=True)
        remark(sandbox, ticket, "For all")
        told = {c.body: c.private for c in read(sandbox, ticket).comments}
        assert told == {"For us": True, "For all": False}

    @check(can("create", COMMENT), lacks("private_comments"))
    def test_a_private_comment_is_never_sent_into_the_open(self, sandbox: Sandbox) -> None:
        """Where none can be kept private, none is sent."""
        ticket = sandbox.make(sandbox.new())
        before = sandbox.requests()
        raised(Unsupported, lambda: remark(sandbox, ticket, "For us", private=True))
        assert sandbox.requests() == before, "a request was sent"

    @check(can("update", COMMENT))
    def test_a_comment_is_edited_in_place(self, sandbox: Sandbox) -> None:
        """One comment, the same ref, another text."""
        ticket = sandbox.make(sandbox.new())
        made = remark(sandbox, ticket, "Before")
        sandbox.connector.apply(Update(ref=made, changes={"body": "After"}))
        told = only(read(sandbox, ticket).comments)
        assert (told.ref, told.body) == (made, "After")

    @check(can("delete", COMMENT))
    def test_a_comment_is_deleted(self, sandbox: Sandbox) -> None:
        """Only that one."""
        ticket = sandbox.make(sandbox.new())
        made = remark(sandbox, ticket, "To go")
        remark(sandbox, ticket, "To stay")
        sandbox.connector.apply(Delete(ref=made))
        assert remarks(read(sandbox, ticket)) == ["To stay"]

    @check(can("create", ATTACHMENT))
    def test_an_attachment_that_was_made_is_read(self, sandbox: Sandbox) -> None:
        """Byte for byte, with its name and type."""
        limit = sandbox.connector.capabilities.attachment_limit
        data = BYTES if limit is None else BYTES[:limit]
        ticket = sandbox.make(sandbox.new())
        made = self._attach(sandbox, ticket, "Ünï 1.bin", data)
        told = only(read(sandbox, ticket).attachments)
        assert (told.ref, told.name) == (made, "Ünï 1.bin")
        assert told.content_type == "application/x-thing"
        got = b"".join(sandbox.connector.content(told.ref))
        assert got == data, f"{len(got)} bytes came back of {len(data)}"

    @check(can("create", ATTACHMENT), promises("attachment_limit"))
    def test_a_file_above_the_limit_is_not_opened(self, sandbox: Sandbox) -> None:
        """Refused before a byte is read and before any request."""
        limit = sandbox.connector.capabilities.attachment_limit or 0
        ticket = sandbox.make(sandbox.new())
        opened: list[bool] = []

        def content() -> Iterator[bytes]:
            opened.append(True)
            return iter([b"x"])

        before = sandbox.requests()
        too_large = Create(
            ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
            fields={"name": "big.bin", "content_type": "application/x-thing"},
            size=limit + 1,
            content=content,
        )
        raised((Unsupported, Rejected), lambda: sandbox.connector.apply(too_large))
        assert not opened, "the content was opened"
        assert sandbox.requests() == before, "a request was sent"

    @check(can("delete", ATTACHMENT))
    def test_an_attachment_is_deleted(self, sandbox: Sandbox) -> None:
        """It is no longer told."""
        ticket = sandbox.make(sandbox.new())
        made = self._attach(sandbox, ticket, "a.bin", b"abc")
        sandbox.connector.apply(Delete(ref=made))
        assert read(sandbox, ticket).attachments == ()

    @check(can("create", COMMENT), carries(COMMENT))
    def test_a_comment_is_found_by_its_key(self, sandbox: Sandbox) -> None:
        """In its ticket; the key is no part of the text."""
        key, ticket = sandbox.key(), sandbox.make(sandbox.new())
        made = remark(sandbox, ticket, "A remark", key=key)
        ask = Ref(kind=COMMENT, id="", ticket=ticket)
        assert sandbox.connector.find(ask, key) == made
        assert sandbox.connector.find(ask, sandbox.key()) is None
        told = only(read(sandbox, ticket).comments)
        assert (told.body, told.key) == ("A remark", key)

    @check(can("create", ATTACHMENT), carries(ATTACHMENT))
    def test_an_attachment_is_found_by_its_key(self, sandbox: Sandbox) -> None:
        """In its ticket."""
        key, ticket = sandbox.key(), sandbox.make(sandbox.new())
        made = self._attach(sandbox, ticket, "a.bin", b"abc", key)
        ask = Ref(kind=ATTACHMENT, id="", ticket=ticket)
        assert sandbox.connector.find(ask, key) == made
        assert sandbox.connector.find(ask, sandbox.key()) is None
        told = only(read(sandbox, ticket).attachments)
        assert told.key == key

    @check(can("create", COMMENT), lacks("mentions"), lacks("notifies"))
    def test_nobody_is_notified(self, sandbox: Sandbox) -> None:
        """A connector that promises silence sends no mail, whatever a text says."""
        before = sandbox.notified()
        made = create(sandbox)
        remark(sandbox, made.id, f"@{sandbox.person} look: @all @here")
        assert sandbox.notified() == before

    def _attach(self, sandbox: Sandbox, ticket: str, name: str, data: bytes, key: str = "") -> Ref:
        return sandbox.connector.apply(
            Create(
                ref=Ref(kind=ATTACHMENT, id="", ticket=ticket),
                fields={"name": name, "content_type": "application/x-thing"},
                key=key,
                size=len(data),
                content=pieces(data),
            )
        ).ref
