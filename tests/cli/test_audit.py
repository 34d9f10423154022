"""`audit`: what trackers were asked for and why, and whether all of it is still there."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.audit import Head, lines
from prophet_hub.foreign.ledger import Ledger, journal_rows
from prophet_hub.model.ids import TrackerId

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def written(hub):
    """A create, an edit of the copy that goes home, and a comment."""
    hub.synced(labels=frozenset({"hot"}))
    hub.b.update("cara", "1", {"status": "stalled"})
    hub("sync a b -q")
    hub.a.comment("jesse", "1", "Really?")
    hub("sync a b -q")
    return hub


def fields(line):
    return re.split(r"  +", line.strip())


def test_the_list_tells_who_wanted_what_and_where_they_said_so(written):
    lines = written("audit list").out.splitlines()

    assert fields(lines[0]) == [
        "line", "when (UTC)", "run", "remote", "asked", "item", "came", "field", "values", "why",
    ]  # fmt: skip
    (edit,) = [line for line in lines if "update" in line]
    assert fields(edit)[2:] == [
        "2", "a", "update", "ticket 1", "done", "status", "open -> stalled",
        "b:cara, b#1-2",
    ]  # fmt: skip
    assert [int(fields(line)[0]) for line in lines[1:] if line[:1].strip()] == [5, 3, 1]


def test_the_list_can_be_narrowed(written):
    def numbers(words):
        return [one["number"] for one in written(f"audit list --json {words}").data]

    assert numbers("") == [5, 3, 1]
    assert numbers("--most 1") == [5]
    assert numbers("--remote a") == [3]
    assert numbers("--run 1") == [1]
    assert written("audit list --run 99").err.startswith("prophet-hub: There is no run 99.")
    assert numbers("--since 2w") == [5, 3, 1]
    assert numbers("--since 2999-01-01") == []
    assert numbers("--ticket a#1") == [5, 3, 1]
    written.b.create("cara", {"summary": "Tea is out", "status": "open"})
    written("sync a b -q --yes")
    assert numbers("--ticket a#1") == [5, 3, 1]
    assert numbers("--ticket a#4") == [7]
    assert written("audit list --since soon").err.startswith('prophet-hub: "soon" is no time.')


def test_what_a_person_did_here_has_their_name(hub, monkeypatch):
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "robin@example.org")
    hub.synced()
    hub("ticket update #1 status=closed")
    hub("sync a b -q")

    reasons = {one["author"] for n in hub("audit list -n 2 --json").data for one in n["why"]}
    assert reasons == {"robin@example.org"}


def test_what_an_undo_asks_for_says_so(written):
    assert written("undo --run 2 --yes").code == 0

    (one,) = written("audit list -n 1 --json").data
    assert (one["undoes"], one["remote"], one["values"]["after"]) == ("2", "a", {"status": "open"})
    assert "undo of run 2" in written("audit list -n 1").out
    assert written("audit verify").code == 0


def test_a_whole_audit_has_a_head_that_every_run_tells(written):
    said = written("audit verify")
    head = said.out.rsplit(" ", 1)[1].strip()

    assert said.code == 0
    assert said.out.startswith("The audit is whole: 6 lines of 3 requests.")
    assert Head.parse(head).number == 6
    report = written("sync a b --json").data
    assert report["audit"] == head
    assert written("audit verify --json").data["head"] == head


def test_an_old_head_proves_that_nothing_was_taken_away(written):
    head = written("audit verify --json").data["head"]
    written.a.update("jesse", "1", {"status": "resolved"})
    written("sync a b -q")

    assert written(f"audit verify --head {head}").code == 0
    assert written(f"audit verify --head {head[:12]}").code == 0
    assert written("audit verify --head 6:00000000").code == 1
    assert "is missing: the audit ends with line 8" in written("audit verify --head 9:00000000").err
    assert written("audit verify --head six").err.startswith('prophet-hub: "six" is no head')


def change(hub, *statements):
    """Changes the database behind the hub's back."""
    connection = sqlite3.connect(hub.folder / "hub.db")
    for statement in statements:
        assert connection.execute(statement).rowcount > 0, statement
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM audit WHERE number = 3", "Line 3 is missing"),
        ("DELETE FROM audit WHERE number = 1", "Line 1 is missing"),
        ("DELETE FROM audit WHERE number > 4",
         "The journal has a write of run 3 (number 5) without a line."),
        ("UPDATE audit SET data = CAST(substr(data, 1, 40) || X'20' || substr(data, 42) AS BLOB) WHERE number = 2",
         "Line 2 was changed: it has not the hash that is noted of it."),
        ("UPDATE audit SET data = (SELECT data FROM audit WHERE number = 4) WHERE number = 2",
         "Line 2 does not follow"),
        ("UPDATE audit SET number = number + 1 WHERE number > 5", "Line 6 is missing"),
        ("INSERT INTO audit SELECT 7, data FROM audit WHERE number = 6", "Line 7 does not follow"),
        ("DELETE FROM receipts WHERE number = 3", "Line 3 has no row in the journal any more."),
        ("INSERT INTO receipts SELECT run, 9, data FROM receipts WHERE number = 3",
         "The journal has a write of run 2 (number 9) without a line."),
    ],
)  # fmt: skip
def test_what_was_changed_is_found(written, statement, sentence):
    change(written, statement)

    said = written("audit verify")

    assert (said.code, said.out) == (1, "")
    assert said.err.startswith(f"prophet-hub: {sentence}")
    assert "Keep this database" in said.err


