"""Texts: their markup, how they refer to tickets, how long they may be."""

from __future__ import annotations

from contextlib import suppress

from prophet_hub.sdk import COMMENT, Comment, Create, Field, Kind, Ref, References, Ticket, Update
from prophet_hub.sdk.markup import known
from prophet_hub.testing.contract.checks import (
    Checks,
    can,
    check,
    create,
    holds,
    kept,
    only,
    promises,
    read,
    remark,
    remarks,
    update,
)
from prophet_hub.testing.contract.sandbox import Absent, Sandbox
from prophet_hub.testing.texts import MARKED, TEXTS, text_of

__all__ = ["Texts"]

_AROUND = ("{}", "See {}.", "({}), too", "First:\n{}\nand more")
_NOTHING = (
    *(text for text in TEXTS if "42" not in text),
    "Two words, C# and 50 %; 3.14 on 2026-12-01, from ada@example.org.",
    "http://elsewhere.example/pages/and/no/more?of=them",
)


def _refers(sandbox: Sandbox) -> str:
    """The connector knows how texts refer to tickets."""
    return "" if sandbox.connector.references else "not declared: references"


def _long(sandbox: Sandbox) -> str:
    """There is a field for long texts that may be written."""
    try:
        sandbox.long  # noqa: B018 - asked only whether it is there
    except Absent as absent:
        return str(absent)
    return ""


def _limited(sandbox: Sandbox) -> str:
    """A field that may be written has a limit."""
    return "" if _short_rows(sandbox) else "not declared: a field's limit"


class Texts(Checks):
    """What texts are written in, how they refer to tickets, how long they may be."""

    @check()
    def test_dialects_are_those_that_are_known_or_declared(self, sandbox: Sandbox) -> None:
        """The best one is known to the hub, which converts into it; none is declared twice."""
        declared = sandbox.connector.capabilities.dialects
        assert declared, "no dialect is declared"
        assert len(set(declared)) == len(declared), f"one is declared twice: {declared}"
        assert known(declared[0]), f"the best dialect is {declared[0]!r}, which nobody can write"
        ticket = sandbox.make(sandbox.new())
        with suppress(Absent):  # what the ticket itself says is in a dialect too
            sandbox.comment(ticket, "A remark")
        shown = read(sandbox, ticket)
        for dialect in (shown.dialect, *(c.dialect for c in shown.comments)):
            assert known(dialect) or dialect in declared, f"told in {dialect!r}"

    @check(can("create"), can("update"), _long)
    def test_long_texts_are_kept_in_each_dialect(self, sandbox: Sandbox) -> None:
        """Letter by letter, born so and edited so, told in a dialect that is declared."""
        row = sandbox.long
        for dialect in sandbox.connector.capabilities.dialects:
            text = MARKED.get(dialect, TEXTS[0])
            fields = sandbox.new() | ({row.theirs: text} if row.on_create else {})
            birth = Create(ref=Ref(id=""), fields=fields, dialect=dialect)
            shown = read(sandbox, sandbox.connector.apply(birth).ref.id)
            _declared(sandbox, shown)
            if row.on_create:
                holds(sandbox.connector.fields, shown, row.theirs, text)
            if row.writable:
                text = MARKED.get(shown.dialect, TEXTS[0]) + "\n\nEdited."
                change = Update(
                    ref=shown.ref,
                    version=shown.version,
                    changes={row.theirs: text},
                    before={n: v for n, v in shown.fields.items() if n == row.theirs},
                    dialect=shown.dialect,
                )
                sandbox.connector.apply(change)
                kept(sandbox, shown.ref.id, row.theirs, text)
                _declared(sandbox, read(sandbox, shown.ref.id))

    @check(can("create", COMMENT))
    def test_comments_are_kept_in_each_dialect(self, sandbox: Sandbox) -> None:
        """Letter by letter, told in a dialect that is declared."""
        for dialect in sandbox.connector.capabilities.dialects:
            text = MARKED.get(dialect, TEXTS[0])
            ref = Ref(kind=COMMENT, id="", ticket=sandbox.make(sandbox.new()))
            sandbox.connector.apply(Create(ref=ref, fields={"body": text}, dialect=dialect))
            told = only(read(sandbox, ref.ticket).comments)
            assert told.body == text
            _declared(sandbox, told)

    @check(_refers)
    def test_references_are_found_again(self, sandbox: Sandbox) -> None:
        """A ticket's address and what a text calls it, alone, in sentences and between lines."""
        refers, ticket = _references(sandbox), sandbox.make(sandbox.new())
        for said in (refers.address(ticket), refers.to(ticket)):
            for around in _AROUND:
                text, found = around.format(said), list[tuple[str, str]]()
                put = refers.put(text, lambda *pair, to=found: to.append(pair) or "<it>")
                assert found == [(ticket, said)], f"{text!r} refers to {found}"
                assert put == around.format("<it>")

    @check(_refers)
    def test_what_refers_to_nothing_is_left_alone(self, sandbox: Sandbox) -> None:
        """Texts without a reference, and the addresses of another server's tickets."""
        refers, ticket = _references(sandbox), sandbox.make(sandbox.new())
        scheme, _, place = refers.address(ticket).partition("://")
        for text in (*_NOTHING, f"See {scheme}://elsewhere.{place}", f"{scheme}://x/{place}"):
            put = refers.put(text, lambda ticket, said: f"<{ticket} for {said}>")
            assert put == text

    @check(can("create"), _limited)
    def test_a_text_of_the_greatest_length_is_kept(self, sandbox: Sandbox) -> None:
        """Whole, in each field that has a limit: characters are counted, not bytes."""
        for row in _short_rows(sandbox):
            text = text_of(row.limit or 0, lines=row.kind is Kind.LONG)
            if row.on_create:
                made = create(sandbox, more={row.theirs: text}).id
            else:
                made = sandbox.make(sandbox.new())
                update(sandbox, made, row.theirs, text)
            kept(sandbox, made, row.theirs, text)

    @check(can("create", COMMENT), promises("comment_limit"))
    def test_a_comment_of_the_greatest_length_is_kept(self, sandbox: Sandbox) -> None:
        """Whole: characters are counted, not bytes."""
        text = text_of(sandbox.connector.capabilities.comment_limit or 0, lines=True)
        ticket = sandbox.make(sandbox.new())
        remark(sandbox, ticket, text)
        (told,) = remarks(read(sandbox, ticket))
        assert len(told) == len(text)
        assert told == text


def _references(sandbox: Sandbox) -> References:
    refers = sandbox.connector.references
    assert refers is not None
    return refers


def _short_rows(sandbox: Sandbox) -> list[Field]:
    verbs = {verb for verb, kind in sandbox.connector.capabilities.writes if kind == "ticket"}
    return [
        row
        for row in sandbox.connector.fields
        if row.limit is not None
        and row.kind in (Kind.TEXT, Kind.LONG)
        and (row.on_create or (row.writable and "update" in verbs))
    ]


def _declared(sandbox: Sandbox, told: Ticket | Comment) -> None:
    declared = sandbox.connector.capabilities.dialects
    assert told.dialect in declared, f"told in {told.dialect!r}, and declared are {declared}"
