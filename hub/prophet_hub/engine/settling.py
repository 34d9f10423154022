"""Conflicts are settled once, after a whole pull: by votes, by the database's rules, by a job's.

All of it happens page by page, in few statements each, in one transaction: what a rule needs to
know (causes, votes, texts) is fetched for a page at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from prophet_hub.engine.past import Past
from prophet_hub.engine.rows import decode_heads
from prophet_hub.engine.rules import rules_of
from prophet_hub.errors import StoreError
from prophet_hub.merge import texts
from prophet_hub.merge.cells import Head, reach
from prophet_hub.merge.conflicts import Conflict
from prophet_hub.merge.settle import Policy, ask, first_of, may_settle, resolution
from prophet_hub.merge.votes import majority
from prophet_hub.model.changes import VOTE, Changeset, Write
from prophet_hub.model.ids import ChangesetName, RecordId, name_of
from prophet_hub.values import Stored, Value

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__all__ = ["Page", "settle", "settle_all"]

_PAGE: Final = 1_000
_LONGEST: Final = 4 << 20  # bytes of a text that a rule looks at

Rules = Callable[["Page"], Policy]
"""Gives the rule for a page of conflicts."""


def settle_all(replica: Replica, then: Rules | None = None) -> Counter[str]:
    """Settles what needs no person, to be called once after everything is pulled.

    First by the votes, then by the database's own rules (its setting `rules`), then by `then`,
    a job's.  Where a rule answered, no later one is asked.  A second time does nothing.

    Returns:
        How many conflicts each rule settled, by the rule's name.
    """
    if next(replica.conflicts(), None) is None:
        return Counter()  # nothing is locked for nothing
    rules = rules_of(replica)

    def all_of(page: Page) -> Policy:
        return first_of(page.votes, rules(page.merge), then(page) if then else ask)

    return settle(replica, all_of)


def settle(
    replica: Replica, rules: Rules, records: Iterable[RecordId] | None = None
) -> Counter[str]:
    """Lets rules settle conflicts, of some records or all, as far as the law allows.

    Never where a resolution is among the heads, nor on lives, links, votes, nor where a head goes
    back to a write that is not known here.
    """
    done: Counter[str] = Counter()
    with replica.transaction():
        conflicts = replica.conflicts() if records is None else _conflicts_of(replica, records)
        while found := list(islice(conflicts, _PAGE)):
            page = Page(replica, [one for one in found if may_settle(one)])
            writes = list(page.settled_by(rules(page)))
            replica.record(
                Changeset(ChangesetName(name_of("settled", w.id)), w.rule, w.created, (w,))
                for w in writes
            )
            done.update(w.rule for w in writes)
    return done


class Page:
    """Conflicts that are looked at together, and what rules ask about them.

    Attributes:
        votes: Settles by a strict majority of the votes.
        merge: Settles long texts whose changes do not touch.
    """

    def __init__(self, replica: Replica, conflicts: Sequence[Conflict]) -> None:
        self._replica, self._conflicts = replica, conflicts
        self._past = Past(replica.store)
        self._votes = _votes(replica, {one.record for one in conflicts})
        self.merge: Policy = texts.merge(self._base, self._text)

    def votes(self, conflict: Conflict) -> Sequence[tuple[str, Value]]:
        """Settles by a strict majority of the votes; not by a text that is not here."""
        answer = majority(conflict, self._votes.get(conflict.record, {}))
        known = {h.value for h in conflict.cell.heads}
        return [
            (rule, value)
            for rule, value in answer
            if value in known or not isinstance(value, Stored) or self._text(value) is not None
        ]

    def settled_by(self, policy: Policy) -> Iterator[Write]:
        """Yields the writes by which the policy settles what it may."""
        answers = [(one, answer[0]) for one in self._conflicts if (answer := policy(one))]
        self._past.load_all(h.id for one, _ in answers for h in one.cell.heads)
        for conflict, (rule, value) in answers:
            if not self._holes(conflict):
                yield resolution(conflict, rule, value)

    def _holes(self, conflict: Conflict) -> bool:
        """Tells whether something that led to the conflict is not known here."""
        behind = reach((h.id for h in conflict.cell.heads), self._past.edges)
        return not all(self._past.known(write) for write in behind)

    def _base(self, conflict: Conflict) -> Value:
        """Returns the value that all heads go back to: that of the last writes they all knew."""
        heads, past = conflict.cell.heads, self._past
        past.load_all(h.id for h in heads)
        shared = set.intersection(*(reach((h.id,), past.edges) for h in heads))
        members = self._replica.members(conflict.record)
        here = {
            w
            for w in shared
            if any(
                c.cell.record in members
                and (c.cell.prop, c.cell.member) == (conflict.cell.prop, conflict.cell.member)
                for c in past.copies(w)
            )
        }
        last = here - reach(here, past.edges)
        found = {one.value for w in last if (one := past.one_or_none(w))}
        return found.pop() if len(found) == 1 else None

    def _text(self, value: Value) -> str | None:
        if not isinstance(value, Stored):
            return value
        if value.size > _LONGEST:
            return None
        try:
            return b"".join(self._replica.content(value)).decode()
        except (StoreError, UnicodeDecodeError):  # erased, not here yet, or no text
            return None


def _votes(
    replica: Replica, records: Iterable[RecordId]
) -> dict[bytes, dict[str, list[tuple[Head, ...]]]]:
    """Returns the votes of records: record -> fingerprint -> heads of each voter's cell."""
    found: dict[bytes, dict[str, list[tuple[Head, ...]]]] = {}
    for row in replica.store.derived.votes(records):
        of_record = found.setdefault(row.record, {})
        of_record.setdefault(row.prop.removeprefix(VOTE), []).append(decode_heads(row.heads))
    return found


def _conflicts_of(replica: Replica, records: Iterable[RecordId]) -> Iterator[Conflict]:
    for whole in sorted({replica.name(r) for r in records}):
        kind = replica.type_of(whole)
        for _, state in sorted(replica.cells(whole).items()):
            if state.conflict:
                yield Conflict(whole, kind, state)
