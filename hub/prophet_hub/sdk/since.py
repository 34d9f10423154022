"""A cursor for trackers that list what changed since a time, exact to a second at best.

Such a list is asked from the newest change that was seen, inclusively and a little further back, and
what is known of it is dropped.  An item that changed in the very second in which it was listed may
change again in that second without a trace, so it is told once more unless the tracker's clock had
moved on when the list was made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prophet_hub.errors import Garbled
from prophet_hub.sdk.times import instant

__all__ = ["Listed", "SinceCursor"]


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of such a list: an item and when it changed last, on the tracker's clock."""

    id: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class SinceCursor:
    """Up to when all is told.

    Attributes:
        at: The newest change that was seen, None at the beginning.
        told: The items that changed about then -> that change, so that they are told once.
    """

    at: datetime | None = None
    told: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> SinceCursor:
        """Returns the cursor that the text says; all is told anew where it says none."""
        try:
            at, told = json.loads(text)
            return cls(instant(at), {str(i): str(stamp) for i, stamp in told.items()})
        except (ValueError, TypeError, AttributeError, KeyError, Garbled):
            return cls()

    def __str__(self) -> str:
        return json.dumps([self.at.isoformat() if self.at else "", self.told])

    def asks_from(self, overlap: timedelta = timedelta(0)) -> datetime | None:
        """Returns from when on to ask, None for everything."""
        return self.at - overlap if self.at else None

    def fresh(self, item: Listed) -> bool:
        """Tells whether the item is news."""
        return self.told.get(item.id) != item.updated.isoformat()

    def after(
        self,
        items: Iterable[Listed],
        *,
        clock: datetime | None,
        granularity: timedelta = timedelta(seconds=1),
        overlap: timedelta = timedelta(0),
    ) -> SinceCursor:
        """Returns the cursor once these items, and all before them, were listed.

        Args:
            items: As listed, in any order.
            clock: The tracker's clock when the list was asked for (its `Date`), None if untold:
                then the items of the newest moment are told once more each time.
            granularity: Of the tracker's times.
            overlap: How far back is asked again.
        """
        seen = list(items)
        at = max([item.updated for item in seen] + ([self.at] if self.at else []), default=None)
        if at is None:
            return self
        told = {i: stamp for i, stamp in self.told.items() if instant(stamp) >= at - overlap}
        for item in seen:
            told.pop(item.id, None)
            over = item.updated + granularity
            settled = clock >= over if clock else item.updated < at
            if settled and item.updated >= at - overlap:
                told[item.id] = item.updated.isoformat()
        return SinceCursor(at, told)
