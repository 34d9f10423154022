"""One table read in both directions: the tracker's fields and ours (design, section 6).

The lens laws hold for every row and are tested for every connector: what is encoded and then
decoded is the same value, and encoding what was decoded changes nothing in the tracker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from prophet_hub.sdk.messages import FieldChange, SetChange, Value

__all__ = ["Field", "FieldMap", "Kind", "change_between", "members", "single"]


class Kind(StrEnum):
    """What a field holds, in the tracker's own words in every case."""

    TEXT = "text"  # one line
    LONG = "long"  # a text with markup
    WORD = "word"  # one of a few values: status, priority
    PERSON = "person"  # a Person id
    PEOPLE = "people"  # a set of Person ids
    WORDS = "words"  # a set of words: labels
    DAY = "day"  # YYYY-MM-DD
    INSTANT = "instant"  # RFC 3339 in UTC with Z
    NUMBER = "number"  # decimal text
    MINUTES = "minutes"  # decimal text
    LINKS = "links"  # a set of ticket ids of the same tracker, or of URLs

    @property
    def many(self) -> bool:
        """Whether the field is a set."""
        return self in (Kind.PEOPLE, Kind.WORDS, Kind.LINKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One row of the table.

    Attributes:
        theirs: The tracker's name of the field.
        ours: The neutral name (design, section 6), or `<connector>:<name>`.
        kind: What it holds.
        values: (theirs, ours) pairs; several theirs may mean one of ours: the first pair that has
            our value is the one written.  A word without a pair passes as it is.  Theirs may end
            in `*`, for all words that begin so and have no pair of their own: that is for reading
            alone.
        writable: Whether an update may change it.
        on_create: Whether a create may carry it.
        canon: The form in which the tracker's rendering of a value equals the value: values with
            the same canonical form are the same.  None: text is compared as it is.
        default: What a create shows where nothing was said, "" if nothing: then a birth that
            shows the default is not taken for somebody's word, and to clear the field is to write
            the default.
        limit: The most characters that the tracker keeps, None where none is known; the hub cuts
            a longer text after it was converted, and says where the whole stands.
    """

    theirs: str
    ours: str
    kind: Kind = Kind.TEXT
    values: tuple[tuple[str, str], ...] = ()
    writable: bool = True
    on_create: bool = True
    canon: Callable[[str], str] | None = None
    default: str = ""
    limit: int | None = None

    def decode(self, theirs: str) -> str:
        """Returns our word for theirs."""
        exact = next((o for t, o in self.values if t == theirs), None)
        if exact is not None:
            return exact
        fits = (o for t, o in self.values if t.endswith("*") and theirs.startswith(t[:-1]))
        return next(fits, theirs)

    def encode(self, ours: str) -> str:
        """Returns their word for ours."""
        return next((t for t, o in self.values if o == ours and not t.endswith("*")), ours)

    def takes(self, *, new: bool) -> bool:
        """Tells whether a create (`new`), else an update, may say it."""
        return self.on_create if new else self.writable

    def same(self, one: str | None, other: str | None) -> bool:
        """Tells whether two of the tracker's words are one value to it."""
        if one is None or other is None or self.canon is None:
            return one == other
        return self.canon(one) == self.canon(other)


class FieldMap:
    """The rows of a connector, found by either name.

    Raises:
        ValueError: One of the names stands in two rows.
    """

    def __init__(self, rows: Iterable[Field]) -> None:
        self.rows = tuple(rows)
        self._theirs = {row.theirs: row for row in self.rows}
        self._ours = {row.ours: row for row in self.rows}
        if not len(self.rows) == len(self._theirs) == len(self._ours):
            raise ValueError("a name stands in two rows of the field map")

    def __iter__(self) -> Iterator[Field]:
        return iter(self.rows)

    def theirs(self, name: str) -> Field | None:
        """Returns the row of the tracker's field, None if it has none."""
        return self._theirs.get(name)

    def ours(self, name: str) -> Field | None:
        """Returns the row of our property, None if it has none."""
        return self._ours.get(name)

    def extended(
        self, rows: Iterable[Field], values: Mapping[str, Mapping[str, str]] | None = None
    ) -> FieldMap:
        """Returns the table with rows put in or put in place of those of the same name.

        Args:
            rows: A row replaces every row that shares one of its names.
            values: Our name of a field -> {their word: our word}, put before the row's own pairs.
        """
        new = list(rows)
        taken = {r.theirs for r in new} | {r.ours for r in new}
        kept = [r for r in self.rows if r.theirs not in taken and r.ours not in taken]
        table = [*kept, *new]
        for ours, pairs in (values or {}).items():
            for n, row in enumerate(table):
                if row.ours == ours:
                    own = tuple(p for p in row.values if p[0] not in pairs)
                    table[n] = replace(row, values=(*pairs.items(), *own))
        return FieldMap(table)


def members(value: Value | None) -> frozenset[str]:
    """Returns a set-valued field's members, none where it is absent."""
    return value if isinstance(value, frozenset) else frozenset()


def single(value: Value | None) -> str | None:
    """Returns the value of a field that has one, None where it is absent."""
    return value if isinstance(value, str) else None


def change_between(field: str, old: Value | None, new: Value | None) -> FieldChange | SetChange:
    """Returns the change that leads from one value of a field to another; None is absent."""
    if isinstance(old, frozenset) or isinstance(new, frozenset):
        had, has = members(old), members(new)
        return SetChange(field=field, added=has - had, removed=had - has)
    return FieldChange(field=field, old=old, new=new)
