"""`loss`: what will not survive, said before the first sync."""

from __future__ import annotations

import re
from pathlib import Path

from jobs import memory
from prophet_hub.testing.tracker import Knobs, Tracker

PAGE = Path(__file__).parents[2] / "docs/loss.md"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_example_of_the_page_is_what_is_said(hub):
    hub.job_file(blocks("yaml")[0])
    said = hub("loss rt-main list --one-way --offline")
    assert (said.code, said.err) == (0, "")
    assert said.out == blocks("text")[0]


def test_both_ways_and_what_the_trackers_say_of_themselves(hub):
    memory.TRACKERS["b"] = Tracker("b", Knobs(
        allowed={"status": ("new", "done")}, transitions={"status": {"done": ()}},
        required=frozenset({"due"}), attachment_limit=10_000_000,
    ))  # fmt: skip
    memory.TRACKERS["a"] = Tracker("a", Knobs(allowed={"status": ("new", "stalled")}))
    out = hub("loss both").out
    there, back = out.split("From b to a:")
    assert there.startswith("From a to b:\n")
    assert "status: stalled: b has no word for it, so it waits in the inbox" in there
    assert 'status: no way leads from "done" to "new" in b' in there
    assert "due: a ticket new in b must have it, and a may say nothing of it" in there
    assert "attachments above 10 MB wait in the inbox" in there
    assert "status: done: a has no word for it" in back
    assert memory.TRACKERS["a"].writes == memory.TRACKERS["b"].writes == 0


def test_a_tracker_that_is_not_reached_is_judged_by_what_is_declared(hub):
    hub.job_file(
        "remotes:\n  a: {connector: memory, url: memory://a}\n"
        "  b: {connector: memory, url: memory://nobody}\n"
    )
    said = hub("loss a b")
    assert said.code == 0
    assert said.out.startswith("b was not asked (b was not reached): what follows is from its")
    assert "From b to a:" in said.out


def test_programs_get_data_and_replicas_lose_nothing(hub):
    hub.job_file(
        "remotes:\n  a: {connector: memory, url: memory://a}\n  b: {connector: memory, "
        "url: memory://b}\n  copy: {connector: prophet, path: copy.db}\n"
        "jobs:\n  all: {remotes: {a: {}, b: {direction: pull}, copy: {}}}\n"
    )
    data = hub("loss all --json").data
    assert data["asked"] == ["a", "b"]
    assert {(one["source"], one["target"]) for one in data["losses"]} == {("a", "b"), ("b", "a")}
    [alone] = [one for one in data["losses"] if one["target"] == "b"]
    assert (alone["rank"], alone["topic"]) == (1, "tickets")
    assert "its direction is pull" in alone["sentence"]


def test_it_asks_between_what(hub):
    said = hub("loss")
    assert (said.code, "Between what?" in said.err) == (2, True)
