"""Texts on their way: markup, references to tickets, inline images, and lengths.

A record's texts stand in the database as their *home* has them: in the markup of the tracker where
the record was born, with that tracker's references.  They are converted for every tracker that has
another markup, and an edit made there is converted back; the home gets them back verbatim, and so
does whoever shares its markup.  What is sent is compared with what is read in the tracker's own
words, so a text that nobody touched there is never converted again.

Design, section 5; docs/design/002-the-bridge.md says what was found about each rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from prophet_hub.model.ids import TrackerId
from prophet_hub.sdk import Field, Kind, References
from prophet_hub.sdk.markup import convert, images, known, prose, targets, with_images

__all__ = ["HAND", "PLAIN", "Home", "Passage", "Texts", "shortened"]

PLAIN: Final = "plain"
HAND: Final = "markdown"
"""The markup of what people write in the database itself."""

_ELLIPSIS: Final = "…"
_END: Final = re.compile(r"(?<=\S) {2}$", re.MULTILINE)
"""How CommonMark ends a line that shows; here every line shows, and trackers strip blanks."""

_REST: Final = "{ellipsis}\n\n[{words}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where a record was born, and how texts are written there.

    Attributes:
        tracker: None for the database itself, or where nobody here knows.
        ticket: The ticket's id there.
    """

    tracker: TrackerId | None = None
    ticket: str = ""
    dialect: str = HAND


class Texts:
    """How texts pass between one tracker and the homes of records.

    Args:
        tracker: The one tracker.
        dialects: In which it takes texts, the best first.
        references: How the trackers of the job refer to tickets.
        twin: The id in another tracker of a tracker's ticket, None if it is not there.
        told: Whether a tracker told of a ticket at all.
    """

    def __init__(
        self, *, tracker: TrackerId, dialects: tuple[str, ...],
        references: Mapping[TrackerId, References],
        twin: Callable[[TrackerId, str, TrackerId], str | None],
        told: Callable[[TrackerId, str], bool],
    ) -> None:  # fmt: skip
        self.tracker, self._dialects, self._references = tracker, dialects, references
        self._here = references.get(tracker)
        self._twin, self._told = twin, told

    @property
    def refers(self) -> bool:
        """Whether texts of any tracker of the job can name a ticket."""
        return bool(self._references)

    @property
    def sign(self) -> str:
        """How a text here writes `#` where it refers to nothing."""
        return self._here.sign if self._here else "#"

    def target(self, home: Home) -> str:
        """Returns the markup in which a new item's texts are written here.

        A text in a markup that nobody can convert goes as it is.
        """
        as_it_is = home.dialect in self._dialects or not known(home.dialect)
        return home.dialect if as_it_is else self._dialects[0]

    def outward(self, text: str, home: Home, dialect: str) -> str:
        """Returns a text of the database as this tracker shall show it."""
        if home.tracker == self.tracker:
            return text
        there = self._references.get(home.tracker) if home.tracker else None
        if home.tracker and there:
            text = _with_whole_targets(text, home, there)
            text = _put(text, home.dialect, there, partial(self._refer_out, home.tracker, there))
            text = _with_own_files(text, home, there)
        return convert(text, home.dialect, dialect) if _both(home.dialect, dialect) else text

    def inward(self, text: str, home: Home, dialect: str) -> str:
        """Returns a text that this tracker tells as the database keeps it."""
        if home.tracker == self.tracker:
            return text
        if self._here:
            text = _put(text, dialect, self._here, partial(self._refer_in, home, self._here))
        there = self._references.get(home.tracker) if home.tracker else None
        if there:
            whole = References(url=there.url, write="", ids=there.ids)
            text = _put(text, dialect, whole, partial(self._refer_back, home, there))
        return convert(text, dialect, home.dialect) if _both(home.dialect, dialect) else text

    def between(self, text: str, one: Home, other: Home) -> str:
        """Returns a text that stands in the terms of one home in those of another."""
        there = Texts(
            tracker=one.tracker or TrackerId(b""), dialects=(), references=self._references,
            twin=self._twin, told=self._told,
        )  # fmt: skip
        return text if one == other else there.inward(text, other, one.dialect)

    def tickets(self, text: str, home: Home) -> list[str]:
        """Returns the tickets of its home to which a text refers."""
        there = self._references.get(home.tracker) if home.tracker else None
        found: list[str] = []
        if there:
            _put(text, home.dialect, there, partial(_noted, found))
        return found

    def address(self, home: Home) -> str:
        """Returns where people look at the whole of a text, "" if nobody here knows."""
        there = self._references.get(home.tracker) if home.tracker else None
        return there.address(home.ticket) if there and home.ticket else ""

    def _refer_out(self, tracker: TrackerId, there: References, ticket: str, as_is: str) -> str:
        """Returns the twin's reference; an address where a number would mean a stranger here."""
        twin = self._twin(tracker, ticket, self.tracker)
        if twin is not None and self._here:
            whole = as_is == there.address(ticket)
            return self._here.address(twin) if whole else self._here.to(twin)
        strange = self._told(tracker, ticket) or self._told(self.tracker, ticket)
        return there.address(ticket) if strange else as_is

    def _refer_in(self, home: Home, here: References, ticket: str, as_is: str) -> str:
        there = self._references.get(home.tracker) if home.tracker else None
        twin = self._twin(self.tracker, ticket, home.tracker) if home.tracker else None
        if not self._told(self.tracker, ticket):
            return as_is
        if twin is None or there is None:
            return here.address(ticket)
        return there.address(twin) if as_is == here.address(ticket) else there.to(twin)

    def _refer_back(self, home: Home, there: References, ticket: str, as_is: str) -> str:
        """Returns an address as the reference that it stood for, where no twin is here."""
        twin = self._twin(home.tracker, ticket, self.tracker) if home.tracker else None
        return there.to(ticket) if twin is None or self._here is None else as_is


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """The texts of one record on their way to and from one item.

    Attributes:
        home: Asked for only where there is a text.
        dialect: The markup of the item; "" for an item that is still to be made.
        present: The text that the database shows now in a property.
    """

    texts: Texts
    home: Callable[[], Home]
    dialect: str
    present: Callable[[str], str]

    def outward(self, row: Field, text: str) -> str:
        """Returns a text as the tracker shall show it, whole.

        In plain text markup stands as CommonMark, with the escapes that it needs to be read back.
        """
        if row.kind is not Kind.LONG:
            return text
        home = self.home()
        dialect = self.dialect or self.texts.target(home)
        if dialect == PLAIN and home.dialect != PLAIN:
            return _END.sub("", self.texts.outward(text, home, HAND))
        return self.texts.outward(text, home, dialect)

    def inward(self, row: Field, text: str) -> str:
        """Returns a text that the tracker tells as the database keeps it.

        What stands as plain text in place of marked-up text was written by us, as CommonMark.
        """
        if row.kind is not Kind.LONG:
            return text
        home, dialect = self.home(), self.dialect or PLAIN
        if dialect == PLAIN and home.dialect != PLAIN:
            dialect = HAND
        return self.texts.inward(text, home, dialect)

    def in_prose(self, row: Field, text: str, change: Callable[[str], str]) -> str:
        """Returns a text as the tracker shows it with all that is no code changed."""
        if row.kind is not Kind.LONG:
            return change(text)
        dialect = self.dialect or self.texts.target(self.home())
        return _in_prose(text, HAND if dialect == PLAIN else dialect, change)

    def rejoined(self, row: Field, text: str, said: Callable[[str], str]) -> str:
        """Returns a text that was cut for this tracker, and edited there, with what was cut off.

        Args:
            row: Of the text's field.
            text: As the tracker tells it.
            said: Returns how the tracker is told what `outward` returns, before it is cut.
        """
        if row.limit is None or len(text) > row.limit:
            return text
        mark = self._mark(row, row.limit)
        kept, found, below = text.rstrip().rpartition(mark)
        if not found or (below and mark == _ELLIPSIS):
            return text  # an ellipsis within is the author's own
        whole = said(self.outward(row, self.present(row.ours)))
        if len(whole) <= row.limit:
            return text
        return kept + whole[row.limit - len(mark) :] + below

    def cut(self, row: Field, text: str) -> str:
        """Returns a text as long as the tracker keeps it, with a word on where the whole stands."""
        if row.limit is None or len(text) <= row.limit:
            return text
        return shortened(text, row.limit, self._mark(row, row.limit))

    def _mark(self, row: Field, limit: int) -> str:
        if row.kind is not Kind.LONG:
            return _ELLIPSIS
        address = self.texts.address(self.home())
        words = f"The whole text: {address}" if address else "The text goes on elsewhere."
        mark = _REST.format(ellipsis=_ELLIPSIS, words=words)
        return mark if len(mark) < limit else _ELLIPSIS


