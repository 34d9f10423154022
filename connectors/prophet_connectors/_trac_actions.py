"""What `ticket.getActions` offers: where each action leads, and what it asks for.

The plugin tells an action as its name, its label, a hint for people and the inputs of its form.  The
status it leads to stands in the hint alone, in quotes: "Next status will be 'closed'."  An action
whose hint names none leaves the status as it is (trac/ticket/default_workflow.py).  Plugins before
1.2 show no inputs under Trac 1.2 and later; those of the workflow that Trac brings have known names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prophet_connectors._trac_fields import CLOSED
from prophet_connectors._trac_rpc import Info, plain
from prophet_hub.sdk.closing import joined

__all__ = ["Action", "actions_of", "leading", "reachable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A step of the workflow that this account may take from here.

    Attributes:
        hint: What people are told of it.
        resolutions: Those it offers, None if it does not say.
    """

    name: str
    hint: str
    resolutions: tuple[str, ...] | None = None

    def status(self, now: str, known: Iterable[str]) -> str:
        """Returns the status after it: quotes differ between languages."""
        quoted = (
            word for word in known if re.search(rf"[^\w\s]{re.escape(word)}[^\w\s]", self.hint)
        )
        return next(quoted, now)

    @property
    def resolution_input(self) -> str:
        """The argument that takes a resolution."""
        return f"action_{self.name}_resolve_resolution"

    @property
    def owner_input(self) -> str:
        """The argument that takes an owner."""
        return f"action_{self.name}_reassign_owner"


def actions_of(told: Any) -> list[Action]:
    """Returns the actions, in the order of the workflow."""
    return [
        Action(
            name=str(name),
            hint=plain(str(hint)),
            resolutions=next(
                (
                    tuple(map(str, options)) or (str(value),)
                    for field, value, options in inputs
                    if str(field).endswith("_resolution")
                ),
                None,
            ),
        )
        for name, _, hint, inputs in told
    ]


def reachable(
    actions: Iterable[Action], attributes: Mapping[str, Any], fields: Mapping[str, Info]
) -> frozenset[str]:
    """Returns the statuses that the actions lead to, each closed one with its resolution."""
    now = str(attributes.get("status") or "")
    found = set()
    for action in actions:
        status = action.status(now, _options(fields, "status"))
        found |= set(_words(status, action, fields))
    return frozenset(found - {joined(now, attributes.get("resolution"))})


def leading(
    actions: Iterable[Action], now: str, word: str, fields: Mapping[str, Info]
) -> tuple[Action, str, str] | None:
    """Returns the first action that leads to a status, the status and its resolution, None if none.

    A status may be of several words, so only the actions tell where the resolution begins.
    """
    for action in actions:
        status = action.status(now, _options(fields, "status"))
        if word in _words(status, action, fields):
            return action, status, word.removeprefix(status).strip()
    return None


def _words(status: str, action: Action, fields: Mapping[str, Info]) -> Iterable[str]:
    offered = action.resolutions
    if offered is None and status == CLOSED:
        offered = _options(fields, "resolution")
    return [f"{status} {word}" for word in offered or ()] or [status]


def _options(fields: Mapping[str, Info], name: str) -> tuple[str, ...]:
    return fields[name].options if name in fields else ()
