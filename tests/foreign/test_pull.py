"""Pulling: several at once, in order, resumable; what fails fails alone or ends the pull."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from foreign.kit import Crash, Hub, pair, tick
from prophet_hub.errors import AuthFailed, Garbled, NotFound, Transient, UsageError
from prophet_hub.foreign.ledger import journal_of
from prophet_hub.foreign.steps import Outcome, Verb
from prophet_hub.sdk import Checkpoint, Gone, History, Ref
from prophet_hub.store.sqlite import Store
from prophet_hub.testing.tracker import Knobs, Tracker


def many(count, **knobs):
    tracker = Tracker("R", Knobs(**knobs))
    for number in range(count):
        tracker.create("bob", {"summary": f"{number}"})
        tracker.comment("bob", f"{2 * number + 1}", "a comment")
        tracker.now += number % 2
    return tracker


def summaries(hub):
    return sorted(
        (
            hub.replica.text(hub.replica.cell(row.record, "summary").shown)
            for row in hub.replica.records("ticket")
        ),
        key=int,
    )


def test_tickets_are_fetched_at_once_and_committed_in_order():
    r = many(30)
    with Hub(r, R={"concurrency": 4, "batch": 7}) as hub:
        connector = hub.specs["R"].connector
        busy, most, gate = [0], [0], threading.Barrier(2, timeout=10)
        fetch, lock = connector.ticket, threading.Lock()

        def ticket(ref):
            with lock:
                busy[0] += 1
                most[0] = max(most[0], busy[0])
            if int(ref.id) < 4:
                gate.wait()  # the first two are under way at the same time
            try:
                return fetch(ref)
            finally:
                with lock:
                    busy[0] -= 1

        connector.ticket = ticket
        pulled = list(hub.foreign("R").pull())

        assert most[0] >= 2
        assert [p.ref.id for p in pulled] == [str(2 * n + 1) for n in range(30)]
        assert [p.done for p in pulled] == [
            *([7] * 7),
            *([14] * 7),
            *([21] * 7),
            *([28] * 7),
            30,
            30,
        ]
        assert summaries(hub) == [str(n) for n in range(30)]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_a_pull_that_was_cut_off_goes_on_from_its_last_checkpoint(concurrency):
    r = many(40, page=10)
    with Hub(r, R={"concurrency": concurrency, "batch": 10}) as hub:
        for number, _ in enumerate(hub.foreign("R").pull()):
            if number == 24:
                break
        assert len(summaries(hub)) == 30
        requests = r.requests
        told = list(hub.foreign("R").pull())
        assert len(told) < 25
        assert r.requests - requests < 30
        assert summaries(hub) == [str(n) for n in range(40)]


def test_a_cursor_is_stored_only_with_everything_before_it():
    r = many(6)
    with Hub(r, R={"batch": 2}) as hub:
        connector = hub.specs["R"].connector
        listing = connector.changed

        def changed(pull):
            told = [item for item in listing(pull) if isinstance(item, Ref)]
            yield told[0]
            yield Checkpoint(cursor="1")
            yield told[1]
            raise Crash

        connector.changed = changed
        with pytest.raises(Crash):
            list(hub.foreign("R").pull())
        place = hub.foreign("R")._side.ledger.place()
        assert (place.cursor, len(summaries(hub))) == ("1", 2)


def test_what_another_ticket_does_wrong_is_its_own_affair():
    r, t = pair()
    for number in range(3):
        r.create("bob", {"summary": f"{number}"})
    with Hub(r, t) as hub:
        connector = hub.specs["R"].connector
        fetch = connector.ticket

        def ticket(ref):
            if ref.id == "2":
                raise Garbled("The answer is cut off.")
            return fetch(ref)

        connector.ticket = ticket
        pulled = list(hub.foreign("R").pull())
        assert [p.outcome for p in pulled] == [Outcome.READ, Outcome.FAILED, Outcome.READ]
        hub.sync()
        assert [i.fields["summary"] for i in t.items.values()] == ["0", "2"]
        assert [(i.ref, i.reason) for i in hub.inbox(r)] == [("2", "The answer is cut off.")]
        assert hub.inbox(r)[0].tries > 1

        connector.ticket = fetch
        tick(r, t)
        hub.sync()
        assert (len(t.items), hub.inbox(r)) == (3, [])


def test_a_ticket_that_is_not_what_its_type_says_waits_alone():
    r = many(3)
    with Hub(r) as hub:
        connector = hub.specs["R"].connector
        fetch = connector.ticket

        def ticket(ref):
            told = fetch(ref)
            return (
                replace(told, created=told.created.replace(tzinfo=None)) if ref.id == "3" else told
            )

        connector.ticket = ticket
        pulled = list(hub.foreign("R").pull())
        assert [p.outcome for p in pulled] == [Outcome.READ, Outcome.FAILED, Outcome.READ]
        assert summaries(hub) == ["0", "2"]
        assert "cannot be read" in hub.inbox(r)[0].reason


@pytest.mark.parametrize("error", [AuthFailed, Transient])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_what_is_not_one_tickets_alone_ends_the_pull_after_what_came_before(error, concurrency):
    r = many(6)
    with Hub(r, R={"concurrency": concurrency}) as hub:
        connector = hub.specs["R"].connector
        fetch = connector.ticket

        def ticket(ref):
            if ref.id == "7":
                raise error("No.")
            return fetch(ref)

        connector.ticket = ticket
        with pytest.raises(error) as raised:
            list(hub.foreign("R").pull())
        assert raised.value.remote == "R"
        assert summaries(hub) == ["0", "1", "2"]
        connector.ticket = fetch
        list(hub.foreign("R").pull())
        assert len(summaries(hub)) == 6


def test_a_ticket_that_is_not_visible_waits_and_is_no_deletion():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.syncs()
        connector = hub.specs["R"].connector
        r.update("bob", "1", {"summary": "y"})
        fetch = connector.ticket

        def ticket(ref):
            raise NotFound(f"Ticket {ref.id} does not exist.")

        connector.ticket = ticket
        hub.sync()
        assert [i.reason for i in hub.inbox(r)] == ["not visible: Ticket 1 does not exist."]
        assert not t.items["1"].gone
        connector.ticket = fetch
        hub.syncs()
        assert (t.items["1"].fields["summary"], hub.inbox(r)) == ("y", [])


def test_a_tombstone_of_what_was_never_read_says_nothing():
    r = Tracker("R", Knobs())
    r.create("bob", {"summary": "x"})
    r.delete("bob", "1")
    with Hub(r) as hub:
        assert [p.outcome for p in hub.foreign("R").pull()] == [Outcome.SAME]
        assert list(hub.replica.records()) == []


def test_a_comments_tombstone_deletes_the_comment():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        connector, listing = hub.specs["R"].connector, hub.specs["R"].connector.changed
        r.delete_comment("bob", "1", "2")

        def changed(pull):
            yield Gone(ref=Ref(kind="comment", id="2", ticket="1"))
            yield from listing(pull)

        connector.changed = changed
        hub.syncs()
        assert t.items["1"].comments == []


def test_an_error_while_writing_that_is_not_one_tickets_alone_ends_the_writing():
    r, t = pair()
    for number in range(3):
        r.create("bob", {"summary": f"{number}"})
    with Hub(r, t) as hub:
        connector, apply = hub.specs["T"].connector, hub.specs["T"].connector.apply

        def down(operation):
            raise Transient("The server is away.")

        connector.apply = down
        with pytest.raises(Transient):
            hub.sync()
        connector.apply = apply
        hub.syncs()
        assert len(t.items) == 3


def test_writes_are_in_the_journal_with_what_was_there_before():
    r, t = pair()
    r.create("bob", {"summary": "x"})
    with Hub(r, t) as hub:
        hub.sync()
        r.update("bob", "1", {"summary": "y"})
        hub.sync()
        (first,) = journal_of(hub.replica.store, "run-1")
        (second,) = journal_of(hub.replica.store, "run-2")
    assert (first.verb, first.after, first.outcome) == ("create", {"summary": "x"}, "done")
    assert (second.verb, second.ref, second.before, second.after, second.outcome) == (
        "update", "1", {"summary": "x"}, {"summary": "y"}, "done",
    )  # fmt: skip


def test_a_plan_shows_all_and_sends_nothing():
    r, t = pair()
    r.create("bob", {"summary": "x", "status": "open"})
    with Hub(r, t) as hub:
        hub.sync()
        r.update("bob", "1", {"status": "resolved"}, added={"labels": {"a"}})
        r.comment("bob", "1", "hello " * 100)
        list(hub.foreign("R").pull())
        list(hub.foreign("T").pull())
        writes = t.writes
        plan = list(hub.foreign("T").plan(list(hub.specs.values())))
        again = list(hub.foreign("T").plan(list(hub.specs.values())))

        assert (t.writes, again) == (writes, plan)
        update, comment = plan
        assert (update.verb, update.closes, update.title) == (Verb.UPDATE, True, "x")
        assert [(f.ours, f.before, f.after) for f in update.fields] == [
            ("labels", None, "a"), ("status", "open", "resolved"),
        ]  # fmt: skip
        assert comment.fields[0].after.endswith("… (600 characters)")
        assert list(hub.foreign("R").plan(list(hub.specs.values()))) == []


def test_nothing_beyond_the_plan_is_sent():
    r, t = pair()
    r.create("bob", {"summary": "x", "status": "open"})
    with Hub(r, t) as hub:
        hub.sync()
        r.update("bob", "1", {"status": "resolved"})
        list(hub.foreign("R").pull())
        plan = list(hub.foreign("T").plan(list(hub.specs.values())))
        r.update("bob", "1", {"status": "new", "summary": "y"})
        list(hub.foreign("R").pull())
        done = list(hub.foreign("T").apply(plan))
        assert [d.outcome for d in done] == [Outcome.STALE]
        assert t.items["1"].fields == {"summary": "x", "status": "open"}
        hub.sync()
        assert t.items["1"].fields == {"summary": "y", "status": "new"}


def test_an_unknown_number_in_the_inbox_is_said():
    r, t = pair()
    with Hub(r, t) as hub, pytest.raises(UsageError):
        hub.foreign("R").retry(7)


def test_a_field_that_was_mapped_later_is_filled_in_at_the_next_reading():
    r, t = pair(history=History.FULL)
    r.create("bob", {"summary": "x", "status": "open"})
    with Hub(r, t) as hub:
        full = hub.specs["R"].fields
        narrow = type(full)(row for row in full if row.ours != "status")
        hub.change("R", fields=narrow)
        hub.syncs()
        assert hub.values(r, "status") == set()
        tick(r), hub.sync(), tick(r)
        hub.change("R", fields=full)
        hub.syncs()
        assert hub.values(r, "status") == set()
        r.update("bob", "1", {"summary": "y"})
        hub.syncs()
        assert (hub.values(r, "status"), t.items["1"].fields["status"]) == ({"open"}, "open")


def test_a_run_reads_no_table_as_a_whole(monkeypatch):
    """Each question has an index, or a run would become slower with every ticket there is."""
    asked, true = {}, Store.rows

    def rows(self, sql, values=()):
        asked.setdefault(sql, values)
        return true(self, sql, values)

    monkeypatch.setattr(Store, "rows", rows)
    r, t = pair()
    for n in range(3):
        ref = r.create("bob", {"summary": f"x{n}", "cc": frozenset({"eve"})})
        r.comment("bob", ref, f"said {n}")
        r.attach("bob", ref, "a.txt", b"%d" % n)
    with Hub(r, t) as hub:
        hub.syncs(2)
        asked.clear()
        r.create("bob", {"summary": "new"})
        r.update("bob", "1", {"summary": "y"})
        tick(r, t)
        hub.syncs(2)
        store = hub.replica.store
        scans = {
            row[3]: sql
            for sql, values in list(asked.items())
            for row in true(store, f"EXPLAIN QUERY PLAN {sql}", values)
            if row[3].startswith("SCAN") and not any(word in sql for word in ("LIMIT", "EXISTS"))
        }
    assert len(asked) > 20
    # one row per replica that ever wrote here; not one per ticket
    assert set(scans) <= {"SCAN CONSTANT ROW", "SCAN tips"}, scans
