"""The story of a bug: its fields, what its log says of their changes, and its mails.

The log holds a note in HTML for each change made by mail, with comments for programs in it: who asked,
when, and the fields before and after as Perl writes data (Debbugs/Control.pm, append_action_to_log).
Severities and closings by mail are told in words alone.  The page of a bug shows the same notes.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from prophet_connectors._debbugs_letters import Letter, person, unpseudo
from prophet_connectors._debbugs_words import (
    FIELDS,
    closer_of,
    fields_of,
    found_in,
    status_word,
    words_in,
)
from prophet_hub.errors import NotFound
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
    Ticket,
    change_between,
)
from prophet_hub.sdk.times import of_epoch

__all__ = ["events_of", "is_own", "part_of", "ref_of", "ticket_of"]

_NOTE: Final = re.compile(
    r"(?:<!-- requester: ([^\n]*?) -->\n)?"
    r"(?:<!-- request_addr: ([^\n]*?) -->\n)?"
    r"<!-- time:(\d{1,12}) -->\n"
    r"(?:<!-- new_data:\n(.*?)-->\n<!-- old_data:\n(.*?)-->\n)?"
    r"<strong>([^\n]*)</strong>"
    r"(?:\nto <code>[^\n]*</code>:<br>\n([^\n]*))?",
    re.DOTALL,
)
_DATUM: Final = re.compile(
    r"'(\w+)'\s*=>\s*(?:'((?:[^'\\]|\\.)*)'|\[((?:[^\]'\\]|\\.|'(?:[^'\\]|\\.)*')*)\]|([\d.]+))",
    re.DOTALL,
)
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_LINK: Final = re.compile(r"</?a\b[^>]*>")
_SEVERITY: Final = re.compile(r"Severity set to ['`]([\w-]+)' from ['`]([\w-]+)'")
_TAKEN: Final = "You have taken responsibility."
_TOLD: Final = {"keywords": "tags"}
"""Names of the data that the status tells otherwise."""

Raw = dict[str, tuple[Any, Any]]
Step = tuple[Person, datetime, Raw]


def ticket_of(
    bug: str, status: Mapping[str, Any], letters: Sequence[Letter], notes: str, own: str
) -> Ticket:
    """Returns a bug: its status and its mails as told, and the notes of its log, "" for no story.

    `own` is the hub's address.
    """
    name = str(status.get("msgid") or "").strip()
    report = next((one for one in letters if name and one.id == name), None)
    report = report or next((one for one in letters if not one.is_command(bug)), None)
    created = of_epoch(status.get("date") or "0")
    updated = max(created, of_epoch(status.get("last_modified") or status.get("date") or "0"))
    reporter = person(str(status.get("originator") or ""))
    author = report.sender if report and report.sender.id else reporter
    shown = fields_of(status)
    if report and (text := _report_text(report)):
        shown["description"] = text
    events = events_of(status, notes) if notes else ()
    told = [one for one in letters if one is not report and not one.is_command(bug)]
    comments = tuple(_comment(bug, one, created) for one in told if _says(one, own))
    files = tuple(_files(bug, [*([report] if report else []), *told], created))
    people = [author, reporter, *(person(str(status.get(n) or "")) for n in ("owner", "done"))]
    people += [one.sender for one in letters] + [event.author for event in events]
    return Ticket(
        ref=Ref(id=bug),
        author=author,
        created=created,
        updated=max([updated, *(e.created for e in events)]),
        fields=shown,
        events=events,
        comments=comments,
        attachments=files,
        people=_known(people),
        key=report.key if report else "",
        dialect="html" if report and report.html else "plain",
    )


def ref_of(kind: str, bug: str, digest: str, number: int = 0) -> Ref:
    """Returns the address of a comment, or of the n-th file of a mail."""
    part = f".{number}" if kind == ATTACHMENT else ""
    return Ref(kind=kind, id=f"{bug}-{digest}{part}", ticket=bug)


def part_of(ref: Ref, letters: Iterable[Letter]) -> bytes:
    """Returns the bytes of a file.

    Raises:
        NotFound: No mail has it.
    """
    for one in letters:
        for number, part in enumerate(one.files, 1):
            if ref_of(ATTACHMENT, ref.ticket, one.digest, number).id == ref.id:
                return part.data
    raise NotFound(f"Bug {ref.ticket} has no file {ref.id}.")


def is_own(one: Letter, own: str, *marks: str) -> bool:
    """Tells whether a mail is the hub's own, and of one of these kinds."""
    return one.sender.id == own.lower() and one.mark.partition(";")[0] in marks


def events_of(status: Mapping[str, Any], notes: str) -> tuple[Event, ...]:
    """Returns the changes that the notes tell, oldest first.

    An event's id is its place among them: a log only grows.
    """
    now = closer_of(status), words_in(status.get("tags"))
    told: list[Event] = []
    steps = _closings_known(_steps(notes))
    for place, (who, when, raw) in reversed(list(enumerate(steps))):
        after = raw["done"][1] if "done" in raw else now[0], _tags(raw, 1, now[1])
        now = raw["done"][0] if "done" in raw else after[0], _tags(raw, 0, after[1])
        changes = [*_changes(raw)]
        words = status_word(*now), status_word(*after)
        if words[0] != words[1]:
            changes.append(FieldChange(field="status", old=words[0], new=words[1]))
        if changes:
            told.append(Event(id=str(place), author=who, created=when, changes=tuple(changes)))
    return tuple(_at_once(reversed(told)))


