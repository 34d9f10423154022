"""What a Redmine holds, over a `Tracker`: lists by number, journals, relations with two ends.

Persons go by number, but for the hub's account, which is `hub` inside and 5 outside.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from prophet_hub.sdk import Event, FieldChange, Person, SetChange, Value
from prophet_hub.testing.items import ACCOUNT, File, Item, Knobs, Note, instant
from prophet_hub.testing.tracker import Tracker

__all__ = ["BACKWARD", "CLOSED", "LISTS", "NAMES", "OWNED", "PROJECTS", "RedmineTracker",
           "number_of", "wire_details"]  # fmt: skip

LISTS: dict[str, dict[int, str]] = {
    "tracker": {1: "Bug", 2: "Feature", 3: "Support"},
    "status": {
        1: "New",
        2: "In Progress",
        3: "Resolved",
        4: "Feedback",
        5: "Closed",
        6: "Rejected",
    },
    "priority": {1: "Low", 2: "Normal", 3: "High", 4: "Urgent", 5: "Immediate"},
}
PROJECTS = {1: ("demo", "Demo"), 2: ("support", "Support"), 3: ("hidden", "Hidden")}
OWNED: dict[str, dict[int, dict[int, str]]] = {
    "category": {1: {1: "core", 2: "docs"}, 2: {3: "core", 4: "docs"}, 3: {}},
    "fixed_version": {1: {1: "1.0", 2: "2.0"}, 2: {3: "1.0", 4: "2.0"}, 3: {}},
}
NAMES: dict[str, dict[Any, int]] = {
    name: {word: number for number, word in words.items()} for name, words in LISTS.items()
} | {"project": {word: number for number, (word, _) in PROJECTS.items()}}
CLOSED = frozenset({"Closed", "Rejected"})
BACKWARD = {
    "relates": "relates", "blocks": "blocked", "duplicates": "duplicated",
    "precedes": "follows", "copied_to": "copied_from",
}  # fmt: skip
OTHER_END = {**BACKWARD, **{v: k for k, v in BACKWARD.items()}}
BORN = {"tracker": "Bug", "status": "New", "priority": "Normal"}


def number_of(name: str) -> str:
    return "5" if name == ACCOUNT else name


def _stored(field: str, text: str) -> str:
    """Descriptions are kept with CRLF (Issue#description=)."""
    return re.sub(r"\r\n|\n|\r", "\r\n", text) if field == "description" else text


KNOBS = Knobs(
    conditional=False,
    tombstones=False,
    mentions=True,
    notifies=True,
    keys=frozenset({"attachment"}),
    render=_stored,
    required=frozenset({"project", "subject"}),
    limits={"subject": 255},
    links=frozenset({*OTHER_END, "parent", "children"}),
    allowed={
        **{name: tuple(words.values()) for name, words in LISTS.items()},
        "project": tuple(word for word, _ in PROJECTS.values()),
    },
    transitions={"status": {"Rejected": ("New",)}},
)


class RedmineTracker(Tracker):
    """A Redmine in memory.

    Attributes:
        customs: number -> name, whether it holds several values, and which.
        relations: (ticket, kind, other) -> number, as stored: in one direction.
        filed: ticket -> journals of files that came and went.
        births: The statuses in which a ticket may be made.
        spent: ticket -> hours.
    """

    def __init__(self) -> None:
        super().__init__("redmine", KNOBS)
        names = {
            ACCOUNT: "Hub Example",
            "6": "Bob Example",
            "7": "Jesse Example",
            "8": "Eve Example",
        }
        self.users = {
            name: Person(id=name, name=said, email=f"{said.split()[0].lower()}@example.org")
            for name, said in names.items()
        }
        self.customs: dict[int, tuple[str, bool, tuple[str, ...]]] = {
            1: ("HubID", False, ()),
            2: ("Severity", False, ()),
            3: ("Tags", True, ("alpha", "beta", "gamma")),
        }
        self.relations: dict[tuple[str, str, str], int] = {}
        self.filed: dict[str, list[tuple[str, str, int, str, str, bool]]] = defaultdict(list)
        self.births = frozenset({"New", "In Progress", "Closed"})
        self.spent: dict[str, float] = {}

    def next_number(self) -> int:
        return self._number()

    def number(self, item: Item, field: str, word: str) -> int:
        """Returns the number of a name, of the ticket's project where the project owns it."""
        if field in OWNED:
            for known in (NAMES["project"][item.fields["project"]], *PROJECTS):
                for number, name in OWNED[field][known].items():
                    if name == word:
                        return number
        return NAMES[field][word]

    def reachable(self, item: Item) -> list[str]:
        """Returns the statuses that the workflow offers; a blocked ticket cannot be closed."""
        now = str(item.fields["status"])
        to = self.knobs.transitions.get("status", {}).get(now, tuple(NAMES["status"]))
        closable = not any(
            other in self.items and self.items[other].fields["status"] not in CLOSED
            for name in ("blocked", "children")
            for other in item.fields.get(name, ())
        )
        return [
            w for w in NAMES["status"] if w == now or (w in to and (closable or w not in CLOSED))
        ]

    # --- doors -----------------------------------------------------------------------------------

    def create(self, author, fields, *, key="", private=False, created=None):  # fmt: skip
        with self.lock:
            links = {
                n: v for n, v in fields.items() if n in OTHER_END or n in ("parent", "children")
            }
            plain = {n: v for n, v in fields.items() if n not in links}
            ticket = super().create(
                author, {**BORN, **plain}, key=key, private=private, created=created
            )
            item = self.items[ticket]
            for parent in links.pop("parent", ()):
                item.fields["parent"] = frozenset({parent})
                self._end_of(author, parent, "children", ticket, came=True)
            self.update(author, ticket, links)
            return ticket

    def update(self, author, ticket, changes=None, *, added=None, removed=None, version=""):
        """Relations are no fields: they have two ends, and move no `updated_on`."""
        with self.lock:
            plain: dict[str, Value | None] = {}
            for name, value in (changes or {}).items():
                now = self.items[ticket].fields.get(name, frozenset())
                ends = name in OTHER_END or name in ("parent", "children")
                whole = value if isinstance(value, frozenset) else frozenset()
                for other in sorted((now ^ whole) if ends else ()):
                    self._moved(author, ticket, name, other, came=other in whole)
                if name == "parent" or not ends:
                    plain[name] = whole if ends else value
            if plain or not changes:
                super().update(author, ticket, plain, version=version)

    def _moved(self, author: str, ticket: str, name: str, other: str, *, came: bool) -> None:
        """Does at the other end what a ticket's set was told."""
        if name == "parent":
            self._end_of(author, other, "children", ticket, came=came)
        elif name == "children":
            self.update(author, other, {"parent": frozenset({ticket} if came else ())})
        else:
            (self.relate if came else self.unrelate)(author, ticket, name, other)

    def relate(self, author: str, ticket: str, kind: str, other: str) -> None:
        key = (ticket, kind, other) if kind in BACKWARD else (other, OTHER_END[kind], ticket)
        self.relations[key] = self._number()
        self._end_of(author, ticket, kind, other, came=True, touch=False)
        self._end_of(author, other, OTHER_END[kind], ticket, came=True, touch=False)

    def unrelate(self, author: str, ticket: str, kind: str, other: str) -> None:
        for key in ((ticket, kind, other), (other, OTHER_END[kind], ticket)):
            self.relations.pop(key, None)
        self._end_of(author, ticket, kind, other, came=False, touch=False)
        self._end_of(author, other, OTHER_END[kind], ticket, came=False, touch=False)

    def attach(self, author, ticket, name, data, *, content_type="application/octet-stream",
               private=False, comment="", key="", created=None, number=""):  # fmt: skip
        with self.lock:
            made = super().attach(author, ticket, name, data, content_type=content_type, key=key)
            file = self.items[ticket].attachments[-1]
            file.id = number or made
            self.filed[ticket].append((str(self._number()), author, self.now, file.id, name, True))
            return file.id

    def unfile(self, author: str, item: Item, file: File) -> None:
        """A file goes with a journal, and the ticket does not count as changed."""
        item.attachments.remove(file)
        entry = (str(self._number()), author, self.now, file.id, file.name, False)
        self.filed[item.id].append(entry)

    def edit_note(self, item: Item, note: Note, body: str) -> None:
        """A note is edited without a trace, or gone without one."""
        note.body = body
        if not body.strip():
            item.comments.remove(note)

    # --- within ----------------------------------------------------------------------------------

    def _end_of(
        self, author: str, ticket: str, name: str, other: str, *, came: bool, touch: bool = True
    ) -> None:
        item, one = self.items[ticket], frozenset({other})
        now = item.fields.get(name, frozenset())
        item.fields[name] = now | one if came else now - one  # type: ignore[operator] # a set
        if not item.fields[name]:
            del item.fields[name]
        change = SetChange(field=name, added=one) if came else SetChange(field=name, removed=one)
        item.events.append(self._event(author, [change]))
        item.shown = None
        if touch:
            self._touch(item)

    def _event(self, author: str, changes: list[FieldChange | SetChange]) -> Event:
        return Event(
            id=str(self._number()),
            author=Person(id=number_of(author)),
            created=instant(self.now),
            changes=tuple(changes),
        )


def wire_details(
    tracker: RedmineTracker, item: Item, change: FieldChange | SetChange
) -> Iterator[Mapping[str, Any]]:
    """Yields a change as a journal tells it: by numbers, and one line per member."""
    name = change.field
    kind, key = (
        "attr",
        f"{name}_id" if name in NAMES or name in OWNED or name == "assigned_to" else name,
    )
    if name in OTHER_END:
        kind = "relation"
    if name.startswith("CF.{"):
        known = {custom: str(n) for n, (custom, _, _) in tracker.customs.items()}
        kind, key = "cf", known[name[4:-1]]
    if isinstance(change, SetChange):
        key = {"parent": "parent_id", "children": "child_id"}.get(name, key)
        if name == "parent":
            old, new = (next(iter(s), None) for s in (change.removed, change.added))
            yield {"property": kind, "name": key, "old_value": old, "new_value": new}
            return
        for member in sorted(change.removed):
            yield {"property": kind, "name": key, "old_value": member, "new_value": None}
        for member in sorted(change.added):
            yield {"property": kind, "name": key, "old_value": None, "new_value": member}
        return
    sides = [_raw(tracker, item, name, value) for value in (change.old, change.new)]
    yield {"property": kind, "name": key, "old_value": sides[0], "new_value": sides[1]}


def _raw(tracker: RedmineTracker, item: Item, name: str, value: str | None) -> str | None:
    if value is None:
        return "0" if name == "done_ratio" else None
    if name in NAMES or name in OWNED:
        return str(tracker.number(item, name, value))
    return str(int(value) / 60) if name == "estimated_hours" else value
