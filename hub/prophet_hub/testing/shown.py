"""What a tracker tells of an item: its data as the sdk's messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prophet_hub.sdk import ATTACHMENT, COMMENT, Attachment, Comment, Event, Person, Ref, Ticket
from prophet_hub.testing.items import File, Item, Knobs, Note, instant

__all__ = ["shown"]


def shown(item: Item, events: Iterable[Event], users: Mapping[str, Person], knobs: Knobs) -> Ticket:
    """Returns the ticket as it is now, with the events that are told of it."""
    events = tuple(events)
    return Ticket(
        ref=Ref(id=item.id),
        author=_who(users, item.author),
        created=instant(item.created),
        updated=instant(item.updated),
        fields=dict(item.fields),
        events=events,
        comments=tuple(_comment(item, note, users, knobs.dialect) for note in item.comments),
        attachments=tuple(_attachment(item, file, users) for file in item.attachments),
        people={name: users[name] for name in _named(item, events) if name in users},
        key=item.key,
        version=str(item.version) if knobs.conditional else "",
        dialect=knobs.dialect,
        private=item.private,
    )


def _who(users: Mapping[str, Person], login: str) -> Person:
    return users.get(login) or Person(id=login)


def _comment(item: Item, note: Note, users: Mapping[str, Person], dialect: str) -> Comment:
    return Comment(
        ref=Ref(kind=COMMENT, id=note.id, ticket=item.id),
        author=_who(users, note.author),
        created=instant(note.created),
        body=note.body,
        dialect=dialect,
        private=note.private,
        updated=None if note.updated is None else instant(note.updated),
        key=note.key,
    )


def _attachment(item: Item, file: File, users: Mapping[str, Person]) -> Attachment:
    return Attachment(
        ref=Ref(kind=ATTACHMENT, id=file.id, ticket=item.id),
        author=_who(users, file.author),
        created=instant(file.created),
        name=file.name,
        content_type=file.content_type,
        size=len(file.data),
        private=file.private,
        comment=file.comment,
        key=file.key,
    )


def _named(item: Item, events: tuple[Event, ...]) -> set[str]:
    """Returns all words of a ticket that may be a login."""
    named = {item.author, *(e.author.id for e in events)}
    named |= {note.author for note in item.comments} | {file.author for file in item.attachments}
    for value in item.fields.values():
        named |= value if isinstance(value, frozenset) else {value}
    return named
