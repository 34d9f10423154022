"""Replicas that the Perl tool itself wrote, where they are at hand: read to the same, published alike.

They are no part of this project; PROPHET_HUB_V1 names the folder of the archives.
"""

from __future__ import annotations

import base64
import json
import os
import tarfile
from pathlib import Path

import pytest

from interop.old import Folder
from prophet_hub.engine.replica import Replica
from prophet_hub.interop.prophet_v1 import open_v1, publish_v1, pull_v1
from prophet_hub.model.changes import LIFE
from prophet_hub.values import Stored

GIVEN = Path(
    os.environ.get("PROPHET_HUB_V1", Path(__file__).parents[2].parent / "shared" / "replicas-v1")
)
ARCHIVES = sorted(GIVEN.glob("*.tar.gz"))

if not ARCHIVES:
    pytest.skip("replicas of the Perl tool are not here", allow_module_level=True)

NAMES = {"comment": {"content": "body", "creator": "author"}, "attachment": {"creator": "author"}}
DATES = {"created", "due"}


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    for archive in ARCHIVES:
        with tarfile.open(archive) as file:
            file.extractall(folder, filter="data")
    return folder


@pytest.fixture(params=["small-native", "small-sqlite"])
def given(unpacked, request):
    return unpacked / request.param


@pytest.fixture
def replica(tmp_path):
    opened = Replica.open(tmp_path / "ours.db", clock=lambda: 7)
    yield opened
    opened.close()


def expected_of(kind, name, value):
    """Returns what we show of a property as the tool dumps it."""
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    if kind == "attachment" and name == "content":
        return value.encode()
    if name in DATES:
        return value.replace(" ", "T") + "Z"
    return {"closed": "resolved"}.get(value, value) if name == "status" else value


def shown(replica, one):
    """Returns a record's properties without what the tool does not have."""
    found = {}
    for name, value in one["properties"].items():
        if name == "content" and one["type"] == "attachment":
            stored = Stored(value["sha256"], value["size"])
            found[name] = b"".join(replica.content(stored))
        elif not (one["type"] in NAMES and name in ("sha256", "size", "private")):
            found[name] = value
    found.pop("sd:uuid", None)
    return found


@pytest.mark.parametrize("kept", ["published", "live"])
def test_state_and_history_are_the_tools(given, kept, replica):
    """Every record with every property, and every changeset with author, time, old and new."""
    dump = json.loads((given / f"expected-{kept}.json").read_text())
    source = open_v1(given / kept) or Folder(given / kept)
    try:
        pulled = pull_v1(replica, source)
        again = pull_v1(replica, source)
    finally:
        getattr(source, "close", lambda: None)()

    assert (pulled.changesets, pulled.refused, again.entries) == (36, (), 0)
    assert {
        (one["type"], one["uuid"]): shown(replica, one)
        for one in replica.export()
        if one["type"] != "setting"
    } == {
        (kind, record.lower()): {
            NAMES.get(kind, {}).get(n, n): expected_of(kind, n, v) for n, v in props.items()
        }
        for kind, records in dump["records"].items()
        for record, props in records.items()
    }
    rows = {row.note: row for row in replica.log()}
    for one in dump["changesets"]:
        row = rows[f"sd {one['original_source_uuid']}:{one['original_sequence_no']}"]
        assert row.author == one["creator"]
        for change in one["changes"]:
            check(replica, row, change)
    assert replica.database().hex() == dump["database_uuid"].replace("-", "")
    assert not list(replica.conflicts())
    assert not list(replica.check())


def check(replica, row, change):
    record = bytes.fromhex(change["record_uuid"].replace("-", ""))
    told = {r.prop: r for r in replica.history(record) if r.number == row.number}
    if change["change_type"] == "delete":
        assert told[LIFE].new is None
        assert not replica.alive(record)
    kind = change["record_type"]
    for name, values in change["prop_changes"].items():
        mine = told[NAMES.get(kind, {}).get(name, name)]
        if kind == "attachment" and name == "content":
            continue  # its bytes were compared above
        now = tuple(one and replica.text(one) for one in (mine.old, mine.new))
        assert now == tuple(
            expected_of(kind, name, values[when]) if values[when] else None
            for when in ("old", "new")
        )


def test_the_binary_attachment_is_whole(given, replica):
    """All 256 byte values, in a format that knows only text."""
    pull_v1(replica, Folder(given / "published"))
    blob = (given / "blob.bin").read_bytes()
    (found,) = [
        one["properties"] for one in replica.export()
        if one["properties"].get("name") == "blob.bin"
    ]  # fmt: skip
    assert len(blob) == 1034
    assert found["content"]["size"] == 1034
    content = Stored(found["content"]["sha256"], 1034)
    assert b"".join(replica.content(content)) == blob


def test_what_we_publish_is_byte_for_byte_the_tools(given, replica, tmp_path):
    """Records have the tool's own SHA-1s; so have changesets, where it wrote them from files (from
    SQLite it writes their number as a number).  What changed nothing is left out.
    """
    published = given / "published"
    pull_v1(replica, Folder(published))
    done = publish_v1(replica, Folder(tmp_path / "out"), holder="me")

    def files(root, under):
        return {p.relative_to(root): p.read_bytes() for p in (root / under).rglob("*/*/*")
                if p.is_file()}  # fmt: skip

    ours = tmp_path / "out"
    assert files(ours, "cas/records") == files(published, "cas/records")
    assert files(ours, "records") == files(published, "records")
    assert (done.changesets, done.records, done.missing) == (26, 19, 0)
    if given.name == "small-native":
        theirs = files(published, "cas/changesets")
        assert files(ours, "cas/changesets").items() <= theirs.items()
