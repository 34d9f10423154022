"""The strategies give what they say, and the contract's sandbox is honest about what it lacks."""

from contextlib import suppress
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prophet_hub.sdk import Field, FieldChange, Kind
from prophet_hub.testing import (
    ConnectorContract,
    Fault,
    Knobs,
    MemoryConnector,
    MemorySettings,
    Tracker,
    What,
)
from prophet_hub.testing import strategies as mine
from prophet_hub.testing.contract import Absent, Sandbox
from prophet_hub.testing.texts import LONG_TEXT, TEXTS

QUICK = settings(max_examples=25, deadline=None, database=None)


@QUICK
@given(mine.lines(), mine.long_texts(), mine.words())
def test_texts_are_never_empty_and_always_encode(line, text, word):
    assert line == line.strip()
    assert line.splitlines() == [line]
    assert text
    assert word == word.strip()
    for one in (line, text, word):
        assert one.encode().decode() == one


@QUICK
@given(st.data())
def test_values_fit_their_row(data):
    for kind in Kind:
        row = Field(theirs="x", ours="x", kind=kind)
        value = data.draw(mine.values(row))
        assert isinstance(value, frozenset if kind.many else str)
        assert value
    row = Field(theirs="x", ours="x", kind=Kind.WORD, values=(("a", "b"),))
    assert data.draw(mine.values(row)) == "a"


@QUICK
@given(mine.tickets())
def test_tickets_are_whole(ticket):
    assert ticket.created.utcoffset() is not None
    ids = [e.id for e in ticket.events]
    assert ids == [str(n) for n in range(1, len(ids) + 1)]
    for event in ticket.events:
        names = [c.field for c in event.changes]
        assert len(set(names)) == len(names)
        for change in event.changes:
            assert change.field == ("summary" if isinstance(change, FieldChange) else "labels")


def test_the_texts_of_the_contract_are_of_every_kind():
    assert 60_000 < len(LONG_TEXT) <= 65_536
    assert any(ord(c) > 0xFFFF for text in TEXTS for c in text)
    assert any("\n" in text for text in TEXTS)


ALL = MappingProxyType(
    {
        f"this sandbox cannot {what}": "it is bare"
        for what in (
            "make a ticket as a person",
            "count requests",
            "turn the clock",
            "tell the time",
            "reach for what is not there",
            "set the tracker's clock",
            "count mails",
        )
    }
)


class Bare(Sandbox):
    """Can make a connector and nothing else."""

    def connect(self, *, password=None, reachable=True):
        if not reachable:
            raise Absent("this sandbox cannot reach for what is not there")
        return MemoryConnector(MemorySettings(tracker=Tracker("bare", Knobs())))


@pytest.mark.parametrize("name", ConnectorContract.names())
def test_what_a_sandbox_cannot_do_skips_and_never_fails(name):
    class Bold(ConnectorContract):
        pass

    class Strict(ConnectorContract):
        may_skip = ()

    class Lenient(ConnectorContract):
        may_skip = ALL

    with suppress(pytest.skip.Exception):
        getattr(Bold(), name)(Bare())
    if "this sandbox cannot" in Bold.skipped.get(name, ""):
        with pytest.raises(pytest.fail.Exception, match="may_skip"):
            getattr(Strict(), name)(Bare())
        with pytest.raises(pytest.skip.Exception):
            getattr(Lenient(), name)(Bare())


def test_a_sandbox_without_a_connector_says_so():
    with pytest.raises(NotImplementedError):
        Sandbox()
    bare = Bare()
    with pytest.raises(Absent, match="examples"):
        bare.pair(Field(theirs="owner", ours="owner", kind=Kind.PERSON))
    bare.heal()


@pytest.mark.parametrize(
    "act",
    [
        lambda bare: bare.requests(),
        lambda bare: bare.inject(Fault(what=What.CUT)),
        lambda bare: bare.make({}),
        lambda bare: bare.edit("1", "summary", "x"),
        lambda bare: bare.comment("1", "x"),
        lambda bare: bare.attach("1", "a", b"a"),
        lambda bare: bare.delete("1"),
        lambda bare: bare.merge("1", "2"),
        lambda bare: bare.hide("1"),
        lambda bare: bare.advance(1),
        lambda bare: bare.skew(1),
        lambda bare: bare.lag(1),
        lambda bare: bare.notified(),
    ],
)
def test_each_thing_that_is_left_out_is_absent_by_name(act):
    with pytest.raises(Absent, match="this sandbox cannot"):
        act(Bare())
