"""Entries that keep every rule of form and say what nobody honest would: names that stand in several
cells, circles, deletes that saw the future.

Whatever they say, the tables are as the law says, and every reader gets an answer.
"""

from __future__ import annotations

import random

import pytest

from prophet_hub.engine.replica import Replica
from prophet_hub.model import codec, ids
from prophet_hub.model.changes import (
    Cell,
    Changeset,
    Write,
    life,
)
from prophet_hub.values import PRESENT

RECORDS = [bytes([65 + n]) * 16 for n in range(3)]
NAMES = [bytes([n]) * 16 for n in range(1, 7)]
CELLS = [
    *(Cell(r, prop) for r in RECORDS for prop in ("summary", "ticket")),
    *map(life, RECORDS),
    *(Cell(r, "labels", "x") for r in RECORDS),
    Cell(RECORDS[0], "vote:x", "k"),
    Cell(RECORDS[1], "stand:", "k"),
]


def hostile(rng):
    """Returns the log of two origins, as a stranger would write it."""
    ends, log = {}, []
    for _ in range(rng.randrange(1, 7)):
        origin = rng.choice((b"e" * 16, b"f" * 16))
        sequence, before = ends.get(origin, (0, b""))
        changeset = Changeset(ids.fresh(), "eve", 1, tuple(writes(rng)))
        entry, raw = codec.seal(origin, sequence + 1, before, changeset)
        ends[origin] = sequence + 1, entry.running
        log.append((before, raw))
    return log


def writes(rng):
    """Yields writes; most of an entry keep the rules of form."""
    for name in rng.sample(NAMES, rng.choice((1, 1, 2, 3))):
        cell = rng.choice(CELLS)
        value = rng.choice(
            (None, PRESENT) if cell.prop == "life" else (None, "a", "b", ids.text(RECORDS[0]))
        )
        yield Write(
            name, cell, rng.choice(("ticket", "comment", "")), value,
            tuple(n for n in rng.sample(NAMES, rng.choice((0, 0, 1, 1, 2))) if n != name),
            rng.randrange(4), rng.choice(("", "", "person", "newest")),
            tuple(rng.sample(NAMES, 2)) if rng.random() < 0.3 else (),
        )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_stranger_says_the_tables_are_as_the_law_says(seed):
    rng = random.Random(seed)
    counted = 0
    for _ in range(40):
        log = hostile(rng)
        replica = Replica.open(":memory:", clock=lambda: 1)
        for part in [log] if rng.random() < 0.5 else [[one] for one in log]:
            replica.integrate(part)
        counted += len(log) - replica.held()

        assert list(replica.check()) == []
        shown = list(replica.export())
        for record in RECORDS:
            replica.as_of(record, 2)
            assert list(replica.history(record)) is not None
        replica.settle(lambda conflict: [("newest", conflict.cell.heads[0].value)])
        assert list(replica.check()) == []
        assert len(list(replica.export())) == len(shown)
        replica.rebuild()
        assert list(replica.check()) == []
        replica.close()
    assert counted > 40
