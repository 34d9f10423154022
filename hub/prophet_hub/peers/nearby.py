"""Published replicas of the same database on the local network, announced by multicast DNS.

What is announced: a name that a person chose, address and port, and a hash of the database's uuid, by
which only those who have the database know it again (RFC 6762, RFC 6763).  Anybody on the network
may announce anything: what is pulled is checked as from any other place, and `keys` say whom to trust.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

from prophet_hub.errors import HubError, UsageError
from prophet_hub.peers.place_words import needed

__all__ = ["Neighbour", "announced", "mark_of", "neighbours"]

_KIND: Final = "_prophet-hub._tcp.local."
_LONGEST: Final = 40
_MARK: Final = 32  # hexadecimal digits: 128 bits


class Neighbour(NamedTuple):
    """A published replica that somebody announces.

    Attributes:
        name: As its announcer calls it.
        url: Where it can be pulled from.
    """

    name: str
    url: str


def mark_of(database: bytes) -> str:
    """Returns by what a database is known to those who have it, and tells others nothing of it."""
    return hashlib.sha256(b"prophet-hub nearby\0" + database).hexdigest()[:_MARK]


@contextmanager
def announced(
    databases: Sequence[bytes],
    name: str,
    *,
    host: str,
    port: int,
    interfaces: Sequence[str] | None = None,
) -> Iterator[None]:
    """Announces a replica for the block; a second one of the same name gets a number.

    Args:
        databases: The uuids of its family.
        name: What others see.
        host: The address at which it is served.
        port: As `host`.
        interfaces: Addresses of this machine to announce at, None for all.

    Raises:
        UsageError: The name cannot be announced.
        HubError: zeroconf is not installed, or the network takes no announcement.
    """
    if not 0 < len(name) <= _LONGEST or not name.isprintable() or "." in name:
        raise UsageError(
            f"{name!r} cannot be announced.", hint=f"Take up to {_LONGEST} letters, without dots."
        )
    zeroconf = needed("zeroconf", "nearby", "The local network")
    info = zeroconf.ServiceInfo(
        _KIND,
        f"{name}.{_KIND}",
        addresses=[ipaddress.ip_address(each).packed for each in _addresses(host)],
        port=port,
        properties={"v": "1", "db": ",".join(sorted(map(mark_of, databases)))},
        server=f"prophet-hub-{port}-{hashlib.sha256(name.encode()).hexdigest()[:8]}.local.",
    )
    with _network(zeroconf, interfaces) as network:
        try:
            network.register_service(info, allow_name_change=True)
        except (zeroconf.Error, OSError) as error:
            raise _no_network(error) from error
        yield  # closing the network says goodbye


def neighbours(
    databases: Sequence[bytes], *, seconds: float = 3.0, interfaces: Sequence[str] | None = None
) -> list[Neighbour]:
    """Returns the announced replicas of a database, sorted; listens for so many seconds.

    Raises:
        HubError: zeroconf is not installed, or the network cannot be listened to.
    """
    zeroconf = needed("zeroconf", "nearby", "The local network")
    wanted = {mark_of(database) for database in databases}
    names: set[str] = set()
    guard = threading.Lock()

    def seen(zeroconf: Any, service_type: str, name: str, state_change: Any) -> None:  # noqa: ARG001 - zeroconf calls it so
        with guard:
            names.add(name)

    found = set()
    with _network(zeroconf, interfaces) as network:
        browser = zeroconf.ServiceBrowser(network, _KIND, handlers=[seen])
        threading.Event().wait(seconds)
        browser.cancel()
        with guard:
            told = sorted(names)
        for name in told:
            info = network.get_service_info(_KIND, name, timeout=int(seconds * 1000))
            if info is not None and wanted & _marks(info):
                found |= {Neighbour(_shown(name), url) for url in _urls(info)}
    return sorted(found)


@contextmanager
def _network(zeroconf: Any, interfaces: Sequence[str] | None) -> Iterator[Any]:
    try:
        network = zeroconf.Zeroconf(
            interfaces=list(interfaces) if interfaces else zeroconf.InterfaceChoice.All
        )
    except OSError as error:
        raise _no_network(error) from error
    try:
        yield network
    finally:
        network.close()


def _no_network(error: Exception) -> HubError:
    return HubError(
        f"The local network cannot be asked: {type(error).__name__}.",
        hint="Look whether this machine has a network that carries multicast.",
    )


def _addresses(host: str) -> list[str]:
    """Returns the addresses under which others reach a server that listens at a host."""
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not listened at
        return sorted({str(found[4][0]).split("%")[0] for found in socket.getaddrinfo(host, None)})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(
                ("192.0.2.1", 9)
            )  # RFC 5737: nothing is sent, the route tells our address
        except OSError as error:
            raise _no_network(error) from error
        return [str(probe.getsockname()[0])]


def _marks(info: Any) -> set[str]:
    told = (info.properties or {}).get(b"db") or b""
    return set(told.decode("ascii", "replace").split(","))


def _urls(info: Any) -> list[str]:
    """Returns the first address as a URL; a neighbour is not asked twice."""
    for address in sorted(info.parsed_addresses(), key=lambda each: ":" in each):
        if ipaddress.ip_address(address).is_link_local:
            continue  # means nothing without its interface
        shown = f"[{address}]" if ":" in address else address
        return [f"http://{shown}:{info.port}"]
    return []


def _shown(name: str) -> str:
    label = name.removesuffix(f".{_KIND}")
    return "".join(c for c in label if c.isprintable())[:_LONGEST]
