"""Which tracker a remote's name stands for: its id, and where it stood when last seen.

The id belongs to the name, travels with the database, and survives a moved address.  A name that
suddenly leads to another server, here or in another hub's job file, would make one ticket of two
strangers with the same number, so a move wants a person's word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Garbled, NotFound, Rejected, UsageError
from prophet_hub.foreign import shared
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.jobs.load import JobFile
from prophet_hub.model.ids import TrackerId, fresh
from prophet_hub.sdk import Connector, Person, References

__all__ = ["Move", "account_of", "moves", "references_of", "seen", "tracker_of"]


class Move(msgspec.Struct, frozen=True):
    """A remote whose address is not the one at which it was last seen."""

    remote: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"read {self.remote} at {self.after}, which stood at {self.before} until now"


class _Place(msgspec.Struct, frozen=True, array_like=True):
    connector: str
    url: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Place).decode


def tracker_of(replica: Replica, remote: str) -> TrackerId:
    """Returns the tracker id of a remote's name; makes one for a name that no hub has."""
    known = Ledger(replica.store, TrackerId(b""), "").tracker_named(remote)
    if known is None:
        told = shared.told_remote(replica, remote)
        known = told[0] if told else TrackerId(fresh())
        with replica.transaction():
            Ledger(replica.store, known, "").set_name(remote)
    return known


def account_of(remote: str, connector: Connector) -> Person:
    """Returns the hub's own account in a tracker, which proves the credentials.

    Raises:
        RemoteError: As the connector says; where the very first answer is none of that tracker's,
            the address is what to look at.
    """
    try:
        return connector.whoami()
    except (NotFound, Rejected, Garbled) as error:
        said = error.sentence
        raise type(error)(
            f"What answers at `url` of remote {remote} is no {connector.name}, or not all of one: {said}",
            hint=f"Check `url` of remote {remote}.", remote=remote,
        ) from error  # fmt: skip


def references_of(
    replica: Replica, connectors: Mapping[str, Connector]
) -> dict[TrackerId, References]:
    """Returns how texts of the trackers refer to tickets, by tracker; left out are those that
    have no way to.
    """
    ways = {name: connector.references for name, connector in connectors.items()}
    return {tracker_of(replica, name): one for name, one in ways.items() if one}


def moves(replica: Replica, file: JobFile, remotes: Iterable[str]) -> list[Move]:
    """Returns the remotes that stand elsewhere in the file than they were last seen.

    Raises:
        UsageError: One stands there with another connector: that is no move.
    """
    found = []
    for remote in remotes:
        data = replica.store.get("settings", _key(remote))
        after = _place(file, remote)
        if data is None:
            told = shared.told_remote(replica, remote)
            if told and told[1] != _digest(after):
                found.append(Move(remote, "another address, for another hub", after.url))
            continue
        before = _decode(data)
        if before.connector != after.connector:
            raise UsageError(
                f"{remote} was a {before.connector} until now, and stands as a {after.connector} in "
                f"{file.where('remotes', remote, 'connector')}.",
                hint="Give the new tracker a name of its own.",
            )
        if before.url != after.url:
            found.append(Move(remote, before.url, after.url))
    return found


def seen(replica: Replica, file: JobFile, remote: str) -> None:
    """Notes where a remote was seen, and lets other hubs know; writes nothing where it is known.

    Others learn the tracker's id, and of the address a digest alone.
    """
    place = _place(file, remote)
    data = _encode(place)
    if replica.store.get("settings", _key(remote)) != data:
        tracker = tracker_of(replica, remote)
        with replica.transaction():
            replica.store.put("settings", _key(remote), data)
            told = shared.told_remote(replica, remote)
            if told is None or told[0] == tracker:
                shared.tell_remote(replica, remote, tracker, _digest(place))


def _digest(place: _Place) -> str:
    return hashlib.sha256(_encode(place)).hexdigest()[:32]


def _place(file: JobFile, remote: str) -> _Place:
    said = file.config.remotes[remote]
    return _Place(said.connector, said.url.rstrip("/"))


def _key(remote: str) -> tuple[str]:
    return (f"seen-at:{remote}",)
