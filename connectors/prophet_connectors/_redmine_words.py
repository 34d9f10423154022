"""Fields as Redmine takes them: numbers for names, and what it would pass over refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from prophet_connectors._redmine_asking import Asker
from prophet_connectors._redmine_fields import RELATIONS, of_custom
from prophet_connectors._redmine_pages import Thing
from prophet_hub.errors import Rejected
from prophet_hub.sdk import Update, Value, members

__all__ = ["Words", "spoken"]

NEEDED: Final = ("subject", "project", "tracker", "status", "priority")
"""Fields that a ticket cannot be without."""

PLAIN: Final = {
    "subject": "subject",
    "description": "description",
    "start_date": "start_date",
    "due_date": "due_date",
    "done_ratio": "done_ratio",
}


class Words:
    """Says fields in Redmine's words; threads share it."""

    def __init__(self, ask: Asker) -> None:
        self._ask = ask

    def body(self, fields: Mapping[str, Value | None], *, project: str) -> dict[str, Any]:
        """Returns what a save takes; relations are not said by one.

        Args:
            fields: Our words; None clears.
            project: The number of the project that the names are of.

        Raises:
            Rejected: A name that Redmine does not have, or a field that must not be empty.
        """
        said: dict[str, Any] = {}
        for name, value in fields.items():
            if name in RELATIONS:
                continue
            if custom := of_custom(name):
                whole = sorted(value) or [""] if isinstance(value, frozenset) else value or ""
                number = self._ask.custom_number(custom, project)
                said.setdefault("custom_fields", []).append({"id": number, "value": whole})
            elif name == "parent":
                said["parent_issue_id"] = self._parent(members(value))
            elif isinstance(value, frozenset):
                raise Rejected(f"{self._ask.remote} takes no {name}.")
            else:
                said.update(self._single(name, value or "", project))
        return said

    def changes(self, operation: Update, present: Thing) -> dict[str, Any]:
        """Returns what a save takes of an update, looking at what the ticket shows."""
        changes = dict(operation.changes)
        project = str(present["project"]["id"]) if present else ""
        if changes.get("project"):
            project = str(self._project(str(changes["project"]))["id"])
        moved = {"project", "tracker"} & changes.keys()
        if changes.get("status") and "allowed_statuses" in present and not moved:
            self._reachable(str(changes["status"]), present)
        has = {str(field["name"]): field for field in present.get("custom_fields") or ()}
        sets: dict[str, Value | None] = {}
        for name in {*operation.added, *operation.removed} - RELATIONS:
            come = operation.added.get(name, frozenset())
            leave = operation.removed.get(name, frozenset()) - come
            held = _held(name, present, has)
            sets[name] = (held - leave) | come
        for name in {*changes, *sets}:
            if of_custom(name) and of_custom(name) not in has and not moved:
                raise Rejected(f"This ticket of {self._ask.remote} has no {name}.")
        return self.body({**changes, **sets}, project=project)

    def _single(self, name: str, value: str, project: str) -> dict[str, Any]:
        if not value and name in NEEDED:
            raise Rejected(f"{self._ask.remote} takes no ticket without {name}.")
        if name in PLAIN:
            return {PLAIN[name]: value or ("0" if name == "done_ratio" else "")}
        if name == "project":
            return {"project_id": str(self._project(value)["id"])}
        if name == "tracker":
            return {"tracker_id": self._tracker(value, project)}
        if name == "estimated_hours":
            return {name: _hours(value, self._ask.remote)}
        if name == "assigned_to":
            if value and not value.isdecimal():
                raise Rejected(f"{self._ask.remote} knows people by number, not as {value!r}.")
            return {"assigned_to_id": value}
        if name in ("status", "priority", "category", "fixed_version"):
            return {f"{name}_id": value and self._ask.number(name, value, project)}
        raise Rejected(f"{self._ask.remote} takes no {name}.")

    def _project(self, name: str) -> Thing:
        found = self._ask.project(name)
        if not found:
            raise Rejected(f"{self._ask.remote} has no project {name!r}.")
        return found

    def _tracker(self, name: str, project: str) -> str:
        """A tracker that the project does not have would be passed over."""
        number = self._ask.number("tracker", name)
        known = self._ask.project(project).get("trackers") if project else None
        if known is not None and number not in {str(tracker["id"]) for tracker in known}:
            raise Rejected(f"This project of {self._ask.remote} has no {name}.")
        return number

    def _parent(self, parents: frozenset[str]) -> str:
        if len(parents) > 1 or not all(number.isdecimal() for number in parents):
            raise Rejected(f"{self._ask.remote} takes one ticket of its own as parent.")
        return next(iter(parents), "")

    def _reachable(self, wanted: str, present: Thing) -> None:
        """A status that the workflow does not lead to would be passed over."""
        offered = {str(status["name"]) for status in present["allowed_statuses"]}
        now = str(present["status"]["name"])
        if wanted not in offered | {now}:
            raise Rejected(
                f"{self._ask.remote} does not lead from {now!r} to {wanted!r} here.",
                hint=f"It leads to {', '.join(sorted(offered - {now})) or 'nothing'}.",
            )


def spoken(remote: str, body: Mapping[str, Any]) -> None:
    """Refuses the one text that an update takes for no text at all.

    Raises:
        Rejected: It is among the values (`replace_none_values_with_blank`, issues_controller.rb).
    """
    for name, value in body.items():
        if value == "none":
            raise Rejected(
                f"{remote} takes the text 'none' for no text.",
                hint=f"Say {name} otherwise: a full stop will do.",
            )


def _held(name: str, present: Thing, has: Mapping[str, Thing]) -> frozenset[str]:
    if name == "parent":
        return frozenset({str(present["parent"]["id"])} if present.get("parent") else ())
    value = has.get(of_custom(name), {}).get("value")
    return frozenset(str(one) for one in value or ()) if isinstance(value, list) else frozenset()


def _hours(minutes: str, remote: str) -> str:
    """Returns minutes as hours, exact enough to come back as the same minutes."""
    try:
        return f"{int(minutes) / 60:.6f}".rstrip("0").rstrip(".") if minutes else ""
    except ValueError:
        raise Rejected(f"{remote} takes no {minutes!r} for minutes.") from None
