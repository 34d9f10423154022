"""The embedded store: ledger, transactions, errors in the hub's words, several processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys

import pytest

from prophet_hub.errors import Busy, StoreError
from prophet_hub.store.base import LEDGER, Locked, batched_in
from prophet_hub.store.schema import VERSION
from prophet_hub.store.sqlite import Store, said

SHADOW = (b"t" * 16, "ticket", "5")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hub.db"


@pytest.fixture
def store(path):
    opened = Store.open(path)
    yield opened
    opened.close()


# --- the ledger ---


@pytest.mark.parametrize("table", LEDGER)
def test_every_ledger_table_keeps_rows_by_its_key(store, table):
    """What is put is got, over what was put before; a dropped row is gone."""
    key = tuple(f"{n}" for n, _ in enumerate(LEDGER[table]))
    store.put(table, key, b"one")
    store.put(table, key, b"two")

    assert store.get(table, key) == b"two"
    assert list(store.scan(table)) == [(key, b"two")]

    store.drop(table, key)
    store.drop(table, key)
    assert store.get(table, key) is None


def test_scan_yields_what_begins_with_the_prefix_sorted(store):
    for key in ((b"b", "ticket", "1"), (b"a", "ticket", "2"),
                (b"a", "comment", "9"), (b"a", "ticket", "10")):  # fmt: skip
        store.put("shadows", key, b"x")

    keys = [key for key, _ in store.scan("shadows", (b"a", "ticket"))]

    assert keys == [(b"a", "ticket", "10"), (b"a", "ticket", "2")]
    assert [key[0] for key, _ in store.scan("shadows")] == [b"a", b"a", b"a", b"b"]


def test_scan_survives_writes_between_two_rows(store):
    """Pages follow the key, so rows that are dropped or added do not shift them."""
    seen = []
    with store.transaction():
        for n in range(1200):
            store.put("receipts", (1, n), b"")
        for key, _ in store.scan("receipts", (1,)):
            seen.append(key[1])
            store.drop("receipts", key)

    assert seen == list(range(1200))
    assert list(store.scan("receipts")) == []


def test_numbers_text_and_bytes_keep_their_type_in_keys(store):
    for key in (7, "7", b"7"):
        store.put("runs", (key,), repr(key).encode())

    assert [key for key, _ in store.scan("runs")] == [(7,), ("7",), (b"7",)]


# --- transactions ---


def _put_and_fail(store, table, key):
    with store.transaction():
        store.put(table, key, b"x")
        raise ZeroDivisionError


def _fill(store):
    with store.transaction():
        for n in range(100):
            store.put("runs", (n + 2,), b"x" * 4096)


def test_an_exception_leaves_nothing(store):
    with pytest.raises(ZeroDivisionError):
        _put_and_fail(store, "shadows", SHADOW)

    assert store.get("shadows", SHADOW) is None
    assert not store.in_transaction


def test_a_nested_transaction_can_fail_alone(store):
    """One bad ticket of a batch blocks only itself."""
    with store.transaction():
        store.put("runs", (1,), b"outer")
        with pytest.raises(ZeroDivisionError):
            _put_and_fail(store, "runs", (2,))
        with store.transaction():
            store.put("runs", (3,), b"inner")

    assert [key for key, _ in store.scan("runs")] == [(1,), (3,)]


def test_a_failing_outer_transaction_takes_the_inner_along(store):
    with contextlib.suppress(KeyboardInterrupt), store.transaction():
        with store.transaction():
            store.put("runs", (1,), b"")
        raise KeyboardInterrupt

    assert list(store.scan("runs")) == []


def test_what_is_committed_is_there_after_a_kill(path):
    """A process that dies inside a transaction leaves what was committed before it, and no more."""
    script = (
        "import os, sys; from prophet_hub.store.sqlite import Store; s = Store.open(sys.argv[1])\n"
        "with s.transaction(): s.put('runs', (1,), b'')\n"
        "with s.transaction():\n    s.put('runs', (2,), b''); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False, timeout=30)
    assert done.returncode == -9

    again = Store.open(path)
    assert [key for key, _ in again.scan("runs")] == [(1,)]
    again.close()


# --- several processes ---


def test_a_second_writer_is_told_to_wait(path, store):
    """It is busy (exit code 5) and a matter of the store at once."""
    other = Store.open(path, patience=0.01)
    with store.transaction():
        store.put("runs", (1,), b"")
        with pytest.raises(Locked) as caught, other.transaction():
            pass
    other.close()

    assert isinstance(caught.value, Busy)
    assert isinstance(caught.value, StoreError)
    assert caught.value.exit_code == 5
    assert "Another process" in caught.value.sentence
    assert caught.value.hint


def test_a_reader_works_while_another_process_writes(path, store):
    """It sees what was committed."""
    store.put("runs", (1,), b"old")
    with store.transaction():
        store.put("runs", (1,), b"new")
        for read_only in (True, False):
            reader = Store.open(path, read_only=read_only, patience=0.01)
            assert reader.get("runs", (1,)) == b"old"
            reader.close()


def test_a_read_only_store_writes_nothing(path, store):
    reader = Store.open(path, read_only=True)
    with pytest.raises(StoreError, match="for writing"):
        reader.put("runs", (1,), b"")
    reader.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_database_in_a_folder_that_may_not_be_written_is_readable(path):
    Store.open(path).close()
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        reader = Store.open(path, read_only=True)
        assert reader.get("runs", (1,)) is None
        reader.close()
    finally:
        path.parent.chmod(stat.S_IRWXU)


def test_a_database_at_rest_is_read_without_a_lock(path, monkeypatch):
    """As in a folder that may not be written, where no lock file can be made."""
    Store.open(path).close()
    monkeypatch.setattr("prophet_hub.store.sqlite._writable", lambda path: False)
    reader = Store.open(path, read_only=True)
    assert reader.get("runs", (1,)) is None
    reader.close()


# --- what can be wrong ---


def test_a_disk_that_is_full_at_the_first_opening_is_said_to_be(path):
    """SQLite rolls back by itself then; a rollback of ours would hide the reason."""
    code = """
