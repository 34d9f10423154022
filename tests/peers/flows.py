"""Two replicas and what they do with a place: the flows that are cut, and what must hold after."""

from __future__ import annotations

import hashlib
import itertools
from contextlib import closing

from prophet_hub.engine.replica import Replica
from prophet_hub.model import ids
from prophet_hub.peers import notes
from prophet_hub.peers.bundle import verify
from prophet_hub.peers.exchange import pull, push_to
from prophet_hub.peers.place import Absent
from prophet_hub.peers.published import Published

LONG = "lang und länger " * 400
FILE = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(3000))


class Desk:
    """A replica, and how a person uses it."""

    def __init__(self, path=":memory:"):
        clock = itertools.count(1_700_000_000_000_000, 1000)
        self.replica = Replica.open(path, clock=lambda: next(clock))
        self.tickets = []

    def work(self, count, *, word, file=b""):
        """Writes tickets, a long text and a file; edits what is there."""
        for n in range(count):
            fields = {("life", "alive"): "present", ("summary", ""): f"{word} {n}"}
            if n == 0:
                fields["description", ""] = f"{word} {LONG}"
            if file and n == 1:
                fields["content", ""] = self.replica.store.blobs.put([file])
            self.tickets.append(ids.RecordId(ids.fresh()))
            self.replica.edit(self.tickets[-1], "ticket", fields, author="jesse")
        for record in self.tickets[:2]:
            self.replica.edit(record, "ticket", {("status", ""): word}, author="jesse")

    def pull(self, place):
        peer = notes.peer_at(self.replica, place.url)
        return list(pull(self.replica, Published(place, done=peer.pages), peer))[-1]

    def push(self, place):
        peer = notes.peer_at(self.replica, place.url)
        return list(push_to(self.replica, place, peer, holder="Ada"))[-1]

    def shown(self):
        return list(self.replica.export())

    def close(self):
        self.replica.close()


class World:
    """`ada` has published at a site and worked on; `bob` cloned what she published, and worked too."""

    def __init__(self, site, *, empty=False):
        self.site = site
        self.ada, self.bob = Desk(), Desk()
        self.ada.work(3, word="first", file=FILE)
        if not empty:
            writer = site.writer()
            self.ada.push(writer)
            self.bob.pull(site.open())
            self.ada.work(3, word="second", file=FILE[::-1])
            self.bob.work(2, word="third")

    @classmethod
    def of(cls, site, ada, bob):
        """Returns a world of two that there are."""
        world = cls.__new__(cls)
        world.site, world.ada, world.bob = site, ada, bob
        return world

    def close(self):
        self.ada.close()
        self.bob.close()


def clone(world):
    fresh = Desk()
    with closing(fresh):
        fresh.pull(world.site.open())
        return fresh.shown()


def _publish(world):
    world.ada.push(world.site.open())


def _push(world):
    world.ada.push(world.site.open())


def _pull(world):
    world.bob.pull(world.site.open())


# flow -> (what is done, whether the place is empty before, what is done there first by path)
FLOWS = {
    "publish": (_publish, True, None),
    "push": (_push, False, None),
    "pull": (_pull, False, lambda world: world.ada.push(world.site.writer())),
    "clone": (_pull, True, lambda world: world.ada.push(world.site.writer())),
}


def ready(site, flow):
    """Returns a world just before a flow."""
    _, empty, before = FLOWS[flow]
    world = World(site, empty=empty)
    if before:
        before(world)
    return world


def check(world):
    """Both replicas are whole, and so is what is published as it stands."""
    for desk in (world.ada, world.bob):
        assert list(desk.replica.check()) == []
    published = Published(world.site.writer())
    try:
        verify(published)
    except Absent:
        assert published._raw is None  # nothing is published yet


def finish(world):
    """Both exchange until they have the same; a newcomer gets it too."""
    place = world.site.writer()
    for desk in (world.ada, world.bob, world.ada):
        desk.pull(place)
        desk.push(place)
    check(world)
    shown = world.ada.shown()
    assert shown == world.bob.shown() == clone(world)
    assert world.ada.replica.tips() == world.bob.replica.tips()
    assert not world.ada.replica.wanted() + world.bob.replica.wanted()
