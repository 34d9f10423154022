"""The tracker as found: projects, lists, custom fields, and where tickets may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prophet_connectors._redmine_asking import SITE, Asker
from prophet_connectors._redmine_fields import custom
from prophet_connectors._redmine_pages import Thing
from prophet_hub.sdk import FieldMap, Schema, SchemaField

__all__ = ["schema_of"]

PERMISSIONS: Final = {
    "read": ("view_issues",),
    "create": ("add_issues",),
    "update": ("edit_issues", "edit_own_issues"),
    "comment": ("add_issue_notes",),
    "attach": ("edit_issues", "edit_own_issues"),
    "delete": ("delete_issues",),
}

FAMILIES: Final = 20
"""Of so many projects the categories and versions are read; more would be a question each."""

UNSEEN: Final = "Only administrators are shown the list of custom fields: these are those of the newest tickets."


def schema_of(
    ask: Asker, rows: FieldMap, look: Callable[[str, str], Thing], project: str
) -> Schema:
    """Returns what the account is shown.

    Redmine tells the workflow of one ticket at a time, so the newest ticket of each status is asked
    where it may go: the ways of its tracker and of our role.
    """
    statuses = tuple(ask.names("status").values())
    projects = [p for p in ask.all("projects", "projects.json", include="issue_categories")
                if project in ("", p["identifier"])]  # fmt: skip
    for one in projects:
        ask.project(str(one["id"]))
    newest = ask.page("issues", "issues.json", [("status_id", "*"), ("sort", "updated_on:desc")])
    samples: dict[str, str] = {}
    for issue in newest.things:
        ask.meet(issue)
        samples.setdefault(str(issue["status"]["name"]), str(issue["id"]))
    ways: dict[str, tuple[str, ...]] = {}
    for status, number in samples.items():
        offered = look(number, "allowed_statuses").get("allowed_statuses")
        if offered is not None:
            to = {str(one["name"]) for one in offered} & set(statuses)
            ways[status] = tuple(sorted(to - {status}))
    definitions = ask.definitions()
    needed = {"subject"} if project else {"subject", "project"}
    required = {custom(d["name"]) for d in definitions if d.get("is_required")}
    values = {name: statuses if name == "status" else tuple(ask.names(name).values())
              for name in SITE}  # fmt: skip
    values |= {
        name: tuple(sorted({
            word for one in projects[:FAMILIES] for word in ask.names(name, str(one["id"])).values()
        }))
        for name in ("category", "fixed_version")
    }  # fmt: skip
    values["project"] = tuple(str(one["identifier"]) for one in projects)
    own = [
        SchemaField(
            name=row.theirs,
            values=values.get(row.theirs, ()),
            required=row.theirs in needed,
            writable=row.writable,
            many=row.kind.many,
        )
        for row in rows
        if not row.theirs.startswith("CF.{")
    ]
    choices = {
        str(d["name"]): tuple(str(v["value"]) for v in d.get("possible_values") or ())
        for d in definitions
    }
    customs = [
        SchemaField(
            name=custom(name),
            values=choices.get(name, ()),
            required=custom(name) in required,
            many=many,
        )
        for name, many in ask.customs()
    ]
    return Schema(
        product="Redmine",
        projects=values["project"],
        fields=(*own, *customs),
        statuses=statuses,
        transitions=ways,
        requires={status: tuple(sorted(required)) for status in statuses if required},
        permissions=frozenset(
            word
            for word, names in PERMISSIONS.items()
            if any(ask.may(str(one["id"]), *names) is not False for one in projects)
        ),
        notes=() if definitions else (UNSEEN,),
    )
