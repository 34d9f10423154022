"""`sync` and `check` with replicas among the remotes."""

from __future__ import annotations

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids

FILE = """
remotes:
  a: {connector: memory, url: memory://a}
  laptop: {connector: prophet, path: laptop.db}
  shelf: {connector: prophet, url: shelf, audience: private}
jobs:
  own: {remotes: [a, laptop]}
  all: {remotes: [a, laptop, shelf]}
"""


@pytest.fixture
def at_work(hub):
    hub.job_file(FILE)
    return hub


def recorded(path, **fields):
    replica = Replica.open(path, clock=lambda: 1_700_000_000_000_000)
    record = ids.RecordId(ids.fresh())
    changes = {("life", "alive"): "present"} | {(k, ""): v for k, v in fields.items()}
    replica.edit(record, "ticket", changes, author="jesse@example.org")
    replica.close()


def edited(path, summary, **fields):
    replica = Replica.open(path, clock=lambda: 1_800_000_000_000_000)
    (record,) = [
        row.record for row in replica.records("ticket")
        if replica.shown(row.record).get("summary") == summary
    ]  # fmt: skip
    changes = {(k, ""): v for k, v in fields.items()}
    replica.edit(record, "ticket", changes, author="jesse@example.org")
    replica.close()


def test_a_place_is_begun_by_the_first_sync_and_a_database_is_not(at_work):
    hub = at_work
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    said = hub("sync all --yes")
    assert said.code == 1
    assert "There is no database" in said.err
    assert (hub.folder / "shelf/prophet-hub.json").exists()
    assert not (hub.folder / "laptop.db").exists()


def test_a_laptop_and_a_tracker_are_kept_in_step(at_work):
    hub = at_work
    laptop = hub.folder / "laptop.db"
    made = hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    said = hub("sync a shelf --yes")
    assert said.code == 0, said.err
    assert "shelf: " in said.out
    assert hub("clone", str(hub.folder / "shelf"), str(laptop)).code == 0
    recorded(laptop, summary="From the train", status="open")
    edited(laptop, "Printer on fire", status="resolved")
    said = hub("sync own --yes")
    assert (said.code, said.err) == (0, "")
    assert hub.a.items[made].fields["status"] == "resolved"
    assert hub("sync all --yes --quiet").code == 0
    here, there = Replica.open(hub.folder / "hub.db"), Replica.open(laptop)
    try:
        assert list(here.export()) == list(there.export())
        assert here.tips() == there.tips()
    finally:
        here.close()
        there.close()
    again = hub("sync all")
    assert "changeset" not in again.out


def test_a_plan_writes_to_no_replica(at_work):
    hub = at_work
    recorded(hub.folder / "hub.db", summary="x")
    hub("plan all")
    assert not (hub.folder / "shelf").exists()
    assert not (hub.folder / "laptop.db").exists()


def test_a_replica_that_cannot_be_used_leaves_the_rest_of_the_run(at_work):
    hub = at_work
    hub.a.create("jesse", {"summary": "Printer on fire", "status": "open"})
    recorded(hub.folder / "laptop.db", summary="of another family")
    recorded(hub.folder / "hub.db", summary="here")
    said = hub("sync all --yes")
    assert said.code == 1
    assert "laptop" in said.err
    assert "another database" in said.err
    assert "a: 1 ticket read, 1 with news" in said.out
    assert (hub.folder / "shelf/prophet-hub.json").exists()


def test_two_replicas_are_kept_in_step_without_any_tracker(at_work):
    hub = at_work
    recorded(hub.folder / "hub.db", summary="here")
    assert hub("clone", str(hub.folder / "hub.db"), str(hub.folder / "laptop.db")).code == 0
    recorded(hub.folder / "laptop.db", summary="there")
    said = hub("sync laptop shelf --yes")
    assert (said.code, said.err) == (0, "")
    assert "laptop: 1 changeset read" in said.out
    assert hub("status").code == 0
    assert hub("clone", str(hub.folder / "shelf"), str(hub.folder / "new.db")).code == 0
    new, laptop = Replica.open(hub.folder / "new.db"), Replica.open(hub.folder / "laptop.db")
    try:
        assert list(new.export()) == list(laptop.export())
    finally:
        new.close()
        laptop.close()


def test_an_old_tools_replica_is_never_written(at_work):
    hub = at_work
    (hub.folder / "shelf").mkdir()
    for name in ("replica-uuid", "database-uuid", "latest-sequence-no"):
        (hub.folder / "shelf" / name).write_text("0")
    recorded(hub.folder / "hub.db", summary="here")
    said = hub("publish shelf")
    assert (said.code, "old tool" in said.err) == (2, True)
    assert not (hub.folder / "shelf/prophet-hub.json").exists()


def test_what_is_private_goes_only_where_the_audience_is(at_work):
    hub = at_work
    hub.job_file(FILE.replace(", audience: private", ""))
    replica = Replica.open(hub.folder / "hub.db")
    ticket = ids.RecordId(ids.fresh())
    replica.edit(ticket, "ticket", {("summary", ""): "x", ("private", ""): "yes"}, author="jesse")
    replica.close()
    said = hub("sync a shelf --yes")
    assert said.code == 1
    assert "private" in said.err
    assert not (hub.folder / "shelf").exists()
    hub.job_file(FILE)
    assert hub("sync a shelf --yes").code == 0
    assert (hub.folder / "shelf/prophet-hub.json").exists()


def test_check_tells_what_stands_at_a_replicas_address(at_work):
    hub = at_work
    recorded(hub.folder / "laptop.db", summary="x")
    said = hub("check laptop shelf")
    assert said.code == 0
    assert "ok: a database" in said.out
    assert "ok: nothing yet; the first sync begins it" in said.out


def test_init_writes_a_replica_as_a_remote(hub):
    said = hub("init --force --remote a=memory:memory://a --remote stick=prophet:/media/stick")
    assert said.code == 0, said.err
    text = (hub.folder / "prophet-hub.yaml").read_text()
    assert "connector: prophet\n    url: /media/stick\n\njobs" in text
