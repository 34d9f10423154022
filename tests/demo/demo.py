"""The main job before your eyes: an RT and a Hiveminder on loopback ports, kept in step over HTTP.

Both are the fakes that the connectors are tested on: real HTTP servers over a tracker in memory.
Everything else is the real thing: the job file, the command, the database in a scratch folder.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from fakes import hiveminder, rt
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

HUB = Path(sys.executable).with_name("prophet-hub")
PICTURE = bytes(range(256)) * 40


def say(words: str) -> None:
    print(f"\n\033[1m# {words}\033[0m" if sys.stdout.isatty() else f"\n# {words}", flush=True)


def seed(support: rt.RTTracker, tasks: Tracker) -> None:
    """Puts tickets, comments and attachments into both trackers, by people who are not the hub."""
    first = support.create("jesse", {
        "Subject": "Login page fails", "Content": "After the update nobody can log in.\n\nSee the picture.",
        "Requestor": frozenset({"alice@example.com"}), "Priority": "50",
    })  # fmt: skip
    support.comment("bob", first, "Seen here too: naïve ☃ in the name breaks it.")
    support.comment("bob", first, "Internal: looks like the 3.2 migration.", private=True)
    support.attach("jesse", first, "screen.png", PICTURE, content_type="image/png")
    support.now += 60
    support.update("bob", first, {"Status": "open", "Owner": "bob"})
    second = support.create("eve", {"Subject": "Printer on fire", "Content": "Third floor."})
    support.now += 60
    support.update("eve", second, {"Status": "resolved"})
    third = support.create("jesse", {"Subject": "New laptop for 東京", "Content": "By March."})
    support.now += 60
    support.update("jesse", third, {"Status": "open"}, added={"DependsOn": {second}})

    for number, name in (("31", "Jesse"), ("32", "Bob")):
        tasks.users[number] = type(tasks.users["bob"])(
            id=number, name=name, email=f"{name.lower()}@example.org"
        )
    task = tasks.create("31", {"summary": "Buy milk", "tags": frozenset({"home", "two words"})})
    tasks.now += 60
    tasks.comment("32", task, "Oat, please.")
    tasks.create("32", {"summary": "Write the report", "priority": "4", "due": "2027-01-15"})


def main() -> int:
    support, tasks = rt.RTTracker(), Tracker("hiveminder", hiveminder.KNOBS)
    seed(support, tasks)
    with (
        tempfile.TemporaryDirectory(prefix="prophet-hub-demo-") as folder,
        Served(rt.RTFake(support)) as support_url,
        Served(hiveminder.app(tasks)) as tasks_url,
    ):
        hub = Hub(folder)
        say(
            f"An RT stands at {support_url} with 3 tickets, a Hiveminder at {tasks_url} with 2 tasks."
        )
        hub("init", "--remote", f"rt-main=rt:{support_url}", "--remote", f"hiveminder=hiveminder:{tasks_url}",
            "--set", "rt-main.user=hub", "--set", "hiveminder.email=hub@example.org")  # fmt: skip
        hub("check")
        say("What would a first sync write? Nothing is written by a plan.")
        hub("plan", "rt-main", "hiveminder")
        say("The first sync. --yes agrees to its creates, about which a first run asks.")
        hub("sync", "rt-main", "hiveminder", "--yes")
        hub("tickets", "--all")

        say(
            "People go on working: different fields of one ticket on both sides, and the same field of another."
        )
        login = by_summary(support, "Subject", "Login page fails")
        twin = by_summary(tasks, "summary", "Login page fails")
        printer = by_summary(support, "Subject", "Printer on fire")
        its_twin = by_summary(tasks, "summary", "Printer on fire")
        for tracker in (support, tasks):
            tracker.now += 3600
        support.update("bob", login, {"Subject": "Login page fails for everybody"})
        tasks.update("31", twin, {"due": "2026-12-24"})
        tasks.comment("31", twin, "I will look at it before Christmas.")
        support.update("eve", printer, {"Subject": "Printer on fire again"})
        tasks.update("32", its_twin, {"summary": "Printer smokes"})
        hub("plan", "rt-main", "hiveminder", expect=3)
        hub("sync", "rt-main", "hiveminder", expect=3)
        say(
            "Both edits of the first arrived. The second is a conflict: held, shown, and decided by one command."
        )
        hub("conflicts")
        hub("resolve", f"rt-main#{printer}", "summary", "--take", "hiveminder")
        hub("sync", "rt-main", "hiveminder")
        hub("history", f"rt-main#{login}")
        hub("show", f"rt-main#{login}")
        say("Somebody takes the database along, works without a network, and brings a file back.")
        hub("publish", "stick", "--with-private")
        hub("clone", "stick", "laptop.db")
        hub("--database", "laptop.db", "ticket", "create", "Cables for the train", "status=open",
            "-m", "Two of them.")  # fmt: skip
        hub(
            "--database",
            "laptop.db",
            "ticket",
            "comment",
            f"rt-main#{login}",
            "-m",
            "Same on the train.",
        )
        hub(
            "--database",
            "laptop.db",
            "bundle",
            "create",
            "news.bundle",
            "--since",
            "stick",
            "--with-private",
        )
        hub("bundle", "apply", "news.bundle")
        hub("tickets", "train sort:created")
        hub("sync", "rt-main", "hiveminder", "--yes")
        say("Nothing is left to do: the last plan is empty, and no write follows.")
        before = support.writes, tasks.writes
        hub("plan", "rt-main", "hiveminder")
        hub("sync", "rt-main", "hiveminder")
        if before != (support.writes, tasks.writes):
            say("A quiet run wrote something.")
            return 1
        summaries = [
            support.items[printer].fields["Subject"],
            tasks.items[its_twin].fields["summary"],
        ]
        if summaries != ["Printer smokes"] * 2 or hub.failed:
            say(f"It did not go as told: {summaries}, {hub.failed}")
            return 1
        say("Done: both trackers are in step, nothing was doubled, nothing was lost.")
    return 0


class Hub:
    """Types commands in a folder of its own and shows what they print."""

    def __init__(self, folder: str) -> None:
        self.folder, self.failed = folder, []
        self.environment = {
            **os.environ,
            "PROPHET_HUB_DATABASE": str(Path(folder) / "hub.db"),
            "RT_MAIN_PASSWORD": "correct horse",
            "HIVEMINDER_PASSWORD": "correct horse",
        }

    def __call__(self, *words: str, expect: int = 0) -> None:
        shown = " ".join(f"'{word}'" if " " in word else word for word in words)
        print(f"\n$ prophet-hub {shown}", flush=True)
        code = subprocess.run(
            [HUB, *words], cwd=self.folder, env=self.environment, check=False
        ).returncode
        if code != expect:
            self.failed.append((shown, code))


def by_summary(tracker: Tracker, field: str, text: str) -> str:
    return next(i.id for i in tracker.items.values() if i.fields.get(field) == text)


if __name__ == "__main__":
    sys.exit(main())
