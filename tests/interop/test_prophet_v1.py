"""The old format by its rules: what is refused, what is published, what goes to and fro."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from interop.old import TARGET, Folder, Old, read, typed
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import HubError, Invalid, UsageError
from prophet_hub.interop import _v1_words as words
from prophet_hub.interop.prophet_v1 import is_v1, open_v1, publish_v1, pull_v1
from prophet_hub.merge.settle import newest
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, Cell, Changeset, Write
from prophet_hub.values import PRESENT, Stored

T, U, C, A = (str(uuid.UUID(int=(0xCC << 120) + n)) for n in range(4))
FIXTURES = Path(__file__).parents[2] / "fixtures" / "replicas" / "v1"


def raw(record: str) -> bytes:
    return uuid.UUID(record).bytes


@pytest.fixture
def ours(tmp_path):
    opened = Replica.open(tmp_path / "ours.db", clock=lambda: 1_700_000_000_000_000)
    yield opened
    opened.close()


@pytest.fixture
def old():
    one = Old(1)
    one.create(T, summary=typed("Drucker glüht"), status="new")
    one.update(T, status="open")
    one.update(T, status="closed")
    return one


def shown(replica, record):
    return {
        name: value if isinstance(value, frozenset) else replica.text(value)
        for name, value in replica.shown(raw(record)).items()
    }


# --- what is not believed ---


def files_of(folder):
    """Returns the files of the changesets, by number."""
    index = (folder.root / "changesets.idx").read_bytes()
    keys = [index[n + 24 : n + 44].hex() for n in range(0, len(index), 44)]
    return [folder.root / f"cas/changesets/{key[0]}/{key[1]}/{key}" for key in keys]


def renamed(folder, number, content):
    """Puts another content in place of a changeset, under its proper name."""
    index = bytearray((folder.root / "changesets.idx").read_bytes())
    key = hashlib.sha1(content).digest()
    index[(number - 1) * 44 + 24 : number * 44] = key
    (folder.root / "changesets.idx").write_bytes(index)
    name = key.hex()
    folder.write(f"cas/changesets/{name[0]}/{name[1]}/{name}", [content])


def changed(change="update_file", record=T, kind="ticket", **props):
    one = {"change_type": change, "record_type": kind, "prop_changes": props}
    return json.dumps({"changes": {record: one}, "created": None, "creator": None}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is no changeset"),
        (b"\xff\xfe", "it is no changeset"),
        (b"[" * 100_000, "it is no changeset"),
        (b'{"changes": []}', "it is no changeset"),
        (b'{"changes": {}, "created": 7}', "it is no changeset"),
        (changed(record="../../etc/passwd"), "changes '../../etc/passwd', which is no record"),
        (changed(record=T.replace("-", "")), "which is no record"),
        (changed(kind=""), "'' is no record type"),
        (changed(kind="a\nb"), r"'a\\nb' is no record type"),
        (changed(kind="../OUTSIDE"), "'../OUTSIDE' is no record type"),
        (changed(**{"": {}}), "'' is no property"),
        (changed(**{"a\x85": {}}), "is no property"),
        (changed(**{str(n): {"new_value": "x" * 4000} for n in range(3000)}), "it says more than"),
        (changed(kind="x" * 300), "is no record type"),
        (changed(change="rm"), "'rm' is no change"),
        (json.dumps({"changes": {r: json.loads(changed())["changes"][T] for r in (T, T.upper())}})
         .encode(), "stands there twice"),
    ],
)  # fmt: skip
def test_a_changeset_that_is_none_is_named_and_the_rest_goes_on(ours, old, tmp_path, content, why):
    folder = old.write(tmp_path / "sd")
    renamed(folder, 2, content)

    found = pull_v1(ours, folder)

    assert found.changesets == 2
    assert len(found.refused) == 1
    assert found.refused[0].startswith("cas/changesets/")
    assert why.replace("\\\\", "\\") in found.refused[0]
    assert shown(ours, T)["status"] == "resolved"


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_mended_later_takes_its_place(ours, old, tmp_path, number):
    """In the old order: what came after it there stays above it here."""
    folder = old.write(tmp_path / "sd")
    file = files_of(folder)[number - 1]
    content = file.read_bytes()
    file.unlink()
    (reason,) = pull_v1(ours, folder).refused
    assert reason.endswith("it is not there")
    assert pull_v1(ours, folder).refused == (reason,)

    file.write_bytes(content)

    assert pull_v1(ours, folder).refused == ()
    assert shown(ours, T) == {"summary": "Drucker glüht", "status": "resolved"}
    assert not list(ours.conflicts())
    assert pull_v1(ours, folder).changesets == 0


def test_a_hash_can_be_left_unasked(ours, old, tmp_path):
    folder = old.write(tmp_path / "sd")
    file = files_of(folder)[2]
    file.write_bytes(file.read_bytes().replace(b"closed", b"clozed"))
    assert len(pull_v1(ours, folder).refused) == 1
    assert pull_v1(ours, folder, verify=False).refused == ()
    assert shown(ours, T)["status"] == "clozed"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("replica-uuid", b"../..", "replica-uuid holds no uuid"),
        ("latest-sequence-no", b"many", "latest-sequence-no holds no number"),
        ("latest-sequence-no", b"9", "changesets.idx ends before its number 9"),
        ("latest-sequence-no", b"1" * 5000, "larger than 1,024 bytes"),
    ],
)
def test_without_its_small_files_nothing_is_known(ours, old, tmp_path, name, content, why):
    folder = old.write(tmp_path / "sd")
    (folder.root / name).write_bytes(content)
    with pytest.raises(Invalid, match=why):
        pull_v1(ours, folder)


def test_a_place_that_fails_is_no_missing_file(ours, old, tmp_path):
    """What was read stays; the next pull goes on."""
    folder = old.write(tmp_path / "sd")
    second = files_of(folder)[1].name
    given = folder.read

    def cut(name, start=0, *, limit):
        if second in name:
            raise HubError("The line is cut.")
        return given(name, start, limit=limit)

    folder.read = cut
    with pytest.raises(HubError, match="The line is cut"):
        pull_v1(ours, folder)
    folder.read = given
    assert pull_v1(ours, folder).changesets == 3


def test_an_index_that_was_doubled_is_read_once(ours, old, tmp_path):
    assert pull_v1(ours, old.write(tmp_path / "sd", twice=True)).changesets == 3


def test_a_replica_that_was_put_back_is_read_from_the_start(ours, old, tmp_path):
    pull_v1(ours, old.write(tmp_path / "sd"))
    old.log.pop()
    old.state[T][1]["status"] = "open"
    old.update(T, owner="x")
    old.update(T, owner="y")
    old.log[2]["original_sequence_no"] = 9  # another life of the same replica
    found = pull_v1(ours, old.write(tmp_path / "sd"))
    assert (found.changesets, found.entries) == (4, 2)
    old.log = old.log[:1]
    assert pull_v1(ours, old.write(tmp_path / "sd")).entries == 0


def test_another_family_is_not_mixed_in(ours, old, tmp_path):
    ours.edit(raw(U), "ticket", {("summary", ""): "x"}, author="me")
    folder = old.write(tmp_path / "sd")
    with pytest.raises(UsageError, match="another database"):
        pull_v1(ours, folder)
    pull_v1(ours, folder, join=True)
    old.update(T, status="new")
    assert pull_v1(ours, old.write(tmp_path / "sd")).entries == 1


def test_an_empty_replica(ours, tmp_path):
    folder = Old(1).write(tmp_path / "sd")
    assert is_v1(folder)
    assert pull_v1(ours, folder).changesets == 0
    assert not is_v1(Folder(tmp_path))
    assert open_v1(tmp_path) is None


# --- words ---


@pytest.mark.parametrize(
    ("kind", "name", "prop"),
    [
        ("ticket", "summary", "summary"), ("ticket", "cc", "sd:cc"), ("ticket", "life", "sd:life"),
        ("ticket", "sd:x", "sd:sd:x"), ("ticket", "vote:1", "sd:vote:1"), ("other", "cc", "cc"),
        ("comment", "content", "body"), ("comment", "body", "sd:body"),
        ("comment", "creator", "author"), ("attachment", "size", "sd:size"),
        ("attachment", "content", "content"),
    ],
)  # fmt: skip
def test_every_name_comes_back(kind, name, prop):
    assert words.our_name(kind, name) == prop
    assert words.their_name(kind, prop) == name


@pytest.mark.parametrize(
    ("kind", "name", "theirs", "mine"),
    [
        ("ticket", "status", "closed", "resolved"), ("ticket", "status", "new", "new"),
        ("ticket", "due", "2010-06-01 12:30:00", "2010-06-01T12:30:00Z"),
        ("ticket", "due", "2010-06-01 00:00:00", "2010-06-01"), ("ticket", "due", "soon", "soon"),
        ("comment", "created", "2010-06-01 00:00:00", "2010-06-01T00:00:00Z"),
        ("comment", "status", "closed", "closed"), ("comment", "ticket", "none", "none"),
    ],
)  # fmt: skip
def test_every_value_comes_back(kind, name, theirs, mine):
    assert words.our_value(kind, name, theirs) == mine
    assert words.their_value(kind, name, mine) == theirs


@pytest.mark.parametrize("text", ["", "plain", "ü", "Ã¼", "日本語", "a\x7fb", "\x85", "é" * 3000])
def test_every_text_comes_back(text):
    assert words.text_of(words.text_to_v1(text)) == text


def test_text_that_was_stored_properly_is_left_alone():
    assert words.text_of("ü") == "ü"
    assert words.text_of("日本") == "日本"
    assert words.bytes_of("日") == "日".encode()
    assert words.instant("never") == words.instant(None) == words.instant("1960-01-01") == 0


# --- publishing ---


def test_what_we_publish_keeps_the_rules(ours, tmp_path):
    """Canonical, named by its SHA-1, in order; one row of 24 bytes for each record."""
    ours.edit(raw(T), "ticket", {("summary", ""): "ü♥", ("status", ""): "resolved",
                                 ("labels", "b"): PRESENT, ("labels", "a"): PRESENT,
                                 ("description", ""): "long " * 2000}, author="jörg")  # fmt: skip
    content = ours.store.blobs.put([bytes(range(256))])
    ours.edit(raw(A), "attachment", {("ticket", ""): T, ("content", ""): content,
                                     ("size", ""): "256", ("private", ""): "no"}, author="x")  # fmt: skip
    ours.edit(raw(C), "comment", {("ticket", ""): T, ("body", ""): "secret"}, author="x")
    ours.edit(raw(U), "ticket", {("summary", ""): "gone"}, author="x")
    ours.edit(raw(U), "ticket", {(LIFE, "alive"): None}, author="x")
    target = Folder(tmp_path / "out")

    done = publish_v1(ours, target, holder="me")

    assert (done.changesets, done.records, done.missing) == (4, 2, 0)
    log = read(target).log
    change = log[0]["changes"][T]
    assert (log[0]["creator"], change["change_type"]) == (typed("jörg"), "add_file")
    assert {n: p["new_value"] for n, p in change["prop_changes"].items()} == {
        "summary": typed("ü♥"), "status": "closed", "labels": "a, b", "description": "long " * 2000,
    }  # fmt: skip
    assert log[1]["changes"][A]["prop_changes"]["content"]["new_value"].encode("latin-1") == bytes(
        range(256)
    )
    assert log[3]["changes"] == {
        U: {"change_type": "delete", "prop_changes": {}, "record_type": "ticket"}
    }
    for name in target.names("records"):
        row = (target.root / name).read_bytes()
        assert (len(row), row[:4]) == (24, bytes(4))
        key = row[4:].hex()
        record = (target.root / f"cas/records/{key[0]}/{key[1]}/{key}").read_bytes()
        assert hashlib.sha1(record).hexdigest() == key
        assert all(json.loads(record).values())
    kept = {name for name in target.names() if not name.startswith(("cas", "records"))}
    assert kept == {
        f"{folder}{name}"
        for folder in ("", "resolutions/")
        for name in ("database-uuid", "replica-uuid", "replica-version", "latest-sequence-no")
    } | {"changesets.idx"}


def test_private_records_are_published_only_if_said(ours, tmp_path):
    ours.edit(raw(T), "ticket", {("summary", ""): "x", ("private", ""): "yes"}, author="")
    ours.edit(raw(C), "comment", {("ticket", ""): T, ("private", ""): "no"}, author="")
    ours.edit(raw(U), "ticket", {("summary", ""): "y"}, author="")
    ours.edit(raw(A), "comment", {("ticket", ""): U, ("body", ""): "silent"}, author="")
    assert publish_v1(ours, Folder(tmp_path / "a"), holder="").records == 1
    assert publish_v1(ours, Folder(tmp_path / "b"), holder="", private=True).records == 4


def test_conflicts_pairs_and_lost_texts_are_told_as_they_are_shown(ours, tmp_path):
    """Step by step, as a replica that takes one value after the other would see it."""
    ours.edit(raw(T), "ticket", {("status", ""): "new", ("summary", ""): "s"}, author="")
    for n, value in enumerate(("open", "stalled")):
        write = Write(ids.fresh(), Cell(raw(T), "status"), "ticket", value, created=2 * 10**15 + n)
        ours.record([Changeset(ids.fresh(), "x", 1, (write,))])
    ours.settle(newest)
    ours.edit(raw(U), "ticket", {("owner", ""): "o"}, author="")
    ours.pair(raw(T), raw(U), author="")
    ours.unpair(raw(T), author="")
    ours.edit(raw(U), "ticket", {(LIFE, "alive"): None}, author="")
    ours.edit(raw(C), "comment", {("ticket", ""): U, ("private", ""): "no"}, author="")
    ours.edit(raw(U), "ticket", {(LIFE, "alive"): None}, author="")
    ours.edit(raw(A), "attachment", {("content", ""): Stored("ab" * 32, 9), ("private", ""): "no",
                                     ("name", ""): "lost"}, author="")  # fmt: skip

    done = publish_v1(ours, Folder(tmp_path / "out"), holder="")

    assert done.missing > 0
    replay = Old(5)
    replay.pull(read(Folder(tmp_path / "out")), TARGET)
    assert not any(one["is_nullification"] for one in replay.log)
    assert {record: props for record, (_, props) in replay.state.items()} == {
        T: {"status": "stalled", "summary": "s"}, C: {"ticket": U}, A: {"name": "lost"}
    }  # fmt: skip
    steps = [{u: c["change_type"] for u, c in one["changes"].items()} for one in replay.log]
    assert {T: "update_file", U: "delete"} in steps
    assert {T: "update_file", U: "add_file"} in steps


def test_to_and_fro(ours, old, tmp_path):
    """The old tool pulls what we publish, edits, and is pulled from; a conflict ends there and here."""
    pull_v1(ours, old.write(tmp_path / "sd"))
    sd, out = Old(2), Folder(tmp_path / "out")

    def there():
        publish_v1(ours, out, holder="")
        sd.pull(read(out), TARGET)

    def here():
        return pull_v1(ours, sd.write(tmp_path / "sd2")).entries

    def agree():
        status = {"closed": "resolved"}.get(sd.state[T][1]["status"], sd.state[T][1]["status"])
        assert shown(ours, T)["status"] == status

    there()
    agree()
    assert here() == 0
    ours.edit(raw(T), "ticket", {("status", ""): "open"}, author="we")
    there()
    agree()
    sd.update(T, status="rejected")
    assert here() == 1
    agree()
    ours.edit(raw(T), "ticket", {("labels", "x"): PRESENT, ("labels", "y"): PRESENT}, author="we")
    there()
    sd.update(T, labels="y, z")
    here()
    assert shown(ours, T)["labels"] == {"y", "z"}
    ours.edit(raw(T), "ticket", {("status", ""): "new"}, author="we")
    sd.update(T, status="stalled")
    there()
    assert sum(bool(one["is_nullification"]) for one in sd.log) == 1
    here()
    agree()
    assert not list(ours.conflicts())
    ours.edit(raw(T), "ticket", {(LIFE, "alive"): None}, author="we")
    there()
    assert T not in sd.state
    ours.edit(raw(T), "ticket", {(LIFE, "alive"): PRESENT}, author="we")
    there()
    agree()
    assert sd.state[T][1]["labels"] == "y, z"


def test_published_again_a_place_loses_what_was_deleted(ours, tmp_path):
    out = Folder(tmp_path / "out")
    ours.edit(raw(T), "ticket", {("summary", ""): "x"}, author="")
    publish_v1(ours, out, holder="")
    ours.edit(raw(T), "ticket", {(LIFE, "alive"): None}, author="")
    publish_v1(ours, out, holder="")
    assert list(out.names("records")) == []
    assert read(out).log[-1]["changes"][T]["change_type"] == "delete"


# --- SQLite ---

TABLES = """
CREATE TABLE local_metadata (key text, value text);
CREATE TABLE changesets (sequence_no INTEGER PRIMARY KEY, creator text, created text,
  is_nullification boolean, is_resolution boolean, original_source_uuid text,
  original_sequence_no INTEGER, sha1 TEXT);
