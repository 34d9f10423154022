"""What the audit says, for people: a request with its fields, what came of it, and who wanted it.

The line knows the writes that a request carried.  Whose they are, where they were made and by which
rule stands in the log, and is looked up there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from prophet_hub.errors import StoreError
from prophet_hub.foreign.audit import Line, backward, hashed
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.foreign.rows import LIFE_SLOT, Journal, split
from prophet_hub.model import codec
from prophet_hub.model.ids import TrackerId, WriteId
from prophet_hub.store.sqlite import Store

__all__ = ["Asked", "Change", "Reason", "requests"]

_KEYS: Final = {
    "asked": frozenset({"run", "job", "remote", "verb", "kind", "item", "ticket", "record", "when",
                        "undoes"}),
    "answered": frozenset({"of", "outcome", "item"}),
}  # fmt: skip
"""What the two kinds of lines say, as far as it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field of a request, in the tracker's words; `member` of a set, else empty."""

    field: str
    member: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something was asked for.

    Attributes:
        field: The tracker's, with the member of a set where it is one.
        author, note: Who made the write, and where; both empty where the log does not know it.
        rule: What made it in a person's place; `fill` for a rule that fills in what is demanded.
        write: Its name in hexadecimal digits, "" where it is nobody's.
    """

    field: str
    author: str = ""
    note: str = ""
    rule: str = ""
    write: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as the audit tells it.

    Attributes:
        line: The line that says what was asked for.
        said: What it says.
        answers: The lines that say what came of it, with what they say.
        outcome: The last of them; `sent` while nothing is known.
        item: The item's id; of a create, once it is known.
        changes: Field by field; none for a delete.
        values: What the line's digest is made of; empty where the journal has no such row any more.
    """

    line: Line
    said: dict[str, Any]
    answers: tuple[tuple[Line, dict[str, Any]], ...]
    outcome: str
    item: str
    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]
    values: dict[str, Any]


def requests(
    store: Store, wanted: Callable[[dict[str, Any]], bool] = lambda _: True
) -> Iterator[Asked]:
    """Yields the requests of all runs, the newest first, that are wanted by what their lines say.

    Raises:
        StoreError: A line cannot be read.
    """
    ledger = Ledger(store, TrackerId(b""), "")
    answers: dict[int, list[tuple[Line, dict[str, Any]]]] = {}
    for line in backward(store):
        said = _said(line)
        if said["what"] == "answered":
            answers.setdefault(said["of"], []).insert(0, (line, said))
            continue
        mine = tuple(answers.pop(line.number, ()))
        if not wanted(said):
            continue
        row = ledger.journal(said["run"], line.number)
        yield Asked(
            line=line, said=said, answers=mine,
            outcome=mine[-1][1]["outcome"] if mine else "sent",
            item=said["item"] or (mine[-1][1]["item"] if mine else ""),
            changes=_changes(row), reasons=tuple(_reasons(store, row)),
            values=hashed(row) if row else {},
        )  # fmt: skip


def _said(line: Line) -> dict[str, Any]:
    try:
        said = line.body
        keys = _KEYS[said["what"]]
    except (ValueError, KeyError, TypeError):
        keys, said = frozenset({""}), {}
    if not keys <= said.keys():
        raise StoreError(
            f"Line {line.number} of the audit cannot be read.",
            hint="See what is wrong with it: prophet-hub audit verify",
        )
    return said


def _changes(row: Journal | None) -> tuple[Change, ...]:
    if row is None:
        return ()
    return tuple(
        Change(
            field=split(name)[0], member=split(name)[1], before=row.before.get(name), after=after
        )
        for name, after in row.after.items()
        if name != LIFE_SLOT
    )


def _reasons(store: Store, row: Journal | None) -> Iterator[Reason]:
    """Yields one reason per field and write."""
    if row is None:
        return
    known = _authors(store, {one for found in row.causes.values() for one in found})
    for name, causes in row.causes.items():
        field = "" if name == LIFE_SLOT else "=".join(part for part in split(name) if part)
        if not causes and not row.undoes:
            yield Reason(field=field, rule="fill")
        for write in sorted(causes):
            author, note, rule = known.get(write, ("", "", ""))
            yield Reason(field=field, author=author, note=note, rule=rule, write=write.hex())


def _authors(store: Store, writes: Collection[WriteId]) -> dict[WriteId, tuple[str, str, str]]:
    """Returns of writes that the log knows (author, place, rule), each as it was told first."""
    places = store.log.places(writes)
    found: dict[WriteId, tuple[str, str, str]] = {}
    for row in _entries(store, sorted({numbers[0] for numbers in places.values()})):
        changeset = codec.decode(row.before, row.raw).changeset
        for write in changeset.writes:
            if write.id in writes:
                found.setdefault(write.id, (changeset.author, changeset.note, write.rule))
    return found


def _entries(store: Store, numbers: list[int]) -> Iterable[Any]:
    return sorted(store.log.entries(numbers)) if numbers else ()
