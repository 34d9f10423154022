"""Several hubs on the same trackers: each rule with the example that forced it, then random worlds."""

from __future__ import annotations

import shutil
from collections import Counter
from contextlib import closing

import pytest

from foreign.families import Family, family, meet
from foreign.kit import Clock, Hub, tick, tracker_id
from foreign.test_scenarios import KEYS, a, say
from foreign.test_worlds import EXCUSED
from foreign.worlds import rows, shortest
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.foreign import claims, noted, shared
from prophet_hub.foreign.rows import Sent
from prophet_hub.merge.settle import newest
from prophet_hub.model import ids
from prophet_hub.sdk import TICKET, History
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker

WORLDS = 600


def pair(hubs=2, policy=None, **knobs):
    """Two hubs, the first of which holds R, the second T; R/1 and its copy T/1 in step."""
    knobs = {"keys": KEYS, **knobs}
    r, t = Tracker("R", Knobs(**knobs)), Tracker("T", Knobs(**knobs))
    r.create("bob", {"a": "p", "b": "k"})
    made = members(r, t, hubs=hubs)
    for hub in made:
        hub.settle = policy
    meet(made)
    return *made, r, t


def members(*trackers, hubs=2):
    options = {
        x.name: {"connector": MemoryConnector.over(x, fields=rows()), "pairing": "off"}
        for x in trackers
    }
    return family(*trackers, hubs=hubs, **options)


def close(*hubs):
    for hub in hubs:
        hub.close()


def notes_of(hub, tracker, ref="1"):
    record = ids.of_item(tracker_id(tracker.name), TICKET, ref)
    return noted.noted(hub.replica, noted.record_of(record))


# --- who reads and writes ----------------------------------------------------------------------


def test_two_hubs_keep_two_trackers_in_step():
    h, k, r, t = pair()
    assert len(t.items) == 1
    say(r, "q"), meet([h, k])
    say(t, "s"), meet([h, k])
    assert (a(r, t), h.conflicts(), len(r.items), len(t.items)) == (["s", "s"], [], 1, 1)
    assert list(h.replica.export()) == list(k.replica.export())
    close(h, k)


def test_only_the_writing_hub_tells():
    """Another reader that has not heard of the latest agreement would tell q as if it knew no s."""
    h, k, r, t = pair()
    for value in "qsqs":
        say(t, value), k.sync()
    h.pull(k), h.sync()
    say(r, "q")
    before = r.requests
    k.sync()
    assert (k.conflicts(), r.requests) == ([], before)
    meet([h, k])
    assert (a(r, t), h.conflicts()) == (["q", "q"], [])
    close(h, k)


def test_a_claim_that_is_given_goes_to_the_next_hub_that_hears_of_it():
    h, k, r, t = pair()
    claims.release(h.replica, tracker_id("R"), h.me, remote="R")
    h.sync()
    assert not h.holds("R")

    k.pull(h), say(r, "q"), k.sync()
    assert (k.holds("R"), a(r, t)) == (True, ["q", "q"])
    meet([h, k])
    assert (h.holds("R"), h.conflicts(), len(r.items), len(t.items)) == (False, [], 1, 1)
    close(h, k)


def test_of_two_that_took_a_claim_apart_the_later_holds_it():
    h, k, *_ = pair()
    claims.take(h.replica, tracker_id("T"), h.me)
    k.clock.micros = h.clock.micros + 10
    claims.take(k.replica, tracker_id("T"), k.me)
    meet([h, k])
    assert [(hub.holds("T"), hub.conflicts()) for hub in (h, k)] == [(False, []), (True, [])]
    assert len(noted.noted(h.replica, noted.record_of("claim", tracker_id("T")))) == 1
    close(h, k)


def test_what_is_under_way_keeps_a_claim_where_it_is():
    h, k, *_ = pair()
    ledger = h.foreign("R")._side.ledger
    with h.replica.transaction():
        ledger.set_sent(TICKET, "1", "a", Sent("q"))
    with pytest.raises(UsageError, match="under way"):
        claims.release(h.replica, tracker_id("R"), h.me, remote="R")
    with pytest.raises(UsageError, match="not this hub's"):
        claims.release(k.replica, tracker_id("R"), k.me, remote="R")
    close(h, k)


def test_a_restored_hub_is_the_same_and_a_copy_elsewhere_is_another(tmp_path):
    def hub_at(path):
        with closing(Replica.open(path, clock=Clock())) as replica:
            return claims.hub_of(replica, note=True)

    here, saved, away = (tmp_path / name for name in ("db", "saved", "away"))
    first = hub_at(here)
    shutil.copy(here, saved)
    here.unlink()
    shutil.copy(saved, here)
    assert hub_at(here) == first

    shutil.copy(here, away)
    assert hub_at(away) != first
    here.unlink()
    moved = tmp_path / "moved"
    away.rename(moved)
    second = hub_at(moved)
    assert second not in {first, hub_at(saved)}
    moved.rename(away)
    assert hub_at(away) == second


