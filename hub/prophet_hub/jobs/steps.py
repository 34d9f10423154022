"""What a run tells while it goes on, beside what the bridge tells of each ticket."""

from __future__ import annotations

from dataclasses import dataclass

from prophet_hub.errors import HubError
from prophet_hub.foreign.claims import Claim
from prophet_hub.sdk import Person
from prophet_hub.values import from_micros

__all__ = ["Exchanged", "Failed", "LeftOut", "Reached", "Settled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A remote let us in, as `account`."""

    remote: str
    account: Person


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A remote that another hub reads and writes; this one hears of it through that one."""

    remote: str
    claim: Claim

    def __str__(self) -> str:
        since = f"{from_micros(self.claim.since):%Y-%m-%d %H:%M} UTC"
        if not self.claim.hub:
            return (
                f"{self.remote} is left out: this hub gave it back on {since}; "
                f"prophet-hub claims take {self.remote} takes it again."
            )
        return (
            f"{self.remote} is left out: the hub on {self.claim.host} reads and writes it since "
            f"{since}; prophet-hub claims tells how to take it over."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A remote cannot be worked with in this run; the others go on."""

    remote: str
    error: HubError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """All is read; the job's policies settled so many conflicts."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """A replica was pulled, or pushed to: so many changesets.

    Attributes:
        refused: What it offered and could not be taken, or named and did not have.
    """

    remote: str
    pulled: int = 0
    pushed: int = 0
    refused: int = 0
