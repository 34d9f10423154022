"""Names and bytes that other replicas, and the databases of earlier days, rely on."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prophet_hub.errors import Invalid
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import (
    Cell,
    Changeset,
    Write,
    is_delete,
    life,
    receipt,
    same_as,
)
from prophet_hub.values import PRESENT, Stored, from_micros, order, to_micros

TRACKER = bytes(range(16))
A, B = b"a" * 16, b"b" * 16
WRITE = Write(b"w" * 16, Cell(b"r" * 16, "status"), "ticket", "open", (A,),
              1_700_000_000_000_000, "", (), Stored("ab" * 32, 7))  # fmt: skip
CHANGESET = Changeset(b"c" * 16, "jesse", 5, (WRITE,), "rt#1")


@pytest.mark.parametrize(("made", "name"), [
    (ids.of_item(TRACKER, "ticket", "42"), "f0e64ec651dc5e018df553dd2c7a0cd2"),
    (ids.of_event(TRACKER, "ticket", "42", "53", "status", ""), "d649f83766aeefe3e224b6a9e7c4b442"),
    (ids.of_residue(TRACKER, "ticket", "42", "open", "status", "", [B, A]),
     "5a3210b09bc10184b736604c73c754e3"),
    (ids.of_residue(TRACKER, "ticket", "42", "open", "status", "", [A, B]),
     "5a3210b09bc10184b736604c73c754e3"),
    (ids.name_of("x", None, 1, [b"y"]), "fa9266078ccfdcd6814df7b17ebe2827"),
    (codec.seal(b"o" * 16, 1, b"", CHANGESET)[0].running,
     "b7148845c238fe60f5acf83ec1ca040ec331972926913d8c99034dda47001215"),
])  # fmt: skip
def test_names_are_for_ever(made, name):
    """A name that changes tells every fact a second time."""
    assert made.hex() == name


def test_a_residue_is_named_by_what_it_supersedes():
    """Else a, b, a on a tracker without history bites its own tail."""
    one, other = (ids.of_residue(TRACKER, "t", "1", "a", "p", "", above) for above in ([], [A]))
    assert one != other


def test_fresh_ids_are_uuids():
    made = uuid.UUID(bytes=ids.fresh())
    assert made.version == 4
    assert ids.text(made.bytes) == str(made)
    assert ids.fresh() != ids.fresh()
    assert uuid.UUID(bytes=ids.of_item(TRACKER, "ticket", "42")).version == 5


def test_an_entry_comes_back_as_it_was():
    entry, raw = codec.seal(b"o" * 16, 3, b"before", CHANGESET)
    assert codec.decode(b"before", raw) == entry
    assert codec.encode(entry) == raw
    assert codec.place(raw) == (b"o" * 16, 3)
    assert codec.decode(b"other", raw).running != entry.running


def test_bytes_that_are_no_entry_are_refused():
    _, raw = codec.seal(b"o" * 16, 3, b"", CHANGESET)
    for bad in (b"", raw[:-1], raw + b"x", b"\x93\x01\x02\x03"):
        with pytest.raises(Invalid):
            codec.decode(b"", bad)


def test_cells_of_lives_and_links():
    assert same_as(B, A) == same_as(A, B) == Cell(A, "same-as", B.hex())
    assert receipt(A, B) == Cell(A, "receipt", B.hex())
    gone = Write(A, life(A), "ticket", None)
    assert is_delete(gone)
    assert not is_delete(Write(A, life(A), "ticket", PRESENT))
    assert [Write(A, life(A), "", None, rule=r).automatic for r in ("", "person", "newest")] == [
        False, False, True
    ]  # fmt: skip


def test_values_have_an_order():
    """Absent, texts, contents."""
    values = [Stored("ab" * 32, 1), "b", None, "a"]
    assert sorted(values, key=order) == [None, "a", "b", Stored("ab" * 32, 1)]


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))])))
def test_instants_are_exact(instant):
    assert from_micros(to_micros(instant)) == instant


def test_an_instant():
    assert to_micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC)) == 1_000_005
