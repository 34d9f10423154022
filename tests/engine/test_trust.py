"""Seals: what they cover, what waits without one, and how it comes to count."""

from __future__ import annotations

import contextlib
import itertools
from functools import partial
from pathlib import Path

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.trust import UNSIGNED, WRONG, Trust
from prophet_hub.errors import Invalid, StoreError, UsageError
from prophet_hub.model import codec, ids, seals
from prophet_hub.model.changes import Cell, Changeset, Write
from prophet_hub.values import INLINE, Stored

PAGE = Path(__file__).parents[2] / "docs/design/006-trust.md"
A, B = b"a" * 16, b"b" * 16
JESSE, AUDREY, EVE = (bytes([n]) * seals.SEED for n in (1, 2, 3))


@pytest.fixture
def replicas():
    made = []

    def make(seed=None, demands=None):
        clock = itertools.count(1)
        one = Replica.open(":memory:", clock=lambda: next(clock))
        if seed:
            one.seal_with(partial(seals.made, seed))
        for key in demands or ():
            Trust(one.store).trust(seals.key_of(key), "a friend")
        if demands is not None:
            Trust(one.store).require(on=True)
        made.append(one)
        return one

    yield make
    for one in made:
        assert list(one.check()) == []
        one.close()


def edit(replica, record=A, **props):
    changes = {(prop, ""): value for prop, value in props.items()}
    replica.edit(record, "ticket", changes, author="jesse")


def pull(target, source):
    return target.integrate(source.offers(target.settled_at))


def held(replica):
    return [row.reason for row in replica.quarantine()]


def same(one, other):
    return list(one.export()) == list(other.export())


def test_what_is_signed_is_written_down():
    """The test vector of docs/design/006-trust.md; the keys are those of RFC 8032, 7.1, test 1."""
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    changeset = Changeset(b"n" * 16, "jesse", 1_700_000_000_000_000, (
        Write(b"w" * 16, Cell(b"r" * 16, "summary"), "ticket", "Printer on fire"),
    ))  # fmt: skip
    entry, raw = codec.seal(b"o" * 16, 1, b"", changeset)
    message = seals.words(entry.running)

    assert raw.hex() == RAW
    assert entry.running.hex() == RUNNING
    assert message == b"prophet-hub seal 1\n" + entry.running
    assert seals.made(seed, message).hex() == KEY + SIGNATURE
    assert seals.genuine(bytes.fromhex(KEY + SIGNATURE), message)
    assert seals.named(seals.key_of(seed)) == f"ed25519:{KEY}"
    assert seals.parsed(f" ed25519:{KEY}\n") == seals.parsed(KEY.upper()) == seals.key_of(seed)


def test_the_page_shows_the_test_vector():
    page = "".join(PAGE.read_text("utf-8").split())

    for part in (KEY, RAW, RUNNING, SIGNATURE):
        assert part in page


KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
RAW = (
    "93c4106f6f6f6f6f6f6f6f6f6f6f6f6f6f6f6f0195c4106e6e6e6e6e6e6e6e6e6e6e6e6e6e6e6ea5"
    "6a65737365cf00060a24181e40009199c4107777777777777777777777777777777793c410727272"
    "72727272727272727272727272a773756d6d617279a0a67469636b6574af5072696e746572206f6e"
    "20666972659000a090c0a0"
)
RUNNING = "8c0e3993396626525f1dafa0d34790f52c70c9543a4ee7eb91982076277286c0"
SIGNATURE = (
    "e236619b856e65c76b16d91c08b2beede8297f75a8be4986b837b3f66e60c96a60f7ebb7833bab65"
    "5b0e027a12bb7ef3e97a4183056d95a82cd18e7219231c0d"
)


@pytest.mark.parametrize("text", ["", "ed25519:", KEY[:-1], f"rsa:{KEY}", f"{KEY} x", "x" * 64])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(UsageError, match="no public key"):
        seals.parsed(text)


