"""Texts, values and messages for Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from prophet_hub.sdk import (
    COMMENT,
    TICKET,
    Comment,
    Event,
    Field,
    FieldChange,
    Kind,
    Person,
    Ref,
    SetChange,
    Ticket,
    Value,
)
from prophet_hub.testing.texts import LONG_TEXT, TEXTS

__all__ = [
    "comments",
    "events",
    "instants",
    "lines",
    "long_texts",
    "persons",
    "tickets",
    "values",
    "words",
]


def lines(*, max_size: int = 80) -> st.SearchStrategy[str]:
    """One line of any script, no control characters; never empty, no blanks around it."""
    characters = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
    return st.text(characters, min_size=1, max_size=max_size).map(str.strip).filter(bool)


def long_texts(*, max_size: int = 400) -> st.SearchStrategy[str]:
    """Texts of many lines, with control characters, and now and then of 64 Ki characters."""
    characters = st.characters(exclude_categories=["Cs"])
    return st.one_of(
        st.text(characters, min_size=1, max_size=max_size),
        st.sampled_from([*TEXTS, LONG_TEXT, "\x00", "\r\n", "\u2028", " ", "\ufeff", "@jesse"]),
    )


def words() -> st.SearchStrategy[str]:
    """Words as labels and statuses are: letters, digits, a few marks, a blank within."""
    return st.from_regex(r"\A[a-z][a-z0-9_.:-]{0,8}( [a-z]{1,4})?\Z")


def instants() -> st.SearchStrategy[datetime]:
    """Aware UTC instants of whole seconds, from 1995 to 2035."""
    return st.integers(788918400, 2051222400).map(lambda s: datetime.fromtimestamp(s, UTC))


def persons() -> st.SearchStrategy[Person]:
    """Persons with and without a name and an address."""
    return st.builds(
        lambda login, name, mail: Person(
            id=login, name=name, email=f"{login}@example.org" if mail else ""
        ),
        st.from_regex(r"\A[a-z]{1,8}\Z"),
        st.one_of(st.just(""), lines(max_size=20)),
        st.booleans(),
    )


def values(row: Field) -> st.SearchStrategy[Value]:
    """Values that a row of a field map may hold, in the tracker's words."""
    if row.kind.many:
        return st.frozensets(words(), min_size=1, max_size=4)
    if row.values:
        return st.sampled_from([theirs for theirs, _ in row.values])
    days = instants().map(lambda i: i.date().isoformat())
    by_kind: dict[Kind, st.SearchStrategy[Value]] = {
        Kind.TEXT: lines(),
        Kind.LONG: long_texts(),
        Kind.DAY: days,
        Kind.INSTANT: instants().map(lambda i: i.isoformat().replace("+00:00", "Z")),
        Kind.NUMBER: st.integers(0, 10**6).map(str),
        Kind.MINUTES: st.integers(0, 10**6).map(str),
    }
    return by_kind.get(row.kind, words())


def events(*, max_size: int = 5) -> st.SearchStrategy[tuple[Event, ...]]:
    """A story of changes to `summary` and `labels`, in order, ids growing."""
    change: st.SearchStrategy[FieldChange | SetChange] = st.one_of(
        st.builds(
            lambda old, new: FieldChange(field="summary", old=old, new=new), lines(), lines()
        ),
        st.builds(
            lambda come, go: SetChange(field="labels", added=come - go, removed=go - come),
            st.frozensets(words(), max_size=2),
            st.frozensets(words(), max_size=2),
        ),
    )
    step = st.tuples(persons(), st.lists(change, max_size=2, unique_by=lambda c: c.field))
    return st.tuples(instants(), st.lists(step, max_size=max_size)).map(
        lambda story: tuple(
            Event(id=str(n), author=who, created=story[0], changes=tuple(changes))
            for n, (who, changes) in enumerate(story[1], start=1)
        )
    )


def comments(ticket: str = "1") -> st.SearchStrategy[Comment]:
    """Comments of a ticket, private, public and of unknown audience."""
    return st.builds(
        lambda number, who, when, body, private: Comment(
            ref=Ref(kind=COMMENT, id=str(number), ticket=ticket),
            author=who,
            created=when,
            body=body,
            private=private,
        ),
        st.integers(1, 10**6),
        persons(),
        instants(),
        long_texts(),
        st.sampled_from([True, False, None]),
    )


def tickets() -> st.SearchStrategy[Ticket]:
    """Whole tickets: fields, story, comments of unique ids."""
    return st.builds(
        lambda number, who, when, summary, labels, story, said: Ticket(
            ref=Ref(kind=TICKET, id=str(number)),
            author=who,
            created=when,
            updated=when,
            fields={"summary": summary, **({"labels": labels} if labels else {})},
            events=story,
            comments=tuple(said),
        ),
        st.integers(1, 10**6),
        persons(),
        instants(),
        lines(),
        st.frozensets(words(), max_size=3),
        events(),
        st.lists(comments(), max_size=2, unique_by=lambda c: c.ref.id),
    )
