"""Every pair of real servers: fifty tickets with comments and files go both ways, then all is idle."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.places import PLACES, Place
from live.table import Row, Table

pytestmark = pytest.mark.live

HUB = Path(sys.executable).with_name("prophet-hub")
TICKETS = 25  # on each side
COMMENTS = ("A word: äöü 東京 ☃.", "Two parts.\n\nThe second, of\ntwo lines.")
FILES = {
    "all.bin": bytes(range(256)) * 40,
    "notes.txt": "lines äöü\r\n\r\n".encode(),
}
LINE = re.compile(r"\A[^\n]{1,200}, \d{4}-\d\d-\d\d \d\d:\d\d UTC, \S+:\s*")


@pytest.fixture(scope="module")
def rows(pytestconfig):
    """Takes a row for each pair; the table of all stands at the end of what pytest says."""
    return Table(pytestconfig.rootpath)


@contextmanager
def opened(name: str, home: Path) -> Iterator[Place]:
    """Opens a server; one that is not there is a failure here, for its pairs were not tried."""
    with ExitStack() as stack:
        try:
            place = stack.enter_context(PLACES[name](home))
        except pytest.skip.Exception as why:
            pytest.fail(str(why))
        yield place


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(PLACES, 2)])
def test_a_pair_is_in_step(one, other, tmp_path, rows):
    with opened(one, tmp_path / one) as here, opened(other, tmp_path / other) as there:
        made = Counter[str]()
        for place in (here, there):
            made.update(_filled(place))
        hub = _Hub(tmp_path / "hub", here, there)
        before, began = hub.requests(), time.monotonic()

        first = hub("sync", one, other, "--yes")

        seconds, spent = time.monotonic() - began, hub.requests() - before
        mirrored = here.carries_files and there.carries_files
        told = {place.name: _told(place) for place in (here, there)}
        _in_step(told[one], told[other], files=mirrored)
        assert first["conflicts"] == first["inbox"] == 0, hub.text("inbox")
        before = hub.requests()
        second = hub("sync", one, other)
        idle = hub.requests() - before
        written = sum(remote["written"] for remote in second["remotes"].values())
        rows.add(Row(
            f"{one} - {other}", made["tickets"], made["comments"], made["files"],
            first["conflicts"], spent, round(seconds, 1), idle, written,
        ))  # fmt: skip
        assert written == 0
        assert {place.name: _told(place) for place in (here, there)} == told
        assert "Nothing to write" in hub.text("plan", one, other)
        assert "All is as it was read" in hub.text("verify", one, other)
        assert "All is as it was read" in hub.text("verify", one, other, "--deep")


def _filled(place: Place) -> Counter[str]:
    """Makes tickets as a person; returns how many of what."""
    box, made = place.box, Counter[str]()
    for n in range(TICKETS):
        fields = box.new(n)
        word = hashlib.sha256(f"{place.name} {n}".encode()).hexdigest()[:12]  # no two are alike
        fields[box.title.theirs] = f"{word} größe ☃ of {place.name}"
        fields[box.long.theirs] = f"Text of {word}.\n\nIn two parts."
        ticket = box.make(fields)
        # somebody is at work on it, else RT opens what is commented on, of its own accord
        status = box.connector.fields.ours("status")
        box.edit(ticket, status.theirs, status.encode("open"))
        made["tickets"] += 1
        for text in COMMENTS[: n % 3]:
            box.comment(ticket, text)
            made["comments"] += 1
        for name, data in FILES.items() if n % 5 == 0 and place.carries_files else ():
            box.attach(ticket, name, data)
            made["files"] += 1
    return made


def _told(place: Place) -> dict[str, tuple[list[str], list[str]]]:
    """Returns what every ticket of a place has: its comments, and the hashes of its files."""
    summary = place.box.title.theirs
    tickets = place.tickets()
    assert len({str(t.fields[summary]) for t in tickets}) == len(tickets), "a ticket stands twice"
    return {
        str(ticket.fields[summary]): (
            sorted(" ".join(LINE.sub("", c.body).split()) for c in ticket.comments),
            sorted(hashlib.sha256(place.file(a.ref)).hexdigest() for a in ticket.attachments),
        )
        for ticket in tickets
    }


def _in_step(one: Any, other: Any, *, files: bool) -> None:
    assert one.keys() == other.keys()
    assert len(one) == 2 * TICKETS
    for summary, (comments, hashes) in one.items():
        assert comments == other[summary][0], summary
        assert not files or hashes == other[summary][1], summary


class _Hub:
    """Types commands in a folder of its own."""

    def __init__(self, folder: Path, *places: Place) -> None:
        folder.mkdir()
        self.folder, self.places = folder, places
        remotes = {place.name: place.remote for place in places}
        (folder / "prophet-hub.yaml").write_text(yaml.safe_dump({"remotes": remotes}))
        self.environment = {**os.environ, "PROPHET_HUB_DATABASE": str(folder / "hub.db")}
        for place in places:
            name = "LIVE_KEY" if "api_key" in place.remote else "LIVE_PASSWORD"
            self.environment |= {name: place.box.password} if place.box.password else {}

    def requests(self) -> int:
        return sum(place.box.requests() for place in self.places)

    def text(self, *words: str) -> str:
        done = subprocess.run(
            [HUB, *words], cwd=self.folder, env=self.environment, check=False, timeout=600,
            capture_output=True, text=True,
        )  # fmt: skip
        print(f"$ prophet-hub {' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
        assert done.returncode == 0, f"{words} ended with {done.returncode}"
        return done.stdout

    def __call__(self, *words: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.text(*words, "--json"))
        return told
