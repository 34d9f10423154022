"""What is known of a tracker's workflow: asked at most once per run, and only when it is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from prophet_hub.errors import RemoteError
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.workflow import Ways, united
from prophet_hub.sdk import TICKET, Schema

__all__ = ["Workflow"]


class Workflow:
    """One tracker's statuses.

    Attributes:
        asked: Whether the tracker was asked for its schema in this run.
    """

    def __init__(self, describe: Callable[[], Schema], ledger: Ledger, field: str) -> None:
        self._describe, self._ledger, self._field = describe, ledger, field
        self.asked = False

    @cached_property
    def schema(self) -> Schema:
        """What the tracker says of itself; nothing where it does not answer."""
        self.asked = True
        try:
            return self._describe()
        except RemoteError:
            return Schema()

    @cached_property
    def ways(self) -> Ways:
        """What the tracker draws, and of statuses that it does not draw what readings taught."""
        return united(self.schema.transitions, self._taught())

    def demands(self, status: str) -> tuple[str, ...]:
        """Returns the fields that a status demands, as far as the tracker was asked."""
        return self.schema.requires.get(status, ()) if self.asked else ()

    def required(self) -> frozenset[str]:
        """Returns the fields that every new ticket must have; asks the tracker."""
        return frozenset(one.name for one in self.schema.fields if one.required)

    def _taught(self) -> Mapping[str, frozenset[str]]:
        """Returns what tickets offered when they were read last, by where they stood then."""
        found: dict[str, frozenset[str]] = {}
        for shadow in self._ledger.shadows(TICKET):
            stand = shadow.stands.get(self._field)
            if shadow.reachable is not None and stand is not None and stand.value:
                found[stand.value] = found.get(stand.value, frozenset()) | shadow.reachable
        return found
