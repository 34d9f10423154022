"""Calendar days of a todo.txt: local, without a zone, and kept as days.

An instant is needed only where the hub asks for one: the birth of a task, and today.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prophet_hub.errors import ConfigError

__all__ = ["Days"]


@dataclass(frozen=True, slots=True)
class Days:
    """The days of one time zone; "" is the machine's own."""

    name: str

    def day_of(self, moment: datetime) -> str:
        """Returns the day that an instant falls on."""
        return moment.astimezone(self._zone()).date().isoformat()

    def midnight(self, day: str) -> datetime | None:
        """Returns the beginning of a day in UTC; None for none, and for days no clock can say."""
        try:
            return datetime.fromisoformat(day).replace(tzinfo=self._zone()).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def _zone(self) -> ZoneInfo | None:
        try:
            return ZoneInfo(self.name) if self.name else None
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(
                f"There is no time zone {self.name!r}.", hint="Write it as Europe/Berlin."
            ) from error
