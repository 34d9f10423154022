"""F12, F13, F14: what is not seen was not deleted, and what was deleted takes nothing else along."""

from __future__ import annotations

import contextlib
import io

import pytest

from foreign.kit import Hub, pair, tick
from jobs import memory
from prophet_hub.cli.main import main
from prophet_hub.errors import HubError
from prophet_hub.testing.tracker import Tracker

JOB = """
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
jobs:
  careful: {remotes: [a, b]}
  bold: {remotes: {a: {deletes: yes}, b: {deletes: yes}}}
"""
BRAKED = 4


def shown(tracker):
    """(summary, status) of every ticket that is there."""
    return sorted(
        (item.fields["summary"], item.fields.get("status"))
        for item in tracker.items.values()
        if not item.gone
    )


def later(*trackers):
    for tracker in trackers:
        tracker.now += 10


# --- a source that fails -------------------------------------------------------------------------


def _wrong_password(_hub, r):
    r.passwords["hub"] = "another"


def _tells_nothing(_hub, r):
    r.listing = lambda _since=None: []


def _lost_everything(_hub, r):
    r.items.clear()


def _sees_nothing(_hub, r):
    for ref in r.items:
        r.hide(ref)


def _asks_for_something_else(hub, _r):
    hub.change("R", query="status=nowhere")


@pytest.mark.parametrize("fails", [
    _wrong_password, _tells_nothing, _lost_everything, _sees_nothing, _asks_for_something_else,
])  # fmt: skip
def test_a_source_that_fails_or_is_asked_otherwise_closes_nothing(fails):
    """Somebody works on the copies meanwhile, so that each original is looked at."""
    r, t = pair()
    for number in range(5):
        r.create("bob", {"summary": str(number), "status": "open"})
    with Hub(r, t, R={"query": "status=open"}) as hub:
        hub.syncs(), later(r, t), hub.sync()
        fails(hub, r)
        for ref in t.items:
            t.update("eve", ref, {"priority": "high"})
        for _ in range(4):
            later(r, t)
            with contextlib.suppress(HubError):
                hub.sync()
        assert shown(t) == [(str(n), "open") for n in range(5)], "closed because the source failed"
        writes = [w for spec in hub.specs.values() for _, w in _lives(hub, spec)]
        assert writes == [], "told as deleted because the source failed"


def _lives(hub, spec):
    for ref in ("1", "2", "3", "4", "5"):
        tracker = next(x for x in hub.trackers if x.name == spec.name)
        for one in hub.replica.writes_of(hub.record(tracker, ref)):
            if one[1].cell.prop == "life":
                yield one


@contextlib.contextmanager
def emptied(folder, act):
    """A source of 21 tickets in step with its copies, emptied by somebody, or so it tells; yields
    how to sync, and the copies.
    """
    site = folder / "site"
    site.mkdir()
    file = folder / "prophet-hub.yaml"
    file.write_text(JOB)

    def sync(*more):
        words = ["--database", str(folder / "hub.db"), "--config", str(file), "sync", *more]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return main([*words, "--quiet"])

    with memory.registered(site):
        a, b = memory.TRACKERS["a"], memory.TRACKERS["b"] = Tracker("a"), Tracker("b")
        for number in range(21):
            a.create("bob", {"summary": str(number), "status": "open"})
        for job in ("careful", "bold"):
            assert sync(job, "--yes") == 0
        tick(a, b)
        for ref in list(a.items):
            act(a, ref)
        yield sync, b


def _close(tracker, ref):
    tracker.update("eve", ref, {"status": "resolved"})


def _remove(tracker, ref):
    tracker.delete("eve", ref)


@pytest.mark.parametrize("act", [_close, _remove])
def test_closes_and_deletes_by_the_dozen_wait_for_a_word(tmp_path, act):
    with emptied(tmp_path, act) as (sync, copies):
        before = shown(copies)
        for _ in range(3):
            code = sync("bold")
            assert shown(copies) == before, "21 tickets were closed or deleted and nobody was asked"
            assert code == BRAKED
        assert sync("bold", "--yes") == 0
        assert [status for _, status in shown(copies)] == ["resolved"] * 21 * (act is _close)


def test_a_job_that_does_not_say_so_deletes_nothing(tmp_path):
    with emptied(tmp_path, _remove) as (sync, copies):
        before = shown(copies)
        assert sync("careful", "--yes") == 0
        assert shown(copies) == before, "deleted by a job that had not said that it deletes"


# --- a permission that goes and comes ---------------------------------------------------------------


