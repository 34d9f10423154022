"""What differs between two moments, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from prophet_hub.engine.history import Shown
from prophet_hub.engine.then import Moment, Then, spanned
from prophet_hub.model.ids import RecordId

if TYPE_CHECKING:
    from prophet_hub.engine.reading import Reading

__all__ = ["Difference", "differences"]

_PAGE: Final = 200


class Difference(NamedTuple):
    """A record that is not the same at two moments.

    Attributes:
        type: Its type, as it is known today.
        before, after: Its properties as they were shown; None where it was not there.
    """

    record: RecordId
    type: str
    before: Shown | None
    after: Shown | None

    def properties(self) -> list[str]:
        """Returns the names of what differs, sorted."""
        before, after = self.before or {}, self.after or {}
        return sorted(
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        )


def differences(
    replica: Reading, before: Moment, after: Moment, *, record: RecordId | None = None
) -> Iterator[Difference]:
    """Yields what differs: of all records, or of one with its comments and attachments.

    Of all it is asked what was written to between the two, so that two moments of the log cost what
    lies between them.
    """
    raw = spanned(replica.store, before, after)
    if record is not None:
        raw &= _with_children(replica, record, before, after)
    lines = replica.store.derived.lines(raw)
    rest = iter(sorted(raw, key=lambda one: (lines[one].number if one in lines else 0, one)))
    told: set[RecordId] = set()
    while page := list(islice(rest, _PAGE)):
        then = Then(replica.store, before), Then(replica.store, after)
        for one in _wholes(page, then):
            if one not in told:
                told.add(one)
                old, new = (_shown(at, one) for at in then)
                if old != new:
                    yield Difference(one, replica.type_of(one), old, new)


def _with_children(replica: Reading, record: RecordId, *moments: Moment) -> set[RecordId]:
    """Returns the raw records of a record's class and of all that belonged to it at the moments."""
    found: set[RecordId] = set()
    for moment in moments:
        then = Then(replica.store, moment)
        found |= then.members(record)
        for child in then.children(record):
            found |= then.members(child)
    return found


def _wholes(raw: Iterable[RecordId], then: Iterable[Then]) -> Iterator[RecordId]:
    for one in raw:
        for at in then:
            yield min(at.members(one))


def _shown(then: Then, record: RecordId) -> Shown | None:
    """Returns a record's properties, None where it was not there or went by another name."""
    return then.properties(record) if min(then.members(record)) == record else None
