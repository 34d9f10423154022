"""Announcing and finding, on the loopback interface alone."""

from __future__ import annotations

import fcntl
import socket
import sys
from contextlib import closing

import pytest
import zeroconf

from peers.flows import Desk
from prophet_hub.errors import HubError, UsageError
from prophet_hub.peers.family import family
from prophet_hub.peers.nearby import announced, mark_of, neighbours
from prophet_hub.peers.places import open_place
from prophet_hub.peers.serving import Serving

LOOPBACK = ["127.0.0.1"]
OURS, THEIRS = b"o" * 16, b"t" * 16


@pytest.fixture
def multicast(tmp_path_factory):
    """The loopback interface for one test at a time: an answer reaches one of those who listen.

    Skips where it does not carry multicast.
    """
    with (tmp_path_factory.getbasetemp().parent / "multicast").open("w") as line:
        fcntl.flock(line, fcntl.LOCK_EX)
        _try_out()
        yield


def _try_out():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.settimeout(1)
        try:
            listener.bind(("", 0))
            member = socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1")
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as speaker:
                speaker.setsockopt(
                    socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1")
                )
                speaker.sendto(b"?", ("224.0.0.251", listener.getsockname()[1]))
            listener.recv(1)
        except OSError as error:
            pytest.skip(f"no multicast on the loopback interface: {error}")


def around(*databases):
    """Looks until somebody is found, for a machine may be busy."""
    looks = (neighbours(databases, seconds=0.5, interfaces=LOOPBACK) for _ in range(10))
    return next(filter(None, looks), [])


def test_without_its_package_the_error_tells_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    with pytest.raises(HubError) as told:
        around(OURS)

    assert str(told.value.sentence) == "The local network needs a package that is not installed."
    assert told.value.hint == "Run: pip install 'prophet-hub[nearby]'"


def test_a_database_is_known_to_those_who_have_it_alone(multicast):
    with announced([OURS], "Ada's laptop", host="127.0.0.1", port=4711, interfaces=LOOPBACK):
        assert around(OURS, THEIRS) == [("Ada's laptop", "http://127.0.0.1:4711")]
        assert neighbours([THEIRS], seconds=0.1, interfaces=LOOPBACK) == []


def test_a_pull_from_a_neighbour_brings_what_it_published(multicast, tmp_path):
    with closing(Desk()) as ada, closing(Desk()) as bob:
        ada.work(3, word="first")
        ada.push(open_place(str(tmp_path / "published")))
        bob.pull(open_place(str(tmp_path / "published")))
        ada.work(3, word="second")
        ada.push(open_place(str(tmp_path / "published")))
        with (
            Serving(tmp_path / "published") as serving,
            announced(sorted(family(ada.replica)), "Ada", host=serving.host, port=serving.port,
                      interfaces=LOOPBACK),
        ):  # fmt: skip
            (found,) = around(*family(bob.replica))
            assert found.url == serving.url
            with closing(open_place(found.url)) as place:
                bob.pull(place)
        assert bob.shown() == ada.shown()


def test_an_announcement_tells_name_and_mark_and_no_more(monkeypatch):
    told = []

    class Network:
        def __init__(self, interfaces):
            pass

        def register_service(self, info, *, allow_name_change):
            told.append((info, allow_name_change))

        def close(self):
            pass

    monkeypatch.setattr(zeroconf, "Zeroconf", Network)
    with announced([OURS], "Ada", host="127.0.0.1", port=1):
        pass
    ((info, renamed),) = told
    assert (info.decoded_properties, renamed) == ({"v": "1", "db": mark_of(OURS)}, True)
    assert OURS.hex() not in repr(info)
    assert mark_of(OURS) != mark_of(THEIRS)


@pytest.mark.parametrize("name", ["", "a" * 41, "a.b", "a\nb"])
def test_a_name_that_cannot_be_announced_is_refused(name):
    with pytest.raises(UsageError), announced([OURS], name, host="127.0.0.1", port=1):
        pass


def test_a_network_that_takes_nothing_is_told(monkeypatch):
    def broken(**_):
        raise OSError(19, "No such device")

    monkeypatch.setattr(zeroconf, "Zeroconf", broken)
    with pytest.raises(HubError, match="local network"):
        around(OURS)
