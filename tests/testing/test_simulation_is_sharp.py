"""The laws can fail: each of these guards of the hub, switched off, breaks the law that is meant."""

from __future__ import annotations

import pytest

from foreign.test_mutants import RULES
from house.guards import Guard, switched_off
from prophet_hub.testing.simulation import STANDARD, boundaries, draw, play

WITHIN = 30
"""Drawn worlds in which the law must break."""

OF_THE_BRIDGE = {
    "an intent is on disk before the wire": "nothing is doubled",
    "look before sending again, by account": "nothing is doubled",
    "a cell in conflict is never pushed": "the last word stands",
    "private stays private": "nothing private is public",
    "mentions are muted": "nobody is called",
}
"""Rule of tests/foreign/test_mutants.py -> the law that breaks without it."""

OTHERS = [
    (Guard("the first creates want a yes", "prophet_hub.jobs.plan",
           "left = agreed(remote)", "left = agreed(remote) or 0"), "brakes hold"),
    (Guard("one run at a time", "prophet_hub.jobs.locks",
           "except BlockingIOError:\n        return False",
           "except BlockingIOError:\n        return True"), "one run at a time"),
    (Guard("what was read travels", "prophet_hub.foreign.shared",
           "if touched and is_shared(replica):", "if False:"), "tickets are everywhere"),
    (Guard("a comment says who wrote it", "prophet_hub.foreign.outgoing",
           "if named and not side.needs_line():", "if True:"), "no author is invented"),
]  # fmt: skip


def guards():
    for rule in RULES:
        if rule.rule in OF_THE_BRIDGE:
            places = [(rule.module, rule.text, rule.instead), *([rule.also] if rule.also else [])]
            pieces = [Guard(rule.rule, f"prophet_hub.foreign.{m}", t, i) for m, t, i in places]
            yield pytest.param(pieces, OF_THE_BRIDGE[rule.rule], id=rule.rule)
    for guard, law in OTHERS:
        yield pytest.param([guard], law, id=guard.rule)


@pytest.mark.parametrize(("pieces", "law"), [*guards()])
def test_without_its_guard_a_law_breaks(pieces, law, tmp_path):
    seen = set()
    with switched_off(*pieces):
        for broken in worlds(tmp_path):
            seen.add(broken)
            if broken == law:
                return
    raise AssertionError(seen)


def worlds(folder):
    """Yields which law each world breaks: drawn ones, then the standard one's deaths."""
    yield from (play(draw(seed), folder).law for seed in range(WITHIN))
    for name in reversed(STANDARD):
        yield from (verdict.law for _, verdict in boundaries(name, folder, every=3))
