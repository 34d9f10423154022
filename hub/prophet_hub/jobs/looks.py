"""What `loss` works with: a remote as a job uses it, and one thing that does not survive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from prophet_hub.foreign.fill import Fill
from prophet_hub.sdk import Capabilities, Field, FieldMap, Schema

__all__ = ["HELD", "LOOKS", "LOST", "Look", "Loss", "Told"]

LOST, HELD, LOOKS = 1, 2, 3
"""Ranks: never arrives; is kept in the hub, or waits there; arrives and looks different."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A remote as one job uses it.

    Attributes:
        fields: The table, extended by the remote's and narrowed by the job.
        schema: What the tracker said of itself; None where it was not asked.
        writes, creates, deletes: What the job allows there.
        limit: The greatest attachment in bytes, None for none known; 0 where none are carried.
        private: Whether private comments may be sent there.
    """

    name: str
    able: Capabilities
    fields: FieldMap
    schema: Schema | None = None
    writes: bool = True
    creates: bool = True
    deletes: bool = False
    limit: int | None = None
    private: bool = False
    fill: Fill = field(default_factory=Fill)

    def may(self, verb: str, kind: str) -> bool:
        """Tells whether the connector declares a write."""
        return (verb, kind) in self.able.writes

    def words(self, row: Field) -> frozenset[str]:
        """Returns the only words that a field takes, as far as is known; none for any."""
        told = self.schema.fields if self.schema else ()
        listed = next((one.values for one in told if one.name == row.theirs), ())
        if not listed and self.schema and row.ours == "status":
            listed = self.schema.statuses
        return frozenset(listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing that does not survive.

    Attributes:
        rank: 1 never arrives, 2 is kept in the hub or waits there, 3 looks different.
        topic: A field, or a word for what it is about.
    """

    source: str
    target: str
    rank: int
    topic: str
    sentence: str


Told = Iterator[tuple[int, str, str]]
"""Rank, topic and sentence of losses."""
