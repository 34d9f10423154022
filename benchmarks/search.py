"""Searches over 5,000 and 50,000 tickets, with three comments each, in a running process.

Times are the best of several.  The ratio is to a bare statement for the same rows on the same file, and for
what has `growth` in its name, of 50,000 tickets to 5,000.  Besides: the index itself, a record as of
a time, a check, a rebuild, and bytes per ticket.

    python benchmarks/search.py [tickets ...]
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from made import START, made, vocabulary

from prophet_hub.engine.query import catch_up, newest, search
from prophet_hub.engine.replica import Replica
from prophet_hub.engine.stats import stats

SIZES = [int(word) for word in sys.argv[1:]] or [5_000, 50_000]
MINUTE = 60_000_000
COMMON, USUAL, RARE = (vocabulary()[0][n] for n in (30, 300, 5_000))
PATTERN = rf"{USUAL[:4]}\w* .*{COMMON}"
SHOWN = "SELECT s.doc FROM shown s JOIN properties p ON p.id = s.prop AND p.name = ?"
QUERY = f"status:open owner:jesse updated:>2w -label:wontfix {COMMON} sort:priority"


def best(work: Callable[[], object], times: int = 7) -> float:
    """Returns the milliseconds of the quickest of several runs."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found) * 1000


def tell(name: str, value: float, unit: str, ratio: float | None = None) -> None:
    ratio = None if ratio is None else round(ratio, 3)
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, "ratio": ratio}))


def searches(replica: Replica, tickets: int) -> dict[str, float]:
    """Measures and tells; returns the milliseconds by name."""
    store = replica.store

    def first(query: str, **more: str) -> Callable[[], object]:
        return lambda: list(search(replica, query, **more).rows(50))

    def bare_word(word: str) -> Callable[[], object]:
        return lambda: store.rows("SELECT rowid FROM words WHERE words MATCH ?", (word,))

    def bare_query() -> object:
        status = store.rows(f"{SHOWN} WHERE s.value = 'open'", ("status",))
        owner = store.rows(f"{SHOWN} WHERE s.value = 'jesse@example.com'", ("owner",))
        return set(status) & set(owner) & set(bare_word(COMMON)())  # type: ignore[call-overload]

    def bare_regex() -> object:
        found_in = re.compile(PATTERN, re.IGNORECASE).search
        texts = "SELECT doc, summary || char(10) || description || char(10) || body FROM searched"
        return [doc for doc, text in store.rows(texts) if found_in(text)]

    rng = random.Random(4)
    rows = rng.sample(list(search(replica).docs), 50)
    some = [row.record for row in search(replica).rows() if row.number in set(rows)]
    middle = START + tickets * 5 // 2 * MINUTE
    measured = {
        f"search for a usual word ({USUAL})": (first(USUAL), bare_word(USUAL)),
        f"search for a common word ({COMMON})": (first(COMMON), bare_word(COMMON)),
        f"search for a rare word ({RARE})": (first(RARE), bare_word(RARE)),
        f'search for a phrase ("{COMMON} {USUAL}")': (
            first(f'"{COMMON} {USUAL}"'), bare_word(f'"{COMMON} {USUAL}"')),
        f"query: {QUERY}": (first(QUERY), bare_query),
        "query: comment.author:clkao": (
            first("comment.author:clkao"),
            lambda: store.rows(f"{SHOWN} WHERE s.value = 'clkao@example.com'", ("author",))),
        f"regular expression: {PATTERN}": (first("", regex=PATTERN), bare_regex),
        "the last 50 changed": (
            lambda: [row for row, _ in zip(newest(replica), range(50), strict=False)], None),
        "50 records as of a time": (
            lambda: [replica.as_of(r, middle) for r in some],
            lambda: [replica.shown(r) for r in some]),
    }  # fmt: skip
    found = {}
    for name, (work, bare) in measured.items():
        found[name] = best(work)
        floor = best(bare) if bare else None
        tell(f"{name}, {tickets:,} tickets", found[name], "ms", floor and found[name] / floor)
    return found


def whole(folder: Path, tickets: int) -> dict[str, float]:
    path = made(folder / f"{tickets}.db", tickets)
    replica = Replica.open(path, clock=lambda: START + tickets * 5 * MINUTE)
    before = stats(replica.store).per_ticket
    start = time.perf_counter()
    count = catch_up(replica.store)
    seconds = time.perf_counter() - start
    tell(f"index of {count:,} records", count / seconds, "records/s")
    found = searches(replica, tickets)
    replica.store.run("PRAGMA wal_checkpoint(TRUNCATE)")
    after = stats(replica.store).per_ticket
    tell(f"bytes per ticket (with 3 comments), {tickets:,} tickets", before, "bytes", before / 2500)
    tell(f"bytes per ticket with the index, {tickets:,} tickets", after, "bytes", after / before)
    if tickets == SIZES[0]:
        start = time.perf_counter()
        assert not list(replica.check())
        checked = time.perf_counter() - start
        start = time.perf_counter()
        replica.rebuild()
        rebuilt = time.perf_counter() - start
        other = Replica.open(folder / "other.db", clock=lambda: START)
        parcels = list(replica.offers(other.stands_at))
        start = time.perf_counter()
        other.integrate(parcels)
        floor = time.perf_counter() - start
        other.close()
        changesets = len(parcels)
        tell(
            f"check of {changesets:,} changesets",
            changesets / checked,
            "changesets/s",
            checked / floor,
        )
        tell(f"rebuild of {changesets:,} changesets, to integrating them", changesets / rebuilt,
             "changesets/s", rebuilt / floor)  # fmt: skip
    replica.close()
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = [whole(Path(folder), size) for size in SIZES]
    for name in found[0]:
        if len(found) > 1:
            grown = found[-1][name] / found[0][name]
            tell(f"growth from {SIZES[0]:,} to {SIZES[-1]:,}: {name}", found[-1][name], "ms", grown)


if __name__ == "__main__":
    main()