def shortened(text: str, limit: int, mark: str = _ELLIPSIS) -> str:
    """Returns a text of at most `limit` characters that ends with the mark if it was cut."""
    if len(text) <= limit:
        return text
    room = limit - len(mark)
    return text[:room] + mark if room > 0 else text[:limit]


def _noted(found: list[str], ticket: str, as_is: str) -> str:
    found.append(ticket)
    return as_is


def _both(one: str, other: str) -> bool:
    return one != other and known(one) and known(other)


def _put(text: str, dialect: str, references: References, other: Callable[[str, str], str]) -> str:
    """Returns a text with the references in it replaced, but those in code."""
    if not references.mentions(text):
        return text
    return _in_prose(text, dialect, lambda prose: references.put(prose, other))


def _in_prose(text: str, dialect: str, change: Callable[[str], str]) -> str:
    """Returns a text with all that is no code and no address in it changed."""
    if not known(dialect):
        return change(text)
    pieces, at = [], 0
    for start, end in prose(text, dialect):
        pieces += [text[at:start], change(text[start:end])]
        at = end
    return "".join(pieces) + text[at:]


def _with_whole_targets(text: str, home: Home, there: References) -> str:
    """Returns a text whose links to tickets, `[#12 that one]`, have their addresses.

    Elsewhere the number would be a stranger's, or no address at all.
    """
    if not known(home.dialect) or not there.mentions(text):
        return text
    pieces, at = [], 0
    for start, end in targets(text, home.dialect):
        ticket = there.named(text[start:end])
        if ticket is not None:
            pieces += [text[at:start], there.address(ticket)]
            at = end
    return "".join(pieces) + text[at:]


def _with_own_files(text: str, home: Home, there: References) -> str:
    """Returns a text whose images name the ticket's own files, where they had the full address."""
    before = there.file.replace("{id}", home.ticket)
    if not before or before not in text or not known(home.dialect):
        return text
    names = {old: old.removeprefix(before) for old in images(text, home.dialect)}
    own = {old: name for old, name in names.items() if name not in {"", old}}
    return with_images(text, home.dialect, own) if own else text
