"""`undo`, `votes`, and `resolve` by hand, as a person meets them without any tracker."""

from __future__ import annotations

import pytest

from prophet_hub.cli.desk import Desk
from prophet_hub.engine.replica import Replica
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId
from prophet_hub.values import PRESENT

T1 = RecordId(bytes([1]) * 16)


class Pair:
    """The database of the commands, and another replica of it that a colleague holds."""

    def __init__(self, hub) -> None:
        self.path = hub.folder / "hub.db"
        self.now = 1_700_000_000_000_000
        self.cara = Replica.open(":memory:", clock=self.clock)

    def clock(self):
        self.now += 60_000_000
        return self.now

    def edit(self, author="jesse", **changes):
        replica = Replica.open(self.path, clock=self.clock)
        try:
            self._edit(replica, author, changes)
        finally:
            replica.close()

    def torn(self, **values):
        """Lets both write one field at once: `status=("open", "stalled")`."""
        self.meet()
        self.edit(**{prop: mine for prop, (mine, _) in values.items()})
        self._edit(self.cara, "cara", {prop: theirs for prop, (_, theirs) in values.items()})
        self.meet()

    def meet(self):
        replica = Replica.open(self.path, clock=self.clock)
        try:
            replica.integrate(list(self.cara.offers(replica.stands_at)))
            self.cara.integrate(list(replica.offers(self.cara.stands_at)))
        finally:
            replica.close()

    @staticmethod
    def _edit(replica, author, changes):
        cells = {
            (prop, "alive") if prop == LIFE else tuple(f"{prop}=".split("=")[:2]): value
            for prop, value in changes.items()
        }
        replica.edit(T1, "ticket", cells, author=author)


@pytest.fixture
def pair(hub, monkeypatch):
    monkeypatch.setenv("PROPHET_HUB_AUTHOR", "jesse@example.com")
    made = Pair(hub)
    made.edit(summary="Printer on fire", status="new", life=PRESENT)
    yield made
    made.cara.close()


@pytest.fixture
def answers(monkeypatch):
    """Lets somebody sit at the keyboard and give these answers, then leave."""

    def given(*words):
        waiting = list(words)

        def asked(question):
            if not waiting:
                raise EOFError
            return waiting.pop(0)

        monkeypatch.setattr(Desk, "asks", True)
        monkeypatch.setattr("builtins.input", asked)

    return given


def test_an_undo_is_shown_then_done_then_undone(hub, pair):
    pair.edit(status="open", owner="jesse")

    shown = hub("undo 2 --dry-run").out
    assert "#1  owner   (nothing)" in shown
    assert "#1  status  new" in shown
    assert "2 fields would change. Nothing was written." in shown
    assert "2 fields changed. To take it back: prophet-hub undo 3" in hub("undo latest").out
    assert "status  new" in hub("show 1").out
    assert (
        hub("undo 2").out == "Nothing is left to undo.\n" or "Nothing is left" in hub("undo 2").out
    )
    assert hub("undo 3").code == 0
    assert "open" in hub("show 1").out


def test_an_undo_says_what_was_edited_since(hub, pair):
    pair.edit(status="open")
    pair.edit(status="stalled")

    said = hub("undo 2").out
    assert "#1  status  new, beside what was written since" in said
    assert "1 of them edited since: see prophet-hub conflicts" in said
    assert "#1  status  Printer on fire" in hub("conflicts").out


def test_a_range_is_undone_as_one(hub, pair):
    pair.edit(status="open")
    pair.edit(status="stalled")
    pair.edit(labels="hot")

    told = hub("undo 2..4 --json").data
    assert told["entries"] == [5]
    assert [(one["property"], one["values"], one["since"]) for one in told["cells"]] == [
        ("labels", [None], False),
        ("status", ["new"], False),
    ]


def test_an_undone_creation_is_a_deleted_ticket(hub, pair):
    assert "#1  life  deleted" in hub("undo 1").out
    assert "This ticket was deleted." in hub("show 1").out


def test_what_nobody_gave_life_is_deleted_by_undoing_its_creation_too(hub):
    hub("ticket create Printer on fire")
    hub("ticket create Coffee is out")
    hub("ticket comment 1 -m Toner")

    assert "#3  life  deleted" in hub("undo latest").out
    assert "Toner" not in hub("show 1").out
    assert "#2  life  deleted" in hub("undo 2 --dry-run").out
    assert "1 field changed. To take it back: prophet-hub undo 5" in hub("undo 2").out
    assert "Coffee" not in hub("tickets --all").out
    assert "Coffee is out" in hub("tickets --deleted").out
    assert hub("undo 2").out.endswith("Nothing is left to undo.\n")
    hub("undo 5")
    assert "Coffee is out" in hub("tickets").out


