"""Tickets of Bugzilla, one or a hundred at a time: the bugs, their histories, comments and files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from prophet_connectors._bugzilla_api import Api, segment
from prophet_connectors._bugzilla_story import Words, events_of, people_of
from prophet_hub.errors import Garbled, NotFound
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    Attachment,
    Comment,
    Person,
    Ref,
    Ticket,
    Value,
    single,
)
from prophet_hub.sdk.closing import joined
from prophet_hub.sdk.times import instant

__all__ = ["Reader", "key_in"]

KEY: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An alias that is a uuid is the hub's."""

CREATED: Final = "Created attachment {}\n"
OWN_WORDS: Final = re.compile(
    r"(?:\A|\s*\n\n)\*\*\* (?:This bug has been marked as a duplicate of bug \d+"
    r"|Bug \d+ has been marked as a duplicate of this bug\.?) \*\*\*\s*\Z"
)
"""What the server says of duplicates beneath a comment, or in place of one."""


class Reader:
    """Reads tickets: four requests, for one as for a hundred."""

    def __init__(
        self,
        api: Api,
        words: Words,
        *,
        dialect: str,
        key_of: Callable[[Mapping[str, Any]], str],
        reachable: Callable[[str], frozenset[str] | None],
    ) -> None:
        self._api = api
        self.words = words
        self._dialect = dialect
        self._key_of = key_of
        self._reachable = reachable

    def bug(self, ticket: str) -> dict[str, Any]:
        """Returns a bug as it is now.

        Raises:
            NotFound: It is not there, or not shown.
        """
        found = self._api.get(f"bug/{segment(ticket)}")["bugs"]
        if not found:
            raise NotFound(f"{self._api.remote} does not show bug {ticket}.")
        return dict(found[0])

    def one(self, ref: Ref) -> Ticket:
        """Returns a ticket; an alias that looks like a number is none."""
        bug = self.bug(ref.id)
        if str(bug["id"]) != ref.id:
            raise NotFound(f"{self._api.remote} has no bug of the number {ref.id}.")
        return self._whole([bug])[0]

    def several(self, bugs: Sequence[Mapping[str, Any]]) -> Iterator[Ticket | Ref]:
        """Yields tickets of bugs just listed; bare refs where one of them was hidden meanwhile.

        Asked for such a one, the server tells of none.
        """
        try:
            yield from self._whole(bugs)
        except NotFound:
            yield from (Ref(id=str(bug["id"])) for bug in bugs)

    def _whole(self, bugs: Sequence[Mapping[str, Any]]) -> list[Ticket]:
        if not bugs:
            return []
        first, *more = (str(bug["id"]) for bug in bugs)
        also = [("ids", number) for number in more]
        told = self._api.get(f"bug/{first}/history", also)["bugs"]
        histories = {str(one["id"]): one["history"] for one in told}
        comments = self._api.get(f"bug/{first}/comment", also)["bugs"]
        files = self._api.get(f"bug/{first}/attachment", [("exclude_fields", "data"), *also])
        found = []
        for bug in bugs:
            number = str(bug["id"])
            if not (number in histories and number in comments and number in files["bugs"]):
                raise Garbled(f"{self._api.remote} tells nothing of bug {number}.")
            parts = histories[number], comments[number]["comments"], files["bugs"][number]
            found.append(self.ticket(bug, *parts))
        return found

    def ticket(
        self,
        bug: Mapping[str, Any],
        history: Sequence[Mapping[str, Any]],
        comments: Sequence[Mapping[str, Any]],
        files: Sequence[Mapping[str, Any]],
    ) -> Ticket:
        """Returns the ticket that four answers tell.

        What history tells of later than the bug belongs to the next reading, which is sure to
        come: the listing tells whatever has moved.
        """
        number, updated = str(bug["id"]), instant(bug["last_change_time"])
        people = people_of(bug)

        def person(login: str) -> Person:
            known = Person(id=login, email=login if "@" in login else "")
            return people.setdefault(login, known)

        past = [entry for entry in history if instant(entry["when"]) <= updated]
        events = events_of(past, self.words.fields(bug), self.words, person)
        fields = self.fields(bug)
        born, said = self._said(bug, comments)
        if born:
            fields["description"] = born
        url = f"{self._api.url}/show_bug.cgi?id={number}"
        remarks = tuple(self._comment(number, one, text, person) for one, text in said)
        attached = {str(one.get("attachment_id")): str(one["id"]) for one, _ in said}
        private = bool(bug.get("groups"))
        return Ticket(
            ref=Ref(id=number, url=url),
            author=person(str(bug["creator"])),
            created=instant(bug["creation_time"]),
            updated=updated,
            fields=fields,
            events=events,
            comments=remarks,
            attachments=tuple(
                _file(number, one, attached.get(str(one["id"]), ""), person) for one in files
            ),
            people=people,
            key=self._key_of(bug),
            version=str(bug["last_change_time"]),
            dialect=self._dialect,
            private=private,
            reachable=self._reachable(str(fields.get("status", ""))),
        )

    def fields(self, bug: Mapping[str, Any]) -> dict[str, Value]:
        """Returns a bug's fields, its status with the resolution, all but the description."""
        fields = self.words.fields(bug, self._key_of(bug))
        status = joined(single(fields.get("status")), single(fields.pop("resolution", None)))
        return {**fields, "status": status} if status else fields

    def _said(
        self, bug: Mapping[str, Any], comments: Sequence[Mapping[str, Any]]
    ) -> tuple[str, list[tuple[Mapping[str, Any], str]]]:
        """Returns the description, which is the first comment, and what people said after it."""
        born, said = "", []
        for place, one in enumerate(comments):
            text = _body(one)
            at_birth = str(_when(one)) == str(bug["creation_time"])
            if place == 0 and (one["count"] == 0 if "count" in one else at_birth):
                born = text
            elif text:
                said.append((one, text))
        return born, said

    def _comment(
        self, ticket: str, one: Mapping[str, Any], text: str, person: Callable[[str], Person]
    ) -> Comment:
        edited = one.get("last_change_time") if one.get("edit_count") else None
        return Comment(
            ref=Ref(kind=COMMENT, id=str(one["id"]), ticket=ticket),
            author=person(str(one["creator"])),
            created=instant(_when(one)),
            body=text,
            private=bool(one["is_private"]),
            updated=instant(edited) if edited else None,
            dialect=self._dialect,
        )


def key_in(aliases: object) -> str:
    """Returns the hub's key among a bug's aliases: a list, one, or none."""
    listed = aliases if isinstance(aliases, list) else [aliases]
    return next((str(one) for one in listed if one and KEY.fullmatch(str(one))), "")


def _when(comment: Mapping[str, Any]) -> Any:
    return comment.get("creation_time") or comment["time"]


def _body(comment: Mapping[str, Any]) -> str:
    """Returns what a person wrote: the server's own sentences say what fields and files say too."""
    text = str(comment["text"])
    head = CREATED.format(comment.get("attachment_id"))
    if comment.get("attachment_id") and text.startswith(head):
        text = text.partition("\n\n")[2]
    return OWN_WORDS.sub("", text)


def _file(
    ticket: str, one: Mapping[str, Any], comment: str, person: Callable[[str], Person]
) -> Attachment:
    size = one.get("size")
    return Attachment(
        ref=Ref(kind=ATTACHMENT, id=str(one["id"]), ticket=ticket),
        author=person(str(one["creator"])),
        created=instant(one["creation_time"]),
        name=str(one["file_name"]),
        content_type=str(one["content_type"]),
        size=None if size is None else int(size),
        private=bool(one["is_private"]),
        comment=comment,
    )
