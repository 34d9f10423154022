"""Trac's change log as events and comments: pure functions, no request.

A change is a set of rows of one time and author.  They come by time, author and field, and each
change has one row `comment` in which the old value is its number and the new one a text, which may
be empty (trac/ticket/model.py, save_changes and get_changelog).  Plugins before 1.2 cut the times to
seconds, so that several changes look like one; the row `comment` then tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from prophet_connectors._trac_fields import shown
from prophet_connectors._trac_rpc import value_of
from prophet_hub.sdk import (
    COMMENT,
    Comment,
    Event,
    FieldChange,
    Person,
    Ref,
    SetChange,
    Value,
    change_between,
)
from prophet_hub.sdk.closing import joined, joined_changes
from prophet_hub.sdk.times import instant, of_epoch

__all__ = ["Change", "birth", "changes_of", "comments_of", "events_of", "person"]

NUMBERED: Final = "comment"
MICROSECONDS: Final = 1_000_000


@dataclass(slots=True, kw_only=True)
class Change:
    """One change of a ticket.

    Attributes:
        number: As people see it, `comment:3`; "" in the changes of very old Tracs.
        rows: (field, old text, new text), the number and what is said beside apart.
        text: What was said, "" for nothing.
        edited: When the text was edited last.
    """

    author: str
    created: datetime
    number: str = ""
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""
    edited: datetime | None = None
    complete: bool = False

    @property
    def id(self) -> str:
        """A name that no other change of the ticket has: numbers are used again after a deletion."""
        what = self.number or "+".join((self.author, *sorted(row[0] for row in self.rows)))
        return f"{int(self.created.timestamp())}.{what}"


def changes_of(log: Iterable[Sequence[Any]]) -> list[Change]:
    """Returns the changes that `ticket.changeLog` told, oldest first."""
    found: list[Change] = []
    edits: dict[datetime, datetime] = {}
    for time, author, name, old, new, permanent in log:
        created = instant(value_of(time))
        if not permanent:
            continue  # a file, which the list of files tells better
        if str(name).startswith("_"):
            edits[created] = of_epoch(int(new) / MICROSECONDS)
            continue
        last = found[-1] if found else None
        if last is None or (last.created, last.author) != (created, author) or _ends(last, name):
            last = Change(author=str(author), created=created)
            found.append(last)
        if name == NUMBERED:
            last.number = str(old).rpartition(".")[2]
            last.text = str(new)
            last.complete = True
        else:
            last.rows.append((str(name), value_of(old), value_of(new)))
    for change in found:
        change.edited = edits.get(change.created) if change.text else None
    return found


def _ends(change: Change, name: str) -> bool:
    """Tells whether a row begins the next change: rows of one are sorted, `comment` among them."""
    again = any(name == row[0] for row in change.rows)
    return again or (change.complete and name <= NUMBERED)


def events_of(
    changes: Sequence[Change], status: str, resolution: str, hidden: str
) -> tuple[Event, ...]:
    """Returns the changes of fields as events, oldest first.

    Args:
        changes: All of them.
        status: As it is now.
        resolution: And this.
        hidden: The field that holds the hub's key, "" for none.
    """
    found: list[Event] = []
    now: tuple[str | None, str | None] = status or None, resolution or None
    for change in reversed(changes):
        told = list(_told(change.rows, hidden))
        closing = [one for one in told if one.field == "resolution"]
        rest, now = joined_changes(told, status="status", resolution="resolution", now=now)
        if rest or closing:
            found.append(
                Event(
                    id=change.id,
                    author=person(change.author),
                    created=change.created,
                    changes=(*rest, *closing),
                )
            )
    return tuple(reversed(found))


def _told(rows: Iterable[tuple[str, str, str]], hidden: str) -> Iterable[FieldChange | SetChange]:
    for name, before, after in rows:
        old: Value | None = shown(name, before)
        new: Value | None = shown(name, after)
        if old != new and name != hidden:
            yield change_between(name, old, new)


def comments_of(ticket: str, changes: Iterable[Change], told: Iterable[Event]) -> list[Comment]:
    """Returns what was said, oldest first."""
    events = {event.id for event in told}
    return [
        Comment(
            ref=Ref(kind=COMMENT, id=f"{ticket}.{change.number or change.id}", ticket=ticket),
            author=person(change.author),
            created=change.created,
            body=change.text,
            updated=change.edited,
            dialect="trac",
            event=change.id if change.id in events else "",
        )
        for change in changes
        if change.text
    ]


def birth(changes: Iterable[Change], reporter: str) -> str:
    """Returns who made the ticket: the reporter before anybody changed that."""
    rows = (row for change in changes for row in change.rows)
    return next((old for name, old, _ in rows if name == "reporter"), reporter)


def person(name: str) -> Person:
    """Returns who a name is: a login, or whatever an anonymous visitor wrote."""
    address = name.rpartition("<")[2].rstrip("> ")
    return Person(id=name, email=address if "@" in address and " " not in address else "")


def word_of(attributes: Mapping[str, Any]) -> str:
    """Returns the status of a ticket with its resolution."""
    return joined(attributes.get("status"), attributes.get("resolution")) or ""
