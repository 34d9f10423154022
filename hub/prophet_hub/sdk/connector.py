"""What an author of a connector implements: spec 1 (design, section 6)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ClassVar

from prophet_hub.sdk.fields import FieldMap
from prophet_hub.sdk.limits import Pace
from prophet_hub.sdk.messages import (
    Checkpoint,
    Gone,
    ListedTicket,
    Operation,
    Person,
    Pull,
    Receipt,
    Ref,
    Ticket,
)
from prophet_hub.sdk.promises import Capabilities, Schema
from prophet_hub.sdk.references import References

__all__ = ["SPEC", "Connector", "Context", "RemoteSettings", "Tally"]

SPEC = 1
"""The version of this interface; the hub accepts it and the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """Base of a connector's settings: what stands under `remotes.NAME` in the job file.

    A subclass adds fields with plain types (str, int, bool, tuple[str, ...], dict[str, str]);
    each field's `metadata={"help": ...}` is its documentation, `metadata={"secret": True}` keeps it
    out of every log and demands a reference (`env:`, `file:`, `keyring:`, `command:`), and
    `metadata={"part": True}` says that at one address another value is another tracker, one in which
    the same number is another ticket.

    Attributes:
        url: Where the tracker is; a path for trackers that are files.
        query: Which tickets, in the tracker's own language; "" for all.
    """

    url: str = ""
    query: str = ""


class Tally:
    """Counts the requests of one connector; threads share it."""

    def __init__(self) -> None:
        self.requests = 0
        self._lock = Lock()

    def one(self) -> None:
        """Counts a request."""
        with self._lock:
            self.requests += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the hub hands to a connector beside its settings.

    Attributes:
        remote: The remote's name, for error sentences.
        folder: A private folder of this remote, made on first use by who needs it; "" if none.
        session: A `requests.Session` to use instead of a new one, None for a new one (tests).
        clock: A `prophet_hub.sdk.pace.Clock`, None for the machine's own (tests turn one).
        dry: Whether nothing at all may be written to the tracker, not even a mark of our own.
        tally: Where requests are counted; `sdk.http` does it by itself.
        patience: Seconds; for longer pauses that the tracker asks for nobody waits.
    """

    remote: str = "remote"
    folder: str = ""
    session: Any = None
    clock: Any = None
    dry: bool = False
    tally: Tally = field(default_factory=Tally, compare=False)
    patience: float = 60.0


class Connector(ABC):
    """One tracker behind messages. The hub calls these methods; the connector never its own.

    `__init__` opens nothing and sends nothing.  Methods raise only `prophet_hub.errors`.  `ticket`
    and `content` are called from several threads at once, the others from one.

    Attributes:
        name: As in the entry point.
        spec: The version of this interface that the connector was written for.
        capabilities: Promises; an instance may narrow the class's after reading its settings.
        fields: The table between the tracker's fields and ours; an instance may extend it.
        auth: The kinds of credentials accepted: `password`, `token`, `cookie`, `oauth`, `none`.
        references: How texts there refer to tickets; None where they cannot.  An instance sets it
            after reading its settings, for addresses begin with the tracker's own.
    """

    name: ClassVar[str]
    spec: ClassVar[int] = SPEC
    capabilities: Capabilities
    fields: FieldMap
    auth: ClassVar[frozenset[str]] = frozenset({"none"})
    references: References | None = None
    Settings: ClassVar[type[RemoteSettings]] = RemoteSettings

    @abstractmethod
    def __init__(self, settings: Any, context: Context) -> None:
        """Keeps settings and context; sends nothing."""

    @abstractmethod
    def whoami(self) -> Person:
        """Returns the hub's own account in the tracker; proves the credentials.

        Its `id` is what authors of the account's own acts carry.

        Raises:
            AuthFailed: The credentials were refused.
        """

    @abstractmethod
    def changed(self, pull: Pull) -> Iterator[Ref | Ticket | Gone | Checkpoint]:
        """Yields what changed since `pull.since`: a bare Ref is fetched by the hub.

        At least the last item is a Checkpoint.  Telling too much is allowed, leaving out is not.
        """

    @abstractmethod
    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns the ticket with all that it tells.

        Raises:
            NotFound: No such ticket or not visible; a deletion is told by `Gone` alone.
        """

    @abstractmethod
    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation, once.

        Raises:
            Unsupported: The verb and kind are not declared; no request was sent.
            Stale: The item moved on; nothing was done.
            Rejected: The tracker said no; nothing was done.
            Unsure: No answer came; it may have been done.
        """

    @abstractmethod
    def content(self, ref: Ref) -> Iterator[bytes]:
        """Yields the bytes of an attachment."""

    @abstractmethod
    def find(self, ref: Ref, key: str) -> Ref | None:
        """Returns the item that carries the key, None if none does.

        `ref` says the kind, and for comments and attachments the ticket.  Looks where a create is
        visible at once, never in an index that lags.
        """

    @abstractmethod
    def describe(self) -> Schema:
        """Returns projects, fields, statuses and transitions as found in the tracker."""

    def listed(self, pull: Pull) -> Iterator[ListedTicket | Ticket | Ref | Gone] | None:  # noqa: ARG002
        """Yields all that `pull.query` matches as a listing in pages shows it, each ticket once.

        `since` is "" and `known` None.  A whole ticket is as good as its line; a bare Ref says that
        the listing tells nothing of it.  Told are the values that `ticket` would tell.

        Returns None, as this does, where the tracker has no such listing: then what `changed` tells
        from the beginning is taken for it, a bare Ref at the cost of a fetch.
        """
        return None

    def pace(self) -> Pace | None:
        """Returns what was seen of the tracker's limit, None where nobody counts requests.

        A connector whose `http` is an `Http` has nothing to add.
        """
        http = getattr(self, "http", None)
        return http.pace.pace() if http is not None else None

    def close(self) -> None:  # noqa: B027 - most connectors hold nothing
        """Gives back what the connector holds; the second time does nothing."""
