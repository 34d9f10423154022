"""Votes: a person's decision, remembered, so that the identical conflict is not asked twice.

A vote is a cell of the record itself, named by what was decided (the *fingerprint*) and by the
replica on which somebody decided; so it travels, merges and is undone like anything else.  The law
of it: docs/design/001-the-law-of-merging.md, "Votes".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prophet_hub.merge.cells import Head, distinct
from prophet_hub.merge.conflicts import CellState, Conflict
from prophet_hub.model.changes import LIFE, LINKING, VOTE, Cell
from prophet_hub.model.ids import Origin, RecordId
from prophet_hub.values import INLINE, PRESENT, Stored, Value, order

__all__ = [
    "VOTES",
    "ballot_of",
    "cast",
    "fingerprint",
    "is_asked",
    "majority",
    "value_in",
    "values_of",
    "vote_cell",
]

VOTES: Final = "votes"
"""The rule's name under which a majority settles."""

_NOTHING: Final = bytes(32)
_ABSENT: Final = "-"
_BY_HASH: Final = re.compile(r"#([0-9a-f]{64}) (\d{1,15})").fullmatch


def fingerprint(prop: str, member: str, values: Iterable[Value]) -> str:
    """Returns what names a conflict wherever it is met, 32 hexadecimal digits.

    They are the first sixteen bytes of the SHA-256 over, one after another: the SHA-256 of the
    property's name, that of the member ("" for none), and for each distinct value the SHA-256 of
    its UTF-8 bytes, or 32 zero bytes for absence, these in ascending order.  Who said which value,
    how often and when is not in it, nor whether a text stands in the log by its hash.
    """
    whole = hashlib.sha256(_digest(prop) + _digest(member))
    for digest in sorted({_digest(value) for value in values}):
        whole.update(digest)
    return whole.hexdigest()[:32]


def values_of(cell: CellState) -> set[Value]:
    """Returns the values between which a conflict asks; a life edited after its delete: both."""
    found = distinct(cell.heads)
    return found | {PRESENT} if cell.prop == LIFE else found


def is_asked(conflict: Conflict) -> bool:
    """Tells whether people are asked: not about links, which show presence, nor about votes."""
    prop = conflict.cell.prop
    return prop not in LINKING and not prop.startswith(VOTE)


def vote_cell(record: RecordId, cell: CellState, voter: Origin) -> Cell:
    """Returns the cell of a voter's vote on the conflict that a cell of the record is in."""
    name = fingerprint(cell.prop, cell.member, values_of(cell))
    return Cell(record, f"{VOTE}{name}", voter.hex())


def ballot_of(value: Value) -> str:
    """Returns a decision as a vote holds it: `-` for absence, `=` and the text, `#` and its hash."""
    if value is None:
        return _ABSENT
    if isinstance(value, str):
        data = value.encode()
        if len(data) < INLINE:  # the sign stands before it
            return f"={value}"
        value = Stored(hashlib.sha256(data).hexdigest(), len(data))
    return f"#{value.sha256} {value.size}"


def value_in(ballot: Value) -> tuple[Value] | None:
    """Returns the decision that a vote holds, None for one that was withdrawn or says nothing."""
    if not isinstance(ballot, str):
        return None
    if ballot == _ABSENT:
        return (None,)
    if ballot.startswith("="):
        return (ballot[1:],)
    found = _BY_HASH(ballot)
    return (Stored(found[1], int(found[2])),) if found else None


def cast(votes: Iterable[Sequence[Head]]) -> list[Value]:
    """Returns the decisions that count, one per voter; each item holds the heads of a vote's cell.

    A vote in conflict with itself (one replica, copied, decided twice) counts nothing.
    """
    found = []
    for heads in votes:
        said = distinct(heads)
        answer = value_in(next(iter(said))) if len(said) == 1 else None
        if answer is not None:
            found.append(answer[0])
    return found


def majority(
    conflict: Conflict, votes: Mapping[str, Sequence[Sequence[Head]]]
) -> Sequence[tuple[str, Value]]:
    """Settles by a strict majority of the votes on the identical conflict, one vote a replica.

    Args:
        conflict: What is to be settled.
        votes: The record's votes: fingerprint -> heads of each voter's cell.
    """
    cell = conflict.cell
    if not votes:
        return ()
    decided = cast(votes.get(fingerprint(cell.prop, cell.member, values_of(cell)), ()))
    digests = [_digest(value) for value in decided]
    for value in sorted({*values_of(cell), *decided}, key=order):
        if 2 * digests.count(_digest(value)) > len(digests):
            return ((VOTES, value),)
    return ()


def _digest(value: Value) -> bytes:
    if value is None:
        return _NOTHING
    if isinstance(value, Stored):
        return bytes.fromhex(value.sha256)
    return hashlib.sha256(value.encode()).digest()
