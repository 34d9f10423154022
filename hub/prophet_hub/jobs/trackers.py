"""Which tracker a remote's name stands for: its id, and where it stood when last seen.

The id belongs to the place, connector and address: two names of one place are one tracker, so that one
ticket is one record whichever of them told it.  A name keeps its id: it travels with the database, and
survives a moved address.  A name that suddenly leads to another server, here or in another hub's job
file, would make one ticket of two strangers with the same number, so a move wants a person's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import msgspec

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Fault, Garbled, NotFound, Rejected, UsageError
from prophet_hub.foreign import shared
from prophet_hub.foreign.ledger import Ledger, view
from prophet_hub.foreign.steps import Part, RemoteSpec
from prophet_hub.foreign.uniting import heard, one_of, say_once, unite, was_united
from prophet_hub.jobs import config as models
from prophet_hub.jobs.document import dotted
from prophet_hub.jobs.load import JobFile
from prophet_hub.jobs.natives import is_native
from prophet_hub.jobs.places import Place, names_at, place_of
from prophet_hub.model.ids import TrackerId, fresh
from prophet_hub.sdk import Connector, Person, References

__all__ = ["Move", "account_of", "among", "introduce", "moves", "note_references", "one_tracker",
           "references_of", "seen", "tracker_of"]  # fmt: skip


class Move(msgspec.Struct, frozen=True):
    """A remote whose address is not the one at which it was last seen."""

    remote: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"read {self.remote} at {self.after}, which stood at {self.before} until now"


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Place).decode
_ways = msgspec.msgpack.Decoder(References).decode
_REFERS: Final = "refers:"


def introduce(replica: Replica, file: JobFile, remotes: Iterable[str]) -> None:
    """Lets each name stand for a tracker: for its own, if it ever had one; else for the one that is
    known at its place, here or to another hub; else for a new one.  Again, changes nothing.
    """
    for remote in remotes:
        known = _united(replica, file, remote, _known(replica, file, remote))
        ledger = Ledger(replica.store, known or TrackerId(fresh()), "")
        present = ledger.remote_named(ledger.tracker)
        if ledger.tracker_named(remote) == known and present in {remote, *file.config.remotes}:
            continue
        with replica.transaction():
            ledger.set_name(remote)
            if present not in file.config.remotes:
                ledger.rename(remote)
    if any(was_united(replica, tracker_of(replica, remote)) for remote in remotes):
        say_once(replica)


def _united(
    replica: Replica, file: JobFile, remote: str, known: TrackerId | None
) -> TrackerId | None:
    """Returns the id that stands for a tracker to which hubs gave several without knowing of one
    another, having made one of them; the known one where there is no other.
    """
    place = place_of(file, remote)
    if known is None or not place.travels:
        return known
    digest = place.digests()[0]
    there = shared.told_place(replica, digest)
    named = [one for one, at in shared.told_apart(replica, remote) if at in place.digests()]
    apart = {known, *(there if len(there) > 1 else ()), *(named if len(named) > 1 else ())}
    apart |= heard(replica, known)
    if apart == {one_of(replica, known)}:
        return known
    one = unite(replica, {*apart, *(one_of(replica, one) for one in apart)})
    with replica.transaction():
        shared.tell_place(replica, one, digest)
        shared.tell_remote(replica, remote, one, digest)
    return one


def tracker_of(replica: Replica, remote: str) -> TrackerId:
    """Returns the tracker id of a remote's name; makes one for a name that no hub has."""
    known = Ledger(replica.store, TrackerId(b""), "").tracker_named(remote)
    if known is None:
        told = shared.told_remote(replica, remote)
        known = told[0] if told else TrackerId(fresh())
        with replica.transaction():
            Ledger(replica.store, known, "").set_name(remote)
    return known


def one_tracker(replica: Replica, file: JobFile, job: models.Job) -> list[Fault]:
    """Returns a fault where all remotes of a job are one tracker: nothing is copied inside of one."""
    names = list(job.remotes)
    if any(is_native(file, name) for name in names):
        return []
    first, path = names[0], ("remotes", names[-1], "url")
    same = set(names) <= set(names_at(file, first))
    known = {_known(replica, file, name) for name in names}
    if not same or len(known) > 1:  # a database that knew them as two goes on with two
        return []
    return [
        Fault(
            f"{' and '.join(names)} are one tracker: its tickets are not copied inside of it.",
            line=file.document.line(path),
            path=dotted(path),
            hint="Add a remote of another tracker; or write `part: NAME` under one of them, if no "
            "ticket ever moves from one to the other.",
        )
    ]


def among(
    replica: Replica, file: JobFile, name: str, job: models.Job, spec: RemoteSpec
) -> RemoteSpec:
    """Returns a remote as it stands among those of the job file that are the same tracker.

    Each has a query, and so a progress, of its own; one of a job's creates.
    """
    jobs = {**file.config.jobs, name: job}
    uses = {one: _of(replica, file, spec.tracker, used) for one, used in jobs.items()}
    here = uses[name]
    parts = dict[str, list[str]]((remote, []) for remote in here)
    for one, remotes in uses.items():
        for remote in remotes:
            if remote not in here and jobs[one].remotes[remote].direction == "pull":
                continue  # what it told is nobody's to write there
            said = view(one, remote) if len(remotes) > 1 else one
            parts.setdefault(remote, []).append(said)
    if len(parts) == 1:
        return spec
    return replace(
        spec,
        creates=spec.creates and spec.name == here[0],
        parts=tuple(Part(name=n, views=tuple(v), here=n in here) for n, v in parts.items()),
        view=view(name, spec.name) if len(here) > 1 else "",
    )


