"""Clones and pulls of a published replica, against decoding its changesets and a bare `executemany` of
the rows that they become, in the same run; and what a published replica takes on disk.

    python benchmarks/clone.py [TICKETS [CHANGESETS_PER_TICKET]]

Each clone is a process of its own, so that its peak memory is its own.  The first size is the one of
which the old tool's times are known: 5,000 tickets of one changeset each.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from made import made

from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids
from prophet_hub.peers import notes
from prophet_hub.peers.exchange import pull, push_to
from prophet_hub.peers.opening import place_at
from prophet_hub.peers.published import Published

SIZES = ((5_000, 1), (5_000, 5), (50_000, 5))
NEW = 100
CHILD = "--child"


def tell(name: str, value: float, unit: str, ratio: float | None = None, **more: object) -> None:
    line = {"name": name, "value": round(value, 3), "unit": unit}
    print(json.dumps({**line, "ratio": None if ratio is None else round(ratio, 3), **more}))


def opened(path: Path) -> Replica:
    return Replica.open(path, clock=lambda: 1_800_000_000_000_000)


def peer(replica: Replica, published: Path) -> notes.Peer:
    known = notes.named(replica, "published")
    return known or notes.Peer(name="published", url=str(published), private=True)


def publish(replica: Replica, published: Path) -> float:
    start = time.perf_counter()
    one = peer(replica, published)
    with closing(place_at(one)) as place:
        for _ in push_to(replica, place, one, holder="bench"):
            pass
    return time.perf_counter() - start


def pulled(replica: Replica, published: Path) -> float:
    start = time.perf_counter()
    one = peer(replica, published)
    with closing(place_at(one)) as place:
        for _ in pull(replica, Published(place, done=one.pages), one):
            pass
    return time.perf_counter() - start


def clone(published: Path, target: Path) -> None:
    """Clones in this process, and prints seconds and the memory that it took on top."""
    before = peak()
    with closing(opened(target)) as replica:
        seconds = pulled(replica, published)
    print(json.dumps({"seconds": seconds, "grown": peak() - before}))


def peak() -> float:
    """Returns the peak memory of this very program in MiB; what stood before it is none of it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def floor(source: Path, target: Path) -> float:
    """Returns the seconds of decoding and entering the rows of the database, by benchmarks/integration."""
    words = [sys.executable, __file__, CHILD, "floor", str(source), str(target)]
    return float(json.loads(subprocess.run(words, check=True, capture_output=True).stdout))


def bare_rows(source: Path, target: Path) -> None:
    sys.argv[1:] = []
    from integration import bare  # noqa: PLC0415 - reads the arguments

    with closing(sqlite3.connect(source)) as connection:
        log = connection.execute("SELECT before, raw FROM entries ORDER BY number").fetchall()
    print(json.dumps(bare(log, source, target)[0]))


def measure(tickets: int, each: int, folder: Path) -> dict[str, float]:
    source, published = folder / "source.db", folder / "published"
    made(source, tickets, each)
    with closing(opened(source)) as replica:
        entries = replica.latest()
        took = publish(replica, published)
        files = [one for one in published.rglob("*") if one.is_file()]
        size = sum(one.stat().st_size for one in files)
        words = [sys.executable, __file__, CHILD, "clone", published, folder / "clone.db"]
        told = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        bare = floor(source, folder / "bare.db")
        with closing(opened(folder / "clone.db")) as other:
            for n in range(NEW):
                record = ids.RecordId(ids.fresh())
                replica.edit(record, "ticket", {("summary", ""): f"new {n}"}, author="jesse")
            push = publish(replica, published)
            fresh = pulled(other, published)
            idle = min(pulled(other, published) for _ in range(5))
    of = f"of {tickets:,} tickets ({entries:,} changesets)"
    tell(f"clone {of}", told["seconds"], "s", bare / told["seconds"],
         changesets_per_second=round(entries / told["seconds"]))  # fmt: skip
    tell(f"memory that the clone {of} adds", told["grown"], "MiB")
    tell(f"publishing {of}", took, "s", took / bare)
    tell(f"push of {NEW} new changesets {of}", push * 1000, "ms")
    tell(f"pull of {NEW} new changesets into a database {of}", fresh * 1000, "ms")
    tell(f"idle pull {of}", idle * 1000, "ms")
    tell(f"bytes per ticket, published, {of}", size / tickets, "B", files=len(files))
    return {
        "clone": told["seconds"],
        "pull": fresh,
        "memory": told["grown"],
        "bytes": size / tickets,
    }


def main() -> None:
    given = [int(one) for one in sys.argv[1:]]
    sizes = [(given[0], given[1] if given[1:] else 5)] if given else SIZES
    found = []
    for tickets, each in sizes:
        with tempfile.TemporaryDirectory() as folder:
            found.append(measure(tickets, each, Path(folder)))
    if not given:
        for name, first in found[1].items():
            what = f"{name}, {SIZES[2][0]:,} tickets to {SIZES[1][0]:,}"
            tell(f"growth of {what}", found[2][name] / max(first, 1e-9), "times")


if __name__ == "__main__":
    if sys.argv[1:2] == [CHILD]:
        what, *paths = sys.argv[2:]
        {"clone": clone, "floor": bare_rows}[what](*map(Path, paths))
    else:
        main()
