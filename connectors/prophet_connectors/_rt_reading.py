"""A ticket of RT as it is now: its fields, its story, its messages and their files."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from prophet_connectors._rt_asking import API, PAGE, Asker
from prophet_connectors._rt_fields import FIELDS, MESSAGES, ROLES, SKIPPED
from prophet_connectors._rt_story import events, fields_of, instant, key_in
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    Event,
    FieldChange,
    Gone,
    Ref,
    Ticket,
    Value,
    members,
)  # fmt: skip

__all__ = ["PARTS", "Reader", "is_file"]

STORY: Final = "Type,Field,OldValue,NewValue,Data,Creator,Created,TimeTaken,ObjectId,_hyperlinks"
PARTS: Final = "TransactionId,ContentType,Filename,ContentLength,Creator,Created"
UNTOLD: Final = json.dumps([{"field": "Type", "operator": "NOT IN", "value": SKIPPED}])
TEXTS: Final = (
    {"field": "ContentType", "operator": "STARTSWITH", "value": "text/"},
    {"field": "Filename", "operator": "IS", "value": "NULL"},
)


class Reader:
    """Reads tickets: three requests each, a fourth where there are files."""

    def __init__(self, ask: Asker, key_field: str) -> None:
        self._ask = ask
        self._key_field = key_field

    def look(self, ref: Ref) -> tuple[Ticket | Gone, bool]:
        """Reads a ticket; tells too whether its story ends where its fields are.

        The ETag is the number of the newest transaction; later ones belong to the next reading.
        """
        answer = self._ask.http.get(f"{API}ticket/{ref.id}")
        data, version = answer.json(), answer.headers.get("ETag", "").strip('W/"')
        if str(data["id"]) != ref.id:
            return Gone(ref=ref, merged_into=str(data["id"])), True
        updated, author = instant(data["LastUpdated"]), self._ask.person(data["Creator"]["id"])
        if data["Status"] == "deleted":
            by = self._ask.person(data["LastUpdatedBy"]["id"])
            return Gone(ref=ref, author=by, created=updated), True
        story = self._story(ref, int(version) if version.isdecimal() else None)
        fields = fields_of(data, self._ask.names)
        told = events(ref.id, story, fields, self._ask.names, self._ask.person)
        comments, files, first = self._messages(ref, story)
        if first and first.body:
            fields["Content"] = first.body
        links = (link.get("_url", "") for link in data.get("_hyperlinks", ()))
        keys = [key_in(url, ":") for url in links]
        if self._key_field:
            keys = [str(fields.pop(f"CF.{{{self._key_field}}}", ""))]
        people = [author, *(e.author for e in told), *(c.author for c in comments)]
        people += [self._ask.person(name) for name in _named(fields)]
        found = Ticket(
            ref=Ref(id=ref.id, url=f"{self._ask.http.base_url}/Ticket/Display.html?id={ref.id}"),
            author=author,
            created=instant(data["Created"]),
            updated=updated,
            fields=fields,
            events=told,
            comments=tuple(comments),
            attachments=tuple(files),
            people={person.id: person for person in people},
            key=next(filter(None, keys), ""),
            version=version,
            dialect=first.dialect if first else "plain",
        )
        return found, _agree(told, fields)

    def _story(self, ref: Ref, newest: int | None) -> list[dict[str, Any]]:
        """Returns the transactions up to the newest, by number: what comes then is not asked for."""
        path = f"ticket/{ref.id}/history"
        rows = self._ask.items(path, last=newest, fields=STORY, query=UNTOLD, orderby="id")
        known = [row for row in rows if newest is None or int(row["id"]) <= newest]
        return sorted(known, key=lambda row: int(row["id"]))

    def _messages(
        self, ref: Ref, story: Sequence[Mapping[str, Any]]
    ) -> tuple[list[Comment], list[Attachment], Comment | None]:
        """Returns the comments, the files and the first message of a ticket."""
        rows = {str(row["id"]): row for row in story if row["Type"] in MESSAGES}
        parts = self._parts(rows)
        comments, files, first = [], [], None
        for number, row in rows.items():
            body, dialect = _body(parts[number])
            born = row["Type"] == "Create" and str(row.get("ObjectId", ref.id)) == ref.id
            key = key_in(row.get("Data", ""), " ")
            said = Comment(
                ref=Ref(kind=COMMENT, id=number, ticket=ref.id),
                author=self._ask.person(row["Creator"]["id"]),
                created=instant(row["Created"]),
                body=body,
                private=row["Type"] == "Comment",
                dialect=dialect,
                key=key,
                event=number,
            )
            if born:
                first = said
            elif body:
                comments.append(said)
            files += [
                _file(ref, said, part, inside=bool(body) and not born)
                for part in parts[number]
                if is_file(part)
            ]
        return comments, files, first

    def _parts(self, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        """Returns the parts of each message: one request for the texts, one more for files."""
        parts: dict[str, list[dict[str, Any]]] = {number: [] for number in rows}
        numbers = list(rows)
        for start in range(0, len(numbers), PAGE):
            some = numbers[start : start + PAGE]
            most = sum(_linked_parts(rows[n]) for n in some)
            texts = self.attachments(some, f"{PARTS},Content", *TEXTS, most=most)
            for part in texts:
                parts[_id_of(part["TransactionId"])].append(part)
            more = [n for n in some if _linked_parts(rows[n]) != len(parts[n])]
            seen = {str(part["id"]) for part in texts}
            for part in self.attachments(more, PARTS, most=most) if more else ():
                if str(part["id"]) not in seen:
                    if _is_text(part):
                        part["Content"] = self._text(str(part["id"]))
                    parts[_id_of(part["TransactionId"])].append(part)
        return parts

    def attachments(
        self,
        numbers: Sequence[str],
        fields: str,
        *limits: Mapping[str, str],
        most: int | None = None,
    ) -> list[dict[str, Any]]:
        """Returns the attachments of transactions; `most` if it is known that there are no more.

        Never `fields=Parent`, which crashes RT 5.0.3.
        """
        within = {"field": "TransactionId", "operator": "IN", "value": numbers}
        query = json.dumps([within, *limits])
        rows = self._ask.items("attachments", most=most, query=query, fields=fields, orderby="id")
        return list(rows)

    def _text(self, number: str) -> str:
        data = self._ask.json(f"attachment/{number}")
        return base64.b64decode(data.get("Content") or "").decode("utf-8", "replace")


def _agree(told: Sequence[Event], fields: Mapping[str, Value]) -> bool:
    """Tells whether single values are those that the newest events left.

    They are not where the ticket changed between the reading of its fields and of its version.
    """
    last = {c.field: c.new for e in told for c in e.changes if isinstance(c, FieldChange)}
    return all(_same(name, fields.get(name), new) for name, new in last.items())


def _same(name: str, held: Value | None, told: str | None) -> bool:
    """Tells whether a field holds what was told: a subject is cut, its history is not."""
    row = FIELDS.theirs(name)
    if row is None or isinstance(held, frozenset):
        return held == told
    return row.same(held, told)


def _named(fields: Mapping[str, Value]) -> set[str]:
    """Returns the people that the fields name."""
    single = {str(fields[name]) for name in ("Owner", "Requestor") if name in fields}
    return single.union(*(members(fields.get(name)) for name in (*ROLES, "Requestors")))


def _body(parts: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """Returns the text of a message and its dialect: what is plain, else what is HTML."""
    for kind, dialect in (("text/plain", "plain"), ("text/html", "html")):
        texts = [p["Content"] for p in parts if p.get("Content") and p["ContentType"] == kind]
        if texts:
            return "\n".join(texts), dialect
    return "", "plain"


def _file(ref: Ref, said: Comment, part: Mapping[str, Any], *, inside: bool) -> Attachment:
    """Returns a file; the size of a text is that of another encoding, so it is not told."""
    size = str(part.get("ContentLength") or "")
    known = size.isdecimal() and not str(part["ContentType"]).startswith("text/")
    return Attachment(
        ref=Ref(kind=ATTACHMENT, id=str(part["id"]), ticket=ref.id),
        author=said.author,
        created=said.created,
        name=str(part.get("Filename") or f"untitled-{part['id']}"),
        content_type=str(part["ContentType"]),
        size=int(size) if known else None,
        private=said.private,
        comment=said.ref.id if inside else "",
        key="" if inside else said.key,
        event=said.event,
    )


def _is_text(part: Mapping[str, Any]) -> bool:
    return not part.get("Filename") and str(part.get("ContentType", "")).startswith("text/")


def is_file(part: Mapping[str, Any]) -> bool:
    """Tells a file from the texts, the containers and the empty body that RT puts beside them."""
    if part.get("Filename"):
        return True
    kind = str(part.get("ContentType", ""))
    return not kind.startswith(("text/", "multipart/")) and str(part.get("ContentLength")) != "0"


def _linked_parts(row: Mapping[str, Any]) -> int:
    return sum(link.get("ref") == "attachment" for link in row.get("_hyperlinks", ()))


def _id_of(thing: Any) -> str:
    return str(thing["id"]) if isinstance(thing, Mapping) else str(thing)
