"""What a contract needs besides the connector: somebody to act in the tracker, and a clock to turn.

An author writes one `Sandbox`.  What a place cannot do stays as it is here, raises `Absent`, and
the checks that need it are skipped by name with that reason.  `TrackerSandbox` does all of it for a
connector to a fake over a `Tracker`, with HTTP or without.
"""

# ruff: noqa: ARG002 - a place that cannot do something leaves its words unused
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn
from uuid import uuid4

from prophet_hub.sdk import Connector, Field, Kind, Value
from prophet_hub.testing.faults import Fault, Faulty, Script
from prophet_hub.testing.memory import NOWHERE, MemoryConnector, MemorySettings
from prophet_hub.testing.tracker import Knobs, Tracker, instant

__all__ = ["Absent", "MemorySandbox", "Sandbox", "TrackerSandbox"]


class Absent(Exception):
    """This place cannot do that; the message says why, and is the reason of the skip."""


def _absent(what: str) -> NoReturn:
    raise Absent(f"this sandbox cannot {what}")


class Sandbox:
    """A tracker to try a connector on.

    Field names and values are the tracker's own words throughout, as in `Ticket.fields`.

    Attributes:
        connector: Made by `connect()`, with the right credentials.
        password: The secret that no error may show; "" if there is none.
        person: The id of who acts in `make`, `edit` ...: as authors carry it; "" if it is unknown.
        logins: Two persons that fields may hold; empty if there are none.
        many: More tickets than one page of a listing holds.
        required: Fields that each new ticket must carry, with a value that does.
        examples: Field -> two different values, where those of the kind do not do.
        clearable: Fields that may be emptied.
        refused: (field, value) that the tracker does not take; None if it takes all.
        narrow: (query, field, value): the query finds the tickets with that value alone.
        create_method: The HTTP method of the request that makes a ticket or a comment.
    """

    password: str = ""
    person: str = ""
    logins: tuple[str, ...] = ()
    many: int = 5
    required: Mapping[str, Value] = {}
    examples: Mapping[str, tuple[Value, Value]] = {}
    clearable: frozenset[str] = frozenset()
    refused: tuple[str, str] | None = None
    narrow: tuple[str, str, str] | None = None
    create_method: str = "POST"

    def __init__(self) -> None:
        self.connector = self.connect()

    # --- the connector -------------------------------------------------------------------------

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        """Returns a new connector; with another password, or to where nobody answers."""
        raise NotImplementedError

    def requests(self) -> int:
        """Returns how many requests the tracker got so far."""
        _absent("count requests")

    def inject(self, fault: Fault) -> Fault:
        """Puts a fault in force."""
        _absent("break the wire")

    def heal(self) -> None:
        """Puts all faults out of force."""

    # --- what a person does, outside the hub ----------------------------------------------------

    def make(self, fields: Mapping[str, Value]) -> str:
        """Makes a ticket and returns its id."""
        _absent("make a ticket as a person")

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        """Gives a field another value, None to clear it."""
        _absent("edit as a person")

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        """Adds a comment and returns its id."""
        _absent("comment as a person")

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        """Adds an attachment and returns its id."""
        _absent("attach as a person")

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        """Puts another text in a comment's place."""
        _absent("edit a comment as a person")

    def delete_comment(self, ticket: str, comment: str) -> None:
        """Takes a comment away."""
        _absent("delete a comment as a person")

    def delete(self, ticket: str) -> None:
        """Deletes a ticket."""
        _absent("delete as a person")

    def merge(self, ticket: str, into: str) -> None:
        """Merges a ticket into another."""
        _absent("merge tickets")

    def hide(self, ticket: str) -> None:
        """Takes the hub's right to see a ticket."""
        _absent("take a permission away")

    # --- time and surroundings ------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Lets the tracker's clock go on; on a real server this really waits."""
        _absent("turn the clock")

    def now(self) -> datetime:
        """Returns the tracker's clock, aware, in UTC."""
        _absent("tell the time")

    def skew(self, seconds: float) -> None:
        """Sets the tracker's clock apart from ours."""
        _absent("set the tracker's clock")

    def lag(self, seconds: int) -> None:
        """Lets changes reach the listings so much later."""
        _absent("delay the index")

    def notified(self) -> int:
        """Returns how many mails the tracker sent to persons so far."""
        _absent("count mails")

    # --- derived --------------------------------------------------------------------------------

    def settle(self) -> None:
        """Lets so much time pass that what happened is over for every changed-since."""
        told = self.connector.capabilities
        self.advance(math.ceil((told.granularity + told.overlap).total_seconds()) + 1)

    def new(self, n: int = 1) -> dict[str, Value]:
        """Returns the fields of the n-th new ticket: what is required, and a title."""
        fields = dict(self.required)
        title = self.title
        fields[title.theirs] = f"Ticket number {n}"
        return fields

    def key(self) -> str:
        """Returns a key that no item carries, of the form that the hub gives: a uuid."""
        return str(uuid4())

    @property
    def title(self) -> Field:
        """The field that holds a ticket's summary."""
        found = self.connector.fields.ours("summary")
        if found is None:
            raise Absent("the field map has no summary")
        return found

    @property
    def long(self) -> Field:
        """A writable field for long texts."""
        for row in self.connector.fields:
            if row.kind is Kind.LONG and (row.writable or row.on_create):
                return row
        raise Absent("the field map has no long text that may be written")

    def pair(self, row: Field) -> tuple[Value, Value]:
        """Returns two values of a field that differ.

        Raises:
            Absent: Nothing is known that would fit.
        """
        if row.theirs in self.examples:
            return self.examples[row.theirs]
        if row.kind is Kind.LINKS:
            return frozenset({self.make(self.new(8))}), frozenset({self.make(self.new(9))})
        if row.kind is Kind.WORD:
            words = [t for t, _ in row.values] or self._described(row)
            if len(words) > 1:
                return words[0], words[1]
        if row.kind in (Kind.PERSON, Kind.PEOPLE) and len(self.logins) > 1:
            one, two = self.logins[:2]
            return (frozenset({one}), frozenset({two})) if row.kind.many else (one, two)
        if row.kind in _PAIRS:
            return _PAIRS[row.kind]
        raise Absent(f"no two values of {row.theirs} are known: give `examples`")

    def _described(self, row: Field) -> list[str]:
        for told in self.connector.describe().fields:
            if told.name == row.theirs:
                return list(told.values)
        return []