def test_one_seal_a_transaction_covers_all_that_was_recorded(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    with jesse.transaction():
        for n in range(5):
            edit(jesse, summary=str(n))
    edit(jesse, summary="five")
    parcels = list(jesse.offers(audrey.stands_at))

    assert [bool(p.seal) for p in parcels] == [False] * 4 + [True, True]
    assert pull(audrey, jesse) == 6
    assert held(audrey) == []
    assert same(jesse, audrey)
    assert pull(audrey, jesse) == 0


def test_who_has_no_key_seals_nothing(replicas):
    one = replicas()
    edit(one, summary="x")

    assert [p.seal for p in one.offers(lambda *_: False)] == [b""]


def lose(replica):
    """Records something in a transaction that is rolled back."""
    with contextlib.suppress(RuntimeError), replica.transaction():
        edit(replica, summary="lost")
        raise RuntimeError


def test_a_transaction_that_is_rolled_back_is_not_signed(replicas):
    signed = []
    one = replicas()
    one.seal_with(lambda message: signed.append(message) or b"s" * 96)
    lose(one)
    with one.transaction():
        pass
    assert signed == []
    with one.transaction():
        edit(one, summary="kept")
        lose(one)
    (parcel,) = one.offers(lambda *_: False)
    assert parcel.seal == b"s" * 96
    assert signed == [seals.words(one.tips()[0][2])]


def test_nobody_s_entries_wait_with_their_place_and_are_passed_on(replicas):
    eve, audrey, third = replicas(), replicas(demands=[JESSE]), replicas()
    edit(eve, summary="cheap pills", description="x" * (INLINE + 1))

    assert pull(audrey, eve) == 1
    assert held(audrey) == [UNSIGNED]
    assert audrey.shown(A) == {}
    assert audrey.tips() == eve.tips()
    assert pull(third, audrey) == 1
    assert same(third, eve)


def test_a_stranger_s_key_is_named(replicas):
    eve, audrey = replicas(EVE), replicas(demands=[JESSE])
    edit(eve, summary="cheap pills")
    pull(audrey, eve)

    (reason,) = held(audrey)
    assert reason == (
        f"it is signed by a key that is not trusted: {seals.short(seals.key_of(EVE))}"
    )


@pytest.mark.parametrize("at", [0, 31, 32, 95])
def test_a_forged_seal_is_wrong_or_a_stranger_s(replicas, at):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    (parcel,) = jesse.offers(audrey.stands_at)
    seal = bytearray(parcel.seal)
    seal[at] ^= 1

    audrey.integrate([parcel._replace(seal=bytes(seal))])
    assert held(audrey)[0].startswith("it is signed by a key" if at < 32 else WRONG)


def test_a_seal_of_another_length_is_no_seal(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    (parcel,) = jesse.offers(audrey.stands_at)
    audrey.integrate([parcel._replace(seal=parcel.seal + b"x" * 1_000)])

    assert held(audrey) == [WRONG]
    assert [p.seal for p in audrey.offers(lambda *_: False)] == [b""]


def test_a_seal_over_another_entry_is_wrong(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    edit(jesse, summary="y")
    first, second = jesse.offers(audrey.stands_at)
    audrey.integrate([first._replace(seal=second.seal)])

    assert held(audrey) == [WRONG]


def test_a_seal_that_comes_later_sets_free_what_it_covers(replicas):
    jesse, audrey = replicas(), replicas(demands=[JESSE])
    for n in range(3):
        edit(jesse, summary=str(n))
    pull(audrey, jesse)
    at = audrey.latest()
    jesse.seal_with(partial(seals.made, JESSE))
    edit(jesse, owner="jesse")

    assert held(audrey) == [UNSIGNED] * 3
    assert pull(audrey, jesse) == 1
    assert held(audrey) == []
    assert same(jesse, audrey)
    assert [r.record for r in audrey.records(after=at)] == [A]


def test_what_was_recorded_before_there_was_a_key_can_be_vouched_for(replicas):
    jesse, audrey = replicas(), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    pull(audrey, jesse)
    jesse.seal_with(partial(seals.made, JESSE))
    jesse.vouch(author="jesse", note="keys sign")
    pull(audrey, jesse)

    assert held(audrey) == []
    assert audrey.shown(A) == {"summary": "x"}
    assert [row.writes for row in audrey.log()] == [0, 1]


def test_a_seal_covers_its_own_branch_alone(replicas):
    """A copied database that does not notice forks its origin; Eve writes on the copy."""
    jesse, eve, audrey = replicas(JESSE), replicas(), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    eve.integrate(jesse.offers(lambda *_: False))
    eve._recorder.origin = jesse.origin
    eve.store.set_meta("origin", jesse.origin)
    edit(eve, summary="cheap pills")
    edit(jesse, summary="y")
    pull(audrey, eve)
    pull(audrey, jesse)

    assert held(audrey) == [UNSIGNED]
    assert audrey.shown(A) == {"summary": "y"}


def test_one_who_is_trusted_vouches_for_nobody_else(replicas):
    """Passing on is not vouching: a seal covers the origin in which it stands."""
    eve, jesse, audrey = replicas(), replicas(JESSE), replicas(demands=[JESSE])
    edit(eve, summary="cheap pills")
    pull(jesse, eve)
    edit(jesse, B, summary="mine")
    pull(audrey, jesse)

    assert held(audrey) == [UNSIGNED]
    assert audrey.shown(B) == {"summary": "mine"}


def test_trust_that_comes_later_sets_free_and_distrust_takes_nothing_back(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[])
    edit(jesse, summary="x")
    edit(jesse, summary="y")
    pull(audrey, jesse)
    trust, key = Trust(audrey.store), seals.key_of(JESSE)

    assert len(held(audrey)) == 2
    assert audrey.release() == 0
    trust.trust(key, "jesse")
    assert trust.keys() == {key: "jesse"}
    assert audrey.release() == 2
    assert audrey.release() == 0
    assert same(jesse, audrey)

    trust.distrust(key)
    edit(jesse, summary="z")
    pull(audrey, jesse)
    assert len(held(audrey)) == 1
    assert audrey.shown(A) == {"summary": "y"}


def test_a_seal_that_was_taken_away_under_way_is_asked_for_again(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    for n in range(3):
        edit(jesse, summary=str(n))
    audrey.integrate(p._replace(seal=b"") for p in jesse.offers(audrey.stands_at))
    assert held(audrey) == [UNSIGNED] * 3

    assert pull(audrey, jesse) == 0
    assert held(audrey) == []
    assert same(jesse, audrey)
    assert pull(replicas(demands=[JESSE]), audrey) == 3


def test_an_entry_that_is_offered_twice_is_taken_with_its_seal(replicas):
    jesse = replicas(JESSE)
    edit(jesse, summary="x")
    (parcel,) = jesse.offers(lambda *_: False)
    for both in itertools.permutations([parcel, parcel._replace(seal=b"")]):
        audrey = replicas(demands=[JESSE])
        audrey.integrate(both)
        assert pull(audrey, jesse) == 0
        assert held(audrey) == []


def test_what_breaks_the_schema_stays_held_under_any_seal(replicas):
    audrey = replicas(demands=[JESSE])
    bad = Changeset(ids.fresh(), "jesse", 1, (Write(b"w" * 16, Cell(A, "x"), "../x", "y"),))
    origin = ids.fresh()
    entry, raw = codec.seal(origin, 1, b"", bad)
    good = Changeset(ids.fresh(), "jesse", 1, (Write(b"v" * 16, Cell(A, "x"), "ticket", "y"),))
    after, more = codec.seal(origin, 2, entry.running, good)
    seal = seals.made(JESSE, seals.words(after.running))
    audrey.integrate([(b"", raw), (entry.running, more, (), seal)])

    assert held(audrey) == ["A record type of the entry is named like a path."]
    assert audrey.shown(A) == {"x": "y"}
    assert audrey.release([row.number for row in audrey.quarantine()]) == 0


def test_what_was_refused_for_another_reason_is_not_freed_by_a_seal(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    edit(jesse, summary="x")
    audrey.integrate(jesse.offers(audrey.stands_at), judge=lambda entry: "not on Saturdays")
    edit(jesse, summary="y")
    pull(audrey, jesse)

    assert held(audrey) == ["not on Saturdays"]
    assert audrey.release([1]) == 1
    assert same(jesse, audrey)


def test_who_demands_nothing_takes_all_and_keeps_the_seals(replicas):
    eve, audrey = replicas(EVE), replicas()
    edit(eve, summary="x")
    pull(audrey, eve)

    assert held(audrey) == []
    Trust(audrey.store).require(on=True)
    assert audrey.shown(A) == {"summary": "x"}
    Trust(audrey.store).require(on=False)
    assert not Trust(audrey.store).required


def test_the_contents_of_what_is_held_are_not_wanted_before_it_counts(replicas):
    """A stranger cannot make us fetch their attachments."""
    eve, audrey = replicas(EVE), replicas(demands=[])
    stored = eve.store.blobs.put([b"content"])
    edit(eve, content=stored)
    pull(audrey, eve)
    assert audrey.wanted() == []

    Trust(audrey.store).trust(seals.key_of(EVE), "eve")
    assert audrey.release() == 1
    assert audrey.wanted() == [stored]


def test_a_lie_about_a_size_does_not_keep_a_content_away(replicas):
    one, two = replicas(), replicas()
    stored = one.store.blobs.put([b"content"])
    edit(one, content=Stored(stored.sha256, 3))
    edit(one, B, content=stored)
    pull(two, one)
    with pytest.raises(StoreError):
        two.supply(Stored(stored.sha256, 3), [b"content"])
    two.supply(stored, [b"content"])

    assert two.wanted() == []


def test_thousands_are_set_free_by_one_seal(replicas):
    """More than a batch, so that they wait in the database, and in pages."""
    jesse, audrey = replicas(), replicas(demands=[JESSE])
    with jesse.transaction():
        jesse.record(
            Changeset(ids.fresh(), "jesse", n, (
                Write(ids.fresh(), Cell(n.to_bytes(16, "big"), "summary"), "ticket", str(n)),
            )) for n in range(1, 4_501)
        )  # fmt: skip
    jesse.seal_with(partial(seals.made, JESSE))
    pull(audrey, jesse)
    assert len(held(audrey)) == 4_500
    jesse.vouch(author="jesse")
    pull(audrey, jesse)

    assert held(audrey) == []
    assert same(jesse, audrey)


def test_a_stream_longer_than_a_batch_is_judged_as_a_whole(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    with jesse.transaction():
        jesse.record(
            Changeset(ids.fresh(), "jesse", n, (
                Write(ids.fresh(), Cell(A, "summary"), "ticket", str(n)),
            )) for n in range(1, 2_501)
        )  # fmt: skip
    assert pull(audrey, jesse) == 2_500

    assert held(audrey) == []
    assert same(jesse, audrey)


def test_the_new_origin_of_a_copy_leaves_nothing_unsigned(replicas):
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    with jesse.transaction():
        edit(jesse, summary="x")
        jesse._recorder.take_new_origin()
        edit(jesse, summary="y")
    pull(audrey, jesse)

    assert len(audrey.tips()) == 2
    assert held(audrey) == []


def test_what_a_forger_put_after_ours_is_never_signed(replicas):
    """An entry of our own origin comes in while ours are not yet signed."""
    jesse, audrey = replicas(JESSE), replicas(demands=[JESSE])
    with jesse.transaction():
        edit(jesse, summary="x")
        origin = jesse.origin
        _, sequence, running = jesse.tips()[0]
        write = Write(b"w" * 16, Cell(A, "summary"), "ticket", "forged")
        forged = Changeset(ids.fresh(), "jesse", 1, (write,))
        for before, place in ((running, sequence + 1), (b"", sequence)):
            jesse.integrate([(before, codec.seal(origin, place, before, forged)[1])])
        edit(jesse, B, summary="y")
    pull(audrey, jesse)

    assert held(audrey) == [UNSIGNED] * 2
    assert (audrey.shown(A), audrey.shown(B)) == ({"summary": "x"}, {"summary": "y"})


# --- garbage among the good ---


def test_garbage_is_named_and_the_rest_goes_on(replicas):
    one, two, target = replicas(), replicas(), replicas()
    for n in range(3):
        edit(one, summary=str(n))
        edit(two, B, summary=str(n))
    first, second = list(one.offers(lambda *_: False)), list(two.offers(lambda *_: False))
    told = []
    taken = target.integrate([first[0], (b"", b"garbage"), *second, first[2]], refused=told.append)

    assert taken == 4
    assert target.shown(B) == {"summary": "2"}
    assert [one.split(":")[0] for one in told] == [
        "Entry 2 of those offered",
        "Entry 6 of those offered",
    ]
    assert "no place" in told[0]
    assert "missing before number 3" in told[1]
    assert pull(target, one) == 2
    assert list(target.check()) == []


def test_nobody_listens_to_garbage_for_ever(replicas):
    target = replicas()
    told = []
    with pytest.raises(Invalid, match="1,000 of the offered entries"):
        target.integrate(((b"", b"garbage") for _ in itertools.count()), refused=told.append)

    assert len(told) == 1_000


def test_what_others_could_not_take_is_not_recorded(replicas):
    one = replicas()
    for changes in ({"su\nmmary": "x"}, {"p" * 1_001: "x"}, {"": "x"}):
        with pytest.raises(Invalid):
            edit(one, **changes)
    with pytest.raises(Invalid):
        one.edit(A, "../ticket", {("summary", ""): "x"}, author="jesse")

    assert one.latest() == 0


def test_a_batch_is_bounded_in_bytes(replicas, monkeypatch):
    monkeypatch.setattr("prophet_hub.engine.offered._BYTES", 1_000)
    one, two = replicas(), replicas()
    for n in range(20):
        edit(one, summary="x" * 200 + str(n))
    commits = []
    with_transaction = two._recorder.transaction
    monkeypatch.setattr(
        two._recorder, "transaction", lambda: commits.append(1) or with_transaction()
    )
    pull(two, one)

    assert len(commits) > 3
    assert same(one, two)
