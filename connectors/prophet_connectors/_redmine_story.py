"""Redmine's issue as a ticket: fields, journals as events and comments, files.

A journal is one save: a note, and details that say what went from what to what, in numbers.  The
first state is in no journal; the details, walked back from now, lead there.  Facts and their places
in Redmine's source are in docs/connectors/redmine.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prophet_connectors._redmine_fields import (
    ATTRIBUTES,
    BACKWARD,
    FIELDS,
    LISTED,
    RELATIONS,
    custom,
    lines,
    minutes,
)
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    Event,
    FieldChange,
    Person,
    Ref,
    SetChange,
    Value,
)
from prophet_hub.sdk.times import instant

__all__ = [
    "MARK",
    "Meaning",
    "comments_of",
    "events_of",
    "fields_of",
    "files_of",
    "journals_of",
    "people_in",
    "relations_of",
]

Thing = Mapping[str, Any]

MARK: Final = "prophet-hub "
"""Opens the description of a file that carries the hub's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the numbers in one ticket mean.

    Attributes:
        word: (field, number) -> the name.
        custom: The number of a custom field -> its name, "" if unknown, and whether it is a set.
        person: A reference to somebody -> who that is.
    """

    word: Callable[[str, str], str]
    custom: Callable[[str], tuple[str, bool]]
    person: Callable[[Thing], Person]


def fields_of(issue: Thing, project: str, *, spent: bool) -> dict[str, Value]:
    """Returns the fields as they are; what is unset is absent."""
    said: dict[str, Value | None] = {
        "subject": issue.get("subject"),
        "description": lines(issue.get("description") or ""),
        "project": project,
        "assigned_to": _number(issue.get("assigned_to")),
        "start_date": issue.get("start_date"),
        "due_date": issue.get("due_date"),
        "done_ratio": _plain("done_ratio", issue.get("done_ratio")),
        "estimated_hours": minutes(issue.get("estimated_hours")),
        "spent_hours": minutes(issue.get("spent_hours")) if spent else None,
        "children": frozenset(str(child["id"]) for child in issue.get("children") or ()),
        "parent": frozenset(filter(None, [_number(issue.get("parent"))])),
    }
    for name in ("tracker", "status", "priority", "category", "fixed_version"):
        said[name] = (issue.get(name) or {}).get("name")
    for name in RELATIONS:
        said[name] = frozenset(linked for kind, linked, _ in relations_of(issue) if kind == name)
    for field in issue.get("custom_fields") or ():
        said[custom(field["name"])] = _custom_value(field)
    return {name: value for name, value in said.items() if value}


def relations_of(issue: Thing) -> list[tuple[str, str, str]]:
    """Returns what this ticket calls each relation, the other ticket, the relation's number."""
    own = str(issue.get("id", ""))
    found = []
    for relation in issue.get("relations") or ():
        kind, one, two = (str(relation[n]) for n in ("relation_type", "issue_id", "issue_to_id"))
        if one == own:
            found.append((kind, two, str(relation["id"])))
        else:
            found.append((BACKWARD.get(kind, kind), one, str(relation["id"])))
    return found


def journals_of(issue: Thing) -> list[Thing]:
    """Returns the journals in the order in which they were written, whatever the account prefers."""
    return sorted(issue.get("journals") or (), key=lambda journal: int(journal["id"]))


def events_of(issue: Thing, meaning: Meaning) -> tuple[Event, ...]:
    """Returns the journals that changed a field."""
    found = []
    for journal in journals_of(issue):
        changes = _changes(journal.get("details") or (), meaning)
        if changes:
            found.append(
                Event(
                    id=str(journal["id"]),
                    author=meaning.person(_author(journal)),
                    created=instant(journal["created_on"]),
                    changes=changes,
                )
            )
    return tuple(found)


def comments_of(issue: Thing, meaning: Meaning, dialect: str) -> tuple[Comment, ...]:
    """Returns the journals that have a note."""
    ticket = str(issue["id"])
    found = []
    for journal in journals_of(issue):
        body = lines(journal.get("notes") or "")
        if not body.strip():
            continue
        number, created = str(journal["id"]), instant(journal["created_on"])
        edited = instant(journal.get("updated_on") or journal["created_on"])
        found.append(
            Comment(
                ref=Ref(kind=COMMENT, id=number, ticket=ticket),
                author=meaning.person(_author(journal)),
                created=created,
                body=body,
                private=bool(journal.get("private_notes", False)),
                updated=edited if edited > created else None,
                dialect=dialect,
                event=number,
            )
        )
    return tuple(found)