def _of(replica: Replica, file: JobFile, tracker: TrackerId, job: models.Job) -> list[str]:
    """Returns the remotes of a job that are a tracker, those in which it creates first."""
    ledger = Ledger(replica.store, tracker, "")
    found = [
        remote for remote in job.remotes
        if not is_native(file, remote) and ledger.tracker_named(remote) == tracker
    ]  # fmt: skip

    def passes(remote: str) -> bool:
        return job.remotes[remote].direction == "pull" or not job.remotes[remote].creates

    return sorted(found, key=passes)  # stable: else as in the file


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
    """Returns how texts of trackers refer to tickets, by tracker: of those here as their connectors
    say, of others that this database worked with as was noted.
    """
    ways = {name: connector.references for name, connector in connectors.items()}
    here = {tracker_of(replica, name): one for name, one in ways.items() if one}
    noted = ((str(key[0]), data) for key, data in replica.store.scan("settings"))
    there = {
        TrackerId(bytes.fromhex(key.removeprefix(_REFERS))): _ways(data)
        for key, data in noted if key.startswith(_REFERS)
    }  # fmt: skip
    return there | here


def note_references(replica: Replica, connectors: Mapping[str, Connector]) -> None:
    """Notes how texts of these trackers refer to tickets: another job may carry them on."""
    for name, connector in connectors.items():
        if connector.references is not None:
            key = (_REFERS + tracker_of(replica, name).hex(),)
            data = _encode(connector.references)
            if replica.store.get("settings", key) != data:
                with replica.transaction():
                    replica.store.put("settings", key, data)


def moves(replica: Replica, file: JobFile, remotes: Iterable[str]) -> list[Move]:
    """Returns the remotes that stand elsewhere in the file than they were last seen.

    Raises:
        UsageError: One stands there with another connector, or away from others that are the same
            tracker: that is no move.
    """
    found = []
    for remote in remotes:
        data = replica.store.get("settings", _key(remote))
        after = place_of(file, remote)
        if data is None:
            told = shared.told_remote(replica, remote)
            if told and told[1] not in after.digests():
                found.append(Move(remote, "another address, for another hub", after.url))
            continue
        before = _decode(data)
        if len(msgspec.msgpack.decode(data)) < len(Place.__struct_fields__):  # parts were not noted
            before = msgspec.structs.replace(before, part=after.part)
        if before.connector != after.connector:
            raise UsageError(
                f"{remote} was a {before.connector} until now, and stands as a {after.connector} in "
                f"{file.where('remotes', remote, 'connector')}.",
                hint="Give the new tracker a name of its own.",
            )
        if before == after or before.is_at(after):
            continue
        stays = [
            name for name in _called(replica, file, remote) if name not in names_at(file, remote)
        ]
        if stays:
            raise UsageError(
                f"{remote} was the same tracker as {stays[0]} until now, and is not in "
                f"{file.where('remotes', remote, 'url')}.",
                hint="Give the new tracker a name of its own, or move both.",
            )
        found.append(Move(remote, before.url, after.url))
    return found


def seen(replica: Replica, file: JobFile, remote: str) -> None:
    """Notes where a remote was seen, and lets other hubs know; writes nothing where it is known.

    Others learn the tracker's id, and of the address a digest alone.
    """
    place = place_of(file, remote)
    data = _encode(place)
    if replica.store.get("settings", _key(remote)) != data:
        tracker, digest = tracker_of(replica, remote), place.digests()[0]
        with replica.transaction():
            replica.store.put("settings", _key(remote), data)
            told = shared.told_remote(replica, remote)
            if told is None or told[0] == tracker:
                shared.tell_remote(replica, remote, tracker, digest)
            if place.travels and not shared.told_place(replica, digest):
                shared.tell_place(replica, tracker, digest)


def _known(replica: Replica, file: JobFile, remote: str) -> TrackerId | None:
    """Returns the tracker that a name stands for, or that is known at its place."""
    named = Ledger(replica.store, TrackerId(b""), "").tracker_named(remote)
    if named:
        return named
    if told := shared.told_remote(replica, remote):
        return told[0]
    here, place = set(names_at(file, remote)), place_of(file, remote)
    names = Ledger(replica.store, TrackerId(b""), "").names()
    moved = {names[name] for name in names.keys() & file.config.remotes.keys() - here}
    for name, tracker in names.items():
        was = replica.store.get("settings", _key(name))
        gone = name not in file.config.remotes and "://" in place.url
        stood = gone and was is not None and _decode(was).is_at(place)
        if tracker not in moved and (name in here or stood):
            return tracker
    told_there = shared.told_place(replica, place.digests()[0]) if place.travels else []
    return next((found for found in told_there if found not in moved), None)


def _called(replica: Replica, file: JobFile, remote: str) -> list[str]:
    """Returns the other remotes of the file that stand for the same tracker."""
    names = Ledger(replica.store, TrackerId(b""), "").names()
    mine = names.get(remote)
    return [n for n in file.config.remotes if n != remote and mine and names.get(n) == mine]


def _key(remote: str) -> tuple[str]:
    return (f"seen-at:{remote}",)
