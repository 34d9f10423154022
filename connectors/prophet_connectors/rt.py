"""RT (Request Tracker) 4.4 with the REST2 extension, 5 and 6: full history, compare-and-set.

RT tells every change as a transaction with a number of its own, so `changed` walks those numbers:
exact, ordered, and of no time zone.  Passwords and tokens are hashed with bcrypt at every request
(0.3 to 0.5 s), hence one log-in through REST 1.0 and its cookie from then on.  A PUT answers 200
whatever became of it, so nothing it says is believed; its failures become notes.  The facts are in
docs/connectors/rt.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from urllib.parse import quote

from prophet_connectors._rt_asking import Asker, login, quoted
from prophet_connectors._rt_fields import FIELDS, MARK, MESSAGES
from prophet_connectors._rt_reading import Reader
from prophet_connectors._rt_story import key_in
from prophet_connectors._rt_walk import Walker
from prophet_connectors._rt_writing import Writer
from prophet_hub.errors import AuthFailed, NotFound
from prophet_hub.hookspecs import hookimpl
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Checkpoint,
    Connector,
    Context,
    Gone,
    History,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    References,
    RemoteSettings,
    Schema,
    SchemaField,
    Ticket,
)  # fmt: skip
from prophet_hub.sdk.doors import Doors, through
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.shapes import shaped

__all__ = ["RT", "RTSettings"]

HEAD_MOST: Final = 4096
SEES_LITTLE: Final = (
    "RT checks the rights of this account ticket by ticket and tells no totals: "
    "progress has no end, and every listing costs one request more."
)
NO_FILE: Final = re.compile(rb"# (Invalid attachment id: \S*|Ticket \S+ does not exist\.)\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class RTSettings(RemoteSettings):
    """An RT server; `query` is TicketSQL, as in RT's own search: `Queue = 'Support'`."""

    user: str = field(default="", metadata={"help": "The hub's account: its name in RT."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})
    token: str = field(
        default="", metadata={"help": "A token of it, in place of a password.", "secret": True}
    )
    queue: str = field(default="", metadata={"help": "Read and create in this queue alone."})
    key_field: str = field(
        default="",
        metadata={"help": "A custom field for the hub's key; a link in RefersTo if empty."},
    )
    time_zone: str = field(
        default="UTC", metadata={"help": "In which Due and Starts are days: RT's own $Timezone."}
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: RT's $MaxAttachmentSize if it truncates or drops."}
    )


