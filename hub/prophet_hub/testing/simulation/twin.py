"""The twin of a world: what people really said, where, and what they had before their eyes.

It stands outside the hub and knows nothing of it.  Every text that a person writes carries a token
of its own, so that the laws can find it wherever it went, and can say whose it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from prophet_hub.sdk import Value

__all__ = ["Choice", "Edit", "Thing", "Twin", "texts_in", "token", "tokens"]

_TOKEN = re.compile(r"w(\d+)x")
HUB = ""
"""Where something was said that was said in the hub's own database."""


def token(number: int) -> str:
    """Returns the token of an edit."""
    return f"w{number}x"


def tokens(text: str) -> frozenset[int]:
    """Returns the numbers of the edits whose tokens stand in a text, whatever became of it."""
    return frozenset(int(found) for found in _TOKEN.findall(text.lower()))


def texts_in(value: Value | None) -> Iterable[str]:
    """Returns the texts of a field's value."""
    return () if value is None else (value,) if isinstance(value, str) else sorted(value)


Thing = tuple[str, int]
"""A ticket, comment or file, by the number of the step that made it."""


@dataclass(slots=True, kw_only=True)
class Edit:
    """One text that a person wrote.

    Attributes:
        number: Of its step; the token says it.
        thing, prop: What was written: a field of a ticket, a comment's body, a file.
        ticket: The ticket that it belongs to.
        at: The tracker, "" for the hub's own database.
        saw: The edits that stood there and that this one took the place of.
        private: Whether only a narrow circle may read it.
        moment: When.
        gone: When somebody took it away again there: by another text, or a deletion.
        lost: Why no hub could have kept it, "" where one could.
    """

    number: int
    thing: Thing
    prop: str
    ticket: int
    at: str
    who: str
    moment: int
    saw: frozenset[int] = frozenset()
    private: bool = False
    gone: int | None = None
    lost: str = ""


@dataclass(slots=True, kw_only=True)
class Choice:
    """A single-valued field that holds one of a few words, as it was set by a person."""

    ticket: int
    prop: str
    at: str
    value: str | None
    moment: int
    lost: str = ""


@dataclass(slots=True, kw_only=True)
class Twin:
    """All that was said.

    Attributes:
        edits: By number.
        choices: Settings of few-worded fields since the last quiet.
        tickets: (tracker, id) -> the number of the ticket, copies included.
        comments: (tracker, id) -> the number of the comment, copies included.
        homes: Ticket -> the tracker where it was born.
        ended: Tickets that a person deleted somewhere, with where.
        forgotten: Tickets to which a hub wrote what it does not know since it was restored.
        moment: The number of the last thing that happened.
    """

    edits: dict[int, Edit] = field(default_factory=dict)
    choices: list[Choice] = field(default_factory=list)
    tickets: dict[tuple[str, str], int] = field(default_factory=dict)
    comments: dict[tuple[str, str], int] = field(default_factory=dict)
    homes: dict[int, str] = field(default_factory=dict)
    ended: dict[int, set[str]] = field(default_factory=dict)
    forgotten: set[int] = field(default_factory=set)
    moment: int = 0

    def tick(self) -> int:
        """Returns the number of the next thing that happens."""
        self.moment += 1
        return self.moment

    def known(self, text: str) -> frozenset[int]:
        """Returns the edits whose tokens stand in a text."""
        return frozenset(n for n in tokens(text) if n in self.edits)

    def items(self, ticket: int, tracker: str) -> list[str]:
        """Returns the ids under which a tracker holds a ticket."""
        return [
            ref for (at, ref), known in self.tickets.items() if known == ticket and at == tracker
        ]

    def home(self, thing: Thing) -> str:
        """Returns the tracker where a thing was born."""
        return self.edits[thing[1] * 10].at

    def heads(self, thing: Thing, prop: str) -> list[Edit]:
        """Returns the edits of a cell that nobody knew of who wrote there later."""
        mine = [e for e in self.edits.values() if (e.thing, e.prop) == (thing, prop)]
        known = frozenset[int]().union(*(e.saw for e in mine))
        return [e for e in mine if e.number not in known]
