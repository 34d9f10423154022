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
    said: Mapping[str, str], from_remote: Callable[[Head, str], bool], merge: settle.Policy
) -> settle.Policy:
    """Returns the rule for a whole job.

    Args:
        said: Field or `default` -> `ask`, `newest`, `merge` or `prefer REMOTE`.
        from_remote: Tells whether a remote said a head.
        merge: Merges long texts where that is clean.
    """
    known = {"newest": settle.newest, "merge": merge}
    rules = {
        prop: _prefer(policy, from_remote)
        if policy.startswith(_PREFER)
        else known.get(policy, settle.ask)
        for prop, policy in said.items()
    }
    return settle.by_property(rules, rules.get("default", settle.ask))


def within(replica: Replica, trackers: frozenset[TrackerId]) -> Callable[[Conflict], bool]:
    """Returns what tells whether a conflict's record is an item of one of the trackers."""
    ledger = Ledger(replica.store, TrackerId(b""), "")

    def mine(conflict: Conflict) -> bool:
        rows = (ledger.item(member) for member in replica.members(conflict.record))
        return any(row is not None and row.tracker in trackers for row in rows)

    return mine


def _prefer(policy: str, from_remote: Callable[[Head, str], bool]) -> settle.Policy:
    remote = policy.removeprefix(_PREFER).strip()
    return settle.prefer(remote, lambda head: from_remote(head, remote))