def rewrite(hub, **fields):
    """Writes a row of the journal anew."""
    with Replica.open(hub.folder / "hub.db") as replica, replica.transaction():
        ledger = Ledger(replica.store, TrackerId(b""), "")
        ledger.set_journal("2", 3, msgspec.structs.replace(ledger.journal("2", 3), **fields))


def test_values_that_were_erased_break_no_chain(written):
    rewrite(written, before={}, after={}, salt=b"")

    said = written("audit verify")

    assert said.code == 0
    assert "The values of 1 request were erased." in said.out


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("after", {"status": "rejected"}, "The values of line 3 were changed in the journal."),
        ("salt", b"", "The values of line 3 were changed in the journal."),
        ("outcome", "refused", "Line 3 came to done, its row in the journal says refused."),
        ("remote", "b", "Line 3 and its row in the journal tell of another remote."),
        ("causes", {}, "Line 3 and its row in the journal tell of another causes."),
        ("ref", "2", "Line 3 and its row in the journal tell of another item."),
    ],
)
def test_a_journal_that_tells_something_else_is_found(written, name, value, sentence):
    rewrite(written, **{name: value})

    assert written("audit verify").err.startswith(f"prophet-hub: {sentence}")


def test_a_chain_that_was_written_anew_is_found_by_a_head_that_was_kept(written):
    head = written("audit verify --json").data["head"]
    change(written, "DELETE FROM audit WHERE number > 4", "DELETE FROM receipts WHERE number > 4")

    assert written("audit verify").code == 0
    said = written(f"audit verify --head {head}")
    assert said.code == 1
    assert "Line 6 is missing: the audit ends with line 4." in said.err


def forge(hub, place, **said):
    """Writes a line anew, with a hash that fits."""
    with Replica.open(hub.folder / "hub.db") as replica, replica.transaction():
        (line,) = [one for one in lines(replica.store) if one.number == place]
        raw = json.dumps({**line.body, **said}, sort_keys=True, separators=(",", ":")).encode()
        replica.store.put("audit", (place,), hashlib.sha256(raw).digest() + raw)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"outcome": "failed"}, "Line 5 came to"),
        ({"of": 4}, "Line 6 answers what no line before it asks for."),
        ({"of": [5]}, "Line 6 answers what no line before it asks for."),
        ({"when": "then"}, "Line 6 cannot be read."),
        ({"number": 5}, "Line 6 does not follow the one before it"),
        ({"what": "asked"}, "Line 6 has no row in the journal any more."),
    ],
)
def test_a_forged_last_line_is_found_by_the_journal(written, said, sentence):
    forge(written, 6, **said)

    found = written("audit verify").err
    assert found.startswith(f"prophet-hub: {sentence}")


def test_a_line_that_cannot_be_read_is_told_by_the_list(written):
    change(written, "UPDATE audit SET data = X'00' WHERE number = 5")

    said = written("audit list")

    assert said.code == 1
    assert said.err.startswith("prophet-hub: Line 5 of the audit cannot be read.")
    assert written("audit verify").code == 1


def test_writes_from_before_the_audit_are_older_than_it(written):
    change(written, "DELETE FROM audit")
    assert (
        "The journal has a write of run 1 (number 1) without a line." in written("audit verify").err
    )

    with Replica.open(written.folder / "hub.db") as replica, replica.transaction():
        ledger = Ledger(replica.store, TrackerId(b""), "")
        for run, number, row in list(journal_rows(replica.store)):
            ledger.set_journal(run, number, msgspec.structs.replace(row, salt=b""))
    said = written("audit verify")

    assert said.code == 0
    assert "The journal has 3 writes older than the audit." in said.out


def test_a_restored_backup_goes_on_from_what_it_has(written):
    written("audit verify")
    shutil.copy(written.folder / "hub.db", written.folder / "kept.db")
    with Replica.open(written.folder / "hub.db"):
        pass
    written.a.update("jesse", "1", {"status": "resolved"})
    written("sync a b -q")
    later = written("audit verify --json").data["head"]
    for more in ("-wal", "-shm"):
        (written.folder / f"hub.db{more}").unlink(missing_ok=True)
    shutil.copy(written.folder / "kept.db", written.folder / "hub.db")

    assert written("sync a b -q").code == 0
    assert written("audit verify").code == 0
    assert written(f"audit verify --head {later}").code == 1


def test_a_stranger_checks_it_with_the_lines_on_the_page(written, tmp_path):
    (script,) = re.findall(r"```python\n(.*?)```", (DOCS / "audit.md").read_text(), re.DOTALL)
    said = written("audit list --most 0 --json").out

    def check(told):
        return subprocess.run([sys.executable, "-c", script], input=told, text=True,
                              capture_output=True, check=False)  # fmt: skip

    head = written("audit verify --json").data["head"]
    assert check(said).stdout.strip() == head
    data = json.loads(said)
    for harm in (
        lambda one: one[0]["lines"][0]["line"].update(remote="c"),
        lambda one: one[0]["values"]["after"].update(status="x"),
        lambda one: one.pop(1),
    ):
        harmed = json.loads(json.dumps(data))
        harm(harmed)
        assert check(json.dumps(harmed)).returncode == 1
