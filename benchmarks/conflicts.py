"""Merging 10,000 conflicts: pulling the edits that make them, and settling them by a rule or by
votes, in databases of 5,000 and of 50,000 tickets; against a bare rewriting of the same rows.

    python benchmarks/conflicts.py [conflicts]
"""

from __future__ import annotations

import gc
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.engine.rules import RULES
from prophet_hub.engine.settings import Settings
from prophet_hub.engine.settling import settle_all
from prophet_hub.engine.voting import Decision, decide
from prophet_hub.model import ids
from prophet_hub.model.changes import Cell, Changeset, Write, life
from prophet_hub.store.sqlite import tune
from prophet_hub.values import PRESENT

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
TICKETS = (5_000, 50_000)
FIELDS = ("status", "owner")
PROPS = ("summary", *FIELDS, "priority", "description", "type")
NOW = 1_700_000_000_000_000


def born(count: int) -> tuple[list[bytes], list[Changeset]]:
    """Returns tickets, and the changesets that made them."""
    tickets, made = [], []
    for number in range(count):
        record = ids.fresh()
        tickets.append(record)
        writes = [Write(ids.fresh(), life(record), "ticket", PRESENT, (), NOW)]
        writes += [
            Write(ids.fresh(), Cell(record, prop), "ticket", f"{prop} {number}", (), NOW)
            for prop in PROPS
        ]
        made.append(Changeset(ids.fresh(), "jesse@example.com", NOW, tuple(writes)))
    return tickets, made


def edited(replica: Replica, cells: Sequence[Cell], value: str, at: int) -> None:
    """One local edit per cell, each a changeset of its own."""
    states = replica.cells_of([cell.record for cell in cells])
    changesets = []
    for cell in cells:
        state = states[cell.record][cell.prop, ""]
        above = tuple(h.id for h in state.heads)
        write = Write(ids.fresh(), cell, "ticket", value, above, at, old=state.shown)
        changesets.append(Changeset(ids.fresh(), "jesse@example.com", at, (write,)))
    replica.record(changesets)


def taken(what: Callable[[], object]) -> float:
    gc.collect()
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


def pulled(one: Replica, other: Replica) -> None:
    one.integrate(list(other.offers(one.stands_at)))


def bare(path: Path, cells: Sequence[Cell]) -> float:
    """Returns seconds for writing the cells' rows over themselves and as many entries again."""
    connection = sqlite3.connect(path, isolation_level=None)
    tune(connection)
    rows = [
        row
        for cell in cells
        for row in connection.execute(
            "SELECT heads, 0, record, prop, member FROM cells WHERE record = ? AND prop = ?",
            (cell.record, cell.prop),
        )
    ]
    (last,) = connection.execute("SELECT max(number) FROM entries").fetchone()
    entries = connection.execute(
        "SELECT number + ?, origin, sequence, before, running, raw FROM entries"
        " ORDER BY number DESC LIMIT ?", (last, len(cells)),
    ).fetchall()  # fmt: skip

    def write() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "UPDATE cells SET heads = ?, conflict = ? WHERE record = ? AND prop = ? AND member = ?",
            rows,
        )
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, NULL)", entries)
        connection.execute("COMMIT")

    seconds = taken(write)
    connection.close()
    return seconds


def tell(name: str, seconds: float, floor: float) -> None:
    print(json.dumps({"name": name, "value": round(COUNT / seconds), "unit": "conflicts/s",
                      "seconds": round(seconds, 2), "ratio": round(floor / seconds, 3)}))  # fmt: skip


def measure(count: int, folder: Path) -> None:
    here = Replica.open(folder / "here.db", clock=lambda: NOW)
    there = Replica.open(folder / "there.db", clock=lambda: NOW)
    tickets, made = born(count)
    here.record(made)
    pulled(there, here)
    step = max(count * len(FIELDS) // COUNT, 1)
    cells = [Cell(t, prop) for prop in FIELDS for t in tickets[::step]][:COUNT]

    def torn(at: int) -> None:
        edited(here, cells, "open", at)
        edited(there, cells, "resolved", at + 1)

    torn(NOW + 10)
    whole = f"in {count:,} tickets"
    merging = taken(lambda: pulled(here, there))
    assert sum(1 for _ in here.conflicts()) == COUNT
    decisions = [Decision(cell.record, cell.prop, "", "resolved") for cell in cells]
    deciding = taken(lambda: decide(here, decisions, author="jesse"))
    pulled(there, here)
    torn(NOW + 20)
    pulled(here, there)
    voting = taken(lambda: settle_all(here))
    assert next(here.conflicts(), None) is None
    pulled(there, here)
    Settings(here).set(RULES, {"owner": "newest", "status": "newest"}, author="jesse")
    edited(here, cells, "rejected", NOW + 30)
    edited(there, cells, "stalled", NOW + 31)
    pulled(here, there)
    ruling = taken(lambda: settle_all(here))
    assert next(here.conflicts(), None) is None
    idle = taken(lambda: settle_all(here))
    here.close()
    floor = bare(folder / "here.db", cells)
    there.close()
    tell(f"pull of edits that make {COUNT:,} conflicts {whole}", merging, floor)
    tell(f"{COUNT:,} decisions of a person {whole}", deciding, floor)
    tell(f"{COUNT:,} conflicts settled by votes {whole}", voting, floor)
    tell(f"{COUNT:,} conflicts settled by a rule {whole}", ruling, floor)
    tell(f"bare rewriting of their rows {whole}", floor, floor)
    print(json.dumps({"name": f"settling where nothing is in conflict {whole}",
                      "value": round(idle * 1000, 2), "unit": "ms", "ratio": None}))  # fmt: skip


def main() -> None:
    for count in TICKETS:
        with tempfile.TemporaryDirectory() as folder:
            measure(count, Path(folder))


if __name__ == "__main__":
    main()
