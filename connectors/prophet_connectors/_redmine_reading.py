"""A ticket of Redmine as the hub is told it, and the tickets that carry its keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from prophet_connectors._redmine_asking import Asker
from prophet_connectors._redmine_fields import FIELDS, custom, lines
from prophet_connectors._redmine_pages import Thing
from prophet_connectors._redmine_story import (
    Meaning,
    comments_of,
    events_of,
    fields_of,
    files_of,
    journals_of,
    people_in,
)
from prophet_hub.errors import Rejected
from prophet_hub.sdk import Event, FieldChange, ListedTicket, Ref, Ticket, Value
from prophet_hub.sdk.marks import unmarked
from prophet_hub.sdk.times import instant

__all__ = ["Reader"]

LISTED: Final = frozenset(row.theirs for row in FIELDS) - {"children"}
"""What a list shows of a ticket: its hours spent are no row of this table."""


class Reader:
    """Reads what the API shows; threads share it.

    Args:
        dialect: The markup of the site's texts.
        key_field: The custom field that carries the hub's key, by name or number, "" if none does.
        spent: Whether the hours spent are told.
    """

    def __init__(self, ask: Asker, *, dialect: str, key_field: str, spent: bool) -> None:
        self._ask = ask
        self._dialect = dialect
        self._key_field = key_field
        self._spent = spent

    def told(self, issue: Thing) -> Ticket:
        """Returns an issue as a ticket, without the hub's key in its texts and fields."""
        meaning, held = self._meaning(issue), custom(self._key_name(issue))
        fields, key = self._fields(issue, held)
        number = str(issue["id"])
        offered = issue.get("allowed_statuses")
        return Ticket(
            ref=Ref(id=number, url=f"{self._ask.http.base_url}/issues/{number}"),
            author=meaning.person(issue["author"]),
            created=instant(issue["created_on"]),
            updated=_updated(issue),
            fields=fields,
            events=tuple(_without_key(events_of(issue, meaning), held)),
            comments=comments_of(issue, meaning, self._dialect),
            attachments=files_of(issue, meaning),
            people={p.id: p for p in map(meaning.person, people_in(issue))},
            key=key,
            dialect=self._dialect,
            private=bool(issue.get("is_private", False)),
            reachable=None if offered is None else frozenset(str(s["name"]) for s in offered),
        )

    def line(self, issue: Thing) -> ListedTicket:
        """Returns an issue as the list shows it, with what was asked to be included."""
        held = custom(self._key_name(issue))
        fields, _ = self._fields(issue, held)
        own = {custom(field["name"]) for field in issue.get("custom_fields") or ()} - {held}
        told = LISTED | own
        return ListedTicket(
            ref=Ref(id=str(issue["id"])),
            told=told,
            fields={name: value for name, value in fields.items() if name in told},
            updated=instant(issue["updated_on"]),
            attachments=frozenset(str(file["id"]) for file in issue.get("attachments") or ()),
        )

    def _fields(self, issue: Thing, held: str) -> tuple[dict[str, Value], str]:
        """Returns the fields without the hub's key, and the key."""
        project = self._ask.identifier(issue["project"])
        fields = fields_of(issue, project, spent=self._spent)
        text, key = unmarked(str(fields.pop("description", "")))
        fields |= {"description": text} if text else {}
        return fields, str(fields.pop(held, "")) or key

    def _key_name(self, issue: Thing) -> str:
        """Returns the name of the custom field for keys, which may be set by its number."""
        setting = self._key_field
        for one in issue.get("custom_fields") or ():
            if setting and setting in (str(one["id"]), str(one["name"])):
                return str(one["name"])
        return setting

    def _meaning(self, issue: Thing) -> Meaning:
        """Returns what numbers mean; those that the ticket itself names need no question."""
        moves = (d for journal in issue.get("journals") or () for d in journal.get("details") or ())
        before = [str(d.get("old_value")) for d in moves if d.get("name") == "project_id"]
        projects = [*dict.fromkeys([str(issue["project"]["id"]), *before])]

        def word(name: str, number: str) -> str:
            if name == "project":
                return self._ask.identifier({"id": number})
            shown: Mapping[str, Any] = issue.get(name) or {}
            if str(shown.get("id", "")) == number:
                return str(shown["name"])
            return self._ask.word(name, number, projects)

        return Meaning(word=word, custom=self._ask.custom, person=self._ask.person)

    def with_key(self, key: str) -> Ref | None:
        """Returns the ticket that carries a key: in the custom field, else in its description."""
        asked = [("description", f"~prophet-hub:{key}")]
        if self._key_field:
            with suppress(Rejected):  # no ticket shows the field yet
                asked.insert(0, (f"cf_{self._ask.custom_number(self._key_field)}", key))
        for name, value in asked:
            terms = [("status_id", "*"), (name, value), ("sort", "id")]
            page = self._ask.page("issues", "issues.json", terms)
            for issue in page.things:
                if self._told_key(issue) == key:
                    return Ref(id=str(issue["id"]))
            if page.full:
                raise Rejected(
                    f"{self._ask.remote} does not search by {self._key_field!r}.",
                    hint="An administrator marks the custom field as used as a filter.",
                )
        return None

    def _told_key(self, issue: Thing) -> str:
        name = self._key_name(issue)
        for one in issue.get("custom_fields") or ():
            if name and one["name"] == name and one.get("value"):
                return str(one["value"])
        return unmarked(lines(issue.get("description") or ""))[1]


def _without_key(events: tuple[Event, ...], held: str) -> Iterator[Event]:
    """Yields the events with descriptions as people wrote them, and no word of the key."""
    for event in events:
        kept = []
        for change in event.changes:
            if change.field == held:
                continue
            if isinstance(change, FieldChange) and change.field == "description":
                old, new = (unmarked(text or "")[0] or None for text in (change.old, change.new))
                if old == new:
                    continue
                change = replace(change, old=old, new=new)  # noqa: PLW2901 - the same change
            kept.append(change)
        if kept:
            yield replace(event, changes=tuple(kept))


def _updated(issue: Thing) -> datetime:
    """Returns when the last thing happened: a relation's journal moves no `updated_on`."""
    told = (instant(journal["created_on"]) for journal in journals_of(issue))
    return max([instant(issue["updated_on"]), *told])
