"""What an automatic rule may settle, and the write by which it does so.

A rule writes a resolution once; every replica that comes to the same answer writes the same one: it
is named by rule, value and what it supersedes, dated like the newest head, and stands in the least
cell that it settles, so that no pairing learned later changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from prophet_hub.merge.cells import Head
from prophet_hub.merge.conflicts import Conflict
from prophet_hub.model.changes import LIFE, LINKING, VOTE, Cell, Write
from prophet_hub.model.ids import WriteId, name_of
from prophet_hub.values import Value

__all__ = [
    "Policy",
    "ask",
    "by_property",
    "first_of",
    "may_settle",
    "membership",
    "newest",
    "prefer",
    "resolution",
]

Policy = Callable[[Conflict], Sequence[tuple[str, Value]]]
"""Gives for a conflict at most one (rule name, value)."""


def ask(conflict: Conflict) -> Sequence[tuple[str, Value]]:  # noqa: ARG001 - a policy's signature
    """Leaves every conflict to a person."""
    return ()


def newest(conflict: Conflict) -> Sequence[tuple[str, Value]]:
    """Takes the head with the latest date; of equal dates the greatest write id."""
    return (("newest", _latest(conflict.cell.heads).value),)


def prefer(remote: str, theirs: Callable[[Head], bool]) -> Policy:
    """Returns the policy that takes what one remote said; the newest where it said several things.

    Args:
        remote: Its name, which becomes part of the rule's.
        theirs: Tells whether a head came from that remote.  The policy leaves the conflict where
            none did.
    """

    def policy(conflict: Conflict) -> Sequence[tuple[str, Value]]:
        mine = [h for h in conflict.cell.heads if theirs(h)]
        return ((f"prefer {remote}", _latest(mine).value),) if mine else ()

    return policy


def membership(value: Value) -> Policy:
    """Returns the policy that settles members of sets as present, or absent, and nothing else."""
    rule = "absent" if value is None else "present"
    return lambda conflict: ((rule, value),) if conflict.cell.member else ()


def by_property(said: Mapping[str, Policy], rest: Policy = ask) -> Policy:
    """Returns the policy that asks another one per property, and one for the rest."""
    return lambda conflict: said.get(conflict.cell.prop, rest)(conflict)


def first_of(*policies: Policy) -> Policy:
    """Returns the policy that asks several in turn and takes the first answer."""

    def policy(conflict: Conflict) -> Sequence[tuple[str, Value]]:
        return next((answer for one in policies if (answer := one(conflict))), ())

    return policy


def may_settle(conflict: Conflict) -> bool:
    """Tells whether an automatic rule may act here, causes aside.

    Never on lives, links and votes, and never where a resolution, a person's or a rule's, is among
    the heads: rules that answer one another would chatter for ever.
    """
    prop = conflict.cell.prop
    if prop == LIFE or prop in LINKING or prop.startswith(VOTE):
        return False
    return not any(h.rule for h in conflict.cell.heads)


def resolution(conflict: Conflict, rule: str, value: Value) -> Write:
    """Returns the write by which the rule settles the conflict; everywhere the same one."""
    cell, heads = conflict.cell, conflict.cell.heads
    above = tuple(sorted(h.id for h in heads))
    return Write(
        WriteId(name_of(rule, value, above)),
        Cell(min(h.record for h in heads), cell.prop, cell.member),
        conflict.type,
        value,
        above,
        max(h.created for h in heads),
        rule,
        old=cell.shown,
    )


def _latest(heads: Sequence[Head]) -> Head:
    return max(heads, key=lambda h: (h.created, h.id))