_PAIRS: dict[Kind, tuple[Value, Value]] = {
    Kind.TEXT: ("One word", "Another word"),
    Kind.LONG: ("A text.\n\nOf two parts.", "Another text.\n\nOf three\nparts."),
    Kind.WORDS: (frozenset({"alpha"}), frozenset({"beta"})),
    Kind.DAY: ("2026-12-01", "2027-01-31"),
    Kind.INSTANT: ("2026-12-01T10:00:00Z", "2027-01-31T23:59:59Z"),
    Kind.NUMBER: ("3", "5"),
    Kind.MINUTES: ("30", "90"),
}


class TrackerSandbox(Sandbox):
    """A fake over a `Tracker`: all doors are there.

    Args:
        tracker: Behind the fake.  Where the fake keeps fields under other names or words than it
            shows, override `inward`.
        make_connector: (password, reachable) -> a connector.
        faulty: The layer in front of the fake that plays faults and counts; None without HTTP.
    """

    password = "correct horse"  # noqa: S105 - of a tracker that lives in memory
    person = "bob"
    logins = ("jesse", "bob")

    def __init__(
        self,
        tracker: Tracker,
        make_connector: Callable[[str, bool], Connector],
        faulty: Faulty | None = None,
    ) -> None:
        self.tracker = tracker
        self.faulty = faulty
        self.script: Script = faulty.script if faulty else tracker.faults
        self._make = make_connector
        super().__init__()

    def inward(self, field: str, value: Value | None) -> tuple[str, Value | None]:
        """Returns the tracker's own name and value of what the fake shows."""
        return field, value

    def connect(self, *, password: str | None = None, reachable: bool = True) -> Connector:
        """Makes another connector."""
        return self._make(self.password if password is None else password, reachable)

    def requests(self) -> int:
        """Counts at the fault layer, or in the tracker where there is none."""
        return self.faulty.requests if self.faulty else self.tracker.requests

    def inject(self, fault: Fault) -> Fault:
        """Adds to the script."""
        return self.script.add(fault)

    def heal(self) -> None:
        """Clears the script."""
        self.script.clear()

    def make(self, fields: Mapping[str, Value]) -> str:
        """Through the tracker's own door."""
        held: dict[str, Value] = {}
        for shown, value in fields.items():
            name, inner = self.inward(shown, value)
            if inner is not None:
                held[name] = inner
        return self.tracker.create(self.person, held)

    def edit(self, ticket: str, field: str, value: Value | None) -> None:
        """Through the tracker's own door."""
        name, inner = self.inward(field, value)
        self.tracker.update(self.person, ticket, {name: inner})

    def comment(self, ticket: str, body: str, *, private: bool = False) -> str:
        """Through the tracker's own door."""
        return self.tracker.comment(self.person, ticket, body, private=private)

    def attach(self, ticket: str, name: str, data: bytes) -> str:
        """Through the tracker's own door."""
        return self.tracker.attach(self.person, ticket, name, data)

    def edit_comment(self, ticket: str, comment: str, body: str) -> None:
        """Through the tracker's own door."""
        self.tracker.edit_comment(self.person, ticket, comment, body)

    def delete_comment(self, ticket: str, comment: str) -> None:
        """Through the tracker's own door."""
        self.tracker.delete_comment(self.person, ticket, comment)

    def delete(self, ticket: str) -> None:
        """Through the tracker's own door."""
        self.tracker.delete(self.person, ticket)

    def merge(self, ticket: str, into: str) -> None:
        """Through the tracker's own door."""
        self.tracker.merge(self.person, ticket, into)

    def hide(self, ticket: str) -> None:
        """Takes the right away."""
        self.tracker.hide(ticket)

    def advance(self, seconds: float) -> None:
        """Turns the tracker's clock."""
        self.tracker.now += math.ceil(seconds)

    def now(self) -> datetime:
        """Reads the tracker's clock."""
        return instant(self.tracker.now)

    def skew(self, seconds: float) -> None:
        """Sets the tracker's clock apart from the machine's."""
        self.tracker.now = int(datetime.now(UTC).timestamp() + seconds)

    def lag(self, seconds: int) -> None:
        """Sets the knob; the connectors made from now on know of it."""
        self.tracker.knobs = replace(self.tracker.knobs, lag=seconds)
        self.connector = self.connect()

    def notified(self) -> int:
        """Counts the tracker's mails."""
        return len(self.tracker.notified)


class MemorySandbox(TrackerSandbox):
    """A `MemoryConnector`, or one derived from it, over a tracker with any knobs."""

    clearable = frozenset({"description", "due", "owner"})
    refused = ("priority", "none of the kind")
    narrow = ("status=open", "status", "open")

    def __init__(
        self, knobs: Knobs | None = None, make: type[MemoryConnector] = MemoryConnector
    ) -> None:
        given = knobs or Knobs()
        known = {"status": ("new", "open", "closed"), "priority": ("high", "low")}
        tracker = Tracker("memory", replace(given, allowed={**known, **given.allowed}))

        def connector(password: str, reachable: bool) -> Connector:
            url = "" if reachable else NOWHERE
            return make(MemorySettings(tracker=tracker, password=password, url=url))

        self.required = {"status": "new"} if given.transitions else {}
        super().__init__(tracker, connector)
