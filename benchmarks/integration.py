"""Integration of 100,000 changesets, against decoding them and a bare `executemany` of all the rows
that it writes, into the same tables with the same indexes, in the same run.

    python benchmarks/integration.py [changesets]
"""

from __future__ import annotations

import gc
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import Cell, Changeset, Write, life
from prophet_hub.store.schema import DERIVED, migrate
from prophet_hub.store.sqlite import tune
from prophet_hub.values import PRESENT

TABLES = ("entries", "origins", *DERIVED)
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
BATCH = 2_000  # as the engine's
FIELDS = ("status", "owner", "priority", "description", "type")
WORDS = [
    "the",
    "printer",
    "on",
    "floor",
    "two",
    "is",
    "out",
    "of",
    "paper",
    "again",
    "and",
    "nobody",
    "knows",
]


def story(count: int) -> Iterator[Changeset]:
    """Yields tickets with eight cells each, edits of their fields, and comments, well mixed."""
    rng = random.Random(1)
    tickets: list[tuple[bytes, dict[str, bytes]]] = []
    for number in range(count):
        now = 1_700_000_000_000_000 + number * 1_000_000
        draw = rng.random()
        if draw < 0.2 or not tickets:
            record = ids.fresh()
            heads: dict[str, bytes] = {}
            cells = [life(record), Cell(record, "labels", rng.choice(("red", "blue")))]
            cells += [Cell(record, prop) for prop in ("summary", *FIELDS)]
            values = [PRESENT, PRESENT] + [" ".join(rng.choices(WORDS, k=8)) for _ in cells[2:]]
            writes = []
            for cell, value in zip(cells, values, strict=True):
                heads[cell.prop] = ids.fresh()
                writes.append(Write(heads[cell.prop], cell, "ticket", value, (), now))
            tickets.append((record, heads))
        elif draw < 0.65:
            record, heads = rng.choice(tickets[-5_000:])
            writes = []
            for prop in rng.sample(FIELDS, rng.choice((1, 1, 2))):
                above, heads[prop] = heads[prop], ids.fresh()
                text = " ".join(rng.choices(WORDS, k=3))
                cell = Cell(record, prop)
                writes.append(Write(heads[prop], cell, "ticket", text, (above,), now))
        else:
            record, comment = rng.choice(tickets[-5_000:])[0], ids.fresh()
            values = {
                "ticket": ids.text(record), "body": " ".join(rng.choices(WORDS, k=60)),
                "author": "jesse@example.com", "created": "2026-11-20T18:43:00Z",
            }  # fmt: skip
            writes = [Write(ids.fresh(), life(comment), "comment", PRESENT, (), now)]
            for prop, text in values.items():
                writes.append(Write(ids.fresh(), Cell(comment, prop), "comment", text, (), now))
        yield Changeset(ids.fresh(), "jesse@example.com", now, tuple(writes), "rt-main#42")


def sealed(count: int) -> list[tuple[bytes, bytes]]:
    """Returns the log of another replica: (before, raw)."""
    origin, running, log = ids.fresh(), b"", []
    for sequence, changeset in enumerate(story(count), 1):
        entry, raw = codec.seal(origin, sequence, running, changeset)
        log.append((running, raw))
        running = entry.running
    return log


def bare(log: list[tuple[bytes, bytes]], filled: Path, target: Path) -> tuple[float, int]:
    """Returns seconds for decoding the log and entering the rows of the filled database, and how
    many rows these are."""
    source = sqlite3.connect(filled)
    # in the order in which they come: uuids are met by time, not by name
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}
    for table in ("names", "touched"):
        rows[table].sort(key=lambda row: row[1])
    born = {record: number for number, record, *_ in rows["records"]}
    rows["cells"].sort(key=lambda row: born[row[0]])
    source.close()
    decoder = msgspec.msgpack.Decoder(tuple[bytes, int, Changeset])
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    tune(connection)
    migrate(connection)
    batches = -(-len(log) // BATCH)
    gc.collect()
    start = time.perf_counter()
    for n in range(batches):
        for _, raw in log[n * BATCH : (n + 1) * BATCH]:
            decoder.decode(raw)
        connection.execute("BEGIN IMMEDIATE")
        for table, found in rows.items():
            share = found[len(found) * n // batches : len(found) * (n + 1) // batches]
            if share:
                marks = ", ".join("?" * len(share[0]))
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", share)
        connection.execute("COMMIT")
    seconds = time.perf_counter() - start
    connection.close()
    return seconds, sum(map(len, rows.values()))


def tell(name: str, value: float, unit: str, ratio: float | None = None) -> None:
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit,
                      "ratio": None if ratio is None else round(ratio, 3)}))  # fmt: skip


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    log = sealed(COUNT)
    with tempfile.TemporaryDirectory() as folder:
        filled, target, own = (Path(folder) / name for name in ("a.db", "b.db", "c.db"))
        replica = Replica.open(filled, clock=lambda: 1)
        before = peak()
        gc.collect()
        start = time.perf_counter()
        replica.integrate(log)
        engine = time.perf_counter() - start
        grown = peak() - before
        replica.close()
        floor, rows = bare(log, filled, target)
        tell(f"integration of {COUNT:,} changesets", COUNT / engine, "changesets/s", floor / engine)
        tell(f"bare executemany of their {rows:,} rows, and decoding", COUNT / floor,
             "changesets/s", 1)  # fmt: skip
        tell("memory that integration adds", grown, "MiB")
        some = list(story(COUNT // 5))
        replica = Replica.open(own, clock=lambda: 1)
        gc.collect()
        start = time.perf_counter()
        with replica.transaction():
            replica.record(some)
        recorded = time.perf_counter() - start
        replica.close()
        tell(f"recording of {len(some):,} changesets in one transaction",
             len(some) / recorded, "changesets/s", floor * len(some) / COUNT / recorded)  # fmt: skip


if __name__ == "__main__":
    main()
