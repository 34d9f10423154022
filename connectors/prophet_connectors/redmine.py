"""Redmine 3.4 to 6 over its REST API: full history, private notes, any custom field.

A journal names what one save changed, from what to what, so the story is whole.  What changed is
found by time, exact to a second.  Redmine passes over what it does not take and answers 204 all the
same, so what can be known is refused before.  The facts are in docs/connectors/redmine.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from prophet_connectors._redmine_asking import Asker
from prophet_connectors._redmine_fields import FIELDS, MARKUPS, SPENT
from prophet_connectors._redmine_found import schema_of
from prophet_connectors._redmine_reading import Reader
from prophet_connectors._redmine_story import MARK
from prophet_connectors._redmine_walk import Walker
from prophet_connectors._redmine_writing import Writer
from prophet_hub.errors import ConfigError
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
    Ticket,
)  # fmt: skip
from prophet_hub.sdk.auth import Basic, Token
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.shapes import shaped

__all__ = ["Redmine", "RedmineSettings"]

WHOLE = "journals,attachments,relations,children,allowed_statuses"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedmineSettings(RemoteSettings):
    """A Redmine server; `query` is as in the address of its list: `tracker_id=1&status_id=open`."""

    api_key: str = field(
        default="", metadata={"help": "The hub's account: its API access key.", "secret": True}
    )
    user: str = field(default="", metadata={"help": "Or its login ..."})
    password: str = field(default="", metadata={"help": "... and password.", "secret": True})
    project: str = field(
        default="", metadata={"help": "An identifier: read and create in this project alone."}
    )
    markup: str = field(
        default="textile", metadata={"help": "The site's: textile, markdown or common_mark."}
    )
    key_field: str = field(
        default="",
        metadata={"help": "A custom field for the hub's key; the description if empty."},
    )
    spent_hours: bool = field(
        default=False, metadata={"help": "Carry the hours spent, which have no history."}
    )
    impersonate: bool = field(
        default=False,
        metadata={"help": "Write in the names of others: wants an administrator's key."},
    )
    overlap: int = field(
        default=10, metadata={"help": "Seconds asked for again, for what is stored late."}
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: the site's maximum, 0 if unknown."}
    )


class Redmine(Connector):
    """One Redmine server, as one account sees it."""

    name = "redmine"
    auth = frozenset({"token", "password"})
    Settings = RedmineSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset(
            {
                ("create", TICKET),
                ("update", TICKET),
                ("delete", TICKET),
                ("create", COMMENT),
                ("update", COMMENT),
                ("delete", COMMENT),
                ("create", ATTACHMENT),
                ("delete", ATTACHMENT),
            }
        ),
        ordered=True,
        keys=frozenset({TICKET, ATTACHMENT}),
        private_comments=True,
        streams=True,
        mentions=True,
        notifies=True,
        dialects=("textile",),
    )

    def __init__(self, settings: RedmineSettings, context: Context) -> None:
        if settings.markup not in MARKUPS:
            raise ConfigError(
                f"There is no markup {settings.markup!r} in Redmine.",
                hint=f"Set `markup` to one of {', '.join(MARKUPS)}.",
            )
        self.settings = settings
        self.context = context
        self._dialect = MARKUPS[settings.markup]
        self.capabilities = replace(
            type(self).capabilities,
            history=History.PARTIAL if settings.spent_hours else History.FULL,
            overlap=timedelta(seconds=settings.overlap),
            impersonation=settings.impersonate,
            attachment_limit=settings.attachment_limit or None,
            dialects=(self._dialect,),
        )
        if settings.spent_hours:
            self.fields = FIELDS.extended([SPENT])
        key = Token(settings.api_key, word="", header="X-Redmine-API-Key")
        proof = key if settings.api_key else Basic(settings.user, settings.password)
        self.http = Http(settings.url, context, auth=proof)
        self.references = References(
            url=f"{self.http.base_url}/issues/{{id}}",
            read=(r"(?<![\w&#])##(?P<id>\d+)(?![\w-])",),
        )
        self._ask = Asker(self.http)
        self._walker = Walker(
            self._ask,
            project=settings.project,
            query=settings.query,
            overlap=self.capabilities.overlap,
        )
        self._reader = Reader(
            self._ask,
            dialect=self._dialect,
            key_field=settings.key_field,
            spent=settings.spent_hours,
        )
        self._writer = Writer(
            self._ask,
            project=settings.project,
            key_field=settings.key_field,
            impersonate=settings.impersonate,
        )

    # The interface -------------------------------------------------------------------------------

    def whoami(self) -> Person:
        """Returns the account, which Redmine shows to nobody else."""
        with shaped(self.context.remote, "Redmine"):
            return self._ask.ourselves()

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs in the order of their last changes, a checkpoint after each page."""
        with shaped(self.context.remote, "Redmine"):
            yield from self._walker.told(pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields the list by number, with relations and files: all but stories and children."""
        with shaped(self.context.remote, "Redmine"):
            yield from map(self._reader.line, self._walker.everything(pull.query))

    def ticket(self, ref: Ref) -> Ticket:
        """Returns the ticket with its story: one request, and one for whoever was never met."""
        with shaped(self.context.remote, "Redmine"):
            return self._reader.told(self._writer.look(ref.id, WHOLE))

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; a 204 proves nothing, so the hub reads again."""
        doors: Doors = {
            ("create", TICKET): self._writer.create,
            ("create", COMMENT): self._writer.comment,
            ("create", ATTACHMENT): self._writer.attach,
            ("update", TICKET): self._writer.update,
            ("update", COMMENT): self._writer.edit_comment,
            ("delete", TICKET): self._writer.delete,
            ("delete", COMMENT): self._writer.edit_comment,
            ("delete", ATTACHMENT): self._writer.detach,
        }
        return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Streams a file, from our address: the one that Redmine tells is of its settings."""
        self._ask.prove()  # else a page to log in would come in place of a file
        yield from self.http.stream(f"attachments/download/{ref.id}")

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns who carries the key, from the database itself: no index lags."""
        keyed(ref, self.capabilities, self.context.remote)
        with shaped(self.context.remote, "Redmine"):
            if ref.kind == TICKET:
                return self._reader.with_key(key)
            for file in self._writer.look(ref.ticket, "attachments").get("attachments") or ():
                if file.get("description") == f"{MARK}{key}":
                    return Ref(kind=ATTACHMENT, id=str(file["id"]), ticket=ref.ticket)
            return None

    def describe(self) -> Schema:
        """Returns projects, lists, custom fields, and where the newest tickets may go."""
        with shaped(self.context.remote, "Redmine"):
            return schema_of(self._ask, self.fields, self._writer.look, self.settings.project)

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns the connector of this entry point."""
    return Redmine
