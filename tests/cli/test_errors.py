"""What goes wrong in ordinary life: one sentence, the right code, nothing half-written, and the
next run carries on."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.tracker import Tracker

TICKETS = 4


@pytest.fixture
def life(hub):
    """Tickets with comments and attachments on both sides, before the first sync."""
    for tracker, who in ((hub.a, "jesse"), (hub.b, "cara")):
        for n in range(TICKETS):
            made = tracker.create(who, {"summary": f"{who} {n}", "status": "open"})
            tracker.comment(who, made, f"Comment of {who} {n}")
            tracker.attach(who, made, f"{who}-{n}.txt", f"bytes of {who} {n}".encode())
    return hub


def whole(hub):
    """Asserts that each side holds everything exactly once."""
    for tracker in (hub.a, hub.b):
        alive = [item for item in tracker.items.values() if not item.gone]
        summaries = sorted(str(item.fields["summary"]) for item in alive)
        assert summaries == sorted(
            f"{who} {n}" for who in ("jesse", "cara") for n in range(TICKETS)
        )
        for item in alive:
            assert len(item.comments) == 1
            assert len(item.attachments) == 1


def refused(said, code, sentence):
    assert (said.code, "Traceback" in said.err) == (code, False)
    assert said.err.startswith("prophet-hub: ")
    assert sentence in said.err
    assert said.err.count("\n") == 1, said.err


def carries_on(hub):
    """Asserts that quiet runs come to the end as if nothing had happened."""
    for _ in range(3):
        assert hub("sync a b --yes --quiet").code == 0
    whole(hub)
    assert hub("plan a b --json").data["plan"] == []


def test_wrong_password(life):
    life.b.passwords["hub"] = "another"

    refused(life("sync a b --yes -q"), 2, "b refused the password of hub. Check")
    life.b.passwords["hub"] = "correct horse"
    carries_on(life)


def test_unreachable_server(life):
    gone = life.trackers.pop("b")

    refused(life("sync a b --yes -q"), 1, "b was not reached.")
    life.trackers["b"] = gone
    carries_on(life)


@pytest.mark.parametrize(
    "path", ["/changed", "/ticket", "/comment", "/attachment"], ids=lambda p: p.strip("/")
)
@pytest.mark.parametrize("what", [What.CUT, What.TRUNCATED, What.LOST], ids=str)
def test_a_request_that_fails_anywhere(life, what, path):
    for tracker in (life.a, life.b):
        tracker.faults.add(Fault(what=what, path=path, nth=2, times=4))

    said = life("sync a b --yes -q")

    assert said.code in (0, 1)
    assert "Traceback" not in said.err
    for line in said.err.splitlines():
        assert line.startswith(("prophet-hub: a", "prophet-hub: b"))
    life.a.faults.clear()
    life.b.faults.clear()
    carries_on(life)


def test_truncated_json(life):
    life.a.faults.add(Fault(what=What.TRUNCATED, path="/changed", times=None))

    refused(life("sync a b --yes -q"), 1, "prophet-hub: a")
    life.a.faults.clear()
    carries_on(life)


@pytest.mark.parametrize("kind", ["ticket", "comment", "attachment"])
def test_revoked_permission(life, kind):
    life.b.denied.add(("create", kind))

    said = life("sync a b --yes -q")

    assert said.code in (1, 2)
    for line in said.err.splitlines():
        assert line.startswith("prophet-hub: b")
    life.b.denied.clear()
    life("inbox retry --all")
    carries_on(life)


@contextmanager
def opened(monkeypatch, **how):
    """Opens every database with these pragmas or options inside the block."""
    real = Replica.open.__func__
    pages = how.pop("pages", None)

    def open_(path, **more):
        replica = real(Replica, path, **(more | how))
        if pages:
            replica.store.run(f"PRAGMA max_page_count = {pages}")
        return replica

    with monkeypatch.context() as patch:
        patch.setattr(Replica, "open", open_)
        yield


@pytest.mark.parametrize("more", [0, 2, 9])
def test_full_disk(life, monkeypatch, more):
    assert life("status").code == 1
    life("sync a b")  # braked: everything is read
    with closing(sqlite3.connect(life.folder / "hub.db")) as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()

    with opened(monkeypatch, pages=pages + more):
        said = life("sync a b --yes -q")

    if said.code:
        refused(said, 1, "The disk is full")
    carries_on(life)


def test_full_disk_at_the_first_sync(life, monkeypatch):
    life.job_file((life.folder / "prophet-hub.yaml").read_text())
    life("sync a b --dry-run -q")
    for file in life.folder.glob("hub.db*"):
        if file.is_file():
            file.unlink()
    with opened(monkeypatch, pages=40):
        said = life("sync a b --yes -q")

    refused(said, 1, "The disk is full")
    carries_on(life)


def test_full_disk_while_an_attachment_arrives(life, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("prophet_hub.store.blobs.Blobs._fill", full)
        said = life("sync a b --yes -q")

    refused(said, 1, "The disk is full. Free some space")
    carries_on(life)


def test_locked_database(life, monkeypatch):
    life("sync a b")
    with (
        closing(sqlite3.connect(life.folder / "hub.db", isolation_level=None)) as other,
        opened(monkeypatch, patience=0),
    ):
        other.execute("BEGIN IMMEDIATE")
        said = life("sync a b --yes -q")
        read = life("tickets")
        other.execute("ROLLBACK")

    refused(said, 5, "Another process is writing to the database")
    assert read.code == 0
    carries_on(life)


def test_a_damaged_database(life):
    (life.folder / "hub.db").write_bytes(b"this is no database" * 100)

    refused(life("sync a b --yes -q"), 1, "is damaged or no database of prophet-hub.")
    refused(life("show 1"), 1, "is damaged or no database of prophet-hub.")


def test_a_second_run_started_by_cron(tmp_path):
    """Two real processes: the second names the first and ends at once."""
    (tmp_path / "one.txt").write_text("Call the plumber\n")
    (tmp_path / "two.txt").write_text("Buy milk\n")
    (tmp_path / "prophet-hub.yaml").write_text(
        "remotes:\n  one: {connector: todotxt, url: one.txt}\n"
        "  two: {connector: todotxt, url: two.txt}\n"
        "jobs:\n  lists: {remotes: [one, two]}\n"
    )
    first = (
        "import sys, pathlib, time\n"
        "from prophet_connectors.todotxt import TodoTxt\n"
        "real = TodoTxt.whoami\n"
        "def slow(self):\n"
        "    pathlib.Path('held').touch()\n"
        "    while not pathlib.Path('go').exists(): time.sleep(0.005)\n"
        "    return real(self)\n"
        "TodoTxt.whoami = slow\n"
        "from prophet_hub.cli.main import main\n"
        "sys.exit(main(['--database', 'hub.db', 'sync', 'lists', '--yes']))\n"
    )
    with subprocess.Popen([sys.executable, "-c", first], cwd=tmp_path) as holder:
        until = time.monotonic() + 30
        while not (tmp_path / "held").exists() and time.monotonic() < until:
            time.sleep(0.005)
        second = subprocess.run(
            [sys.executable, "-m", "prophet_hub.cli", "--database", "hub.db",
             "sync", "one", "two", "--quiet"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        (tmp_path / "go").touch()
        assert holder.wait(60) == 0

    assert second.returncode == 5
    assert second.stderr.startswith(
        f'prophet-hub: one is busy with the run of "lists" (process {holder.pid}, since 2'
    )
    assert second.stderr.endswith("). Wait for it to end, or give --wait SECONDS.\n")
    assert "Buy milk" in (tmp_path / "one.txt").read_text()


def test_a_run_waits_for_another_if_it_is_told_to(life, monkeypatch):
    from prophet_hub.jobs.locks import locked  # noqa: PLC0415 - beside its use

    held = locked(life.folder / "hub.db.remotes/.locks", ["a"], "another", sleep=print)
    held.__enter__()
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 2:
            held.__exit__(None, None, None)

    monkeypatch.setattr("prophet_hub.cli.desk.Desk.sleep", staticmethod(sleep))

    assert life("sync a b --yes -q --wait 5").code == 0
    assert len(slept) == 2
    whole(life)


def test_a_third_remote_that_is_down_does_not_stop_the_others(life):
    life.job_file("""
remotes:
  a: {connector: memory, url: memory://a}
  b: {connector: memory, url: memory://b}
  c: {connector: memory, url: memory://c}
""")

    refused(life("sync a b c --yes -q"), 1, "c was not reached.")
    whole(life)
    life.trackers["c"] = Tracker("c")
    life.trackers["c"].create("jesse", {"summary": "jesse 0", "status": "open"})
    for _ in range(3):
        assert life("sync a b c --yes -q").code in (0, 3)
    assert len(life.trackers["c"].items) >= 2 * TICKETS
