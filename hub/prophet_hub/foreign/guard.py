"""A connector as the bridge calls it: whatever it raises, one ticket is to blame and no more.

A connector may trip over an answer that it did not foresee.  What then comes out is no sentence for
people, and it must not end a run: it is told as an answer that makes no sense.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prophet_hub.errors import Garbled
from prophet_hub.sdk import (
    Checkpoint,
    Connector,
    Gone,
    ListedTicket,
    Operation,
    Pull,
    Receipt,
    Ref,
    Schema,
    Ticket,
)

__all__ = ["BROKEN", "Guarded"]

BROKEN: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What reading raises on a message that is not what its type says."""


class Guarded:
    """The calls of the bridge to one connector; raises only the hub's errors."""

    def __init__(self, connector: Connector, remote: str) -> None:
        self._connector, self._remote = connector, remote

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Tells what changed."""
        with self._sense("its list of changes"):
            yield from self._connector.changed(pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket | Ticket | Ref | Gone]:
        """Tells what is there, as its listing in pages shows it, or as `changed` tells it."""
        with self._sense("its list of tickets"):
            told = self._connector.listed(pull)
            if told is not None:
                yield from told
                return
            for item in self._connector.changed(pull):
                if not isinstance(item, Checkpoint):
                    yield item

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Reads a ticket."""
        with self._sense(f"ticket {ref.id}"):
            return self._connector.ticket(ref)

    def apply(self, operation: Operation) -> Receipt:
        """Sends an operation; what makes no sense may have been done."""
        with self._sense(f"the answer to a write of a {operation.ref.kind}"):
            return self._connector.apply(operation)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Streams an attachment."""
        with self._sense(f"attachment {ref.id}"):
            yield from self._connector.content(ref)

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for a key."""
        with self._sense("the answer to a search"):
            return self._connector.find(ref, key)

    def describe(self) -> Schema:
        """Tells of the tracker itself."""
        with self._sense("its fields and statuses"):
            return self._connector.describe()

    @contextmanager
    def _sense(self, what: str) -> Iterator[None]:
        try:
            yield
        except BROKEN as error:
            raise Garbled(
                f"{self._remote} told {what} in a form that cannot be read "
                f"({type(error).__name__}).",
                hint="Report it to the connector's author.",
                remote=self._remote,
            ) from error