import resource, signal, sys
from prophet_hub.errors import StoreError
from prophet_hub.store.sqlite import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    Store.open(sys.argv[1])
except StoreError as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", code, path], check=False, capture_output=True, text=True
    )
    assert "disk" in told.stdout
    assert "rollback" not in told.stdout


def test_a_full_disk_is_one_sentence_and_nothing_is_half_written(store):
    store.put("runs", (1,), b"kept")
    pages = store.rows("PRAGMA page_count")[0][0]
    store.run(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="disk is full") as caught:
        _fill(store)

    assert "run again" in caught.value.hint
    assert [key for key, _ in store.scan("runs")] == [(1,)]
    store.run("PRAGMA max_page_count = 100000")
    store.put("runs", (2,), b"x" * 4096)


def test_a_missing_database_is_named(path):
    for options in ({"create": False}, {"read_only": True}):
        with pytest.raises(StoreError, match="no database at") as caught:
            Store.open(path, **options)
        assert "--database" in caught.value.hint
    assert not path.exists()


def test_garbage_is_no_database(path):
    path.write_bytes(b"no database at all, but long enough to have a header " * 40)
    with pytest.raises(StoreError, match="damaged or no database"):
        Store.open(path)


def test_another_programs_database_is_left_alone(path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(StoreError, match="is no database of prophet-hub"):
        Store.open(path)


@pytest.mark.parametrize(("version", "options", "word"), [
    (VERSION + 1, {}, "this program knows version"),
    (VERSION + 1, {"read_only": True}, "this program knows version"),
    (0, {"read_only": True}, "older version"),
])  # fmt: skip
def test_versions(path, version, options, word):
    """A newer one is refused; an older one is not changed by a reader."""
    Store.open(path).close()
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA user_version = {version}")
    other.close()
    with pytest.raises(StoreError, match=word) as caught:
        Store.open(path, **options)
    assert caught.value.hint


def test_a_migration_that_fails_leaves_the_old_version(path, monkeypatch):
    monkeypatch.setattr(
        "prophet_hub.store.schema._STEPS", ("CREATE TABLE one (x);\nCREATE TABLE one (y);\n",)
    )
    with pytest.raises(StoreError, match="already exists"):
        Store.open(path)
    monkeypatch.undo()
    store = Store.open(path)
    assert store.rows("PRAGMA user_version") == [(VERSION,)]
    store.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(tmp_path / "file" / "sub" / "hub.db")


def test_a_path_that_is_a_folder_cannot_be_opened(tmp_path):
    with pytest.raises(StoreError, match="is a folder"):
        Store.open(tmp_path)


def test_a_closed_store_says_so(path):
    store = Store.open(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="is closed"):
        store.get("runs", (1,))


def test_a_wrong_statement_and_a_failing_disk_have_words(store):
    with pytest.raises(StoreError, match="refused a statement"):
        store.run("SELECT FROM")
    with pytest.raises(StoreError, match="refused a statement"):
        store.run_many("SELECT FROM", [()])
    with pytest.raises(StoreError, match="refused a statement"):
        store.rows("SELECT FROM")
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 1 << 8
    assert "The disk under" in str(said(error, "x"))


# --- small things ---


def test_folders_are_made_and_paths_may_hold_anything(tmp_path):
    path = tmp_path / "new" / "ein Büro #1?.db"
    store = Store.open(path)
    store.set_meta("x", 1)
    assert (path.exists(), store.meta("x"), store.meta("y")) == (True, 1, None)
    store.close()


@pytest.mark.parametrize("n", [0, 1, 2, 8, 9, 511, 512, 513, 1500])
def test_values_are_asked_in_few_sizes(n):
    """Each value once or, to fill a chunk up, again; never more than 512 marks."""
    chunks = list(batched_in(range(n)))
    assert {v for _, chunk in chunks for v in chunk} == set(range(n))
    assert {len(chunk) for _, chunk in chunks} <= {1, 8, 64, 512}
    assert all(marks.count("?") == len(chunk) for marks, chunk in chunks)


def test_the_settings_that_must_survive_a_power_cut(store):
    assert store.rows("PRAGMA journal_mode") == [("wal",)]
    assert store.rows("PRAGMA synchronous") == [(2,)]


def test_what_is_asked_often_uses_an_index(store, monkeypatch):
    """Nothing is sorted or read as a whole, however large the database."""
    asked = []
    true = Store.rows
    monkeypatch.setattr(Store, "rows", lambda self, sql, v=(): asked.append((sql, v)) or [])
    derived, log = store.derived, store.log
    derived.changed("ticket", (1, 2), 5)
    derived.changed("", (1, 2), 5)
    derived.conflicts((b"", "", ""), 5)
    derived.by_kind("ticket", b"", 5)
    derived.others(b"")
    derived.cell(b"", "", "")
    derived.parents([b""])
    log.after(0, 5)
    log.before(9, 5)
    list(derived.cells([b""]))
    list(store.scan("shadows", (b"",)))
    list(store.scan("scope"))
    monkeypatch.setattr(Store, "rows", true)
    assert len(asked) == 12
    for sql, values in asked:
        plan = " ".join(row[3] for row in store.rows(f"EXPLAIN QUERY PLAN {sql}", values))
        assert "TEMP B-TREE" not in plan, (sql, plan)
        assert "SCAN records" not in plan, (sql, plan)


def test_a_damaged_page_is_one_sentence(path):
    store = Store.open(path)
    with store.transaction():
        for n in range(300):
            store.put("runs", (n,), bytes(1000))
    store.run("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2 :] = b"\xff" * (len(raw) - len(raw) // 2)
    path.write_bytes(raw)
    store = Store.open(path)
    with pytest.raises(StoreError, match="damaged") as caught:
        list(store.scan("runs"))
    store.close()
    assert "backup" in caught.value.hint


def test_a_database_of_the_first_version_is_brought_up_to_date(tmp_path):
    """What it held stays, and what came since can be written."""
    path = str(tmp_path / "old.db")
    with contextlib.closing(Store.open(path)) as store:
        store.put("runs", ("1",), b"kept")
        store.run("DROP TABLE audit")
        store.run("PRAGMA user_version = 1")
    with contextlib.closing(Store.open(path)) as store:
        store.put("audit", (1,), b"new")
        assert store.get("runs", ("1",)) == b"kept"
        assert store.rows("PRAGMA user_version") == [(VERSION,)]