def test_a_setting_that_is_undone_can_be_set_again(hub):
    hub("settings set components core")
    hub("undo latest")
    assert hub("settings get components").out in ("", "null\n")
    hub("settings set components ui")
    assert "ui" in hub("settings get components").out


def test_undo_of_nothing_is_refused(hub, pair):
    said = hub("undo 77")

    assert said.code == 2
    assert "There is no changeset 77." in said.err


def test_a_decision_is_listed_and_told_to_whoever_is_asked_again(hub, pair):
    pair.torn(status=("open", "stalled"))
    assert "To take it back: prophet-hub undo 4" in hub("resolve 1 status --take 2").out
    assert "#1      status  stalled" in hub("votes").out
    (vote,) = hub("votes 1 --json").data
    assert (vote["property"], vote["decided"], vote["counts"]) == ("status", ["stalled"], True)

    pair.torn(status=("open", "stalled"))
    assert "stalled was decided before" in hub("conflicts").out
    assert hub("conflicts --json").data[0]["votes"][0]["conflict"] == vote["conflict"]
    hub("undo 4")
    assert hub("votes").out == ""
    assert "a decision was taken back" in hub("conflicts").out


def test_conflicts_are_decided_one_by_one(hub, pair, answers, monkeypatch):
    pair.torn(owner=("jesse", "cara"), priority=("high", "low"), status=("open", "stalled"))
    monkeypatch.setenv("EDITOR", "sh -c 'echo urgent > $0'")
    answers("9", "v", "c", "e", "s")

    said = hub("resolve").out
    assert '"9" is no answer.' in said
    assert "--- 2: cara" in said
    assert "decided: (nothing)" in said
    assert "decided: urgent" in said
    assert "Decided 2, left 1" in said
    assert "To take it back: prophet-hub undo 4..5" in said
    assert len(hub("conflicts --json").data) == 1
    hub("undo 4..5")
    assert len(hub("conflicts --json").data) == 3


def test_whoever_leaves_has_decided_what_they_decided(hub, pair, answers):
    pair.torn(owner=("jesse", "cara"), status=("open", "stalled"))

    answers("1")
    assert "Decided 1, left 1" in hub("resolve").out
    answers("q")
    assert "Decided 0, left 1" in hub("resolve 1").out


@pytest.mark.parametrize("editor", ["true", "false", "sh -c 'echo > $0'"])
def test_an_editor_that_says_nothing_decides_nothing(hub, pair, answers, monkeypatch, editor):
    pair.torn(status=("open", "stalled"))
    monkeypatch.setenv("EDITOR", editor)
    answers("e")

    assert "Decided 0, left 1" in hub("resolve 1 status").out


def test_a_member_is_decided_by_a_word(hub, pair, answers):
    pair.edit(**{"labels=hot": PRESENT})
    pair.torn(**{"labels=hot": (None, PRESENT)})
    pair.torn(**{"labels=hot": (PRESENT, None)})

    answers("e", "absent")
    assert "decided: (nothing)" in hub("resolve").out


def test_a_list_of_conflicts_is_cut(hub, pair):
    pair.torn(owner=("jesse", "cara"), status=("open", "stalled"))

    out = hub("conflicts -n 1").out
    assert "status" not in out
    assert "1 of 2 conflicts." in out
    assert "2 conflicts." in hub("conflicts -n 0").out


def test_the_trackers_hear_of_an_undo(hub):
    hub.synced()
    hub("sync a b -q")
    hub.a.update("jesse", "1", {"status": "resolved"})
    hub("sync a b -q")
    assert hub.b.items["1"].fields["status"] == "resolved"
    told = hub("log --json").data
    edit = next(row for row in told if row["author"].startswith("jesse") and "a#1-" in row["note"])

    assert "status  open" in hub(f"undo {edit['number']}").out
    assert hub("sync a b -q --yes").code == 0
    assert [t.items["1"].fields["status"] for t in (hub.a, hub.b)] == ["open", "open"]
    assert hub("sync a b -q").code == 0


def test_that_an_item_is_our_copy_is_not_taken_back(hub):
    hub.synced()
    hub("sync a b -q")
    told = hub("log --json -n 0").data
    bound = [row["number"] for row in told if row["writes"] == 1 and "b#1" in row["note"]]

    for number in bound:
        assert "Nothing is left to undo." in hub(f"undo {number}").out
    assert bound
    assert hub("sync a b -q").code == 0
    assert len(hub.b.items) == 1
