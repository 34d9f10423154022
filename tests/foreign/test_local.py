"""Tickets that were made in the database itself go to the job's remotes, exactly once."""

from __future__ import annotations

import hashlib

import pytest

from foreign.families import meet
from foreign.kit import Hub, crash
from foreign.test_families import members
from foreign.test_scenarios import KEYS, a, say
from foreign.worlds import rows
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.model.ids import RecordId, fresh, text
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET
from prophet_hub.testing.memory import MemoryConnector
from prophet_hub.testing.tracker import Knobs, Tracker
from prophet_hub.values import Stored


def two(*, local=True, keys=KEYS, answers=True):
    r, t = (Tracker(n, Knobs(keys=keys, answers=answers)) for n in "RT")
    options = {
        x.name: {
            "connector": MemoryConnector.over(x, fields=rows()), "pairing": "off", "local": local
        }
        for x in (r, t)
    }  # fmt: skip
    return Hub(r, t, **options), r, t


def made(replica, **given):
    """A ticket with a comment and an attachment, as the command line makes them."""
    ticket = RecordId(fresh())
    fields = {"status": "p", "summary": "k", **given}
    replica.edit(ticket, TICKET, {(k, ""): v for k, v in fields.items()}, author="me")
    comment = {"ticket": text(ticket), "body": "said", "author": "me@example.org", "private": "no",
               "created": "2026-11-20T18:43:00+00:00"}  # fmt: skip
    replica.edit(RecordId(fresh()), COMMENT, {(k, ""): v for k, v in comment.items()}, author="me")
    stored = replica.store.blobs.put([b"data"])
    file = {"ticket": text(ticket), "name": "f", "author": "me@example.org", "private": "no",
            "content_type": "text/plain", "size": "4", "content": stored,
            "sha256": stored.sha256, "created": "2026-11-20T18:43:00+00:00"}  # fmt: skip
    replica.edit(RecordId(fresh()), ATTACHMENT, {(k, ""): v for k, v in file.items()}, author="me")
    return ticket


def whole(*trackers):
    """What stands in each tracker: tickets, comments, attachments."""
    return [
        [
            (i.fields["a"], [c.body.rsplit("\n\n", 1)[-1] for c in i.comments],
             [f.data for f in i.attachments])
            for i in t.items.values()
        ]
        for t in trackers
    ]  # fmt: skip


ONCE = [("p", ["said"], [b"data"])]


def test_a_ticket_of_the_database_goes_to_all_remotes_with_what_is_in_it():
    hub, r, t = two()
    hub.sync()
    made(hub.replica)
    hub.syncs(3)
    assert whole(r, t) == [ONCE, ONCE]
    assert hub.conflicts() == []

    say(t, "q"), hub.syncs()
    assert a(r, t) == ["q", "q"]
    before = r.writes + t.writes
    hub.syncs()
    assert r.writes + t.writes == before
    hub.close()


def test_it_stays_here_where_the_job_does_not_say_so_and_goes_when_it_does():
    hub, r, t = two(local=False)
    made(hub.replica)
    hub.syncs(2)
    assert whole(r, t) == [[], []]

    hub.change("T", local=True)
    hub.syncs(2)
    assert whole(t) == [ONCE]
    hub.close()


def test_it_is_created_nowhere_that_takes_no_creates():
    hub, r, t = two()
    hub.change("R", creates=False)
    hub.change("T", pushes=False)
    made(hub.replica)
    hub.syncs(2)
    assert whole(r, t) == [[], []]
    hub.close()


def test_what_another_jobs_query_told_is_not_of_the_database():
    hub, r, t = two()
    r.create("bob", {"a": "q", "b": "k"})
    list(ForeignReplica(hub.replica, hub.specs["R"], job="other").pull())
    hub.change("R", query="a=p")
    hub.syncs(2)
    assert len(list(hub.replica.records(TICKET))) == 1
    assert whole(t) == [[]]
    hub.close()


@pytest.mark.parametrize("keys", [KEYS, frozenset()])
def test_no_crash_doubles_a_ticket_of_the_database(keys):
    at = 0
    while True:
        hub, r, t = two(keys=keys, answers=False)
        made(hub.replica)
        died = crash(hub, at)
        hub.syncs(4)
        assert whole(r, t) == [ONCE, ONCE], at
        hub.close()
        if not died:
            break
        at += 3
    assert at > 20


def test_a_ticket_made_on_another_replica_is_created_by_the_hub_that_writes_there():
    r, t = (Tracker(n, Knobs(keys=KEYS)) for n in "RT")
    h, k = members(r, t)
    for hub in (h, k):
        for name in ("R", "T"):
            hub.change(name, local=True)
    made(k.replica)
    meet([h, k], rounds=4)
    assert whole(r, t) == [ONCE, ONCE]
    assert list(h.replica.export()) == list(k.replica.export())
    h.close(), k.close()


def test_an_attachment_whose_content_did_not_come_waits_for_it():
    hub, r, _ = two()
    ticket = made(hub.replica)
    missing = Stored(hashlib.sha256(b"later").hexdigest(), 5)
    file = {"ticket": text(ticket), "name": "g", "author": "me", "private": "no", "size": "5",
            "content": missing, "sha256": missing.sha256}  # fmt: skip
    hub.replica.edit(
        RecordId(fresh()), ATTACHMENT, {(k, ""): v for k, v in file.items()}, author="me"
    )
    hub.syncs(2)
    assert [f.data for f in r.items["1"].attachments] == [b"data"]

    hub.replica.store.blobs.put([b"later"])
    hub.syncs(2)
    assert sorted(f.data for f in r.items["1"].attachments) == [b"data", b"later"]
    hub.close()
