"""What the laws look at: the world as it stands now, from outside, and what the hub says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from prophet_hub.model import codec
from prophet_hub.model.changes import EDIT, LIFE, Entry
from prophet_hub.model.ids import RecordId, of_item
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, FieldChange, Value
from prophet_hub.testing.items import Item
from prophet_hub.testing.simulation.twin import Thing, texts_in, tokens
from prophet_hub.testing.simulation.watched import Watched

if TYPE_CHECKING:
    from prophet_hub.testing.simulation.world import World

__all__ = ["ASKED", "FIELDS", "RULED", "STRAYED", "Copy", "Sight", "short", "spoken"]

FIELDS = ("summary", "description", "priority", "status", "owner", "labels")
"""The fields of a ticket in which people write."""

ASKED = "a conflict that people see"
"""Why trackers may differ: somebody is asked."""

RULED = "a policy took another's word"
"""Why somebody's last word may be shown nowhere."""

STRAYED = "a copy that a hub does not know of and cannot find"
"""Why a ticket may be doubled: the hub died before the answer, or was restored to before it."""

_TOLD = ("It is one copy too many", "It carries the key of a record that nobody here knows")


@dataclass(frozen=True, slots=True)
class Copy:
    """A ticket in a tracker: the original too."""

    tracker: Watched
    item: Item

    def __str__(self) -> str:
        return f"{self.tracker.name}/{self.item.id}"


