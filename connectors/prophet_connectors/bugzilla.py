"""Bugzilla 5.0 and 5.2, bugzilla.mozilla.org and its kin, over the REST interface: full history.

`changed` asks by the time of the last change, to the second, and tells whole tickets: four requests
for each hundred.  An alias carries the hub's key.  Bugzilla compares no versions for writes by REST,
so an update looks first and then writes.  The facts are in docs/connectors/bugzilla.md.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from prophet_connectors._bugzilla_api import Api, segment
from prophet_connectors._bugzilla_fields import COMMENT_LIMIT, FLAVOURS, fields_for
from prophet_connectors._bugzilla_reading import Reader, key_in
from prophet_connectors._bugzilla_site import Site
from prophet_connectors._bugzilla_story import Words
from prophet_connectors._bugzilla_walk import Walker
from prophet_connectors._bugzilla_writing import Defaults, Writer
from prophet_hub.errors import ConfigError, Garbled, NotFound
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
    Ticket,
)  # fmt: skip
from prophet_hub.sdk.doors import Doors, keyed, through
from prophet_hub.sdk.shapes import shaped

__all__ = ["Bugzilla", "BugzillaSettings"]

PIECE: Final = 1 << 16
NO_PRIORITY: Final = {"bugzilla": "---", "bmo": "--", "redhat": "unspecified"}
BUG: Final = r"(?<![\w&/#])(?i:bug)[ \t]*#?[ \t]*(?P<id>\d+)(?![\w-])"


@dataclass(frozen=True, slots=True, kw_only=True)
class BugzillaSettings(RemoteSettings):
    """A server; `query` is a search of the REST interface: `product=A&status=NEW`."""

    flavour: str = field(
        default="bugzilla",
        metadata={"help": "`bugzilla` (5.0, 5.2), `bmo` (Mozilla's, harmony) or `redhat`."},
    )
    user: str = field(default="", metadata={"help": "The hub's account: its login."})
    api_key: str = field(default="", metadata={"help": "An API key of it.", "secret": True})
    product: str = field(default="", metadata={"help": "Read and create in this product alone."})
    component: str = field(default="", metadata={"help": "Of new bugs that name none."})
    version: str = field(default="unspecified", metadata={"help": "Of new bugs that name none."})
    key_field: str = field(
        default="alias",
        metadata={"help": "For the hub's key: `alias`, a custom text field, or `none`."},
    )
    nobody: str = field(
        default="", metadata={"help": "The login that owns what nobody owns, if there is one."}
    )
    private_comments: bool = field(
        default=True, metadata={"help": "Whether the account is in the insider group."}
    )
    minor: bool = field(
        default=False, metadata={"help": "Call updates minor, where the site offers it: less mail."}
    )
    attachment_limit: int = field(
        default=1000 << 10, metadata={"help": "In bytes: the server's maxattachmentsize."}
    )
    overlap: int = field(
        default=60, metadata={"help": "Seconds by which the search may lag behind."}
    )
    page: int = field(
        default=100,
        metadata={"help": "Bugs per listing, never more than the server's max_search_results."},
    )
    rest: str = field(
        default="rest", metadata={"help": "Under what the interface stands: `rest`, `rest.cgi`."}
    )


class Bugzilla(Connector):
    """One Bugzilla, as one account sees it."""

    name = "bugzilla"
    auth = frozenset({"token"})
    Settings = BugzillaSettings
    fields = fields_for("bugzilla")
    capabilities = Capabilities(
        history=History.FULL,
        writes=frozenset({
            ("create", TICKET), ("update", TICKET), ("create", COMMENT), ("create", ATTACHMENT),
        }),
        ordered=True,
        keys=frozenset({TICKET}),
        private_comments=True,
        comment_limit=COMMENT_LIMIT,
        notifies=True,
    )  # fmt: skip

    def __init__(self, settings: BugzillaSettings, context: Context) -> None:
        if settings.flavour not in FLAVOURS:
            raise ConfigError(
                f"Remote {context.remote} names the flavour {settings.flavour!r}.",
                hint=f"It is one of {', '.join(FLAVOURS)}.",
            )
        self.settings = settings
        self.context = context
        self.fields = fields_for(settings.flavour)
        self._key_field = "" if settings.key_field == "none" else settings.key_field
        markdown = settings.flavour == "bmo"
        self.capabilities = replace(
            type(self).capabilities,
            overlap=timedelta(seconds=settings.overlap),
            keys=frozenset({TICKET} if self._key_field else ()),
            private_comments=settings.private_comments,
            attachment_limit=settings.attachment_limit or None,
            dialects=("markdown", "plain") if markdown else ("plain",),
        )
        url = settings.url.rstrip("/")
        self.references = References(
            url=f"{url}/show_bug.cgi?id={{id}}", write="bug {id}", read=(BUG,)
        )
        self._api = Api(
            url,
            context,
            flavour=settings.flavour,
            user=settings.user,
            key=settings.api_key,
            path=settings.rest.strip("/"),
        )
        self.http = self._api.http
        rows = {row.theirs: row.kind.many for row in self.fields}
        sets = [name for name, many in rows.items() if many]
        words = Words(rows, sets, nobody=settings.nobody, url=url)
        given = {name for name in ("product", "component", "version") if getattr(settings, name)}
        self._site = Site(self._api, self.fields, frozenset(given))
        self._reader = Reader(
            self._api,
            words,
            dialect="markdown" if markdown else "plain",
            key_of=self._key_of,
            reachable=lambda word: self._site.workflow().reachable(word),
        )
        self._walker = Walker(
            self._api,
            self._reader,
            query=settings.query,
            product=settings.product,
            page=settings.page,
            overlap=self.capabilities.overlap,
        )
        defaults = Defaults(
            product=settings.product,
            component=settings.component,
            version=settings.version,
            nobody=settings.nobody,
            key_field=self._key_field,
            no_priority=NO_PRIORITY[settings.flavour],
            markdown=markdown,
            minor=settings.minor,
        )
        self._writer = Writer(self._api, self._reader, self._site, self.fields, defaults)

    def whoami(self) -> Person:
        """Returns the account, which the server must know; asked once."""
        with shaped(self.context.remote, "Bugzilla"):
            return self._api.account()

    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields whole tickets, older changes first; a deletion is nowhere told."""
        with shaped(self.context.remote, "Bugzilla"):
            yield from self._walker.told(pull)

    def ticket(self, ref: Ref) -> Ticket:
        """Returns the ticket with its story: four requests."""
        with shaped(self.context.remote, "Bugzilla"):
            return self._reader.one(ref)

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; an update looks first whether somebody was quicker."""
        doors: Doors = {
            ("create", TICKET): self._writer.create,
            ("create", COMMENT): self._writer.comment,
            ("create", ATTACHMENT): self._writer.attach,
            ("update", TICKET): self._writer.update,
        }
        with shaped(self.context.remote, "Bugzilla"):
            return through(doors, operation, self.capabilities, self.context.remote)

    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields a file, which comes whole, in base64."""
        with shaped(self.context.remote, "Bugzilla"):
            told = self._api.get(
                f"bug/attachment/{segment(ref.id)}", [("include_fields", "id,data,size")]
            )
            found = told["attachments"].get(ref.id)
            if found is None:
                raise NotFound(f"{self.context.remote} has no file {ref.id}.")
            data = base64.b64decode(found["data"], validate=True)
            if len(data) != found.get("size", len(data)):
                raise Garbled(f"File {ref.id} came with {len(data)} bytes, not {found['size']}.")
        yield from (data[n : n + PIECE] for n in range(0, len(data), PIECE))

    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns the ticket that carries the key: by its alias, else by a search of the field."""
        keyed(ref, self.capabilities, self.context.remote)
        with shaped(self.context.remote, "Bugzilla"):
            if self._key_field != "alias":
                terms = [(self._key_field, key), ("include_fields", f"id,{self._key_field}")]
                found = self._api.get("bug", terms)["bugs"]
                fits = (bug for bug in found if bug.get(self._key_field) == key)
                return next((Ref(id=str(bug["id"])) for bug in fits), None)
            try:
                return Ref(id=str(self._reader.bug(key)["id"]))
            except NotFound as error:
                if error.status in (400, 404):
                    return None
                raise

    def describe(self) -> Schema:
        """Returns products, fields with their values, statuses and their ways."""
        with shaped(self.context.remote, "Bugzilla"):
            return self._site.describe()

    def close(self) -> None:
        """Closes the connections."""
        self.http.close()

    def _key_of(self, bug: Mapping[str, Any]) -> str:
        if self._key_field == "alias":
            return key_in(bug.get("alias"))
        return str(bug.get(self._key_field) or "") if self._key_field else ""


@hookimpl
def prophet_connector() -> type[Connector]:
    """Returns Bugzilla."""
    return Bugzilla
