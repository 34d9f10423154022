"""Families of replicas on the real store, compared after every step with the law.

The derived tables are what a rebuild makes of the log.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import ClassVar

from merge.hubs import EngineHub, State, screen
from merge.machine import EVENTS, Family, play
from prophet_hub.model import codec

ASKED = os.environ.get("PROPHET_HUB_EXAMPLES")
EXAMPLES = int(ASKED or "100")


def state_of(hub: EngineHub) -> State:
    held = {row.running for row in hub.replica.quarantine()}
    return State(
        w
        for running, before, raw in hub.entries()
        if running not in held
        for w in codec.decode(before, raw).changeset.writes
    )


class OnTheStore(Family):
    """... as one process holds them."""

    make = EngineHub
    total: ClassVar[Counter] = Counter()

    def law(self, hub):
        return state_of(hub)

    def places(self, hub):
        return [(row.origin, row.sequence) for row in hub.replica.log()]

    def look(self, hub):
        state = state_of(hub)
        expected = {
            c: (s.shown, s.conflict, frozenset(h.id for h in s.heads))
            for c, s in state.cells.items()
        }
        assert dict(screen(hub, state)) == expected
        assert hub.conflicts() == {
            (c.record, c.prop, c.member) for c, s in state.cells.items() if s.conflict
        }

    def finish(self, hub):
        exports = [list(one.replica.export()) for one in self.hubs]
        assert all(e == exports[0] for e in exports)
        before = tables(hub.replica)
        assert list(hub.replica.check()) == []
        hub.replica.rebuild()
        assert tables(hub.replica) == before


def tables(replica) -> dict:
    """Everything derived but the numbers that tell when."""
    rows = {
        t: set(replica.store.rows(f"SELECT * FROM {t}"))
        for t in ("names", "touched", "cells", "joins", "echoes", "deaths")
    }
    lines = replica.store.rows("SELECT number, record, type, whole, kind, label FROM records")
    return rows | {"records": set(lines)}


def test_replicas_are_as_the_law_says():
    """... and the machine did not pass by standing still."""
    play(OnTheStore, EXAMPLES, known=not ASKED)

    print(sorted(OnTheStore.total.items()))
    never = {what for what in EVENTS if not OnTheStore.total[what]}
    assert len(never) <= (0 if ASKED else 1), never  # as in tests/merge/test_machine.py