class Sight:
    """One look at a world at rest; what it finds is kept, so that every law sees the same."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.remotes = {one.name: one for one in world.setting.remotes}

    @cached_property
    def tickets(self) -> dict[int, list[Copy]]:
        """Ticket -> every item that is it, gone ones too, in order of trackers and ids."""
        found: dict[int, list[Copy]] = {}
        for (name, ref), ticket in self.world.twin.tickets.items():
            tracker = self.world.trackers[name]
            found.setdefault(ticket, []).append(Copy(tracker, tracker.items[ref]))
        return found

    def live(self, ticket: int) -> list[Copy]:
        """Returns the items of a ticket that stand and that the hub may see."""
        return [one for one in self.tickets[ticket] if not one.item.gone and not one.item.hidden]

    def ticket(self, copy: Copy) -> int | None:
        """Returns the ticket that an item is, None for one that the twin does not know."""
        return self.world.twin.tickets.get((copy.tracker.name, copy.item.id))

    @cached_property
    def strayed(self) -> set[int]:
        """The tickets that stand twice somewhere, and nothing shows a hub whose copy one of them is."""
        return {
            number for number, copies in self.tickets.items() if self._is_strayed(number, copies)
        }

    def _is_strayed(self, number: int, copies: list[Copy]) -> bool:
        there = [one for one in copies if not one.item.gone]
        counts = Counter(one.tracker.name for one in there)
        twice = [one for one in there if counts[one.tracker.name] > 1]
        if any(one.tracker.is_missed(one.item) for one in twice):
            return True
        if not twice or number not in self.world.twin.forgotten:
            return False
        if any(TICKET not in one.tracker.knobs.keys for one in there):
            return True
        return any(
            one.item.hidden or one.item.id in one.tracker.poisoned or self._is_told(one)
            for one in twice
        )

    def _is_told(self, copy: Copy) -> bool:
        """Whether an inbox says that a copy waits for its key's sake."""
        lines = self.waiting.get((copy.tracker.name, self.record(copy)), ())
        return any(reason.startswith(_TOLD) for _, reason in lines)

    def shows(self, copy: Copy, prop: str) -> Value | None:
        """Returns a field in our words."""
        value = copy.item.fields.get(prop)
        if isinstance(value, str):
            if prop == "status":
                return self.in_words(copy, prop, value)
            if prop in {"summary", "description", "priority"}:
                return " ".join(map(str, sorted(tokens(value))))
        return value

    def in_words(self, copy: Copy, prop: str, value: Value | None) -> Value | None:
        """Returns a tracker's word for a field in ours."""
        if prop == "status" and isinstance(value, str):
            return dict(copy.tracker.remote.words).get(value, value)
        return value

    def holds(self, tracker: Watched, thing: Thing) -> bool:
        """Whether a comment or file stands anywhere in a tracker."""
        return thing in self._things[tracker.name]

    @cached_property
    def _things(self) -> dict[str, set[Thing]]:
        twin = self.world.twin
        found: dict[str, set[Thing]] = {}
        for name, tracker in self.world.trackers.items():
            held = found[name] = set()
            for item in tracker.items.values():
                for note in () if item.gone else item.comments:
                    if number := twin.comments.get((name, note.id)):
                        held.add(("comment", number))
                for file in () if item.gone else item.attachments:
                    held.update(twin.edits[n].thing for n in twin.known(file.data.decode()))
        return found

    def excuse_part(self, remote: str, thing: Thing) -> str:
        """Returns what the hub says of why a comment or file is not in a tracker, "" for nothing."""
        hub = self.world.hub
        for name, kind, ref in self._parts(thing):
            record = hub.replica.name(of_item(hub.tracker(name), kind, ref))
            if (record, "body") in self.conflicts:
                return ASKED
            if lines := self.waiting.get((remote, record)):
                return f"inbox: {short(lines[0][1])}"
        return ""

    def _parts(self, thing: Thing) -> Iterator[tuple[str, str, str]]:
        """Yields every item that is a comment or file: its tracker, its kind, its id there."""
        twin = self.world.twin
        for (name, ref), number in twin.comments.items():
            if ("comment", number) == thing:
                yield name, COMMENT, ref
        for name, tracker in self.world.trackers.items():
            for file in (one for item in tracker.items.values() for one in item.attachments):
                if thing in {twin.edits[n].thing for n in twin.known(file.data.decode())}:
                    yield name, ATTACHMENT, file.id

    def record(self, copy: Copy) -> RecordId:
        """Returns the hub's name of an item."""
        hub = self.world.hub
        return hub.replica.name(of_item(hub.tracker(copy.tracker.name), TICKET, copy.item.id))

    def is_dead(self, copy: Copy) -> bool:
        """Whether the hub was told that an item's ticket is deleted."""
        return not self.world.hub.replica.alive(self.record(copy))

    @cached_property
    def conflicts(self) -> set[tuple[RecordId, str]]:
        """Record and property of every conflict that is shown to people."""
        replica = self.world.hub.replica
        return {(replica.name(one.record), one.cell.prop) for one in replica.conflicts()}

    @cached_property
    def waiting(self) -> dict[tuple[str, RecordId | str], list[tuple[str, str]]]:
        """(remote, record or person) -> (our field, reason) of every line of an inbox."""
        found: dict[tuple[str, RecordId | str], list[tuple[str, str]]] = {}
        for hub, name in product(self.world.hubs, self.world.trackers):
            for line in hub.inbox(name):
                about: RecordId | str = line.kind
                if line.kind != "person":
                    known = line.record or of_item(hub.tracker(name), line.kind, line.ref)
                    about = hub.replica.name(known)
                found.setdefault((name, about), []).append((line.field, line.reason))
        return found

    def excuse(self, copies: list[Copy], prop: str) -> str:
        """Returns what the hub itself says of why a field may differ between copies, "" for nothing."""
        for copy in copies:
            record = self.record(copy)
            if (record, prop) in self.conflicts:
                return ASKED
            if (record, "life") in self.conflicts:
                return "a question of life that people see"
            for field, reason in self.waiting.get((copy.tracker.name, record), ()):
                stays = field == LIFE and self.is_dead(copy)  # and is written no more
                if stays or field.split("\x1f")[0] in {prop, ""}:
                    return f"inbox: {short(reason)}"
            if prop == "owner" and (copy.tracker.name, "person") in self.waiting:
                return "inbox: a person whom the tracker does not know"
        return ""

    @cached_property
    def entries(self) -> list[Entry]:
        """The hub's whole log."""
        rows = self.world.hub.replica.store.log.after(0, 1_000_000)
        return [codec.decode(row.before, row.raw) for row in rows]

    @cached_property
    def logged(self) -> dict[int, set[str]]:
        """The edits whose tokens stand in the log -> the authors of the entries that say them;
        an answer and a vote take somebody's word, and are not it.
        """
        found: dict[int, set[str]] = {}
        for entry in self.entries:
            for write in entry.changeset.writes:
                if isinstance(write.value, str):
                    for number in tokens(write.value):
                        said = found.setdefault(number, set())
                        if write.rule == EDIT and write.cell.prop in {*FIELDS, "body"}:
                            said.add(entry.changeset.author)
        return found

    @cached_property
    def ruled(self) -> set[tuple[RecordId, str]]:
        """Record and property of every cell in which a rule decided."""
        replica = self.world.hub.replica
        return {
            (replica.name(write.cell.record), write.cell.prop)
            for entry in self.entries
            for write in entry.changeset.writes
            if write.automatic
        }

    @cached_property
    def overruled(self) -> set[int]:
        """The edits in whose place a rule put another's word."""
        writes = [write for entry in self.entries for write in entry.changeset.writes]
        said = {write.id: tokens(str(write.value)) for write in writes}
        return {
            number
            for write in writes
            if write.automatic
            for one in write.supersedes
            for number in said.get(one, frozenset()) - said[write.id]
        }


def short(reason: str) -> str:
    """Returns a reason without what differs between tickets."""
    return " ".join(word for word in reason.split()[:7] if not any(c.isdigit() for c in word))


def spoken(item: Item) -> Iterator[str]:
    """Yields every text that an item shows or showed, but for its comments and files."""
    for value in item.fields.values():
        yield from texts_in(value)
    for event in item.events:
        for change in event.changes:
            if isinstance(change, FieldChange):
                yield from (text for text in (change.old, change.new) if text)
            else:
                yield from sorted(change.added | change.removed)
