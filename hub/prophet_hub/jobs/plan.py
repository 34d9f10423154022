"""What a run would do, counted: the brakes, and the costs that people see before they say yes.

Brakes are per remote (design, section 10): a source that fails or a query that changed must never
close a tracker's tickets by the hundred without a word from a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from prophet_hub.engine.replica import Replica
from prophet_hub.foreign.steps import Planned, Verb
from prophet_hub.jobs import config as models
from prophet_hub.sdk import TICKET

__all__ = [
    "FLOOR",
    "SHARE",
    "Hit",
    "Totals",
    "agree",
    "agreed_to",
    "brakes",
    "creates_of",
    "totals",
]

FLOOR = 20
"""Closes and deletes that a run may always do."""

SHARE = 100
"""One in so many tickets of the remote, where that is more."""

_WORDS = {"first": "create", "creates": "create", "closes": "close", "deletes": "delete"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A brake that holds a run.

    Attributes:
        kind: `first` (a first run's creates), `creates`, `closes` or `deletes`.
        limit: What would have passed; 0 for `first`.
    """

    kind: str
    remote: str
    count: int
    limit: int

    def __str__(self) -> str:
        tickets = "ticket" if self.count == 1 else "tickets"
        what = f"{_WORDS[self.kind]} {self.count} {tickets} in {self.remote}"
        if self.kind == "first":
            return f"{what}, for the first time"
        return f"{what}, and a run may {_WORDS[self.kind]} {self.limit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """A plan in numbers: operations, about how many requests, and how many send mail."""

    operations: int
    requests: int
    notifies: int


def brakes(
    planned: Sequence[Planned],
    limits: models.Brakes,
    *,
    agreed: Callable[[str], int | None],
    size: Callable[[str], int],
) -> list[Hit]:
    """Returns the brakes that hold the plan, none if it may go on.

    Args:
        planned: The whole plan of all remotes.
        limits: The job's.
        agreed: Tells how many creates in a remote were agreed to and not carried out, for a run
            died or was ended; None if none ever were in this job.
        size: How many tickets of a remote are known; asked only where it matters.
    """
    tickets = [one for one in planned if one.ref.kind == TICKET]
    creates = creates_of(tickets)
    deletes = Counter(one.remote for one in tickets if one.verb is Verb.DELETE)
    closes = Counter(one.remote for one in tickets if one.closes and one.verb is Verb.UPDATE)
    hits = []
    for remote, count in sorted(creates.items()):
        left = agreed(remote)
        if left is None:
            hits.append(Hit(kind="first", remote=remote, count=count, limit=0))
        elif count > max(limits.creates, left):
            hits.append(Hit(kind="creates", remote=remote, count=count, limit=limits.creates))
    for kind, counts, said in (
        ("closes", closes, limits.closes),
        ("deletes", deletes, limits.deletes),
    ):
        for remote, count in sorted(counts.items()):
            if count > FLOOR or said is not None:
                limit = max(FLOOR, size(remote) // SHARE) if said is None else said
                if count > limit:
                    hits.append(Hit(kind=kind, remote=remote, count=count, limit=limit))
    return hits


def creates_of(planned: Iterable[Planned]) -> Counter[str]:
    """Counts the tickets that would be created, per remote."""
    new = (one for one in planned if one.verb is Verb.CREATE and one.ref.kind == TICKET)
    return Counter(one.remote for one in new)


def agreed_to(replica: Replica, job: str, remote: str) -> int | None:
    """Returns how many creates in a remote were agreed to and are not carried out; None: none ever."""
    noted = replica.store.get("settings", _agreed(job, remote))
    return None if noted is None else int(noted)


def agree(replica: Replica, job: str, creates: Mapping[str, int]) -> None:
    """Notes per remote how many creates are agreed to, so that nobody is asked for them again."""
    noted = {name: n for name, n in creates.items() if agreed_to(replica, job, name) != n}
    if noted:
        with replica.transaction():
            for name, count in noted.items():
                replica.store.put("settings", _agreed(job, name), str(count).encode())


def _agreed(job: str, remote: str) -> tuple[str]:
    return (f"agreed:{job}:{remote}",)


def totals(planned: Iterable[Planned]) -> Totals:
    """Returns the plan in numbers."""
    operations = requests = notifies = 0
    for one in planned:
        operations += 1
        requests += one.requests
        notifies += one.notifies
    return Totals(operations=operations, requests=requests, notifies=notifies)