def test_a_container_that_is_started_anew_is_the_same_hub():
    same = claims._same
    assert same("a:1:7:/data/db", "b:1:7:/data/db")
    assert not same("a:1:7:/data/db", "b:1:8:/data/db")
    assert not same("a:1:7:/data/db", "a:2:7:/else/db")
    assert same("", "")


# --- what travels ------------------------------------------------------------------------------


@pytest.mark.parametrize("history", list(History))
def test_who_takes_a_tracker_over_knows_what_was_read(history):
    """Without the stand, q would stand beside the p that its author saw."""
    h, k, r, t = pair(history=history)
    for value in "qsp":
        say(r, value), meet([h, k])
    claims.release(h.replica, tracker_id("R"), h.me, remote="R")
    k.pull(h)
    say(r, "q"), tick(r, t)
    k.sync()
    meet([h, k])
    assert (a(r, t), k.conflicts(), len(r.items), len(t.items)) == (["q", "q"], [], 1, 1)
    close(h, k)


def test_a_long_word_travels_by_its_hash_and_is_known_again():
    h, k, r, t = pair(history=History.NONE)
    long = "word " * 100
    r.update("bob", "1", {"b": long}), meet([h, k])
    claims.release(h.replica, tracker_id("R"), h.me, remote="R")
    k.pull(h)
    assert all(long[:50] not in value for _, value in notes_of(k, r))
    told = len(k.replica.writes_of(k.record(r)))
    k.sync(), meet([h, k])
    assert len(k.replica.writes_of(k.record(r))) == told
    before = r.writes + t.writes
    r.update("bob", "1", {"b": "short"}), meet([h, k])
    assert (t.items["1"].fields["b"], k.conflicts()) == ("short", [])
    assert r.writes + t.writes == before + 2
    close(h, k)


def test_a_hub_alone_writes_no_notes_of_what_it_reads():
    r, t = Tracker("R", Knobs()), Tracker("T", Knobs())
    r.create("bob", {"a": "p", "b": "k"})
    with Hub(r, t) as hub:
        hub.syncs()
        assert notes_of(hub, r) == []
        shared.share(hub.replica)
        assert len(notes_of(hub, r)) == 1
        before = hub.replica.latest()
        shared.share(hub.replica)
        hub.sync()
        assert hub.replica.latest() == before


def test_a_note_that_speaks_of_something_else_is_not_believed():
    h, k, r, t = pair()
    (_, value), *_ = notes_of(h, r)
    with h.replica.transaction():
        for name, said in [("other", value), ("odd", "no base64"), ("bomb", "eJxLBAAAYgBi")]:
            noted.note(h.replica, noted.record_of(name), said, "a lie")
        claim = noted.record_of("claim", tracker_id("T"))
        noted.note(h.replica, claim, '{"hub":"","host":"x","since":-1}', "a lie")
    k.pull(h)
    shared.catch_up(k.replica)
    assert claims.claim_of(k.replica, tracker_id("T")) is None
    k.sync(), meet([h, k])
    assert (a(r, t), k.conflicts(), k.holds("T")) == (["p", "p"], [], True)
    close(h, k)


def test_notes_are_no_records_and_no_conflicts():
    h, k, _, t, _ = torn("q")
    assert len(notes_of(k, t)) == 2
    assert {c.type for c in k.conflicts()} == {row.type for row in k.replica.records()} == {TICKET}
    assert k.replica.settle(newest) == 1
    assert len(notes_of(k, t)) == 2
    assert {line["type"] for line in k.replica.export()} == {TICKET}
    assert list(k.replica.check()) == []
    close(h, k)


def torn(value):
    """T/1 was read as q by k, which then was restored; and as a value by the restored k."""
    h, k, r, t = pair(history=History.NONE)
    saved = k.backup()
    say(t, "s"), tick(r, t), k.sync(), h.pull(k)
    k.restore(saved, elsewhere=True)
    say(t, value), tick(r, t), k.sync()
    k.pull(h)
    return h, k, r, t, value


@pytest.mark.parametrize("value", list("qrklm"))
def test_a_reading_after_two_readings_apart_is_after_both(value):
    h, k, r, t, value = torn(value)
    meet([h, k])
    assert (a(r, t), k.conflicts(), len(notes_of(k, t))) == ([value, value], [], 1)
    close(h, k)


def test_a_binding_is_no_reading():
    """h hears that T/1 copies R/2 and is restored to before it read R/2: its events come after p."""
    h, k, r, t = pair()
    saved = h.backup()
    r.create("bob", {"a": "p", "b": "k"})
    h.sync(), k.pull(h, 1)
    k.sync()
    say(r, "q", "2")
    h.restore(saved, elsewhere=True), h.pull(k)
    meet([h, k])
    assert (a(r, t, ref="2"), h.conflicts(), len(r.items), len(t.items)) == (["q", "q"], [], 2, 2)
    close(h, k)


