"""Is the audit whole: every line follows the one before, and the journal says what was hashed.

Whoever can write to the database can write all of it anew from some line on; against that stands a
head that was kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from prophet_hub.foreign.audit import OPEN, Head, Line, digest, lines, told_of
from prophet_hub.foreign.ledger import Ledger, journal_rows
from prophet_hub.model.ids import TrackerId
from prophet_hub.store.sqlite import Store

__all__ = ["Verdict", "verify"]

_RESTORE: Final = "Keep this database, and compare it with a backup or with a head that was kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a check found.

    Attributes:
        fault: The first line that is wrong, in one sentence; "" where none is.
        hint: What to do about it.
        head: The last line that is good.
        requests: How many there were; of `unanswered` nobody knows yet what became of them.
        erased: Of how many the values are not in the journal any more, nor their salt.
        older: Writes in the journal from before there was an audit.
    """

    fault: str = ""
    hint: str = ""
    head: Head = Head()  # noqa: RUF009 - a value
    requests: int = 0
    unanswered: int = 0
    erased: int = 0
    older: int = 0


def verify(store: Store, kept: Head | None = None) -> Verdict:
    """Reads the whole audit and the journal beside it; writes nothing.

    Args:
        store: The database.
        kept: What was its last line at some time: whether it still is there.
    """
    check = _Check(store)
    fault = next(check.faults(kept), "")
    return Verdict(
        fault=fault, hint=_RESTORE if fault else "", head=check.head, requests=len(check.asked),
        unanswered=sum(came in OPEN for came in check.asked.values()), erased=check.erased,
        older=check.older,
    )  # fmt: skip


class _Check:
    """Goes through the lines once, then through the journal."""

    def __init__(self, store: Store) -> None:
        self._store, self._ledger = store, Ledger(store, TrackerId(b""), "")
        self.head, self.older, self.erased = Head(), 0, 0
        self.asked: dict[int, str] = {}
        self._runs: dict[int, str] = {}
        self._first = 0

    def faults(self, kept: Head | None) -> Iterator[str]:
        """Yields what is wrong, the first line first; after the first nothing else is certain."""
        for line in lines(self._store):
            yield from self._of_line(line)
            self.head = Head(line.number, line.hash)
            if kept and kept.number == line.number and not line.hash.startswith(kept.hash):
                yield f"Line {line.number} is another than the one that was kept."
        if kept and kept.number > self.head.number:
            yield f"Line {kept.number} is missing: the audit ends with line {self.head.number}."
        if kept and not kept.number and kept != Head():
            yield "No line has the number 0."
        yield from self._of_journal()

    def _of_line(self, line: Line) -> Iterator[str]:
        number = self.head.number + 1
        if line.number != number:
            yield f"Line {number} is missing: line {line.number} comes after {self.head.number}."
        if digest(line.raw) != line.hash:
            yield f"Line {number} was changed: it has not the hash that is noted of it."
        try:
            said = line.body
            whole = isinstance(said.get("when"), int) and said["when"] > 0
        except ValueError:
            whole, said = False, {}
        if not whole:
            yield f"Line {number} cannot be read."
            return
        if said.get("number") != number or said.get("before") != self.head.hash:
            yield (
                f"Line {number} does not follow the one before it: "
                "one of the two was changed, put in or moved."
            )
        if said.get("what") == "asked":
            yield from self._of_request(number, said)
        else:
            yield from self._of_answer(number, said)

    def _of_request(self, number: int, said: dict[str, Any]) -> Iterator[str]:
        run = self._runs[number] = str(said.get("run"))
        self.asked[number] = "sent"
        self._first = self._first or said["when"]
        row = self._ledger.journal(run, number)
        if row is None:
            yield f"Line {number} has no row in the journal any more."
            return
        told = told_of(row)
        if said.get("item"):  # of a create the row tells later what it made
            told["item"] = row.ref
        if not (row.salt or row.before or row.after):
            self.erased += 1
            told["values"] = said.get("values")
        differs = sorted(name for name, value in told.items() if said.get(name) != value)
        if "values" in differs:
            yield f"The values of line {number} were changed in the journal."
        if differs:
            yield f"Line {number} and its row in the journal tell of another {differs[0]}."

    def _of_answer(self, number: int, said: dict[str, Any]) -> Iterator[str]:
        of = said.get("of")
        if not isinstance(of, int) or of not in self.asked:
            yield f"Line {number} answers what no line before it asks for."
        else:
            self.asked[of] = str(said.get("outcome"))

    def _of_journal(self) -> Iterator[str]:
        runs = set(self._runs.values())
        for run, number, row in journal_rows(self._store):
            if self._runs.get(number) == run:
                if row.outcome != self.asked[number]:
                    yield (
                        f"Line {number} came to {self.asked[number]}, "
                        f"its row in the journal says {row.outcome}."
                    )
            elif run in runs or row.salt or (self._first and row.created > self._first):
                yield f"The journal has a write of run {run} (number {number}) without a line."
            else:
                self.older += 1