class RT(Connector):
    """One RT server, as one account sees it."""

    name = "rt"
    auth = frozenset({"password", "token"})
    Settings = RTSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset(
            {
                ("create", TICKET),
                ("update", TICKET),
                ("delete", TICKET),
                ("create", COMMENT),
                ("create", ATTACHMENT),
            }
        ),
        granularity=timedelta(0),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET, COMMENT, ATTACHMENT}),
        private_comments=True,
        streams=True,
        notifies=True,
        tombstones=True,
        dialects=("plain", "html"),
    )

    def __init__(self, settings: RTSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        if settings.attachment_limit:
            limit = settings.attachment_limit
            self.capabilities = replace(type(self).capabilities, attachment_limit=limit)
        self.references = References(
            url=f"{settings.url.rstrip('/')}/Ticket/Display.html?id={{id}}",
            read=(r"(?i:(?<!\w)ticket[ \t]+#?(?P<id>\d+)(?!\w))",),
        )
        proof = login(settings.user, settings.password, settings.token)
        self.http = Http(settings.url, context, auth=proof)
        self._ask = Asker(self.http, settings.time_zone)
        self._walker = Walker(self._ask, query=settings.query, queue=settings.queue)
        self._reader = Reader(self._ask, settings.key_field)
        self._writer = Writer(
            self._ask,
            self._reader,
            queue=settings.queue,
            key_field=settings.key_field,
        )

    # The interface -------------------------------------------------------------------------------

    def whoami(self) -> Person:
        """Returns the account; a token names its owner by number."""
        name = self.settings.user or "".join(self.settings.token.split("-")[1:2])
        if not name:
            raise AuthFailed(
                f"{self.context.remote} has no user.",
                hint=f"Give remote {self.context.remote} a user and a password, or a token.",
            )
        data = self._ask.json(f"user/{quote(name, safe='')}")
        return self._ask.met(data)

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs: first the tickets by number, later whatever transactions were written."""
        with shaped(self.context.remote, "RT"):
            yield from self._walker.told(pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields what a search shows: plain fields; no people but the owner, no links, no texts."""
        with shaped(self.context.remote, "RT"):
            yield from self._walker.everything(pull)

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket with its story; one that was merged or deleted is gone."""
        with shaped(self.context.remote, "RT"):
            found, settled = self._reader.look(ref)
            return found if settled else self._reader.look(ref)[0]

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; what RT says of failures stands in the receipt's notes."""
        doors: Doors = {
            ("create", TICKET): self._writer.create,
            ("create", COMMENT): self._writer.comment,
            ("create", ATTACHMENT): self._writer.attach,
            ("update", TICKET): self._writer.update,
            ("delete", TICKET): self._writer.delete,
        }
        return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields the bytes as they were sent: REST 1.0 streams them, 2.0 would re-encode text."""
        path = f"REST/1.0/ticket/{ref.ticket}/attachments/{ref.id}/content"
        pieces = self.http.stream(path)
        head = _head(pieces)
        if re.match(rb"RT/\S+ 401 ", head):  # a 200 on the wire: the session has to be asked for
            self._ask.json("rt")
            pieces = self.http.stream(path)
            head = _head(pieces)
        status, _, rest = head.partition(b"\n\n")
        if not re.match(rb"RT/\S+ 200 ", status) or NO_FILE.fullmatch(rest):
            raise NotFound(f"{self.context.remote} has no file {ref.id} at ticket {ref.ticket}.")
        yield rest
        yield from pieces

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns who carries the key: a search of tickets by field or link, a ticket's history."""
        if ref.kind == TICKET:
            name = f"CF.{{{self.settings.key_field}}}" if self.settings.key_field else "RefersTo"
            value = key if self.settings.key_field else f"{MARK}:{key}"
            found = self._ask.items("tickets", query=f"{name} = {quoted(value)}", orderby="id")
            return next((Ref(id=str(item["id"])) for item in found), None)
        for row in self._ask.items(f"ticket/{ref.ticket}/history", fields="Type,Data"):
            if row.get("Type") in MESSAGES and key_in(row.get("Data", ""), " ") == key:
                if ref.kind == COMMENT:
                    return Ref(kind=COMMENT, id=str(row["id"]), ticket=ref.ticket)
                return self._writer.file_of(ref.ticket, str(row["id"]))
        return None

    def describe(self) -> Schema:
        """Returns queues, custom fields, and the statuses that the newest tickets can reach."""
        version = str(self._ask.json("rt").get("Version", ""))
        queues = list(self._ask.items("queues/all", fields="Name,_hyperlinks"))
        newest = self._ask.page("tickets", query="id > 0", orderby="id", order="DESC",
                            fields="Status,_hyperlinks")  # fmt: skip
        ways: dict[str, tuple[str, ...]] = {}
        may = {"read"}
        for item in newest["items"]:
            links = item.get("_hyperlinks", ())
            to = [str(link["to"]) for link in links if link.get("ref") == "lifecycle"]
            ways[item["Status"]] = tuple(sorted({*ways.get(item["Status"], ()), *to}))
            may |= {"update", "delete"} if to else set()  # only new tickets offer it
            may |= {"comment", "attach"} if any(x.get("ref") == "comment" for x in links) else set()
        if any(link.get("ref") == "create" for q in queues for link in q.get("_hyperlinks", ())):
            may.add("create")
        statuses = {"new", *ways, *(s for to in ways.values() for s in to)}
        customs = sorted(self._ask.custom_fields().values())
        notes = () if newest.get("total") is not None else (SEES_LITTLE,)
        return Schema(
            product="RT",
            version=version,
            projects=tuple(sorted(str(q["Name"]) for q in queues)),
            fields=(
                *(
                    SchemaField(name=f.theirs, writable=f.writable, many=f.kind.many)
                    for f in FIELDS
                ),
                *(SchemaField(name=f"CF.{{{name}}}", many=many) for name, many in customs),
            ),
            statuses=tuple(sorted(statuses)),
            transitions=ways,
            permissions=frozenset(may),
            notes=notes,
        )

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()


def _head(pieces: Iterator[bytes]) -> bytes:
    """Returns the first bytes of an answer of REST 1.0, its status line and blank line in them."""
    head = b""
    while b"\n\n" not in head and len(head) < HEAD_MOST:
        piece = next(pieces, b"")
        if not piece:
            break
        head += piece
    return head


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns RT."""
    return RT
