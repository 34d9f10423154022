"""Trac 1.0 to 1.6 by the plugin TracXMLRPC: full history, compare-and-set, its own workflow.

One request asks for twenty tickets with all that hangs on them.  Tickets are found by their time of
change, files by the timeline; statuses are reached by the actions that the workflow offers.  The
facts are in docs/connectors/trac.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from prophet_connectors._trac_fields import CLOSED, FIELDS, MOST
from prophet_connectors._trac_parts import Parts
from prophet_connectors._trac_reading import Reader, number
from prophet_connectors._trac_rpc import Login, Rpc
from prophet_connectors._trac_walk import OVERLAP, Walker
from prophet_connectors._trac_writing import Writer
from prophet_hub.errors import AuthFailed, NotFound, RemoteError
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
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.marks import unmarked
from prophet_hub.sdk.shapes import shaped

__all__ = ["Trac", "TracSettings"]

TIMES = ("time", "changetime")
SLOW = 120.0
"""Seconds: a first listing of a large Trac is silent for long, for each ticket's rights are checked."""
NO_TIMELINE = "The timeline is not shown to this account (TIMELINE_VIEW): a file that comes to a ticket is seen with its next change alone."  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class TracSettings(RemoteSettings):
    """A Trac; `query` is as in its own custom queries: `component=web&milestone!=later`."""

    user: str = field(default="", metadata={"help": "The hub's account."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})
    key_field: str = field(
        default="",
        metadata={"help": "A custom field for the hub's key; a line of the description if empty."},
    )
    deletes: bool = field(
        default=False,
        metadata={"help": "Whether the account may delete tickets: it has TICKET_ADMIN."},
    )
    notify: bool = field(
        default=False, metadata={"help": "Whether Trac mails to people what the hub writes."}
    )


class Trac(Connector):
    """One Trac environment, as one account sees it."""

    name = "trac"
    auth = frozenset({"password"})
    Settings = TracSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset(
            {
                ("create", TICKET),
                ("update", TICKET),
                ("create", COMMENT),
                ("create", ATTACHMENT),
                ("delete", ATTACHMENT),
            }
        ),
        overlap=OVERLAP,
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET}),
        comment_limit=MOST,
        streams=True,
        dialects=("trac",),
    )

    def __init__(self, settings: TracSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        writes = type(self).capabilities.writes
        self.capabilities = replace(
            type(self).capabilities,
            writes=writes | {("delete", TICKET)} if settings.deletes else writes,
            notifies=settings.notify,
        )
        self.http = Http(
            settings.url,
            context,
            auth=Login(settings.user, settings.password),
            headers={"Accept-Language": "en"},
            timeout=SLOW,
        )
        base = self.http.base_url
        self.references = References(
            url=f"{base}/ticket/{{id}}",
            read=(r"(?<![\w:/])(?i:ticket|bug|issue):(?P<id>\d+)(?![\w:])",),
            file=f"{base}/raw-attachment/ticket/{{id}}/",
            sign="!#",  # a number within a word is a ticket, too
        )
        self._rpc = Rpc(self.http, notify=settings.notify)
        self._reader = Reader(self._rpc, settings.key_field)
        self._writer = Writer(self._rpc, settings.key_field)
        self._parts = Parts(self._rpc)
        self._walker = Walker(self._rpc, self._reader, settings.query)

    # The interface -------------------------------------------------------------------------------

    def whoami(self) -> Person:
        """Returns the account, which the plugin does not name: as the settings say."""
        if not self.settings.user:
            raise AuthFailed(
                f"{self.context.remote} has no user.",
                hint=f"Give remote {self.context.remote} a user and a password.",
            )
        self._rpc.one("system.getAPIVersion")
        if self.settings.key_field:
            self._writer.check_key_field()
        if self.settings.query:
            self._walker.check(self.settings.query)
        return Person(id=self.settings.user)

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields whole tickets in the order of their last change, and refs of those that got files."""
        with shaped(self.context.remote, "Trac"):
            yield from self._walker.told(pull)

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket with its story; of a deleted one Trac knows nothing."""
        return self._reader.ticket(ref)

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation."""
        doors: Doors = {
            ("create", TICKET): self._writer.create,
            ("create", COMMENT): self._parts.comment,
            ("create", ATTACHMENT): self._parts.attach,
            ("update", TICKET): self._writer.update,
            ("delete", TICKET): self._writer.delete,
            ("delete", ATTACHMENT): self._parts.detach,
        }
        return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields the bytes of a file."""
        name = quote(ref.id.removeprefix(f"{ref.ticket}/"), safe="")
        yield from self.http.stream(f"raw-attachment/ticket/{number(ref.ticket)}/{name}")

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns the ticket that carries the key."""
        keyed(ref, self.capabilities, self.context.remote)
        name = self.settings.key_field
        if name:
            self._writer.check_key_field()
        query = f"{name}={key}" if name else f"description=~prophet-hub:{key}"
        for found in self._rpc.one("ticket.query", f"{query}&order=id&max=0"):
            attributes = self._rpc.one("ticket.get", int(found))[3]
            held = attributes.get(name) if name else unmarked(attributes.get("description", ""))[1]
            if held == key:
                return Ref(id=str(found))
        return None

    def describe(self) -> Schema:
        """Returns the fields, and where the newest ticket of each status may go."""
        with shaped(self.context.remote, "Trac"):
            return self._described()

    def _described(self) -> Schema:
        version = self._rpc.one("system.getAPIVersion")
        known = self._rpc.fields()
        missing = [row.theirs for row in FIELDS if row.theirs not in known]
        rows = {row.theirs: row for row in FIELDS}
        open_ones = [word for word in known["status"].options if word != CLOSED]
        closed = [f"{CLOSED} {word}" for word in known["resolution"].options]
        newest = self._rpc.many(
            [
                ("ticket.query", f"status={status}&order=id&desc=1&max=1")
                for status in known["status"].options
            ]
        )
        ids = [str(found[0]) for found in newest if not isinstance(found, RemoteError) and found]
        ways: dict[str, tuple[str, ...]] = {}
        for told, _ in self._reader.tickets(ids) if ids else ():
            if isinstance(told, Ticket) and told.reachable is not None:
                ways[str(told.fields["status"])] = tuple(sorted(told.reachable))
        statuses = {*open_ones, *closed, *ways, *(to for tos in ways.values() for to in tos)}
        return Schema(
            product="Trac",
            version=f"TracXMLRPC {'.'.join(map(str, version))}",
            fields=(
                *(
                    SchemaField(
                        name=info.name,
                        label=info.label,
                        values=() if info.name in ("status", "resolution") else info.options,
                        required=info.name == "summary",
                        writable=info.name not in TIMES
                        and (info.name not in rows or rows[info.name].writable),
                        many=info.name in rows and rows[info.name].kind.many,
                    )
                    for info in known.values()
                ),
                *(SchemaField(name=name, writable=False) for name in missing),
            ),
            statuses=tuple(sorted(statuses)),
            transitions=ways,
            notes=() if self._sees_timeline() else (NO_TIMELINE,),
        )

    def _sees_timeline(self) -> bool:
        try:
            self._walker.timeline(1, 1)
        except NotFound:
            return False
        return True

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns Trac."""
    return Trac
