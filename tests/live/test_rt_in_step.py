"""A real RT of 200 tickets, kept in step by the real command: with Hiveminder, with a todo.txt."""

from __future__ import annotations

import base64
import os
import random
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fakes import hiveminder
from live.real_rt import Somebody, fill
from prophet_hub.testing.serve import Served
from prophet_hub.testing.tracker import Tracker

pytestmark = pytest.mark.live

HUB = Path(sys.executable).with_name("prophet-hub")
TICKETS = 200
FILES = {
    "notes ☃.md": ("application/x-notes", "äöü\r\n\n".encode("latin-1")),
    "all.bin": ("application/octet-stream", bytes(range(256)) * 20),
}
PRIORITIES = (0, 25, 50, 75, 100)


# The contract moves tickets into the same queue; they carry keys that no database here knows,
# and while such a ticket is held, its remote gets no creates.
OURS = "Queue = 'Support' AND (" + " OR ".join(
    f"Subject LIKE '{name}'" for name in ("Ticket ", "Only here", "Renamed in RT")
) + ")"  # fmt: skip


class Commands:
    """Types commands in a folder of its own."""

    def __init__(self, folder: Path, job_file: str, password: str) -> None:
        self.folder = folder
        (folder / "prophet-hub.yaml").write_text(job_file)
        self.environment = {
            **os.environ,
            "PROPHET_HUB_DATABASE": str(folder / "hub.db"),
            "LIVE_PASSWORD": password,
        }

    def __call__(self, *words: str) -> str:
        done = subprocess.run(
            [HUB, *words], cwd=self.folder, env=self.environment, check=False, timeout=900,
            capture_output=True, text=True,
        )  # fmt: skip
        print(f"$ prophet-hub {' '.join(words)}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
        assert done.returncode == 0, f"{words} ended with {done.returncode}"
        return done.stdout


@pytest.fixture(scope="module")
def support(rt_server) -> dict[str, tuple[str, int, list[str]]]:
    """Fills the queue Support; returns subject -> (ticket, public comments, names of files)."""
    tickets = [_ticket(n) for n in range(TICKETS)]
    numbers = fill(rt_server, tickets)
    return {
        ticket["Subject"]: (
            number,
            sum(not message["private"] for message in ticket["messages"]),
            [file["name"] for file in ticket["files"]],
        )
        for ticket, number in zip(tickets, numbers, strict=True)
    }


def _ticket(n: int) -> dict[str, Any]:
    """Returns the nth ticket, always the same."""
    rnd = random.Random(n)
    files = sorted(FILES.items()) if n % 10 == 0 else []
    return {
        "Queue": "Support",
        "Subject": f"Ticket {n:03}: größe ☃ {rnd.choice(('crash', 'login', 'mail'))}",
        "Content": f"Text of {n}\n\nin two parts",
        "Requestor": f"person{n % 7}@example.com",
        "Priority": rnd.choice(PRIORITIES),
        "Owner": rnd.choice(("jesse", "bob", "Nobody")),
        "Status": rnd.choice(("open", "stalled", "resolved")) if n % 3 == 0 else None,
        "messages": [
            {"text": f"Comment {k} of {n} 東京", "private": rnd.random() < 0.3}
            for k in range(rnd.randint(0, 3))
        ],
        "files": [
            {"name": name, "type": kind, "data": base64.b64encode(data).decode()}
            for name, (kind, data) in files
        ],
    }


def _transactions(server) -> int:
    """How many changes the queue has seen."""
    bob = Somebody(server.url, "bob", server.password)
    page = bob.get(
        "transactions", query="ObjectType = 'RT::Ticket'", orderby="id", order="DESC", per_page=1
    )
    bob.http.close()
    return int(page["items"][0]["id"])


def test_rt_and_hiveminder(rt_server, support, tmp_path):
    """All arrives once; what people do on both sides arrives; then nothing is left to do."""
    tasks = Tracker("hiveminder", hiveminder.KNOBS)
    for number, name in (("31", "Jesse"), ("32", "Bob")):
        person = type(tasks.users["bob"])
        tasks.users[number] = person(id=number, name=name, email=f"{name.lower()}@example.org")
    own = tasks.create("31", {"summary": "Only here", "priority": "4"})
    tasks.comment("32", own, "A remark there")
    with Served(hiveminder.app(tasks)) as url:
        hub = Commands(
            tmp_path,
            f"""
remotes:
  rt-main:
    connector: rt
    url: {rt_server.url}
    user: hub
    password: env:LIVE_PASSWORD
    queue: Support
    time_zone: {rt_server.zone}
    query: "{OURS}"
  hiveminder:
    connector: hiveminder
    url: {url}
    email: hub@example.org
    password: env:LIVE_PASSWORD
""",
            rt_server.password,
        )
        hub("check")
        hub("sync", "rt-main", "hiveminder", "--yes")

        items = {str(i.fields["summary"]): i for i in tasks.items.values()}
        counts = Counter(str(i.fields["summary"]) for i in tasks.items.values())
        # the contract, too, leaves tickets in this queue, several of one name
        assert {counts[subject] for subject in (*support, "Only here")} == {1}
        for subject, (_, public, names) in support.items():
            item = items[subject]
            assert len(item.comments) == public, subject
            assert sorted(f.name for f in item.attachments) == names
            assert all(f.data == FILES[f.name][1] for f in item.attachments)

        hub("sync", "rt-main", "hiveminder")  # reads back what was written
        before = tasks.writes, _transactions(rt_server)
        assert "Nothing to write" in hub("plan", "rt-main", "hiveminder")
        hub("sync", "rt-main", "hiveminder")
        assert (tasks.writes, _transactions(rt_server)) == before

        subject, (ticket, _, _) = next(iter(support.items()))
        bob = Somebody(rt_server.url, "bob", rt_server.password)
        bob.put(f"ticket/{ticket}", Subject="Renamed in RT")
        tasks.now += 3600
        tasks.update("31", items[subject].id, {"due": "2026-12-24"})
        tasks.comment("31", items[subject].id, "Said in Hiveminder")
        hub("sync", "rt-main", "hiveminder")

        assert items[subject].fields["summary"] == "Renamed in RT"
        told = bob.get(f"ticket/{ticket}")
        assert told["Due"] == "2026-12-24T05:00:00Z"
        texts = bob.get(f"ticket/{ticket}/attachments", fields="Content", per_page=100)
        assert sum("Said in Hiveminder" in p["Content"] for p in texts["items"] if p) >= 1
        there = bob.get("tickets", query="Subject = 'Only here'", fields="Priority")
        assert [t["Priority"] for t in there["items"]] == ["75"]
        bob.put(f"ticket/{ticket}", Subject=subject)
        hub("sync", "rt-main", "hiveminder")
        bob.http.close()


def test_rt_and_a_todo_txt(rt_server, support, tmp_path):
    """One line per ticket; a line that is ticked off closes its ticket."""
    todo = tmp_path / "todo.txt"
    todo.write_text("(B) Only in the file @home\n")
    hub = Commands(
        tmp_path,
        f"""
remotes:
  rt-todo:
    connector: rt
    url: {rt_server.url}
    user: hub
    password: env:LIVE_PASSWORD
    queue: Support
    time_zone: {rt_server.zone}
    query: "{OURS}"
  list:
    connector: todotxt
    url: todo.txt
""",
        rt_server.password,
    )
    hub("check")
    hub("sync", "rt-todo", "list", "--yes")

    lines = todo.read_text().splitlines()
    for subject in support:
        assert sum(subject in line for line in lines) == 1, subject
    hub("sync", "rt-todo", "list")
    before = todo.read_text(), _transactions(rt_server)
    assert "Nothing to write" in hub("plan", "rt-todo", "list")
    hub("sync", "rt-todo", "list")
    assert (todo.read_text(), _transactions(rt_server)) == before

    subject, (ticket, _, _) = next(
        (s, t) for s, t in support.items() if not any(s in x and x[:2] == "x " for x in lines)
    )
    open_line = next(line for line in lines if subject in line)
    done = f"x 2026-11-21 {re.sub('^[(].[)] ', '', open_line)}"  # as todo.sh: the priority goes
    todo.write_text(todo.read_text().replace(open_line, done))
    hub("sync", "rt-todo", "list")

    bob = Somebody(rt_server.url, "bob", rt_server.password)
    told = bob.get(f"ticket/{ticket}")
    assert (told["Status"], told["Priority"]) == ("resolved", "0")
    bob.http.close()
