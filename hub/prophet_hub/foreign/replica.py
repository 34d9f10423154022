"""A tracker as a foreign replica: pull, plan, apply (design, section 5).

Each method may stop anywhere and be run again: whatever was under way is met at the next reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.steps import Applied, InboxItem, Planned, Pulled, RemoteSpec

__all__ = ["ForeignReplica"]


class ForeignReplica:
    """SKELETON: signatures are settled, bodies come with the bridge."""

    def __init__(self, replica: Replica, remote: RemoteSpec, *, job: str, run: str = "") -> None:
        raise NotImplementedError

    def pull(self) -> Iterator[Pulled]:
        """Reads what changed: fetched several at once, committed in order, a checkpoint every
        batch.  Ends early only for errors that are not one ticket's alone, which it raises.
        """
        raise NotImplementedError

    def plan(self, peers: Sequence[RemoteSpec]) -> Iterator[Planned]:
        """Yields what this remote needs: creates first, parents before children; sends nothing.

        `peers` are the job's remotes: a record is created here only if the job's query told it in
        one of them that may be pulled.
        """
        raise NotImplementedError

    def apply(self, planned: Iterable[Planned]) -> Iterator[Applied]:
        """Writes and confirms by reading; one failing ticket does not stop the rest."""
        raise NotImplementedError

    def inbox(self) -> list[InboxItem]:
        """Returns what waits for this remote."""
        raise NotImplementedError
