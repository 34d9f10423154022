"""What is noted of each peer: where it is, how far it was read and written, what it had."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from prophet_hub.engine.offers import Ticket
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError

__all__ = ["Peer", "clean", "drop", "good", "named", "peer_at", "peers", "put"]

_TABLE: Final = "peers"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Peer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A peer as this replica knows it.

    Attributes:
        url: The address without any password: an URL, or a path.
        user, password: For the address; the password is a reference, as in the job file.
        pulled, pushed: When it was last read or written to the end; microseconds since 1970.
        head: SHA-256 of the head that was read to the end: as long as it stands, nothing is new.
        pages: The pages whose entries are all here.
        tips: Its merge ticket when it was last met.
        private: Whether private records may be published there.
        checked: The local number until which nothing private was found.
    """

    name: str
    url: str
    user: str = ""
    password: str = ""
    pulled: int = 0
    pushed: int = 0
    head: bytes = b""
    pages: tuple[str, ...] = ()
    tips: Ticket = []
    private: bool = False
    checked: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Peer).decode


def peers(replica: Replica) -> Iterator[Peer]:
    """Yields all peers, by name."""
    for _, data in replica.store.scan(_TABLE):
        yield _decode(data)


def named(replica: Replica, name: str) -> Peer | None:
    """Returns the peer of a name."""
    data = replica.store.get(_TABLE, (name,))
    return _decode(data) if data is not None else None


def put(replica: Replica, peer: Peer) -> None:
    """Notes a peer, over what stood there under its name."""
    with replica.transaction():
        replica.store.put(_TABLE, (peer.name,), _encode(peer))


def drop(replica: Replica, name: str) -> None:
    """Forgets a peer; nothing happens where there is none."""
    with replica.transaction():
        replica.store.drop(_TABLE, (name,))


def peer_at(replica: Replica, words: str) -> Peer:
    """Returns the peer that a name or an address means; one never met gets a name from its address.

    Raises:
        UsageError: The address holds a password.
    """
    known = list(peers(replica))
    for peer in known:
        if words == peer.name:
            return peer
    url = clean(words)
    for peer in known:
        if url == peer.url:
            return peer
    return Peer(name=_fresh(url, {peer.name for peer in known}), url=url)


def clean(url: str) -> str:
    """Returns an address as it is noted and shown.

    Raises:
        UsageError: It holds a password, or what may be one.
    """
    if "://" in url:
        parts = urlsplit(url)
        if parts.password:
            raise UsageError(
                "The address holds a password in clear text.",
                hint="Take it out, and give it as a reference: --password env:NAME or file:PATH.",
            )
        if parts.scheme not in {"file", "memory"} and (parts.query or parts.fragment):
            raise UsageError(
                f"{url.partition('?')[0].partition('#')[0]} is no address of a place.",
                hint="An address has a host and a path, and nothing after `?` or `#`.",
            )
        return url.rstrip("/") if parts.netloc or parts.path.strip("/") else url
    return str(Path(url.removeprefix("file:")).expanduser().absolute())


def good(name: str) -> str:
    """Returns a name for a peer.

    Raises:
        UsageError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" is no name.', hint="Use letters, digits, -, _ and . only, at most 64."
        )
    return name


def _fresh(url: str, taken: Iterable[str]) -> str:
    """Returns a name made of an address: of its last part, or of the host."""
    place = urlsplit(url) if "://" in url else None
    words = url if place is None else place.path.strip("/") or place.hostname or ""
    parts = [part for part in re.split(r"[^A-Za-z0-9_.-]+", words) if part.strip("._-")]
    name = re.sub(r"^[._-]+", "", parts[-1])[:48] if parts else "peer"
    tried, n = name, 1
    while tried in set(taken):
        n += 1
        tried = f"{name}-{n}"
    return tried
