"""Claims at the command line: two hubs of one database at the same trackers."""

from __future__ import annotations

import pytest

from cli.hub import Hub, Said
from prophet_hub.cli.main import main


class Other:
    """A second database beside the first, with a job file of its own."""

    def __init__(self, hub: Hub, capsys) -> None:
        self.hub, self._capsys, self.path = hub, capsys, hub.folder / "other.db"

    def __call__(self, words: str) -> Said:
        self._capsys.readouterr()
        code = main(["--database", str(self.path), *words.split()])
        out, err = self._capsys.readouterr()
        return Said(code, out, err)


@pytest.fixture
def other(hub, capsys):
    hub.synced()
    hub(f"publish {hub.folder / 'shared'}")
    second = Other(hub, capsys)
    assert second(f"clone {hub.folder / 'shared'} {second.path}").code == 0
    return second


def test_the_first_hub_that_syncs_has_the_remotes(hub):
    hub.synced()

    found = hub("claims --json").data
    assert [(one["remote"], one["here"]) for one in found] == [("a", True), ("b", True)]
    assert "this hub (" in hub("claims").out


def test_another_hub_leaves_them_out_and_says_whose_they_are(hub, other):
    hub.a.update("cara", "1", {"status": "resolved"})
    before = hub.a.requests + hub.b.requests
    said = other("sync a b")
    assert said.code == 0, said.err
    assert "a is left out: the hub on " in said.out
    assert "claims tells how to take it over" in said.out
    assert hub.a.requests + hub.b.requests == before
    assert "a#1" in other("tickets").out


def test_a_remote_is_not_taken_from_a_hub_that_has_it(hub, other):
    said = other("claims take a")
    assert (said.code, "Give it there with prophet-hub claims give a" in said.err) == (2, True)
    assert other("claims take elsewhere").code == 2
    assert other("claims give a").code == 2


def test_what_one_gives_the_other_takes_and_goes_on_with(hub, other):
    shared = hub.folder / "shared"
    said = hub("claims give a b")
    assert said.out.splitlines() == [
        "a is free for the next hub that hears of it.",
        "b is free for the next hub that hears of it.",
    ]
    assert "given back" in hub("claims").out
    assert "gave it back" in hub("sync a b").out
    hub(f"push {shared}")

    hub.a.update("cara", "1", {"status": "resolved"})
    assert other(f"pull {shared}").code == 0
    assert other("sync a b").code == 0
    assert (len(hub.a.items), len(hub.b.items)) == (1, 1)
    assert hub.b.items["1"].fields["status"] == "resolved"
    assert [one["here"] for one in other("claims --json").data] == [True, True]
    assert other("conflicts --json").data == []


def test_what_a_lost_hub_had_is_taken_by_force(hub, other):
    assert other("claims take a b --force").out.splitlines() == [
        "This hub reads and writes a.",
        "This hub reads and writes b.",
    ]
    hub.b.update("cara", "1", {"status": "resolved"})
    assert other("sync a b").code == 0
    assert (len(hub.a.items), hub.a.items["1"].fields["status"]) == (1, "resolved")
    assert other("conflicts --json").data == []


def test_a_ticket_made_here_is_created_once_in_every_remote(hub):
    hub.synced()
    made = hub("ticket create", "Paper", "jam")
    assert made.code == 0, made.err
    number = made.out.split()[1]
    assert hub(f"ticket comment {number} --message", "It is on floor 3").code == 0
    for _ in range(2):
        assert hub("sync a b --yes").code == 0
    for tracker in (hub.a, hub.b):
        (ticket,) = [i for i in tracker.items.values() if i.fields["summary"] == "Paper jam"]
        assert [c.body.rsplit("\n", 1)[-1] for c in ticket.comments] == ["It is on floor 3"]
    assert hub("inbox --json").data == []
    assert hub("plan a b").out.splitlines()[-1] == "Nothing to write."
