"""A job's policies for conflicts, as rules of `merge.settle`: per field, and one for the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prophet_hub.engine.replica import Conflict, Head, Replica
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.merge import settle
from prophet_hub.model.ids import TrackerId

__all__ = ["policies", "within"]

_PREFER = "prefer "


def policies(
    said: Mapping[str, str], from_remote: Callable[[Head, str], bool]
) -> settle.Policy | None:
    """Returns the rule for a whole job, None where it leaves every conflict to people.

    Args:
        said: Field or `default` -> `ask`, `newest` or `prefer REMOTE`.
        from_remote: Tells whether a remote said a head.
    """
    if all(policy == "ask" for policy in said.values()):
        return None
    rules = {prop: _rule(policy, from_remote) for prop, policy in said.items()}
    default = rules.get("default", settle.ask)
    return lambda conflict: rules.get(conflict.cell.prop, default)(conflict)


def within(replica: Replica, trackers: frozenset[TrackerId]) -> Callable[[Conflict], bool]:
    """Returns what tells whether a conflict's record is an item of one of the trackers."""
    ledger = Ledger(replica.store, TrackerId(b""), "")

    def mine(conflict: Conflict) -> bool:
        rows = (ledger.item(member) for member in replica.members(conflict.record))
        return any(row is not None and row.tracker in trackers for row in rows)

    return mine


def _rule(policy: str, from_remote: Callable[[Head, str], bool]) -> settle.Policy:
    if policy.startswith(_PREFER):
        remote = policy.removeprefix(_PREFER).strip()
        return settle.prefer(remote, lambda head: from_remote(head, remote))
    return settle.newest if policy == "newest" else settle.ask