CREATE TABLE changes (id INTEGER PRIMARY KEY, record text, changeset integer, change_type text,
  record_type text);
CREATE TABLE prop_changes (change integer, name text, old_value text, new_value text);
"""


def sqlite_of(old, folder):
    """Writes an old replica into SQLite, texts as the bytes that were typed."""
    folder.mkdir()

    def byte(text):
        return text if text is None else text.encode("latin-1")

    with closing(sqlite3.connect(folder / "db.sqlite")) as file, file:
        file.executescript(TABLES)
        file.executemany(
            "INSERT INTO local_metadata VALUES (?, ?)",
            [("replica-uuid", old.uuid), ("database-uuid", old.database)],
        )
        change = 0
        for number, one in enumerate(old.log, 1):
            file.execute(
                "INSERT INTO changesets VALUES (?, ?, ?, ?, ?, ?, ?, 'x')",
                (number, one["creator"], one["created"], one["is_nullification"],
                 one["is_resolution"], one["original_source_uuid"], one["original_sequence_no"]),
            )  # fmt: skip
            for record, what in one["changes"].items():
                change += 1
                file.execute(
                    "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
                    (change, record, number, what["change_type"], what["record_type"]),
                )
                file.executemany(
                    "INSERT INTO prop_changes VALUES (?, ?, CAST(? AS TEXT), CAST(? AS TEXT))",
                    [(change, n, byte(p["old_value"]), byte(p["new_value"]))
                     for n, p in what["prop_changes"].items()],
                )  # fmt: skip


def test_sqlite_tells_the_same(ours, old, tmp_path):
    blob = bytes(range(256)).decode("latin-1")
    old.create(A, "attachment", ticket=T, content=blob.replace("\0", ""))
    two = Old(2)
    two.pull(old, TARGET)
    two.update(T, status="stalled")
    old.update(T, status="open")
    old.pull(two, TARGET)
    sqlite_of(old, tmp_path / "live")
    with closing(open_v1(tmp_path / "live")) as source:
        pull_v1(ours, source)
    found = list(ours.export())
    with closing(Replica.open(tmp_path / "other.db", clock=lambda: 1)) as other:
        pull_v1(other, old.write(tmp_path / "sd"))
        assert found == list(other.export())
        assert pull_v1(other, old.write(tmp_path / "sd")).entries == 0


def test_a_sqlite_file_of_another_kind_is_refused(tmp_path):
    for name, sql in (("a", "CREATE TABLE x (y)"), ("b", TABLES)):
        (tmp_path / name).mkdir()
        with closing(sqlite3.connect(tmp_path / name / "db.sqlite")) as file, file:
            file.executescript(sql)
        with pytest.raises(Invalid, match="no replica of the old tool"):
            open_v1(tmp_path / name)


# --- kept by hand ---


def test_the_replica_in_the_fixtures(ours):
    """Three changesets written out by hand from the format's description."""
    found = pull_v1(ours, Folder(FIXTURES / "by-hand"))
    assert (found.changesets, found.refused) == (3, ())
    record = str(uuid.UUID("6f8b0d6c-0000-4000-8000-000000000001"))
    assert shown(ours, record) == {
        "summary": "Grüße aus Köln", "status": "resolved", "points": "3", "sd:uuid": record.upper()
    }  # fmt: skip
    rows = [(r.author, r.prop, r.new) for r in ours.history(raw(record)) if r.prop == "status"]
    assert rows == [("ada@example.org", "status", "new"), ("", "status", "resolved")]
