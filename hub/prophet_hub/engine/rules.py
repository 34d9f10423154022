"""The database's own rules for conflicts: its setting `rules`, replicated like every other.

    {"priority": "newest", "description": "merge", "labels": "present", "default": "ask"}

Every replica follows them, so they name nothing that only one replica knows, such as a remote.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from prophet_hub.engine.settings import SETTING, Settings, record_of
from prophet_hub.errors import Fault
from prophet_hub.merge.settle import Policy, ask, by_property, membership, newest
from prophet_hub.model.changes import LIFE, LINKING
from prophet_hub.values import PRESENT

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["RULES", "faults_in_rules", "rules_of"]

RULES: Final = "rules"
"""The setting's name."""

_DEFAULT: Final = "default"
_KNOWN: Final = ("ask", "newest", "merge", "present", "absent")
_PREFER: Final = "prefer "


def faults_in_rules(value: Any) -> list[Fault]:
    """Returns all that is wrong with a value for the setting `rules`: {property: policy}."""
    if not isinstance(value, dict):
        return [Fault("Rules are a table from property to policy.", path=RULES,
                      hint='Write {"description": "merge", "default": "ask"}.')]  # fmt: skip
    faults = []
    for prop, policy in value.items():
        path = f"{RULES}.{prop}"
        if prop == LIFE or prop in LINKING or not prop:
            faults.append(Fault(f'No rule may decide on "{prop}".', path=path,
                                hint="Take it out: a person is asked."))  # fmt: skip
        if not isinstance(policy, str) or policy not in _KNOWN:
            said = policy if isinstance(policy, str) else repr(policy)
            faults.append(Fault(f'"{said}" is no policy.', path=path, hint=_remedy(said)))
    return faults


def _remedy(said: str) -> str:
    if said.startswith(_PREFER):
        return "A remote is known to one replica's job file only; say it there."
    near = get_close_matches(said, _KNOWN, n=1)
    return f'Did you mean "{near[0]}"?' if near else f"There are {', '.join(_KNOWN)}."


def rules_of(replica: Replica) -> Callable[[Policy], Policy]:
    """Returns what makes, of the way to merge texts, the rule that the database's setting says.

    A setting that is in conflict, or holds what this version does not know, leaves it to people;
    settings themselves are never settled by a rule.
    """
    cell = replica.cell(record_of(RULES), "value")
    table = None if cell is None or cell.conflict else Settings(replica).get(RULES)
    if not isinstance(table, dict):
        return lambda merge: ask  # noqa: ARG005 - nothing is to be merged

    def rules(merge: Policy) -> Policy:
        known = {"newest": newest, "merge": merge, "present": membership(PRESENT),
                 "absent": membership(None)}  # fmt: skip
        said = {prop: known.get(policy, ask) for prop, policy in table.items()
                if isinstance(policy, str)}  # fmt: skip
        policy = by_property(said, said.get(_DEFAULT, ask))
        return lambda conflict: () if conflict.type == SETTING else policy(conflict)

    return rules
