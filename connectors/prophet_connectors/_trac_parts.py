"""What hangs on a ticket of Trac, as the hub writes it: comments and files."""

from __future__ import annotations

import mimetypes

from prophet_connectors._trac_reading import file_ref, number
from prophet_connectors._trac_rpc import LEAVE, Rpc, no_action
from prophet_connectors._trac_story import changes_of
from prophet_hub.errors import Rejected, RemoteError, Unsure
from prophet_hub.sdk import COMMENT, Create, Delete, Receipt, Ref
from prophet_hub.sdk.canon import lines
from prophet_hub.sdk.inline import InBase64
from prophet_hub.sdk.shapes import shaped

__all__ = ["Parts"]


class Parts:
    """Sends one operation."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc

    def comment(self, operation: Create) -> Receipt:
        """Says something; the change log tells under which number, in the same request."""
        body, ticket = str(operation.fields.get("body", "")), operation.ref.ticket
        if not body.strip():
            raise Rejected(f"{self._rpc.remote} takes no empty comment.")
        said, log = self._rpc.many(
            [
                ("ticket.update", number(ticket), body, {"action": LEAVE}, self._rpc.notify),
                ("ticket.changeLog", number(ticket)),
            ],
            reading=False,
        )
        if isinstance(said, RemoteError):
            if not no_action(said):
                raise said
            self._rpc.one(
                "ticket.update", number(ticket), body, {}, self._rpc.notify, reading=False
            )
            log = self._rpc.one("ticket.changeLog", number(ticket))
        unsure = Unsure(f"{self._rpc.remote} took a comment but did not show it.")
        if isinstance(log, RemoteError):
            raise unsure from log
        with shaped(self._rpc.remote, "Trac"):
            ours = [one for one in changes_of(log) if lines(one.text) == lines(body)]
        if not ours:
            raise unsure
        ref = Ref(kind=COMMENT, id=f"{ticket}.{ours[-1].number or ours[-1].id}", ticket=ticket)
        return Receipt(ref=ref)

    def attach(self, operation: Create) -> Receipt:
        """Sends a file; where its name does not tell its type, the description does."""
        ticket = operation.ref.ticket
        name = str(operation.fields.get("name") or "untitled")
        kind = str(operation.fields.get("content_type") or "")
        told = kind if kind != mimetypes.guess_type(name)[0] else ""
        if operation.content is None:
            raise Rejected(f"The file {name} has no content.")
        body = InBase64(
            lambda data: {
                "method": "ticket.putAttachment",
                "params": [
                    number(ticket), name, told, {"__jsonclass__": ["binary", data]}, False,
                ],
                "id": 1,
            },
            size=operation.size,
            content=operation.content,
        )  # fmt: skip
        made = self._rpc.sent(body)
        return Receipt(ref=file_ref(ticket, str(made)))

    def detach(self, operation: Delete) -> Receipt:
        """Takes a file away."""
        ref = operation.ref
        name = ref.id.removeprefix(f"{ref.ticket}/")
        self._rpc.one("ticket.deleteAttachment", number(ref.ticket), name, reading=False)
        return Receipt(ref=ref)
