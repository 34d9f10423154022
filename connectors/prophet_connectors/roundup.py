"""Roundup 2.3 and later over its REST service: issues as they are now, with messages and files.

Roundup tells no history over any interface for programs, so there are no events: `History.NONE`.
Writes go out under the ETag that it demands.  A retired issue is in no listing but still answers to
its number, so what no listing has just shown is looked for in one.  The facts are in
docs/connectors/roundup.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from prophet_connectors._roundup_api import Api
from prophet_connectors._roundup_fields import CONTENT, FIELDS, HIDDEN
from prophet_connectors._roundup_story import BIRTH, REMARK, listed, mark, ticket_of
from prophet_connectors._roundup_walk import Walker
from prophet_connectors._roundup_writing import Writer
from prophet_hub.errors import NotFound
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
)
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.shapes import shaped

__all__ = ["Roundup", "RoundupSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundupSettings(RemoteSettings):
    """A tracker; `query` is what stands behind `issue?` in a browser: `status=unread,chatting`."""

    user: str = field(default="", metadata={"help": "The hub's account: its user name."})
    password: str = field(default="", metadata={"help": "Its password.", "secret": True})
    web_url: str = field(
        default="",
        metadata={"help": "The tracker's `[tracker] web`, if it is reached by another address."},
    )
    new_keywords: bool = field(
        default=True, metadata={"help": "Make a keyword that the tracker does not know yet."}
    )
    overlap: int = field(
        default=60,
        metadata={"help": "Seconds that a change may take to show, while mail goes out."},
    )
    attachment_limit: int = field(
        default=0, metadata={"help": "In bytes: what the web server takes, 0 if unknown."}
    )


class Roundup(Connector):
    """One tracker, as one account sees it."""

    name = "roundup"
    auth = frozenset({"password"})
    Settings = RoundupSettings
    fields = FIELDS
    capabilities = Capabilities(
        history=History.NONE,
        writes=frozenset(
            {(verb, kind) for verb in ("create", "update", "delete") for kind in (TICKET, COMMENT)}
            | {("create", ATTACHMENT), ("delete", ATTACHMENT)}
        ),
        ordered=True,
        conditional=True,
        keys=frozenset({TICKET, COMMENT}),
        streams=True,
        notifies=True,
    )

    def __init__(self, settings: RoundupSettings, context: Context) -> None:
        self.settings = settings
        self.context = context
        overlap = timedelta(seconds=settings.overlap)
        limit = settings.attachment_limit or None
        self.capabilities = replace(
            type(self).capabilities, overlap=overlap, attachment_limit=limit
        )
        base = settings.url.rstrip("/")
        self.references = References(
            url=f"{base}/issue{{id}}",
            write="issue{id}",
            read=(r"(?<![\w/&#-])(?i:issue)[ \t]*(?P<id>\d+)(?![\w-])",),
        )
        self._api = Api(
            base,
            context,
            user=settings.user,
            password=settings.password,
            web_url=settings.web_url,
        )
        self._walker = Walker(self._api, query=settings.query, overlap=overlap)

    @property
    def _writer(self) -> Writer:
        """Made when it is needed: `fields` may have been extended since."""
        return Writer(self._api, self.fields, new_keywords=self.settings.new_keywords)

    # The interface -------------------------------------------------------------------------------

    def whoami(self) -> Person:
        """Returns the account; any account may see its own record."""
        with shaped(self.context.remote, "Roundup"):
            return self._api.whoami()

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields refs by their last change; that of a message's text moves nothing."""
        with shaped(self.context.remote, "Roundup"):
            yield from self._walker.told(pull)

    def listed(self, pull: Pull) -> Iterator[ListedTicket]:
        """Yields one listing with the properties that issues have here; texts hang on messages."""
        with shaped(self.context.remote, "Roundup"):
            yield from listed(self._api, self._walker, self.fields, pull)

    def ticket(self, ref: Ref) -> Ticket:
        """Returns the issue with its messages and files: 1 to 3 requests.

        One more where no pull has just listed it, and one for each person met the first time.

        Raises:
            NotFound: There is none, it is not shown, or it was retired.
        """
        if not ref.id.isdigit():
            raise NotFound(f"{self.context.remote} has no issue {ref.id}.")
        with shaped(self.context.remote, "Roundup"):
            issue = self._api.issue(ref.id)
            if ref.id in self._walker.alive:
                self._walker.alive.discard(ref.id)
            elif not self._api.rows("issue", [("id", ref.id)]):
                raise NotFound(f"{self.context.remote} has retired issue {ref.id}.")
            return ticket_of(self._api, issue, self.fields)

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation: an update takes two requests, a comment or a file three."""
        writer = self._writer
        doors: Doors = {
            ("create", TICKET): writer.create,
            ("create", COMMENT): writer.comment,
            ("create", ATTACHMENT): writer.attach,
            ("update", TICKET): writer.update,
            ("update", COMMENT): writer.rewrite,
            ("delete", TICKET): writer.retire,
            ("delete", COMMENT): writer.take_off,
            ("delete", ATTACHMENT): writer.take_off,
        }
        with shaped(self.context.remote, "Roundup"):
            return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields the bytes of a file as they come."""
        return self._api.http.stream(f"data/file/{ref.id}/binary_content")

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Looks for the Message-ID, then for the issue that holds the message; neither lags."""
        keyed(ref, self.capabilities, self.context.remote)
        kind = BIRTH if ref.kind == TICKET else REMARK
        with shaped(self.context.remote, "Roundup"):
            for message in self._api.rows("msg", [("messageid:", mark(kind, key))]):
                number = str(message["id"])
                for issue in self._api.rows("issue", [("messages", number)]):
                    if ref.kind == TICKET:
                        return self._api.ref(str(issue["id"]))
                    if str(issue["id"]) == ref.ticket:
                        return Ref(kind=COMMENT, id=number, ticket=ref.ticket)
        return None

    def describe(self) -> Schema:
        """Returns the values of the small classes, and the properties of the newest issue."""
        with shaped(self.context.remote, "Roundup"):
            words = {
                name: tuple(self._api.labels(name)) for name in ("status", "priority", "keyword")
            }
            newest = self._api.rows(
                "issue", [("@sort", "-id"), ("@page_size", "1"), ("@page_index", "1")]
            )
            shown = self._api.issue(str(newest[0]["id"]))["attributes"] if newest else {}
        known = [
            row for row in self.fields if row.theirs in shown or not shown or row.theirs == CONTENT
        ]
        others = sorted(set(shown) - {row.theirs for row in known} - HIDDEN)
        return Schema(
            product="Roundup",
            fields=(
                *(
                    SchemaField(
                        name=row.theirs,
                        values=words.get(row.theirs, ()) if row.theirs != "keyword" else (),
                        required=row.theirs == "title",
                        writable=row.writable,
                        many=row.kind.many,
                    )
                    for row in known
                ),
                *(SchemaField(name=name, many=isinstance(shown[name], list)) for name in others),
            ),
            statuses=words["status"],
        )

    def close(self) -> None:
        """Closes the connections."""
        self._api.http.close()


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns Roundup."""
    return Roundup
