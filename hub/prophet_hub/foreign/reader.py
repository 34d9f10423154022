"""One item read: transcribed, and put into log and ledger in the transaction of its reading.

Bindings go into the log before the facts of the same reading.  A comment or attachment is an item
like a ticket; it is known once its body is told, not once something is bound to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import msgspec

from prophet_hub.errors import HubError, Rejected
from prophet_hub.foreign import attribution
from prophet_hub.foreign.attachments import Contents, safe_name
from prophet_hub.foreign.items import Items
from prophet_hub.foreign.plans import fingerprint, new_ref
from prophet_hub.foreign.rows import LIFE_SLOT, NOBODY, UNDONE, WHOLE, Shadow, Stand
from prophet_hub.foreign.side import Side, record_of
from prophet_hub.foreign.steps import Outcome
from prophet_hub.foreign.translate import Telling, read_attachment, read_comment, read_ticket
from prophet_hub.model import ids
from prophet_hub.model.changes import LIFE, Cell, Write
from prophet_hub.model.ids import RecordId
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Attachment,
    Comment,
    Gone,
    Person,
    Ref,
    Ticket,
)
from prophet_hub.values import PRESENT, Stored, instant_text, to_micros

__all__ = ["Reader"]

_MINUTE: Final = len("2026-11-20T18:43")
_OLDER: Final = "It was told as it had been before; what is told so twice is believed."


class Reader:
    """Reads items of one remote; every method is called inside a transaction."""

    def __init__(self, side: Side) -> None:
        self.side, self.ledger = side, side.ledger
        self.items = Items(side)

    def take(self, ticket: Ticket, contents: Contents) -> int:
        """Takes in a ticket with its comments and attachments; told again, it tells nothing.

        Returns how many cells it changed here.
        """
        side = self.side
        if self._is_older(ticket):
            return 0
        inner: list[Comment | Attachment] = [*ticket.comments, *ticket.attachments]
        side.people.learn([*ticket.people.values(), ticket.author, *(i.author for i in inner)])
        side.people.learn(event.author for event in ticket.events)
        told = self.items.read(read_ticket(ticket, side.fields[TICKET]), self._twin_of_ticket)
        for comment in ticket.comments:
            told += self._comment(comment)
        files: set[str] = set()
        said = {comment.ref.id: comment.private for comment in ticket.comments}
        for attachment in ticket.attachments:
            told += self._attachment(_within(attachment, said), contents, files)
        self._files(ticket.ref.id, frozenset(files))
        self._our_deletes(ticket.ref.id, {(i.ref.kind, i.ref.id) for i in inner})
        side.people.save()
        return told

    def _is_older(self, ticket: Ticket) -> bool:
        """Tells whether an answer came late: it shows a ticket as it was before the last reading.

        Such a ticket is read again first.  What the next run is told in the same way is so: a clock
        was put right, or a backup restored.
        """
        shadow = self.ledger.shadow(TICKET, ticket.ref.id)
        updated = to_micros(ticket.updated)
        if shadow is None or updated >= shadow.updated:
            return False
        row = self.ledger.waiting(TICKET, ticket.ref.id)
        if row and row.value == str(updated) and row.until != self.side.run:
            return False
        self.items.again(ticket.ref, _OLDER, value=str(updated))
        return True

    def gone(self, gone: Gone) -> bool:
        """Takes in a tombstone: it deletes what that very item showed, and nothing else.

        Returns whether something is told.  Of an item that was never read nothing is.
        """
        kind, ref = gone.ref.kind, gone.ref.id
        record = self.side.record(kind, ref)
        shadow = self.ledger.shadow(kind, ref)
        if shadow is None and self.ledger.item(record) is None:
            self.items.clear(kind, ref, WHOLE)
            return False
        shadow = shadow or self._as_sent(kind, ref)
        self.items.settle_all(kind, ref)
        self.items.clear(kind, ref, WHOLE)
        if gone.merged_into:
            self.ledger.set_shadow(
                kind, ref, msgspec.structs.replace(shadow, merged=gone.merged_into)
            )
            return not shadow.merged
        sent = self.ledger.sent(kind, ref).get(LIFE_SLOT)
        ours = shadow.closed or sent is not None
        if sent:
            self.items.answered(sent.number, Outcome.DONE, ref)
        self.items.settled(kind, ref, LIFE_SLOT)
        self.items.clear(kind, ref, LIFE_SLOT)
        self.ledger.set_shadow(kind, ref, msgspec.structs.replace(shadow, gone=True, closed=ours))
        returned = shadow.closed and not shadow.gone  # and went again
        if sent.undoes if sent else returned:
            self._undone(kind, ref, record, sent.run if sent else "")
        elif not ours:
            self._delete(gone, record, shadow)
        return not shadow.gone

    def _twin_of_ticket(self, telling: Telling) -> RecordId | None:
        """Returns the record that an unknown ticket carries, unless another item is bound to it.

        Where no key can be carried creates go one at a time, so at most one is unsure, and a ticket
        of our account that nothing is bound to is that one.
        """
        side = self.side
        if telling.key:
            return self.items.free(record_of(telling.key), TICKET)
        if TICKET not in side.able.keys and telling.author.id == side.spec.account.id:
            return next((r for (kind, r) in side.intents if kind == TICKET), None)
        return None

    # --- comments and attachments --------------------------------------------------------------

    def _comment(self, comment: Comment) -> int:
        telling, line = self.telling_of(comment)
        return self.items.read(
            telling, lambda told: self.items.free(self._said(told, line), COMMENT)
        )

    def telling_of(self, comment: Comment) -> tuple[Telling, attribution.Line | None]:
        """Returns a comment in slots, and the attribution line that stood in it."""
        side, ref = self.side, comment.ref
        line, body = None, comment.body
        if side.line_is_ours(comment.author.id):
            line, body = attribution.parse(comment.body)
        author = line.author if line else side.people.word(comment.author.id)
        telling = read_comment(
            comment,
            ids.text(side.record(TICKET, ref.ticket)),
            body=body,
            author=author,
            dialect=(line.dialect if line else "") or comment.dialect,
        )
        return telling, line

    def _said(self, telling: Telling, line: attribution.Line | None) -> RecordId | None:
        """Returns the record that a comment's key or attribution line names."""
        if telling.key:
            return record_of(telling.key)
        if line is None:
            return None
        if line.remote == attribution.LOCAL:
            return record_of(line.comment)
        tracker = self.ledger.tracker_named(line.remote)
        record = ids.of_item(tracker, COMMENT, line.comment) if tracker else None
        return record if record and self._is_of_then(record, line) else None

    def _is_of_then(self, record: RecordId, line: attribution.Line) -> bool:
        """Tells whether a line may mean a record: somebody else's hub may call its remotes as we do.

        The minute tells them apart; of what nobody told here yet there is none to compare.
        """
        cell = self.side.cells(record).get(("created", ""))
        known = self.side.text(cell.shown) if cell else ""
        return not known or known[:_MINUTE] == instant_text(line.created)[:_MINUTE]

    def _attachment(self, attachment: Attachment, contents: Contents, files: set[str]) -> int:
        side, ref = self.side, attachment.ref
        if self.ledger.shadow(ATTACHMENT, ref.id) is not None:
            files.add(ref.id)
            return 0
        content = contents.get(ref.id)
        if content is None:  # attachments are not carried
            return 0
        if isinstance(content, HubError):
            self.ledger.wait(
                ATTACHMENT, ref.id, WHOLE, str(content),
                now=side.now(), field="content", value=str(side.spec.attachment_limit), parked=isinstance(content, Rejected), tag=ref.ticket,
            )  # fmt: skip
            side.waiting.add((ATTACHMENT, ref.id))
            return 0
        files.add(ref.id)
        telling = read_attachment(
            attachment,
            ids.text(side.record(TICKET, ref.ticket)),
            author=side.people.word(attachment.author.id),
            name=safe_name(attachment.name),
            sha256=content.sha256,
            size=content.size,
        )
        return self.items.read(telling, lambda told: self._twin_of_file(told, content))

    def _twin_of_file(self, telling: Telling, content: Stored) -> RecordId | None:
        """Returns the attachment that this one is: by key, or the same bytes at the same ticket."""
        if telling.key and (found := self.items.free(record_of(telling.key), ATTACHMENT)):
            return found
        side = self.side
        if not self.ledger.shadow(TICKET, telling.ticket):
            return None
        side.flush()
        home = side.record(TICKET, telling.ticket)
        if len(side.replica.members(home)) == 1:
            return None
        for child in side.replica.children(home, ATTACHMENT):
            cell = side.replica.cell(child, "sha256")
            same = cell is not None and cell.shown == content.sha256
            if same and not side.refs(child, ATTACHMENT):
                return side.born(child)
        return None

    def _files(self, ref: str, files: frozenset[str]) -> None:
        shadow = self.ledger.shadow(TICKET, ref)
        if shadow and files - shadow.files:
            self.ledger.set_shadow(
                TICKET, ref, msgspec.structs.replace(shadow, files=shadow.files | files)
            )

    # --- deletions -----------------------------------------------------------------------------

    def _our_deletes(self, ticket: str, shown: set[tuple[str, str]]) -> None:
        """Settles deletes of ours, of what is in a ticket, that it no longer shows."""
        for kind, ref in sorted(self.side.under_way - shown):
            shadow = self.ledger.shadow(kind, ref)
            if shadow and shadow.ticket == ticket and LIFE_SLOT in self.ledger.sent(kind, ref):
                self.gone(Gone(ref=Ref(kind=kind, id=ref, ticket=ticket)))

    def _delete(self, gone: Gone, record: RecordId, shadow: Shadow) -> None:
        """Writes the life cell alone; it names all that this very item showed."""
        side, kind, ref = self.side, gone.ref.kind, gone.ref.id
        side.flush()
        seen = NOBODY.union(*(stand.ids for stand in shadow.stands.values()))
        seen |= {write.id for _, write in side.replica.writes_of(record)}
        if kind == TICKET:
            for inner in (COMMENT, ATTACHMENT):
                for child in side.replica.children(record, inner):
                    if any(row.ticket == ref for _, row in side.items(child)):
                        cells = side.replica.cells(child).values()
                        seen |= {head.id for cell in cells for head in cell.heads}
        created = to_micros(gone.created) if gone.created else side.now()
        event = ids.of_event(side.spec.tracker, kind, ref, "gone", LIFE, "alive")
        write = Write(
            event, Cell(record, LIFE, "alive"), kind, None,
            created=created, seen=tuple(sorted(seen)), old=PRESENT,
        )  # fmt: skip
        name = ids.name_of("gone", side.spec.tracker, kind, ref)
        place = side.place_name(kind, ref, gone.ref.ticket)
        self.items.put(name, gone.author or Person(id=""), created, [write], place)

    def _undone(self, kind: str, ref: str, record: RecordId, run: str) -> None:
        """Forgets that an item was our copy of its record, which lives on and is not copied again
        until it changes or a person says so; of a ticket, all that was in it goes along.
        """
        side, name = self.side, self.side.replica.name(record)
        self._forgotten(kind, ref)
        if kind == TICKET:
            for inner in (COMMENT, ATTACHMENT):
                for child in side.replica.children(record, inner):
                    for _, row in list(side.items(child)):
                        if (row.tracker, row.ticket) == (side.spec.tracker, ref):
                            self._forgotten(inner, row.ref)
        place, told = new_ref(kind, name), f"Undone with run {run}" if run else "Undone"
        self.ledger.wait(
            *place, WHOLE, f"{told}: it is made again when it changes, or by inbox retry.",
            now=side.now(), record=name, parked=True, quiet=True, again=True,
            value=fingerprint(side.cells(name), side.spec.fill), tag=UNDONE, run=run,
        )  # fmt: skip
        side.waiting.add(place)

    def _forgotten(self, kind: str, ref: str) -> None:
        record = self.side.record(kind, ref)
        row, shadow = self.ledger.item(record), self.ledger.shadow(kind, ref)
        if row and not row.born:
            self.ledger.set_item(record, msgspec.structs.replace(row, undone=True))
        if shadow:
            gone = msgspec.structs.replace(shadow, gone=True, closed=True)
            self.ledger.set_shadow(kind, ref, gone)

    def _as_sent(self, kind: str, ref: str) -> Shadow:
        """Returns what an item showed that was deleted before we read it: what we sent."""
        for (made, record), intent in list(self.side.intents.items()):
            if made == kind and intent.ref == ref:
                self.items.answered(intent.number, Outcome.DONE, ref)
                self.side.set_intent(kind, record, None)
                stands = {n: Stand(s.value, s.ids, own=True) for n, s in intent.sent.items()}
                return Shadow(stands=stands, ticket=intent.ticket)
        return Shadow()


def _within(attachment: Attachment, said: Mapping[str, bool | None]) -> Attachment:
    """Returns a file as private as the comment that it came with, if it came with one."""
    private = said.get(attachment.comment, False)
    return attachment if private is False else replace(attachment, private=private)
