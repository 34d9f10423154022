"""A database of many tickets with comments, made once and kept in the system's temporary folder.

    from made import made
    made(path, 50_000)                           # 250,000 changesets
    python benchmarks/made.py PATH TICKETS [CHANGESETS_PER_TICKET]

Of five changesets a ticket one makes it, one edits it and three comment on it, well mixed.  Words
are drawn as people use them: few of them often, most of them seldom.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from prophet_hub.engine.replica import Replica
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import Cell, Changeset, Write, life
from prophet_hub.store.sqlite import MEMORY, Store
from prophet_hub.values import PRESENT

START = 1_700_000_000_000_000
STATUSES = ("new", "open", "open", "stalled", "resolved", "resolved", "rejected")
LABELS = ("red", "blue", "printer", "network", "billing", "urgent")
PEOPLE = [f"{name}@example.com" for name in ("jesse", "clkao", "cara", "audrey", "kevin", "nobody")]


def made(path: Path | str, tickets: int, changesets_per_ticket: int = 5) -> Path:
    """Puts a database of so many tickets at the path; the second time it is only copied."""
    kept = _cache() / f"{tickets}-{changesets_per_ticket}.db"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        new = kept.with_suffix(f".{random.randbytes(4).hex()}")
        replica = Replica.open(new, clock=lambda: START)
        replica.integrate(entries(tickets, changesets_per_ticket))
        replica.store.run("PRAGMA wal_checkpoint(TRUNCATE)")
        replica.close()
        new.replace(kept)
    shutil.copyfile(kept, path)
    return Path(path)


def entries(tickets: int, changesets_per_ticket: int = 5) -> Iterator[tuple[bytes, bytes]]:
    """Yields the log of another replica: (before, raw)."""
    origin, running = _uuid(random.Random(2)), b""
    for sequence, changeset in enumerate(story(tickets, changesets_per_ticket), 1):
        entry, raw = codec.seal(origin, sequence, running, changeset)
        yield running, raw
        running = entry.running


def story(tickets: int, changesets_per_ticket: int = 5) -> Iterator[Changeset]:
    """Yields the changesets; the same every time."""
    rng = random.Random(1)
    heads: list[tuple[bytes, dict[str, bytes]]] = []
    waiting: list[int] = []
    for n in range(tickets * changesets_per_ticket):
        now = START + n * 60_000_000
        by = rng.choice(PEOPLE)
        if n % changesets_per_ticket == 0:
            waiting += [len(heads)] * (changesets_per_ticket - 1)
            writes = _ticket(rng, heads, now)
        else:
            at = rng.randrange(max(0, len(waiting) - 4_000), len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            record, here = heads[waiting.pop()]
            edits = n % changesets_per_ticket == changesets_per_ticket - 1
            writes = _edit(rng, record, here, now) if edits else _comment(rng, record, by, now)
        yield Changeset(_uuid(rng), by, now, tuple(writes), f"rt-main#{n}")


def words(rng: random.Random, count: int) -> str:
    """Returns so many words."""
    found, weights = vocabulary()
    return " ".join(rng.choices(found, cum_weights=weights, k=count))


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Returns words, the usual ones first, and their summed weights."""
    rng = random.Random(3)
    found = ["".join(rng.choices("aeioulnrstbcdfgm", k=rng.randint(2, 10))) for _ in range(30_000)]
    return found, list(itertools.accumulate(1 / (n + 3) for n in range(len(found))))


def _ticket(
    rng: random.Random, heads: list[tuple[bytes, dict[str, bytes]]], now: int
) -> list[Write]:
    record, here = _uuid(rng), {}
    values = {
        "summary": words(rng, 7), "description": words(rng, 40), "status": rng.choice(STATUSES),
        "owner": rng.choice(PEOPLE), "reporter": rng.choice(PEOPLE),
        "priority": str(rng.randrange(100)), "created": _date(now), "updated": _date(now),
    }  # fmt: skip
    writes = [Write(_uuid(rng), life(record), "ticket", PRESENT, (), now)]
    writes.append(
        Write(_uuid(rng), Cell(record, "labels", rng.choice(LABELS)), "ticket", PRESENT, (), now)
    )
    for prop, value in values.items():
        here[prop] = _uuid(rng)
        writes.append(Write(here[prop], Cell(record, prop), "ticket", value, (), now))
    heads.append((record, here))
    return writes


def _edit(rng: random.Random, record: bytes, here: dict[str, bytes], now: int) -> list[Write]:
    new = {"status": rng.choice(STATUSES), "updated": _date(now)}
    writes = []
    for prop, value in new.items():
        above, here[prop] = here[prop], _uuid(rng)
        writes.append(Write(here[prop], Cell(record, prop), "ticket", value, (above,), now))
    return writes


def _comment(rng: random.Random, ticket: bytes, by: str, now: int) -> list[Write]:
    comment = _uuid(rng)
    values = {
        "ticket": ids.text(ticket), "body": words(rng, 40), "author": by, "created": _date(now),
    }  # fmt: skip
    writes = [Write(_uuid(rng), life(comment), "comment", PRESENT, (), now)]
    for prop, value in values.items():
        writes.append(Write(_uuid(rng), Cell(comment, prop), "comment", value, (), now))
    return writes


def _date(micros: int) -> str:
    return datetime.fromtimestamp(micros // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _uuid(rng: random.Random) -> bytes:
    return rng.randbytes(16)


def _cache() -> Path:
    """Returns the folder for what was made by these very tables and this very story."""
    store = Store.open(MEMORY)
    tables = repr(store.rows("SELECT sql FROM sqlite_schema ORDER BY name"))
    store.close()
    told = tables.encode() + Path(__file__).read_bytes()
    return Path(tempfile.gettempdir()) / f"prophet-hub-made-{hashlib.sha256(told).hexdigest()[:12]}"


if __name__ == "__main__":
    made(sys.argv[1], int(sys.argv[2]), *map(int, sys.argv[3:]))
