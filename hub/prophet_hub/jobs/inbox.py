"""The inbox of a remote that nobody asks: what waits, and the answers of a person.

An answer is a note for the next run; no tracker is needed to give it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from prophet_hub.engine.replica import Replica
from prophet_hub.errors import Unsupported
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.replica import ForeignReplica
from prophet_hub.foreign.steps import InboxItem, RemoteSpec
from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import Capabilities, Connector, FieldMap, History, Person

__all__ = ["drop", "items", "retry"]


def items(replica: Replica, remote: str, tracker: TrackerId) -> list[InboxItem]:
    """Returns what waits for a remote, by number."""
    return _absent(replica, remote, tracker, "").inbox()


def retry(replica: Replica, remote: str, tracker: TrackerId, item: InboxItem) -> None:
    """Lets the next run try again; a question is answered with yes."""
    with replica.transaction():
        for job in _jobs(replica, tracker):
            if item.record:
                Ledger(replica.store, tracker, job).look(item.record)
        _absent(replica, remote, tracker, next(_jobs(replica, tracker), "")).retry(item.number)


def drop(replica: Replica, remote: str, tracker: TrackerId, item: InboxItem) -> None:
    """Forgets what waits; a question is answered with no."""
    with replica.transaction():
        for job in _jobs(replica, tracker):
            if item.pairing and item.record:
                Ledger(replica.store, tracker, job).look(item.record)
        _absent(replica, remote, tracker, next(_jobs(replica, tracker), "")).drop(item.number)


def _jobs(replica: Replica, tracker: TrackerId) -> Iterator[str]:
    """Yields the jobs that ever read the tracker."""
    for key, _ in list(replica.store.scan("checkpoints")):
        if key[1] == tracker:
            yield str(key[0])


def _absent(replica: Replica, remote: str, tracker: TrackerId, job: str) -> ForeignReplica:
    spec = RemoteSpec(
        name=remote, tracker=tracker, connector=_Absent(), account=Person(id=""),
        fields=FieldMap(()),
    )  # fmt: skip
    return ForeignReplica(replica, spec, job=job)


def _refused(*_: Any) -> NoReturn:
    raise Unsupported("No tracker is asked here.")


class _Absent(Connector):
    """Stands where a tracker is not asked."""

    name = "absent"
    capabilities = Capabilities(history=History.NONE)
    fields = FieldMap(())

    def __init__(self) -> None:
        """Needs nothing."""

    whoami: Any = _refused
    changed: Any = _refused
    ticket: Any = _refused
    apply: Any = _refused
    content: Any = _refused
    find: Any = _refused
    describe: Any = _refused
