"""No cut leaves a torn state: each flow over each transport, cut at every request, before and after it.

Memory is cut at every boundary here, the other transports at some; `make kills` cuts them at all.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import closing

import pytest

from peers.flows import FLOWS, Desk, World, check, finish, ready
from peers.sites import Cutting, Line
from prophet_hub.errors import HubError
from prophet_hub.peers import bundle
from prophet_hub.peers.bundle import Bundle, create, verify
from prophet_hub.peers.exchange import pull
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.place import Held, Unreachable
from prophet_hub.peers.published import Published

FEW = {"folder": 3, "http": 3, "sftp": 1, "s3": 1}
"""Boundaries of a flow that are cut by `make test`."""

SERVED = [
    *((transport, flow) for transport in ("folder", "sftp", "s3") for flow in FLOWS),
    ("http", "pull"),
    ("http", "clone"),
]


def cuts_of(site_of, transport, flow, most):
    """Runs a flow once for each boundary (at most so many, evenly spread), before and after it."""
    site = site_of(transport)
    world = ready(site, flow)
    site.line.asked.clear()
    FLOWS[flow][0](world)
    count = len(site.line.asked)
    world.close()
    site.close()
    assert count > 3
    chosen = range(1, count + 1) if count <= most else sorted(random.Random(count).sample(range(1, count + 1), most))  # fmt: skip
    cut = 0
    for number in chosen:
        for after in (False, True):
            site = site_of(transport)
            world = ready(site, flow)
            site.line.cut_from(number, after=after)
            try:
                FLOWS[flow][0](world)
            except HubError:
                cut += 1
            site.line.heal()
            check(world)
            FLOWS[flow][0](world)
            finish(world)
            world.close()
            site.close()
    print(f"{transport} {flow}: {count} requests, {cut} of {2 * len(chosen)} runs cut")
    assert cut >= len(chosen)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_cut_at_every_request_leaves_whole_replicas_and_the_repeat_completes(site_of, flow):
    cuts_of(site_of, "memory", flow, 1000)


@pytest.mark.parametrize(
    ("transport", "flow"),
    [("folder", "push"), ("folder", "pull"), ("http", "pull"), ("sftp", "push"), ("s3", "push")],
)
def test_a_cut_of_a_line_to_a_disk_or_a_server(site_of, transport, flow):
    cuts_of(site_of, transport, flow, FEW[transport])


@pytest.mark.kills
@pytest.mark.parametrize(("transport", "flow"), SERVED)
def test_a_cut_at_every_request_to_a_disk_or_a_server(site_of, transport, flow):
    cuts_of(site_of, transport, flow, 1000)


def test_a_bundle_is_whole_or_not_there(tmp_path, monkeypatch):
    """Its making is cut at every write, its applying at every read."""
    line = Line()

    class CutBundle(Bundle):
        def write(self, name, pieces):
            data = list(pieces)
            how = line.ask(name)
            if how == "before":
                super().write(name, [piece[: len(piece) // 2] for piece in data])
                raise Unreachable("The stick was pulled out.")
            super().write(name, data)
            if how:
                raise Unreachable("The stick was pulled out.")

    monkeypatch.setattr(bundle, "Bundle", CutBundle)
    path = tmp_path / "sneaker.bundle"
    with closing(Desk()) as ada:
        ada.work(3, word="first", file=b"file" * 1000)
        list(create(ada.replica, path, [], holder="Ada"))
        count, old = len(line.asked), path.read_bytes()
        assert count >= 4
        for number in range(1, count + 1):
            for after in (False, True):
                line.cut_from(number, after=after)
                with pytest.raises(Unreachable):
                    list(create(ada.replica, path, [], holder="Ada"))
                assert path.read_bytes() == old
                assert [each.name for each in tmp_path.iterdir()] == [path.name]
        line.heal()
        monkeypatch.undo()

        def apply(desk, line):
            with closing(Bundle(path)) as place:
                source = Published(Cutting(place, line))
                verify(Published(place))
                list(pull(desk.replica, source, Peer(name="stick", url=str(path)), noted=False))

        for number in range(1, 100):
            with closing(Desk()) as bob:
                line.cut_from(number, after=number % 2 == 0)
                try:
                    apply(bob, line)
                except Unreachable:
                    line.heal()
                    assert list(bob.replica.check()) == []
                    apply(bob, line)
                assert bob.shown() == ada.shown()
                if line.fails_from:
                    break
                assert bob.replica.wanted() == []
        assert number > 3


def test_both_ways_through_every_place_that_can_be_written(writable):
    world = World(writable)
    with closing(world):
        world.ada.push(writable.open())
        world.bob.pull(writable.open())
        world.bob.push(writable.open())
        world.ada.pull(writable.open())
        assert world.ada.shown() == world.bob.shown()
        assert world.ada.replica.tips() == world.bob.replica.tips()
        finish(world)


@pytest.mark.parametrize("transport", ["memory", "folder"])
def test_two_that_write_at_once_lose_nothing(site_of, transport, tmp_path):
    """Each tries again when it is held off; time runs a thousand times as fast, so that one which
    waits for the processor is taken for dead.
    """
    site = site_of(transport)
    pace = {"clock": lambda: time.monotonic() * 1000, "sleep": lambda s: time.sleep(s / 1000)}
    with closing(Desk()) as first:
        first.work(2, word="first")
        first.push(site.open())
    held, failed = [], []

    def write(name):
        try:
            with closing(Desk(tmp_path / f"{name}.db")) as desk:
                desk.pull(site.open(**pace))
                for n in range(4):
                    desk.work(2, word=f"{name} {n}")
                    while True:
                        try:
                            desk.push(site.open(**pace))
                            break
                        except Held:
                            held.append(name)
                            time.sleep(0.002)
        except BaseException as error:  # noqa: BLE001 - told by the test's own thread
            failed.append(error)

    writers = [threading.Thread(target=write, args=(name,)) for name in ("ada", "bob", "eve")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    world = World.of(site, *(Desk(tmp_path / f"{name}.db") for name in ("ada", "bob")))
    with closing(world), closing(Desk(tmp_path / "eve.db")) as eve:
        eve.push(site.open())
        finish(world)
        eve.pull(site.open())
        assert eve.shown() == world.ada.shown()
        assert len(eve.shown()) == 2 + 3 * 4 * 2
