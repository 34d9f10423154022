"""Writing to a debbugs: one mail per operation, then a look whether the tracker shows it.

A mail that is shown in time is a receipt; one that is not is `Unsure`, stays in the outbox and is
looked for by the next run.  It is not mailed again before a person says so: after `give_up` hours it
is `Rejected`, which puts it into the inbox.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from prophet_connectors._debbugs_letters import Letter
from prophet_connectors._debbugs_mail import (
    Commands,
    Known,
    Sender,
    commands_of,
    comment_of,
    report_of,
)
from prophet_connectors._debbugs_outbox import Outbox, Sent
from prophet_connectors._debbugs_post import Post
from prophet_connectors._debbugs_server import Place, Status
from prophet_connectors._debbugs_story import ref_of
from prophet_hub.errors import Rejected, RemoteError, Unsure
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Create, Receipt, Ref, Update
from prophet_hub.sdk.pace import Clock
from prophet_hub.sdk.times import of_epoch

__all__ = ["Writer"]

_NEWEST: Final = 500
"""How many of the newest bugs are looked at for a report of ours."""

_LONGEST: Final = 15.0
"""Seconds between two looks."""

_HOUR: Final = 3600


@dataclass(slots=True, kw_only=True)
class Writer:
    """One tracker, as the hub's address writes to it.

    Attributes:
        status: Of a bug; raises NotFound.
        wait: Seconds in which a mail should be shown; none any more once one was not.
        give_up: Hours after which a mail that is not shown counts as refused.
        ids: Bug -> Message-ID of its report, which never changes.
    """

    place: Place
    post: Post
    sender: Sender
    outbox: Outbox
    clock: Clock
    status: Callable[[str], Status]
    known: Known
    package: str
    wait: float
    give_up: float
    ids: dict[str, str] = field(default_factory=dict)

    # --- creates --------------------------------------------------------------------------------

    def create(self, operation: Create) -> Receipt:
        """Mails a report, a comment or a file."""
        ref = operation.ref
        key = operation.key or str(uuid.uuid4())
        name = self.sender.message_id(key)
        before = self.outbox.get(name)
        if before:
            return self._looked_for(before, lambda: self._found(ref, name))
        if ref.kind == TICKET:
            mail, places = self._report(operation, name)
        else:
            mail, places = self._remark(operation, name)
        return self._mailed(
            Sent(id=name, at=self._now(), bug=ref.ticket),
            places,
            mail,
            lambda: self._found(ref, name),
        )

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for what carries a key, past the indexes, which lag."""
        return self._found(ref, self.sender.message_id(key), thorough=True)

    def _report(self, operation: Create, name: str) -> tuple[bytes, list[str]]:
        fields = dict(operation.fields)
        fields.setdefault("package", self.package)
        if not fields["package"]:
            raise Rejected(
                "A bug belongs to a package, and none is named.",
                hint="Set `package` of the remote, or map the component.",
            )
        subject, text = report_of(fields, self.known)
        place = self.sender.report()
        return self._mail([place], subject, text, name=name, mark="report"), [place]

    def _remark(self, operation: Create, name: str) -> tuple[bytes, list[str]]:
        """Returns a mail to a bug."""
        bug = operation.ref.ticket
        file = self._file(operation) if operation.ref.kind == ATTACHMENT else None
        status = self._open(bug)
        place = self.sender.comment(bug)
        body = str(operation.fields.get("body") or "")
        text, mark = comment_of(body, str(status.get("package") or "general"))
        if file:
            text, mark = f"{file[0]} is attached.\n", "attachment"
        return self._mail(
            [place],
            f"Re: {status.get('subject') or ''}",
            text,
            name=name,
            mark=mark,
            refers=str(status.get("msgid") or ""),
            file=file,
        ), [place]

    def _file(self, operation: Create) -> tuple[str, str, bytes]:
        if operation.content is None:
            raise Rejected(f"There is nothing of the file {operation.fields['name']}.")
        kind = str(operation.fields.get("content_type") or "application/octet-stream")
        return str(operation.fields["name"]), kind, b"".join(operation.content())

    def _found(self, ref: Ref, name: str, *, thorough: bool = False) -> Ref | None:
        if ref.kind == TICKET:
            bug = self._reported(name, thorough=thorough)
            return Ref(id=bug) if bug else None
        for one in self.place.letters(ref.ticket):
            if one.id == name and (ref.kind == COMMENT or one.files):
                return ref_of(ref.kind, ref.ticket, one.digest, 1)
        return None

    def _reported(self, name: str, *, thorough: bool) -> str | None:
        """Returns the bug that a mail made, looking at the newest, and if need be at all of ours."""
        numbers = self.place.newest(_NEWEST)
        if thorough:
            numbers += self.place.numbers(f"submitter:{self.sender.address} archive:both")
        unknown = [number for number in dict.fromkeys(numbers) if number not in self.ids]
        for number, status in (self.place.statuses(unknown) if unknown else {}).items():
            self.ids[number] = str(status.get("msgid") or "").strip()
        return next((number for number, told in self.ids.items() if told == name), None)

    # --- updates --------------------------------------------------------------------------------

    def update(self, operation: Update) -> Receipt:
        """Mails all commands of an update as one."""
        bug = operation.ref.id
        status = self._open(bug)
        commands = self._commands(operation, status)
        wanted = Sent(
            id=self.sender.message_id(f"update.{uuid.uuid4()}"),
            at=self._now(),
            bug=bug,
            changes=dict(operation.changes),
            added={name: sorted(values) for name, values in operation.added.items()},
            removed={name: sorted(values) for name, values in operation.removed.items()},
        )
        before = self.outbox.alike(wanted)
        if before and (before.vain or not commands):
            self.outbox.drop(before.id)
            return Receipt(ref=operation.ref)
        if before:
            return self._looked_for(before, lambda: self._arrived(operation.ref, before.id))
        if not commands:
            return Receipt(ref=operation.ref)
        places = self.sender.orders(bug, commands)
        text = "\n".join([*commands.lines, "thanks", ""]) if commands.lines else ""
        text += f"\nClosed by {self.sender.address}.\n" * commands.closes
        mail = self._mail(
            places,
            f"Re: {status.get('subject') or ''}",
            text.lstrip("\n"),
            name=wanted.id,
            mark="update",
            refers=str(status.get("msgid") or ""),
        )
        return self._mailed(
            wanted,
            places,
            mail,
            lambda: self._shown(operation),
            lambda: self._arrived(operation.ref, wanted.id),
        )

    def seen(self, bug: str, status: Status, letters: list[Letter]) -> None:
        """Crosses off what a bug shows; notes what reached it in vain."""
        ids = {one.id for one in letters}
        self.outbox.drop(str(status.get("msgid") or "").strip())
        for sent in self.outbox.of(bug):
            if not (sent.changes or sent.added or sent.removed):
                if sent.id in ids:
                    self.outbox.drop(sent.id)
            elif not self._commands(sent.update(), status):
                self.outbox.drop(sent.id)
            elif sent.id in ids:
                self.outbox.vain(sent)

    def _shown(self, operation: Update) -> Ref | None:
        wanting = self._commands(operation, self.status(operation.ref.id))
        return None if wanting else operation.ref

    def _arrived(self, ref: Ref, name: str) -> Ref | None:
        """Returns the bug if its log has the mail: what it does not show then, it will not."""
        there = any(one.id == name for one in self.place.letters(ref.id))
        return ref if there else None

    def _commands(self, operation: Update, status: Status) -> Commands:
        return commands_of(operation, status, self.known)

    # --- mails ----------------------------------------------------------------------------------

    def _mailed(
        self,
        sent: Sent,
        places: list[str],
        mail: bytes,
        look: Callable[[], Ref | None],
        last: Callable[[], Ref | None] = lambda: None,
    ) -> Receipt:
        """Sends a mail, then looks for what comes of it; a `last` look may say that nothing will."""
        self.outbox.put(sent)
        try:
            self.post.send(self.sender.address, places, mail)
        except Unsure:
            raise
        except RemoteError:
            self.outbox.drop(sent.id)
            raise
        try:
            ref = self._awaited(look) or last()
        except RemoteError as error:
            raise self._unsure(sent) from error
        if ref is None:
            raise self._unsure(sent)
        self.outbox.drop(sent.id)
        return Receipt(ref=ref)

    def _awaited(self, look: Callable[[], Ref | None]) -> Ref | None:
        """Looks until there is something or the time is over; then no mail is waited for any more."""
        end, pause = self.clock.monotonic() + self.wait, 1.0
        while not (ref := look()):
            if self.clock.monotonic() + pause > end:
                self.wait = 0.0
                return None
            self.clock.sleep(pause)
            pause = min(2 * pause, _LONGEST)
        return ref

    def _looked_for(self, sent: Sent, look: Callable[[], Ref | None]) -> Receipt:
        """Looks for a mail that went out before; it is not sent again.

        Raises:
            Rejected: It is too long ago.
        """
        ref = look()
        if ref is None and self._now() - sent.at <= self.give_up * _HOUR:
            raise self._unsure(sent)
        self.outbox.drop(sent.id)
        if ref is None:
            raise Rejected(
                f"What was mailed at {of_epoch(sent.at):%Y-%m-%d %H:%M} UTC never showed: it was "
                "refused, or is lost.",
                hint=f"The tracker's answer is in the mailbox of {self.sender.address}.",
                remote=self.post.remote,
            )
        return Receipt(ref=ref)

    def _unsure(self, sent: Sent) -> Unsure:
        return Unsure(
            f"It was mailed at {of_epoch(sent.at):%Y-%m-%d %H:%M} UTC, and the tracker does not show "
            "it yet.",
            hint="Mail takes minutes, at times hours: a later run finds it, and sends nothing twice.",
            remote=self.post.remote,
        )

    def _mail(self, to: list[str], subject: str, text: str, **words: Any) -> bytes:
        return self.sender.mail(to, subject, text, when=self.clock.now(), **words)

    def _open(self, bug: str) -> Status:
        """Returns the status of a bug that takes mails."""
        status = self.status(bug)
        if str(status.get("archived") or "0") == "1":
            raise Rejected(
                f"Bug {bug} is archived and takes no mail.",
                hint=f"Send `unarchive {bug}` to control@{self.sender.domain} first.",
            )
        return status

    def _now(self) -> float:
        return self.clock.now().timestamp()