def _at_once(events: Iterable[Event]) -> Iterable[Event]:
    """Yields the events with one change of the status for all notes that one mail made.

    A mail that reopens a bug and takes a tag away is two notes of one second; the status between them
    is nobody's word.
    """
    for _, notes in groupby(events, lambda event: (event.author, event.created)):
        mail = list(notes)
        moves = [
            change
            for event in mail
            for change in event.changes
            if isinstance(change, FieldChange) and change.field == "status"
        ]
        if len(moves) > 1:
            whole = FieldChange(field="status", old=moves[0].old, new=moves[-1].new)
            last = max(n for n, event in enumerate(mail) if moves[-1] in event.changes)
            for n, event in enumerate(mail):
                kept = tuple(c for c in event.changes if c.field != "status")
                moved = (whole,) if n == last and whole.old != whole.new else ()
                mail[n] = replace(event, changes=(*kept, *moved))
        yield from mail


def _steps(notes: str) -> Iterable[Step]:
    """Yields who changed what, of the notes that tell a change."""
    for found in _NOTE.finditer(notes):
        requester, address, seconds, new, old, action, more = (
            _plain(g or "") for g in found.groups()
        )
        raw: Raw = {}
        if new or old:
            was, now = _data(old), _data(new)
            raw = {n: (was.get(n, ""), now.get(n, "")) for n in dict.fromkeys([*was, *now])}
        elif severity := _SEVERITY.search(action):
            raw = {"severity": (severity[2], severity[1])}
        elif action == "Reply sent" and more.startswith(_TAKEN):
            raw, requester = {"done": (None, address)}, address
        if raw:
            yield person(requester), of_epoch(seconds), raw


def _closings_known(steps: Iterable[Step]) -> list[Step]:
    """Puts into closings by mail what was closed before them: such a note does not tell."""
    known: list[Step] = []
    closer = ""
    for who, when, raw in steps:
        if "done" in raw:
            old, new = raw["done"]
            raw["done"] = (closer if old is None else old, new)
            closer = new
        known.append((who, when, raw))
    return known


def _changes(raw: Raw) -> Iterable[FieldChange | SetChange]:
    for name, (was, now) in raw.items():
        row = FIELDS.theirs(_TOLD.get(name, name))
        if row is None:
            continue
        old, new = found_in(row.theirs, was), found_in(row.theirs, now)
        if old != new:
            yield change_between(row.theirs, old, new)


def _tags(raw: Raw, side: int, otherwise: frozenset[str]) -> frozenset[str]:
    return words_in(raw["keywords"][side]) if "keywords" in raw else otherwise


def _data(text: str) -> dict[str, Any]:
    """Returns the texts and lists of a hash as Data::Dumper writes it."""
    told: dict[str, Any] = {}
    for name, plain, several, number in _DATUM.findall(text):
        told[name] = [_bare(q) for q in _QUOTED.findall(several)] or _bare(plain) or number
    return told


def _bare(text: str) -> str:
    return re.sub(r"\\(['\\])", r"\1", text)


def _plain(text: str) -> str:
    """Returns what a note says; the page of a bug puts links into it."""
    return html.unescape(_LINK.sub("", text))


def _report_text(report: Letter) -> str:
    return report.text.partition("\n\n")[2] if report.mark else unpseudo(report.text)


def _comment_text(one: Letter) -> str:
    if not one.mark:
        return unpseudo(one.text)
    return one.text.partition("\n\n")[2] if one.mark.endswith("; guarded") else one.text


def _says(one: Letter, own: str) -> bool:
    """Tells whether a mail is a comment: it has a text, which is not the hub's own wrapping."""
    return bool(_comment_text(one)) and not is_own(one, own, "update", "attachment")


def _comment(bug: str, one: Letter, otherwise: datetime) -> Comment:
    return Comment(
        ref=ref_of(COMMENT, bug, one.digest),
        author=one.sender,
        created=one.when or otherwise,
        body=_comment_text(one),
        dialect="html" if one.html else "plain",
        key=one.key,
    )


def _files(bug: str, letters: Iterable[Letter], otherwise: datetime) -> Iterable[Attachment]:
    for one in letters:
        for number, part in enumerate(one.files, 1):
            yield Attachment(
                ref=ref_of(ATTACHMENT, bug, one.digest, number),
                author=one.sender,
                created=one.when or otherwise,
                name=part.name,
                content_type=part.content_type,
                size=len(part.data),
                key=one.key if one.mark == "attachment" else "",
            )


def _known(people: Iterable[Person]) -> dict[str, Person]:
    """Returns the persons by id; the first name that was told stands."""
    known: dict[str, Person] = {}
    for one in people:
        if one.id and (one.id not in known or (one.name and not known[one.id].name)):
            known[one.id] = one
    return known
