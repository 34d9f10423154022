"""The half of a tracker that is read: its items, its listings, what the hub's account sees."""

from __future__ import annotations

import threading
from bisect import bisect_left
from typing import TypeVar

from prophet_hub.errors import NotFound
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Event, Gone, History, Person, Ref, Ticket
from prophet_hub.testing.items import ACCOUNT, EPOCH, File, Item, Knobs, Note, instant
from prophet_hub.testing.shown import shown

__all__ = ["Shelf", "one"]

_UNTOLD = 3  # with partial history every third event is kept back


class Shelf:
    """Tickets and who may see them; safe for several threads.

    Attributes:
        now: The tracker's clock, whole seconds since 1970; only tests turn it.
        items: All tickets by id, deleted and hidden ones too.
        users: Who has an account, by login.
        passwords: By login; a connector with another one is refused.
    """

    def __init__(self, name: str, knobs: Knobs | None) -> None:
        self.name = name
        self.knobs = knobs or Knobs()
        self.now = EPOCH
        self.items: dict[str, Item] = {}
        self.users = {
            login: Person(id=login, name=login.title(), email=f"{login}@example.org")
            for login in (ACCOUNT, "jesse", "bob", "eve")
        }
        self.passwords = {ACCOUNT: "correct horse"}
        self.lock = threading.RLock()
        self._numbers = 0
        self._changes = 0
        self._hidings = 0
        self._listed: tuple[tuple[int, int, int, Knobs], list[tuple[int, Item]]] | None = None

    def listing(self, since: int | None = None) -> list[tuple[int, Item]]:
        """Returns (stamp, item) of what changed since a stamp, in the tracker's order.

        A stamp is a second rounded down to the granularity, or the number of the change where the
        granularity is 0.  Hidden tickets are left out, deleted ones too unless they are told.
        """
        with self.lock:
            known = self._index()
            if since is None:
                return list(known)
            least = since if self.knobs.inclusive else since + 1
            if self.knobs.ordered:
                return known[bisect_left(known, least, key=lambda f: f[0]) :]
            return [f for f in known if f[0] >= least]

    def stamp(self) -> int:
        """Returns the tracker's word for the present in `listing`: what has a later one is to come."""
        if self.knobs.lag and not self.knobs.granularity:
            return max((self._indexed(item) or 0 for item in self.items.values()), default=0)
        return self._rounded((self.now, self._changes))

    def ticket(self, ticket: str) -> Ticket | Gone:
        """Returns a ticket as the hub's account sees it.

        Raises:
            NotFound: There is none, it is hidden, or it was deleted and that is not told.
        """
        with self.lock:
            item = self.items.get(ticket)
            if item is None or item.hidden or (item.gone and not self.knobs.tombstones):
                raise NotFound(f"Ticket {ticket} does not exist.", status=404)
            ref = Ref(id=ticket)
            self.read(ref)
            if item.gone:
                author, second = item.gone
                return Gone(
                    ref=ref,
                    author=self.person(author),
                    created=instant(second),
                    merged_into=item.merged_into,
                )
            if item.before and self.now < item.updated + self.knobs.stale:
                return item.before
            return self._shown(item)

    def data(self, ticket: str, attachment: str) -> bytes:
        """Returns the bytes of an attachment."""
        with self.lock:
            return one(self._visible(ticket).attachments, attachment).data

    def find(self, kind: str, key: str, ticket: str = "") -> Ref | None:
        """Returns the item that carries the key: never through the index that lags."""
        with self.lock:
            if not key:
                return None
            for item in self.items.values():
                if item.gone or item.hidden or (ticket and item.id != ticket):
                    continue
                if kind == TICKET and item.key == key:
                    return Ref(id=item.id)
                inner: list[Note] | list[File] = []
                if kind in (COMMENT, ATTACHMENT):
                    inner = item.comments if kind == COMMENT else item.attachments
                for part in inner:
                    if part.key == key:
                        return Ref(kind=kind, id=part.id, ticket=item.id)
            return None

    def person(self, login: str) -> Person:
        """Returns what the tracker knows of a login."""
        return self.users.get(login) or Person(id=login)

    def tells(self, event: Event) -> bool:
        """Tells whether the hub gets to see an event."""
        if self.knobs.history is History.PARTIAL:
            return int(event.id) % _UNTOLD != 0
        return self.knobs.history is History.FULL

    def read(self, ref: Ref) -> None:
        """Called before a ticket is shown to the hub's account."""

    # --- within --------------------------------------------------------------------------------

    def _visible(self, ticket: str) -> Item:
        item = self.items.get(ticket)
        if item is None or item.hidden:
            raise NotFound(f"Ticket {ticket} does not exist.", status=404)
        return item

    def _index(self) -> list[tuple[int, Item]]:
        """Returns the whole listing, made anew only if something changed."""
        late = self.now if self.knobs.lag else 0
        state = self._changes, self._hidings, late, self.knobs
        if self._listed is None or self._listed[0] != state:
            found = []
            for item in self.items.values():
                stamp = self._indexed(item)
                told = not item.gone or self.knobs.tombstones
                if told and not item.hidden and stamp is not None:
                    found.append((stamp, item))
            found.sort(key=lambda f: (f[0] if self.knobs.ordered else 0, f[1].number))
            self._listed = state, found
        return self._listed[1]

    def _rounded(self, stamp: tuple[int, int]) -> int:
        second, change = stamp
        grain = self.knobs.granularity
        return second // grain * grain if grain else change

    def _indexed(self, item: Item) -> int | None:
        """Returns the newest stamp that has reached the listings."""
        if not self.knobs.lag:
            return self._rounded(item.stamps[-1])
        late = self.now - self.knobs.lag
        reached = [stamp for stamp in item.stamps if stamp[0] <= late]
        return self._rounded(reached[-1]) if reached else None

    def _shown(self, item: Item) -> Ticket:
        """Returns the ticket, made anew only if it or the knobs changed."""
        if item.shown and item.shown[0] == item.version and item.shown[1] is self.knobs:
            return item.shown[2]
        told = (event for event in item.events if self.tells(event))
        ticket = shown(item, told, self.users, self.knobs)
        item.shown = item.version, self.knobs, ticket
        return ticket


_Part = TypeVar("_Part", Note, File)


def one(parts: list[_Part], name: str) -> _Part:
    """Returns the comment or attachment of an id."""
    for part in parts:
        if part.id == name:
            return part
    raise NotFound(f"There is no item {name}.", status=404)