def test_what_the_account_may_not_see_for_a_while_is_neither_deleted_nor_made_again():
    """The token's scope is cut, twice; both sides go on, and meet when it is given back."""
    r, t = pair()
    r.create("bob", {"summary": "printer on fire", "status": "new"})
    r.comment("bob", "1", "hello")
    with Hub(r, t) as hub:
        hub.syncs()
        for n, (mine, theirs) in enumerate([(r, t), (t, r)]):
            later(r, t), hub.sync()
            mine.hide("1")
            for text in ("one", "two"):
                later(r, t)
                theirs.update("eve", "1", {"status": f"{text} {n}"})
                theirs.comment("eve", "1", f"{text} {n}")
                mine.update("bob", "1", {"priority": f"{text} {n}"})
                hub.sync(), later(r, t), hub.sync()
                assert hub.conflicts() == [], "a lost permission was taken for a deletion"
                assert [x.items["1"].gone for x in (r, t)] == [None, None]
                assert ["not visible" in i.reason for i in hub.inbox(mine)] == [True]
            mine.hide("1", hidden=False)
            later(r, t), hub.syncs()
            assert r.items["1"].fields == t.items["1"].fields, "what was said meanwhile is lost"
            assert t.items["1"].fields["status"] == f"two {n}"
            assert t.items["1"].fields["priority"] == f"two {n}"
            comments = [len(x.items["1"].comments) for x in (r, t)]
            assert comments == [3 + 2 * n] * 2, "what was said meanwhile is lost, or doubled"
        assert [len(x.items) for x in (r, t)] == [1, 1], "made again because it was not seen"
        assert [*hub.conflicts(), *hub.inbox(r), *hub.inbox(t)] == []


# --- deleted, edited, made anew ---------------------------------------------------------------------


def _delete(tracker, author):
    tracker.delete(author, "1")


def _edit(tracker, author):
    tracker.update(author, "1", {"status": f"as {author} says"})


def _make_anew(tracker, author):
    tracker.delete(author, "1")
    tracker.create(author, {"summary": f"anew by {author}"})


ACTS = (_delete, _edit, _make_anew)


@pytest.mark.parametrize("there", ACTS)
@pytest.mark.parametrize("here", ACTS)
def test_a_delete_takes_what_it_saw_and_nothing_comes_back(here, there):
    r, t = pair()
    r.create("bob", {"summary": "old", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        here(r, "bob"), there(t, "eve")
        for _ in range(4):
            hub.sync(), tick(r, t)
        acts = {r: here, t: there}
        anew = [
            f"anew by {who}" for who, act in (("bob", here), ("eve", there)) if act is _make_anew
        ]
        for tracker, act in acts.items():
            (other,) = acts.keys() - {tracker}
            kept = act is _edit
            alive = [summary for summary, _ in shown(tracker) if summary == "old"]
            assert alive == ["old"] * kept, (
                "an edit was deleted with its twin" if kept else "a deleted ticket came back"
            )
            made = [summary for summary, _ in shown(tracker) if summary != "old"]
            assert sorted(made) == anew, "what was made anew was closed, lost or doubled"
            assert len(tracker.items) == 1 + len(anew)
            assert tracker.items["1"].fields.get("status") == (
                f"as {'bob' if tracker is r else 'eve'} says" if kept else "new"
            )
            assert other is not tracker
        asked = [conflict.cell.prop for conflict in hub.conflicts()]
        edits = [act for act in (here, there) if act is _edit]
        assert asked == [[], ["life"], ["status"]][len(edits)], "an edit was overruled in silence"
        writes = r.writes, t.writes
        hub.syncs()
        assert (r.writes, t.writes) == writes


def test_a_delete_of_one_twin_deletes_the_other_with_all_that_was_seen():
    r, t = pair()
    r.create("bob", {"summary": "old"})
    r.comment("bob", "1", "hello"), r.attach("bob", "1", "a.txt", b"x")
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        t.comment("eve", "1", "well"), hub.syncs(), tick(r, t)
        t.delete("eve", "1"), hub.syncs()
        assert r.items["1"].gone, "the twin of a deleted ticket stays"
        assert hub.conflicts() == [], "who deleted it had seen its comments"


def test_what_a_person_keeps_is_not_made_again_where_it_was_deleted():
    """The delete did not see the edit, so a person is asked; the answer is no order to eve's side."""
    r, t = pair()
    r.create("bob", {"summary": "old", "status": "new"})
    with Hub(r, t) as hub:
        hub.syncs(), tick(r, t)
        r.update("bob", "1", {"status": "open"}), t.delete("eve", "1")
        hub.syncs(), tick(r, t)
        hub.replica.resolve(hub.record(r), "life", "alive", "present", author="me")
        hub.syncs(), tick(r, t)
        r.update("bob", "1", {"status": "stalled"})
        hub.syncs()
        assert shown(t) == [], "a deleted ticket was brought back by its twin"
        assert (shown(r), hub.conflicts()) == ([("old", "stalled")], [])
