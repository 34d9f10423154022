"""Tickets of Trac as they are: fields, story, comments and files of several in one request."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from prophet_connectors._trac_actions import actions_of, reachable
from prophet_connectors._trac_fields import fields_of
from prophet_connectors._trac_rpc import Call, Rpc, value_of
from prophet_connectors._trac_story import (
    birth,
    changes_of,
    comments_of,
    events_of,
    person,
)
from prophet_hub.errors import NotFound, RemoteError
from prophet_hub.sdk import ATTACHMENT, COMMENT, Attachment, Comment, Ref, Ticket, members
from prophet_hub.sdk.shapes import shaped
from prophet_hub.sdk.times import instant

__all__ = ["AT_ONCE", "Reader", "file_ref", "moment", "number"]

QUESTIONS: Final = ("ticket.get", "ticket.changeLog", "ticket.listAttachments", "ticket.getActions")
AT_ONCE: Final = 20
"""Tickets of one request: five calls each."""

TRIES: Final = 2
KIND: Final = re.compile(r"[a-z]+/[\w.+-]+")


class Reader:
    """Reads tickets: one request for one, and one for many."""

    def __init__(self, rpc: Rpc, key_field: str) -> None:
        self._rpc = rpc
        self._key_field = key_field

    def ticket(self, ref: Ref) -> Ticket:
        """Returns a ticket; it is read again if it changed while it was read.

        Raises:
            NotFound: There is none, or none to be seen.
        """
        told, settled = self.tickets([ref.id])[0]
        for _ in range(TRIES):
            if settled:
                break
            told, settled = self.tickets([ref.id])[0]
        if isinstance(told, RemoteError):
            raise told
        return told

    def tickets(self, ids: Sequence[str]) -> list[tuple[Ticket | RemoteError, bool]]:
        """Returns each ticket or what went wrong with it, and whether it stood still meanwhile.

        The fields are asked for twice: a change in between would stand in the story and not in them.
        """
        each = len(QUESTIONS) + 1
        calls: list[Call] = []
        for ticket in ids:
            calls += [(what, number(ticket)) for what in (*QUESTIONS, QUESTIONS[0])]
        calls += [] if self._rpc.knows_fields else [("ticket.getTicketFields",)]
        told = self._rpc.many(calls)
        if len(calls) % each and not isinstance(told[-1], RemoteError):
            self._rpc.learn(told[-1])
        return [self._whole(told[n * each : (n + 1) * each]) for n in range(len(ids))]

    def _whole(self, told: Sequence[Any]) -> tuple[Ticket | RemoteError, bool]:
        got, log, files, actions, again = told
        for answer in (got, log, files, again):
            if isinstance(answer, RemoteError):
                return answer, True
        with shaped(self._rpc.remote, "Trac"):
            found = self._ticket(got, log, files, actions)
            return found, found.version == str(again[3]["_ts"])

    def _ticket(self, got: Any, log: Any, files: Any, actions: Any) -> Ticket:
        ticket, attributes = str(got[0]), got[3]
        changes = changes_of(log)
        status, resolution = (str(attributes.get(name) or "") for name in ("status", "resolution"))
        told = events_of(changes, status, resolution, self._key_field)
        fields, key = fields_of(attributes, self._key_field)
        attachments = [_file(ticket, row) for row in files]
        comments = [*comments_of(ticket, changes, told), *_descriptions(ticket, files)]
        author = person(birth(changes, str(attributes.get("reporter", ""))))
        ways = None
        if not isinstance(actions, RemoteError):
            ways = reachable(actions_of(actions), attributes, self._rpc.fields())
        named = [author, *(e.author for e in told), *(c.author for c in comments)]
        named += [a.author for a in attachments]
        named += [person(str(fields[n])) for n in ("owner", "reporter") if n in fields]
        named += [person(name) for name in members(fields.get("cc"))]
        return Ticket(
            ref=Ref(id=ticket, url=f"{self._rpc.http.base_url}/ticket/{ticket}"),
            author=author,
            created=moment(got[1]),
            updated=max(moment(got[1]), moment(got[2]), *(event.created for event in told[-1:])),
            fields=fields,
            events=told,
            comments=tuple(sorted(comments, key=lambda comment: comment.created)),
            attachments=tuple(attachments),
            people={one.id: one for one in named},
            key=key,
            version=str(attributes["_ts"]),
            dialect="trac",
            reachable=ways,
        )


def number(ticket: str) -> int:
    """Returns the number of a ticket.

    Raises:
        NotFound: It is none.
    """
    if not ticket.isdecimal():
        raise NotFound(f"A Trac has no ticket {ticket}.")
    return int(ticket)


def moment(told: Any) -> datetime:
    """Returns an instant that the plugin told."""
    return instant(value_of(told))


def file_ref(ticket: str, name: str) -> Ref:
    """Returns the ref of a file: names are unique within a ticket alone."""
    return Ref(kind=ATTACHMENT, id=f"{ticket}/{name}", ticket=ticket)


def _file(ticket: str, row: Sequence[Any]) -> Attachment:
    name, description, size, created, author = row
    kind = str(description) if KIND.fullmatch(str(description)) else ""
    return Attachment(
        ref=file_ref(ticket, str(name)),
        author=person(str(author)),
        created=moment(created),
        name=str(name),
        content_type=kind or mimetypes.guess_type(str(name))[0] or "application/octet-stream",
        size=int(size),
        comment="" if kind or not description else _said_of(ticket, str(name)),
    )


def _descriptions(ticket: str, files: Iterable[Sequence[Any]]) -> Iterable[Comment]:
    """Yields what people wrote beside a file."""
    for name, description, _, created, author in files:
        if description and not KIND.fullmatch(str(description)):
            yield Comment(
                ref=Ref(kind=COMMENT, id=_said_of(ticket, str(name)), ticket=ticket),
                author=person(str(author)),
                created=moment(created),
                body=str(description),
                dialect="trac",
            )


def _said_of(ticket: str, name: str) -> str:
    return f"{ticket}/{quote(name, safe='')}"
