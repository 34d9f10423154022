"""F1, F14: a delete of ours that was cut off is settled by the next reading, once and for ever."""

from __future__ import annotations

import pytest

from foreign.kit import crash, tick
from foreign.test_scenarios import step
from prophet_hub.sdk import ATTACHMENT, COMMENT


def _inside(tracker):
    return tracker.items["1"].comments + tracker.items["1"].attachments


@pytest.mark.parametrize("kind", [COMMENT, ATTACHMENT])
@pytest.mark.parametrize("shard", range(2))
def test_wherever_a_delete_was_cut_off_the_next_runs_are_idle(kind, shard):
    at, more = shard, True
    while more:
        hub, r, t = step()
        if kind == COMMENT:
            r.comment("bob", "1", "hello")
        else:
            r.attach("bob", "1", "a.txt", b"hello")
        hub.syncs(2)
        record = hub.record(r, _inside(r)[0].id, kind)
        hub.replica.edit(record, kind, {("life", "alive"): None}, author="me")
        more = crash(hub, at)
        hub.syncs(3), tick(r, t), hub.syncs(2)
        assert [_inside(x) for x in (r, t)] == [[], []]
        before = r.requests + t.requests
        hub.sync()
        assert (r.requests + t.requests - before, hub.inbox(r), hub.inbox(t)) == (2, [], []), at
        hub.close()
        at += 2
    assert at > 20
