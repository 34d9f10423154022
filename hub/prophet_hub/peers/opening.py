"""From an address to what stands there: a database, a bundle, a published replica."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from prophet_hub.engine.offers import Source
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.peers.bundle import Bundle, is_bundle
from prophet_hub.peers.notes import Peer
from prophet_hub.peers.place import Absent, Place
from prophet_hub.peers.published import Published

__all__ = ["Kind", "Nothing", "can_write", "kind_of", "path_of", "place_at", "source_at"]

_SQLITE: Final = b"SQLite format 3\0"


class Nothing(UsageError):
    """What stands at an address is nothing that this format knows."""


class Kind(StrEnum):
    """What stands at an address."""

    DATABASE = "database"
    BUNDLE = "bundle"
    PLACE = "place"
    NOTHING = "nothing"


def kind_of(url: str) -> Kind:
    """Returns what an address leads to, as far as it can be known without a request.

    Raises:
        UsageError: A file that is neither a database nor a bundle.
    """
    path = path_of(url)
    if path is None or path.is_dir():
        return Kind.PLACE
    if not path.is_file():
        return Kind.NOTHING
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE:
            return Kind.DATABASE
    if is_bundle(path):
        return Kind.BUNDLE
    raise UsageError(
        f"{path} is neither a database nor a bundle.",
        hint="Name a database, a bundle, or the folder or address of a published replica.",
    )


def can_write(url: str) -> bool:
    """Tells whether an address is one of those that can be written at all."""
    return not url.startswith(("http:", "https:")) and kind_of(url) is not Kind.BUNDLE


@contextlib.contextmanager
def source_at(peer: Peer, *, secret: str = "", clock: Callable[[], int]) -> Iterator[Source]:
    """Opens what can be pulled from at a peer's address, for the block.

    Args:
        peer: With its address, and the pages that need not be read again.
        secret: The password behind the peer's reference.
        clock: As a replica's.

    Raises:
        Nothing: Nothing is there.
        Unreachable: The address does not answer.
    """
    kind, path = kind_of(peer.url), path_of(peer.url)
    if kind is Kind.NOTHING and peer.url.endswith(".db"):
        raise Nothing(f"There is no database at {peer.url}.", hint="Look at the path.")
    if kind is Kind.NOTHING:
        raise _nothing(peer.url)
    if path is not None and kind is Kind.DATABASE:
        with contextlib.closing(Replica.open(path, clock=clock, read_only=True)) as replica:
            yield replica
        return
    place = Bundle(path) if path is not None and kind is Kind.BUNDLE else place_at(peer, secret)
    with contextlib.closing(place):
        source = Published(place, done=peer.pages)
        try:
            source.raw_head  # noqa: B018 - reads it
        except Absent:
            raise _nothing(peer.url) from None
        yield source


def place_at(
    peer: Peer, secret: str = "", *, tell: Callable[[str], None] = lambda _: None
) -> Place:
    """Returns the place at a peer's address; asks nothing of it yet."""
    from prophet_hub.peers.places import open_place  # noqa: PLC0415 - slow, and not for databases

    return open_place(_asked_by(peer.url, peer.user), secret=secret or None, tell=tell)


def path_of(url: str) -> Path | None:
    """Returns the path on this machine that an address means, None for any other."""
    if "://" not in url:
        return Path(url.removeprefix("file:")).expanduser()
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _asked_by(url: str, user: str) -> str:
    """Returns the address with who asks in it."""
    if not user or "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(
        parts._replace(netloc=f"{quote(user, safe='')}@{parts.netloc.rpartition('@')[2]}")
    )


def _nothing(url: str) -> Nothing:
    return Nothing(
        f"Nothing is published at {url}.",
        hint="Look at the address; prophet-hub publish PLACE publishes a database.",
    )