def test_who_hears_of_a_copy_and_not_of_its_reading_knows_it_for_a_copy():
    """Nothing in T/2 shows whose it is; h heard that it copies R/2 and no more when k was lost."""
    h, k, r, t = pair(keys=frozenset())
    r.create("bob", {"a": "p", "b": "k"})
    h.sync(), k.pull(h), k.sync(), h.pull(k, 1)
    say(r, "q", "2")
    claims.take(h.replica, tracker_id("T"), h.me)
    h.sync(), h.sync()
    assert (a(r, t, ref="2"), h.conflicts(), len(r.items), len(t.items)) == (["q", "q"], [], 2, 2)
    close(h, k)


def test_the_first_batch_of_a_first_reading_says_too_whose_query_told_it():
    r, t = Tracker("R", Knobs(keys=KEYS)), Tracker("T", Knobs(keys=KEYS))
    h, k = members(r, t)
    k.change("T", batch=1)
    for _ in range(3):
        t.create("bob", {"a": "p", "b": "k"})
    meet([h, k])
    assert (len(r.items), len(t.items)) == (3, 3)
    close(h, k)


# --- what waits --------------------------------------------------------------------------------


def test_a_copy_of_a_ticket_that_only_a_peer_knows_waits_for_it():
    h, k, r, t = pair()
    r.create("bob", {"a": "p", "b": "k"})
    saved = k.backup()
    meet([h, k])
    say(r, "q", "2")
    k.restore(saved, elsewhere=True)
    k.sync()
    assert [i.reason[:30] for i in k.inbox(t)] == ["It carries the key of a record"]
    meet([h, k])
    assert (a(r, t, ref="2"), h.conflicts(), k.inbox(t)) == (["q", "q"], [], [])
    close(h, k)


def test_while_a_key_is_unknown_its_tracker_gets_no_creates():
    h, k, r, t = pair()
    t.create("hub", {"a": "p", "b": "k"}, key=ids.text(ids.fresh()))
    r.create("bob", {"a": "q", "b": "l"})
    h.sync(), k.pull(h), k.sync(), k.sync()
    assert (len(t.items), len(k.inbox(t))) == (2, 1)

    k.foreign("T").drop(k.inbox(t)[0].number)
    meet([h, k])
    assert (len(r.items), len(t.items), k.inbox(t)) == (3, 3, [])
    close(h, k)


def test_a_restored_hub_that_pulls_its_peer_neither_doubles_nor_loses():
    h, k, r, t = pair()
    saved = h.backup()
    for n, tracker in enumerate([r, t, r]):
        tracker.create("bob", {"a": "pqr"[n], "b": "k"})
    r.comment("bob", "1", "said"), t.attach("bob", "1", "f", b"data")
    meet([h, k])
    say(r, "s"), say(t, "l", name="b"), meet([h, k])
    h.restore(saved, elsewhere=False)
    h.pull(k), meet([h, k])
    assert (len(r.items), len(t.items), h.conflicts()) == (4, 4, [])
    assert a(r, t) == ["s", "s"]
    assert [len(x.items["1"].comments) for x in (r, t)] == [1, 1]
    assert [len(x.items["1"].attachments) for x in (r, t)] == [1, 1]
    assert list(h.replica.export()) == list(k.replica.export())
    close(h, k)


# --- worlds ------------------------------------------------------------------------------------

FAMILY = EXCUSED | {
    "restored: false conflict",  # its own writes are strangers' to a hub that forgot them
    "restored: lost with the backup",
    "restored, no key: doubled",
}


@pytest.mark.parametrize("part", range(3))
def test_two_and_three_hubs_end_where_the_edits_lead(part, capsys):
    span = range(200_000 + part * WORLDS // 3, 200_000 + (part + 1) * WORLDS // 3)
    tally, best = shortest(span, kind=Family)

    with capsys.disabled():
        print(f"\n  worlds of several hubs {dict(sorted(tally.items()))}")
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - FAMILY} == {}
    assert tally["fine"] > 0.9 * WORLDS / 3


def test_where_trackers_tell_and_carry_all_restored_hubs_need_no_excuse():
    tally, best = shortest(
        range(210_000, 210_060), kind=Family, history=History.FULL, cas=True, key=True, odd="",
        chaos="claims",
    )  # fmt: skip
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - {"fine"}} == {}


def test_several_hubs_with_a_policy_end_quiet():
    tally, best = shortest(range(220_000, 220_060), kind=Family, policy=newest)

    overtaken = {"rule: its answer was overtaken by an edit"}
    assert {k: (best[k][0], best[k][1]) for k in tally.keys() - FAMILY - overtaken} == {}


def test_the_worlds_restore_pass_claims_and_exchange():
    seen = Counter()
    for seed in range(60):
        world = Family(seed, chaos="all")
        try:
            world.play(20)
            seen["restored"] += bool(world.restored)
            seen["passed"] += bool(world.passed)
            seen["partial"] += any("pulls" in s and "limit=None" not in s for s in world.story)
            seen["comment"] += bool(world.remarks)
            seen["apart"] += any(
                len(notes_of(hub, t, ref)) > 1
                for hub in world.members
                for t in world.trackers
                for ref in t.items
            )
        finally:
            world.close()
    assert min(seen[k] for k in ("restored", "passed", "partial", "comment")) > 5, seen
