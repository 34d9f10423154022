"""Workflows and demanded fields as people meet them: `check`, `plan`, `sync`, `inbox`."""

from __future__ import annotations

import json
from dataclasses import replace

from jobs import memory
from prophet_hub.testing.tracker import Knobs, Tracker

LINE = {"new": ("open",), "open": ("resolved",), "resolved": ("open",), "stalled": ()}
FILE = """
remotes:
  a: {connector: memory, url: memory://a}
  b:
    connector: memory
    url: memory://b
    %s
"""
RULES = "fill: {due: 2030-01-01, labels: imported, status=resolved: {priority: low}}"


def strict(hub, rules="", **knobs):
    (hub.folder / "prophet-hub.yaml").write_text(FILE % rules)
    memory.TRACKERS["b"] = Tracker("b", Knobs(
        allowed={"status": tuple(LINE)}, transitions={"status": LINE},
        requires={"status": {"resolved": ("priority",)}}, required=frozenset({"due"}), **knobs,
    ))  # fmt: skip
    memory.TRACKERS["a"].create("bob", {"summary": "A broken link", "status": "new"})
    return memory.TRACKERS["a"], memory.TRACKERS["b"]


def test_the_plan_shows_the_way_and_what_is_filled_in(hub):
    a, b = strict(hub, RULES)
    out = hub("plan a b").out
    assert "2030-01-01 (by a rule)" in out
    assert "imported (by a rule)" in out
    assert hub("sync a b --yes").code == 0
    assert b.items["1"].fields["labels"] == frozenset({"imported"})
    a.update("bob", "1", {"status": "resolved"})

    said = hub("plan a b").out
    assert "new -> open -> resolved" in said
    assert "low (by a rule)" in said
    fields = json.loads(hub("plan a b --json").out)["plan"][0]["fields"]
    assert [(f["ours"], f["via"], f["filled"]) for f in fields] == [
        ("status", ["open"], False), ("priority", [], True),
    ]  # fmt: skip
    assert hub("sync a b").code == 0
    assert b.items["1"].fields["status"] == "resolved"
    assert "priority" not in a.items["1"].fields
    assert "Nothing to write." in hub("plan a b").out


def test_check_says_what_a_tracker_demands_and_which_rules_are_faulty(hub):
    strict(hub)
    out = hub("check").out
    assert 'b: A ticket that becomes "resolved" must have priority;' in out
    assert "write fill: {status=resolved: {priority: ...}}." in out
    assert "b: A new ticket must have due; where a ticket may say nothing of it" in out
    strict(hub, RULES.replace("due", "dew"))
    out = hub("check").out
    assert 'b: fill: No field "dew" stands in the table of b.' in out
    assert "resolved" not in out
    said = hub("plan a b")
    assert said.code == 2
    assert 'line 7: remotes.b.fill.dew: No field "dew" stands in the table of b.' in said.err


def test_two_words_of_theirs_for_one_of_ours_are_said_once(hub):
    strict(hub, "values: {status: {shut: resolved}}")
    tracker = memory.TRACKERS["b"]
    demands = dict.fromkeys(("resolved", "shut"), ("priority",))
    words = {"status": (*LINE, "shut")}
    tracker.knobs = replace(tracker.knobs, allowed=words, requires={"status": demands})
    out = hub("check").out
    assert out.count('b: A ticket that becomes "resolved" must have priority;') == 1
    assert '"shut"' not in out


def test_a_rule_of_the_wrong_shape_is_a_fault_of_the_file(hub):
    for rule in ("fill: {status=resolved: low}", "fill: {due: {a: b}}", "fill: {=x: {a: b}}"):
        strict(hub, rule)
        said = hub("check")
        assert said.code == 2
        assert "Under a field stands a value, under status=WORD a table of fields" in said.err


def test_what_cannot_be_had_waits_in_the_inbox(hub):
    a, b = strict(hub, RULES, offers=True)
    hub("sync a b --yes")
    a.update("bob", "1", {"status": "stalled", "summary": "A mended link"})
    hub("sync a b")
    assert 'No way leads from "new" to "stalled": from there it offers "open".' in hub("inbox").out
    assert b.items["1"].fields["summary"] == "A mended link"
