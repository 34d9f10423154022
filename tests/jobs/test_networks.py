"""Random networks come to rest with everything where a job's query tells it, once.

PROPHET_HUB_NETWORKS=2000 plays that many, from PROPHET_HUB_NETWORKS_FROM on.
"""

from __future__ import annotations

import os

import pytest

from jobs import memory
from jobs.networks import Network

COUNT = int(os.environ.get("PROPHET_HUB_NETWORKS", "6"))
FIRST = int(os.environ.get("PROPHET_HUB_NETWORKS_FROM", "1"))
SHAPES = ("all", "line", "star", "ring", "way", "any")


@pytest.mark.parametrize("shape", SHAPES)
def test_networks_come_to_rest_with_everything_once(tmp_path, shape):
    (tmp_path / "site").mkdir()
    with memory.registered(tmp_path / "site"):
        for seed in range(FIRST, FIRST + COUNT // len(SHAPES)):
            network = Network(seed, tmp_path / str(seed), shape=shape)
            found = network.play()
            assert not found, "\n".join([*found, network.text, *network.log])


def test_the_oracle_sees_what_is_doubled_and_what_is_lost(tmp_path):
    (tmp_path / "site").mkdir()
    with memory.registered(tmp_path / "site"):
        network = Network(1, tmp_path / "1", shape="line")
        network.play()
        tracker = next(iter(network.trackers.values()))
        ref = tracker.create(
            "ann", {"summary": network.word("t", "ann"), "labels": frozenset("xy")}
        )
        assert any("did not arrive" in why for why in network.verdict())
        network.rest()
        assert network.verdict() == []
        tracker.create("ann", tracker.items[ref].fields)
        assert any("stands 2 times" in why for why in network.verdict())