def files_of(issue: Thing, meaning: Meaning) -> tuple[Attachment, ...]:
    """Returns the files; one is private only as its ticket is."""
    ticket = str(issue["id"])
    noted = {
        str(detail.get("name")): str(journal["id"])
        for journal in journals_of(issue)
        for detail in journal.get("details") or ()
        if detail.get("property") == "attachment" and detail.get("new_value")
    }
    found = []
    for file in sorted(issue.get("attachments") or (), key=lambda file: int(file["id"])):
        number, said = str(file["id"]), str(file.get("description") or "")
        found.append(
            Attachment(
                ref=Ref(kind=ATTACHMENT, id=number, ticket=ticket),
                author=meaning.person(file.get("author") or NOBODY),
                created=instant(file["created_on"]),
                name=str(file["filename"]),
                content_type=str(file.get("content_type") or "application/octet-stream"),
                size=int(file["filesize"]),
                key=said.removeprefix(MARK) if said.startswith(MARK) else "",
                event=noted.get(number, ""),
            )
        )
    return tuple(found)


def people_in(issue: Thing) -> list[Thing]:
    """Returns the references to persons that a ticket shows."""
    named = [issue.get("author"), issue.get("assigned_to")]
    named += [journal.get("user") for journal in issue.get("journals") or ()]
    named += [file.get("author") for file in issue.get("attachments") or ()]
    return [ref for ref in named if ref]


NOBODY: Final = {"id": 0, "name": "Anonymous"}
"""Who wrote what names nobody: the user is gone."""


def _author(journal: Thing) -> Thing:
    found: Thing = journal.get("user") or NOBODY
    return found


def _changes(details: Sequence[Thing], meaning: Meaning) -> tuple[FieldChange | SetChange, ...]:
    """Returns what a journal changed, at most once per field: several values are one set."""
    single: dict[str, FieldChange] = {}
    come: dict[str, set[str]] = {}
    leave: dict[str, set[str]] = {}
    for detail in details:
        name, many = _field(detail, meaning)
        old, new = (detail.get(side) for side in ("old_value", "new_value"))
        if not name or old == new:
            continue
        if many:
            come.setdefault(name, set()).update({str(new)} if new else ())
            leave.setdefault(name, set()).update({str(old)} if old else ())
            continue
        attribute = str(detail["name"]) if detail["property"] == "attr" else ""
        before, after = (_word(attribute, side, meaning) for side in (old, new))
        if before != after:
            single[name] = FieldChange(field=name, old=before, new=after)
    sets = (
        SetChange(field=name, added=frozenset(come[name]), removed=frozenset(leave[name]))
        for name in come
    )
    return (*single.values(), *sets)


def _field(detail: Thing, meaning: Meaning) -> tuple[str, bool]:
    """Returns the field that a detail is about, "" for none of ours, and whether it is a set."""
    kind, name = detail.get("property"), str(detail.get("name"))
    if kind == "cf":
        found, many = meaning.custom(name)
        return custom(found) if found else "", many
    if kind == "relation":
        return (name, True) if name in RELATIONS else ("", False)
    field = ATTRIBUTES.get(name, "") if kind == "attr" else ""
    row = FIELDS.theirs(field)
    return field, bool(row and row.kind.many)


def _word(attribute: str, raw: Any, meaning: Meaning) -> str | None:
    """Returns what a field shows for what a journal says."""
    if raw in (None, ""):
        return None
    if attribute in LISTED:
        return meaning.word(LISTED[attribute], str(raw))
    return _plain(attribute, raw)


def _plain(attribute: str, raw: Any) -> str | None:
    if attribute == "estimated_hours":
        return minutes(raw)
    if attribute == "done_ratio":
        return str(raw) if raw and str(raw) != "0" else None
    return lines(str(raw)) if attribute == "description" else str(raw)


def _custom_value(field: Thing) -> Value | None:
    value = field.get("value")
    if field.get("multiple"):
        return frozenset(str(one) for one in value or () if one)
    return str(value) if value not in (None, "") else None


def _number(ref: Thing | None) -> str | None:
    return str(ref["id"]) if ref else None
