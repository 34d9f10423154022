"""A run on a real RT is taken back: what could not be is in the inbox, and is all that drifted."""

from __future__ import annotations

import json
import subprocess

import pytest

from fakes import hiveminder
from live.real_rt import Somebody
from live.test_rt_in_step import HUB, Commands
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

pytestmark = pytest.mark.live

OURS = "Queue = 'Support' AND Subject LIKE 'Undone'"


def data(hub, *words):
    """Returns what a command tells programs; it may end with 1, for something stayed."""
    done = subprocess.run(
        [HUB, *words, "--json"], cwd=hub.folder, env=hub.environment, check=False, timeout=300,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def test_a_run_with_creates_comments_and_an_edit_since(rt_server, tmp_path):
    bob = Somebody(rt_server.url, "bob", rt_server.password)
    # open, for a first message would open them: RT's own doing, which nobody takes back
    edited = bob.new(Queue="Support", Subject="Undone: edited since", Status="open")
    plain = bob.new(Queue="Support", Subject="Undone: left alone", Status="open")
    tasks = Tracker("hiveminder", hiveminder.KNOBS)
    person = type(tasks.users["bob"])
    tasks.users["31"] = person(id="31", name="Jesse", email="jesse@example.org")
    with Served(hiveminder.app(tasks)) as url:
        hub = Commands(tmp_path, _job_file(rt_server, url), rt_server.password)
        hub("sync", "both", "--yes")
        hub("sync", "both")  # reads back what was written
        items = {str(i.fields["summary"]): i.id for i in tasks.items.values()}
        before = {ref: _shown(bob, ref) for ref in (edited, plain)}

        # run 3: two updates, a comment on each, two tickets with a comment each
        tasks.now += 3600
        for summary in ("Undone: edited since", "Undone: left alone"):
            tasks.update("31", items[summary], {"priority": "5", "due": "2026-12-24"})
            tasks.comment("31", items[summary], "Said in Hiveminder")
        for summary in ("Undone: made", "Undone: made and touched"):
            made = tasks.create("31", {"summary": summary, "priority": "4"})
            tasks.comment("31", made, "A remark there")
        hub("sync", "both", "--yes")
        hers = {str(i.fields["summary"]): dict(i.fields) for i in tasks.items.values()}
        there = {t["Subject"]: str(t["id"]) for t in _tickets(bob)}
        assert {"Undone: made", "Undone: made and touched"} <= there.keys()

        # somebody goes on with two of the four
        bob.put(f"ticket/{edited}", Priority=75)
        bob.message(there["Undone: made and touched"], "I saw that")

        assert data(hub, "inbox", "list") == []
        undone = data(hub, "undo", "--run", "3", "--yes")

        left = {(one["kind"], one["ref"], one["field"]) for one in undone["left"]}
        comments = {ref for kind, ref, _ in left if kind == "comment"}
        assert left - {("comment", ref, "") for ref in comments} == {
            ("ticket", edited, "priority"),
            ("ticket", there["Undone: made and touched"], ""),
        }
        assert len(comments) == 3  # RT deletes none: on the two old tickets and the touched one
        assert undone["mailed"] > 0
        assert _shown(bob, plain) == before[plain]
        assert _shown(bob, edited) == {**before[edited], "Priority": "75"}
        assert bob.get(f"ticket/{there['Undone: made']}")["Status"] == "deleted"
        assert {(o["kind"], o["ref"], o["field"]) for o in data(hub, "inbox", "list")} == left

        # the hub's own deletes and edits mean nothing to the other side; bob's do
        hub("sync", "both")
        now = {str(i.fields["summary"]): dict(i.fields) for i in tasks.items.values() if not i.gone}
        assert now.keys() == hers.keys()
        assert {k: v["due"] for k, v in now.items() if "due" in v} == {
            k: v["due"] for k, v in hers.items() if "due" in v
        }
        writes = tasks.writes
        assert "Nothing to write" in hub("plan", "both")
        hub("sync", "both")
        assert tasks.writes == writes
        drifts = data(hub, "verify", "both")["drifts"]
        print(json.dumps(drifts, indent=1))
        assert {
            (o["kind"], o["ref"], o["field"]) for o in drifts if o["remote"] == "rt-main"
        } == left
        assert [one for one in drifts if one["remote"] != "rt-main"] == []
    bob.http.close()


def _tickets(bob):
    return bob.get("tickets", query=OURS, fields="Subject", per_page=100)["items"]


def _shown(bob, ref):
    told = bob.get(f"ticket/{ref}")
    return {name: told[name] for name in ("Subject", "Status", "Priority", "Due")}


def _job_file(server, url):
    return f"""
remotes:
  rt-main:
    connector: rt
    url: {server.url}
    user: hub
    password: env:LIVE_PASSWORD
    queue: Support
    time_zone: {server.zone}
    query: "{OURS}"
    people: {{jesse: jesse@example.org}}
  hiveminder:
    connector: hiveminder
    url: {url}
    email: hub@example.org
    password: env:LIVE_PASSWORD
jobs:
  both:
    remotes: {{rt-main: {{deletes: yes}}, hiveminder: {{deletes: yes}}}}
"""
