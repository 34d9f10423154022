"""`clone`, `pull`, `push`, `publish`, `peers` and `bundle` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids


def recorded(path, *summaries, **fields):
    replica = Replica.open(path, clock=lambda: 1_700_000_000_000_000, author="jesse")
    for summary in summaries:
        changes = {("life", "alive"): "present", ("summary", ""): summary}
        changes |= {(prop, ""): value for prop, value in fields.items()}
        replica.edit(ids.RecordId(ids.fresh()), "ticket", changes, author="jesse")
    replica.close()


def shown(path):
    replica = Replica.open(path, read_only=True)
    try:
        tickets = [one for one in replica.export() if one["type"] == "ticket"]
        return sorted(one["properties"]["summary"] for one in tickets)
    finally:
        replica.close()


@pytest.fixture
def office(hub):
    """A database of two tickets in `office.db`; commands work on `hub.db`, which is not there."""
    recorded(hub.folder / "office.db", "one", "two")
    return hub.folder / "office.db"


def test_a_database_is_cloned_and_pulled(hub, office):
    said = hub("clone office.db hub.db")
    assert (said.code, said.err) == (0, "")
    assert said.out == "hub.db: 2 changesets. The peer is called office.db here.\n"
    recorded(office, "three")
    assert hub("pull").out == "office.db: 1 changeset.\n"
    assert hub("pull office.db").out == "office.db: nothing new.\n"
    assert shown(hub.folder / "hub.db") == ["one", "three", "two"]
    assert hub("clone office.db hub.db").code == 2


def test_what_an_exchange_leaves_to_a_person_is_said(hub):
    hub("--database office.db ticket create Printer on fire")
    hub("--database office.db publish place")
    hub("clone place")
    hub("--database office.db ticket update 1 status=open")
    hub("ticket update 1 status=stalled")
    hub("--database office.db push place")
    waits = "1 conflict waiting for a decision: prophet-hub conflicts\n"
    assert hub("bundle create mine.bundle --since place").code == 0

    assert hub("pull place").out == f"place: 1 changeset.\n{waits}"
    assert hub("pull place").out == "place: nothing new.\n"
    assert hub("--database office.db bundle apply mine.bundle --quiet").out == waits
    assert hub("--database third.db clone hub.db --quiet").out == waits
    assert hub("--database third.db resolve 1 status --take newest").code == 0
    assert hub("pull third.db").out == "third.db: 1 changeset.\n"


def test_a_clone_goes_where_the_database_is_asked_for(hub, office):
    said = hub("clone office.db --name office --json")
    assert said.data["peer"] == "office"
    assert said.data["entries"] == 2
    assert shown(hub.folder / "hub.db") == ["one", "two"]


def test_a_clone_of_nothing_leaves_nothing(hub):
    for address in ("nothing", "nothing.db"):
        said = hub("clone", address, "new.db")
        assert said.code == 2
        assert "Traceback" not in said.err
    (hub.folder / "folder").mkdir()
    assert hub("clone folder new.db").code == 2
    (hub.folder / "text").write_text("words")
    assert "neither a database nor a bundle" in hub("clone text new.db").err
    assert not (hub.folder / "new.db").exists()


def test_a_push_goes_into_a_database(hub, office):
    hub("clone office.db hub.db")
    recorded(hub.folder / "hub.db", "three")
    assert hub("push").out == "office.db: 1 changeset written.\n"
    assert hub("push office.db").out == "office.db: it lacks nothing.\n"
    assert hub("push --json").data["entries"] == 0
    assert shown(office) == ["one", "three", "two"]


def test_a_database_is_published_and_cloned_from_there(hub, office):
    published = hub.folder / "published"
    said = hub("--database office.db publish published")
    assert said.out == "published: 2 changesets written.\n"
    assert hub("--database office.db push published").out == "published: it lacks nothing.\n"
    assert json.loads((published / "prophet-hub.json").read_text())["entries"] == 2
    hub("clone published hub.db")
    recorded(hub.folder / "hub.db", "three")
    assert hub("push").code == 0
    assert hub("--database office.db pull").out == "published: 1 changeset.\n"
    assert shown(office) == ["one", "three", "two"]


def test_a_push_begins_no_place(hub, office):
    said = hub("--database office.db push published")
    assert (said.code, "publish PLACE" in said.err) == (2, True)
    assert hub("--database office.db publish published.db").code == 0  # a folder, if one says so
    assert hub("--database office.db publish office.db").code == 2


def test_what_is_private_is_asked_for_once(hub, office):
    recorded(office, "between us", private="yes")
    said = hub("--database office.db publish published")
    assert (said.code, "1 ticket" in said.err, "--with-private" in said.err) == (2, True, True)
    assert not (hub.folder / "published").exists()
    assert hub("--database office.db publish published --with-private").code == 0
    recorded(office, "more of it", private="yes")
    assert hub("--database office.db push published").code == 0
    assert hub("--database office.db bundle create all.bundle").code == 2
    assert hub("--database office.db bundle create all.bundle --with-private").code == 0
    assert hub("clone office.db hub.db").code == 0  # who can open the file has read it


def test_two_databases_are_joined_by_a_word(hub, office):
    recorded(hub.folder / "hub.db", "three")
    said = hub("pull office.db")
    assert (said.code, "another database" in said.err, "--join" in said.err) == (2, True, True)
    assert hub("pull office.db --join").code == 0
    assert hub("push office.db").code == 0
    assert shown(office) == shown(hub.folder / "hub.db") == ["one", "three", "two"]


def test_peers_are_listed_added_and_forgotten(hub, office):
    assert (
        hub("peers add web https://example.org/tickets --user jesse --password env:WEB").code == 0
    )
    hub("--database new.db ticket create Printer on fire")
    assert hub("--database new.db pull").code == 2  # there are none
    assert hub("pull office.db").code == 0
    recorded(hub.folder / "hub.db", "three")
    listed = hub("peers")
    assert "was never met" in listed.out
    assert "lacked 1 changeset" in listed.out
    told = {one["name"]: one for one in hub("peers list --json").data}
    assert told["office.db"]["lacks"] == 1
    assert told["office.db"]["url"] == str(office)
    assert "env:WEB" in hub("peers show web").out
    assert hub("peers show office.db --json").data["tips"]
    assert "2" in hub("peers show office.db").out
    assert hub("peers remove web").code == 0
    assert hub("peers remove web").code == 2
    assert [one["name"] for one in hub("peers --json").data] == ["office.db"]
    assert hub("push").code == 0


def test_one_of_several_peers_that_fails_does_not_keep_the_others(hub, office):
    hub("clone office.db hub.db")
    hub("peers add gone elsewhere")
    recorded(office, "three")
    said = hub("pull")
    assert said.code == 2
    assert "gone: " in said.err
    assert said.out == "office.db: 1 changeset.\n"
    assert hub("push").code == 2  # which of the two
    assert [one.get("error", "") == "" for one in hub("pull --json").data] == [False, True]


@pytest.mark.parametrize("words", ["pull", "push", "publish", "clone", "peers add x"])
def test_an_address_with_a_password_is_neither_noted_nor_shown(hub, office, words):
    said = hub(f"{words} https://jesse:secret@example.org/tickets")
    assert (said.code, "secret" in said.err + said.out) == (2, False)
    assert b"secret" not in (hub.folder / "hub.db").read_bytes() if (
        hub.folder / "hub.db").exists() else True  # fmt: skip


def test_a_password_in_clear_text_is_refused(hub, office):
    said = hub("pull https://example.org/tickets --user jesse --password secret")
    assert (said.code, "clear text" in said.err, "secret" in said.err) == (2, True, False)


def test_bundles_go_between_two_that_never_meet(hub, office):
    assert hub("--database office.db bundle create all.bundle").out == "all.bundle: 2 changesets.\n"
    assert hub("clone all.bundle hub.db").out == "hub.db: 2 changesets.\n"
    assert hub("peers --json").data == []
    hub("bundle ticket hub.ticket")
    recorded(office, "three")
    words = "--database office.db bundle create new.bundle --since"
    assert hub(f"{words} hub.ticket").out == "new.bundle: 1 changeset.\n"
    assert "Needs changeset 2" in hub("bundle verify new.bundle").out
    assert hub("bundle verify new.bundle --json").data["entries"] == 1
    assert hub("--database none.db bundle apply new.bundle").code == 1
    assert hub("bundle apply new.bundle").out == "new.bundle: 1 changeset.\n"
    assert hub("bundle apply new.bundle --json").data["entries"] == 0
    assert shown(hub.folder / "hub.db") == ["one", "three", "two"]
    assert hub(f"{words} new.bundle").code == 2  # nothing follows it
    assert hub(f"{words} nobody").code == 2
    assert hub("bundle apply nothing").code == 2
    assert hub("bundle verify nothing").code == 2
    Path("all.bundle").write_bytes(Path("all.bundle").read_bytes()[:900])
    assert hub("bundle verify all.bundle").code == 1
    assert hub("push new.bundle").code == 2


def test_a_bundle_follows_what_a_peer_had(hub, office):
    hub("clone office.db hub.db --name office")
    recorded(hub.folder / "hub.db", "three")
    assert hub("bundle create for.bundle --since office").out == "for.bundle: 1 changeset.\n"
    assert hub("--database office.db bundle apply for.bundle").out == "for.bundle: 1 changeset.\n"
    assert hub("bundle create folder --since office").code == 0
    Path("made").mkdir()
    assert hub("bundle create made").code == 1
    assert hub("bundle ticket made").code == 2


def test_quiet_says_nothing(hub, office):
    assert hub("clone office.db hub.db --quiet").out == ""
    recorded(office, "three")
    assert hub("pull --quiet").out == ""
    assert hub("push --quiet").out == ""
    assert hub("publish published --quiet").out == ""
    assert hub("bundle create b --quiet").out == ""
    assert hub("bundle apply b --quiet").out == ""
