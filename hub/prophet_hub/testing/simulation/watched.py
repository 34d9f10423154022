"""A tracker whose every change the twin hears of, and the connector by which the hub speaks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from prophet_hub.errors import Garbled
from prophet_hub.sdk import Context, Gone, Operation, Receipt, Ref, Ticket, Value
from prophet_hub.testing.faults import Fault
from prophet_hub.testing.items import ACCOUNT, Item
from prophet_hub.testing.memory import MEMORY_FIELDS, MemoryConnector, MemorySettings
from prophet_hub.testing.simulation.setting import Remote, knobs_of
from prophet_hub.testing.simulation.twin import Choice, Edit, Twin, texts_in
from prophet_hub.testing.tracker import Tracker

__all__ = ["Spoken", "Watched"]

_T = TypeVar("_T")
TEXTS = frozenset({"summary", "description", "priority"})
"""Fields in which people write words of their own."""


class Watched(Tracker):
    """A tracker of a world.

    Attributes:
        acting: Whether the hub is writing; everything else is said by people.
        called: Whom a text of the hub's named, so that mail went out.
        created, closed, ended: How many tickets the hub made, closed and deleted.
        showing: Item -> the moment at which the answer that is under way shows it.
        seen: Item -> the moment at which the hub last looked at it.
        kept: Item -> the moments at which it looked at it in a reading that went well to its end.
        wrote: Item -> the moment at which the hub last wrote to it.
        poisoned: Tickets that nobody can read.
        hid: Tickets that the hub could not see for a while.
    """

    def __init__(self, remote: Remote, twin: Twin) -> None:
        super().__init__(remote.name, knobs_of(remote))
        self.remote, self.twin = remote, twin
        self.acting = False
        self.called: list[tuple[str, str]] = []
        self.created = self.closed = self.ended = 0
        self.seen: dict[str, int] = {}
        self.kept: dict[str, list[int]] = {}
        self._sure: dict[str, int] = {}
        self.showing: dict[str, int] = {}
        self.hid: set[str] = set()
        self.poisoned: set[str] = set()
        self.wrote: dict[str, int] = {}
        self.faulty: list[Fault] = []

    @contextmanager
    def by_the_hub(self) -> Iterator[None]:
        """What is done inside is the hub's doing."""
        before, self.acting = self.acting, True
        try:
            yield
        finally:
            self.acting = before

    @contextmanager
    def by_people(self) -> Iterator[None]:
        """What is done inside, in the middle of the hub's work too, is not."""
        before, self.acting = self.acting, False
        try:
            yield
        finally:
            self.acting = before

    def fault(self, fault: Fault) -> None:
        """Lets something go wrong with requests of the hub's."""
        self.faulty.append(self.faults.add(fault))

    def lock_out(self) -> None:
        """Takes the hub's password no more."""
        self.passwords[ACCOUNT] = "another"

    def calm(self) -> None:
        """Lets everything go well from now on."""
        self.faults.clear()
        self.faulty.clear()
        self.passwords[ACCOUNT] = "correct horse"

    # --- doors of which the twin is told ---

    def create(
        self, author: str, fields: Mapping[str, Value], *,
        key: str = "", private: bool = False, created: int | None = None,
    ) -> str:  # fmt: skip
        """Makes a ticket; what the hub makes is put where the query looks for it."""
        if self.acting and self.remote.query:
            name, _, value = self.remote.query.partition("=")
            fields = {**fields, name: value}
        return super().create(author, fields, key=key, private=private, created=created)

    def born(self, item: Item) -> None:
        """Notes whose copy a ticket is that the hub made."""
        if not self.acting:
            return
        self.created += 1
        shown = " ".join(text for value in item.fields.values() for text in texts_in(value))
        for number in sorted(self.twin.known(shown)):
            self.twin.tickets[self.name, item.id] = self.twin.edits[number].ticket
            return

    def comment(
        self, author: str, ticket: str, body: str, *,
        private: bool = False, key: str = "", created: int | None = None,
    ) -> str:  # fmt: skip
        """Adds a comment, and notes whose copy it is where the hub makes it."""
        ref = super().comment(author, ticket, body, private=private, key=key, created=created)
        for number in sorted(self.twin.known(body)) if self.acting else ():
            self.twin.comments[self.name, ref] = self.twin.edits[number].thing[1]
        return ref

    def edit_comment(self, author: str, ticket: str, comment: str, body: str) -> None:
        """Puts another text in a comment's place."""
        item = self.items.get(ticket)
        old = next((n.body for n in item.comments if n.id == comment), "") if item else ""
        super().edit_comment(author, ticket, comment, body)
        self._replaced(self.items[ticket], None, old, body)

    def put(
        self, item: Item, field: str, member: str, old: str | None, new: str | None, author: str
    ) -> None:
        """Notes what took whose place."""
        if member or old == new:
            return
        if field in TEXTS:
            self._replaced(item, field, old or "", new or "")
        elif not self.acting:
            ticket = self.twin.tickets.get((self.name, item.id), 0)
            self.twin.choices.append(
                Choice(ticket=ticket, prop=field, at=self.name, value=new, moment=self.twin.tick())
            )
        else:
            self._overwritten(item, field)
            if field == "status" and new in {"resolved", "zu"}:
                self.closed += 1

    def _replaced(self, item: Item, field: str | None, old: str, new: str) -> None:
        """A text took another's place: what nobody had read of it is lost, if it was told to nobody."""
        moment = self.twin.tick()
        for number in self.twin.known(old) - self.twin.known(new):
            edit = self.twin.edits[number]
            if edit.at != self.name:
                continue
            edit.gone = edit.gone or moment
            if self.acting and not self._could_know(item, field, edit.moment):
                edit.lost = "written between the hub's look and its write, told by nothing"

    def looked(self, edit: Edit, until: int) -> bool:
        """Whether a hub looked at an edit's ticket, and kept what it saw, before that moment."""
        return any(
            edit.moment < moment < until
            for ref, moments in self.kept.items()
            for moment in moments
            if self.twin.tickets.get((self.name, ref)) == edit.ticket
        )

    def _overwritten(self, item: Item, field: str) -> None:
        for said in self.twin.choices:
            here = self.twin.tickets.get((self.name, item.id)) == said.ticket
            if here and (said.at, said.prop) == (self.name, field) and not self._could_know(
                item, field, said.moment
            ):  # fmt: skip
                said.lost = "written between the hub's look and its write, told by nothing"

    def _could_know(self, item: Item, field: str | None, moment: int) -> bool:
        """Whether the hub saw what was written then, or will be told of it, or should have compared."""
        if self.seen.get(item.id, -1) > moment or (self.knobs.conditional and field is not None):
            return True
        return field is not None and any(
            getattr(change, "field", "") == field and self.tells(event)
            for event in item.events[-1:]
            for change in event.changes
        )

    def delete(self, author: str, ticket: str, *, version: str = "") -> None:
        """Deletes a ticket, and notes who did."""
        super().delete(author, ticket, version=version)
        known = self.twin.tickets.get((self.name, ticket))
        if self.acting:
            self.ended += 1
        elif known is not None:
            self.twin.ended.setdefault(known, set()).add(self.name)

    def hide(self, ticket: str, *, hidden: bool = True) -> None:
        """Lets the hub see a ticket no more, or again."""
        super().hide(ticket, hidden=hidden)
        self.hid.add(ticket)

    def is_missed(self, item: Item) -> bool:
        """Whether the hub could not see a ticket before it had ever read it."""
        return item.id in self.hid and item.id not in self.kept

    def read(self, ref: Ref) -> None:
        """Notes that a ticket is shown to the hub now, which sees it if the answer arrives."""
        self.showing[ref.id] = self.twin.tick()

    def arrived(self) -> None:
        """An answer reached the hub: it saw what was shown in it."""
        self.seen |= self.showing

    def done(self) -> tuple[int, int, int]:
        """Returns how many tickets the hub closed, deleted and created here."""
        return self.closed, self.ended, self.created

    def committed(self) -> None:
        """A whole reading of the tracker went well: what the hub saw is in its log."""
        for ref, moment in self.seen.items():
            self.kept.setdefault(ref, []).append(moment)
        self._sure = dict(self.seen)

    def failed(self) -> None:
        """A reading ended in its midst: what the hub saw in it may not be in its log."""
        self.seen = dict(self._sure)

    def forgotten(self, since: int) -> None:
        """The hub was restored: of what it saw and wrote since a moment it knows nothing."""
        self.twin.forgotten |= {
            self.twin.tickets[self.name, ref]
            for ref, moment in self.wrote.items()
            if moment > since and (self.name, ref) in self.twin.tickets
        }
        for moments in self.kept.values():
            moments[:] = [moment for moment in moments if moment <= since]
        self.seen = {ref: moments[-1] for ref, moments in self.kept.items() if moments}
        self._sure = dict(self.seen)

    def _wrote(self, item: Item, author: str, texts: list[str]) -> None:
        before = len(self.notified)
        super()._wrote(item, author, texts)
        if self.acting:
            self.wrote[item.id] = self.twin.tick()
            self.called += [
                (who, ref) for who, ref, why in self.notified[before:] if why == "mention"
            ]


class Spoken(MemoryConnector):
    """The hub's connector to a tracker of a world."""

    def __init__(self, tracker: Watched) -> None:
        limits = tracker.knobs.limits if tracker.knobs.cuts else {}
        rows = tuple(replace(row, limit=limits.get(row.theirs)) for row in MEMORY_FIELDS)
        settings = MemorySettings(tracker=tracker, fields=rows)
        super().__init__(settings, Context(remote=tracker.name))
        self._watched = tracker

    def ticket(self, ref: Ref) -> Ticket | Gone:
        """Returns a ticket; one that is poisoned makes no sense to anybody."""
        if ref.id in self._watched.poisoned:
            raise Garbled(f"{self.context.remote} told ticket {ref.id} in no known form.")
        return super().ticket(ref)

    def _sent(self, method: str, path: str, act: Callable[[], _T]) -> _T:
        """Sends a request; what its answer shows is seen if it arrives whole."""
        self._watched.showing.clear()
        answer = super()._sent(method, path, act)
        self._watched.arrived()
        return answer

    def apply(self, operation: Operation) -> Receipt:
        """Sends one operation; what is done by it is the hub's doing."""
        with self._watched.by_the_hub():
            return super().apply(operation)
