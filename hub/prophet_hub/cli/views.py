"""Records as people see them: numbers, addresses in the trackers, values as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import clean
from prophet_hub.errors import UsageError
from prophet_hub.foreign.ledger import Ledger
from prophet_hub.model.changes import LIFE
from prophet_hub.model.ids import RecordId, TrackerId, of_item
from prophet_hub.values import Stored, Value

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Conflict, Head, Replica

__all__ = ["Views", "parsed_field", "plain"]

TICKET = "ticket"  # as prophet_hub.sdk calls it; not imported, for `show` has no time for the sdk
_NUMBER = re.compile(r"#?(\d{1,9})")
_FOREIGN = re.compile(r"(?P<remote>[A-Za-z0-9][A-Za-z0-9_.-]*)[#:](?P<id>.+)")
_REMOTE_ROWS = "tracker-of:"


@dataclass(slots=True)
class Views:
    """Looks at a database for people; writes nothing."""

    replica: Replica
    _at: dict[TrackerId, str] = field(default_factory=dict)

    # --- names ---

    def record(self, words: str) -> RecordId:
        """Returns the record that TICKET names: a number, `rt-main#42`, a uuid's beginning.

        Raises:
            UsageError: None, or several.
        """
        number = _NUMBER.fullmatch(words)
        if number:
            return self.replica.resolve_id(f"#{number[1]}")
        foreign = _FOREIGN.fullmatch(words)
        if foreign is None:
            return self.replica.resolve_id(words)
        remote, item = foreign["remote"], foreign["id"].removeprefix("#")
        tracker = self.ledger().tracker_named(remote)
        if tracker is None:
            near = get_close_matches(remote, self.remotes(), n=1)
            raise UsageError(f'This database knows no remote "{remote}".',
                             hint=f'Did you mean "{near[0]}"?' if near else "Sync it first.")  # fmt: skip
        record = of_item(tracker, TICKET, item)
        if not self.replica.type_of(record):
            raise UsageError(f"No ticket {item} of {remote} was ever read.",
                             hint="Sync, or look whether the remote's query tells it.")  # fmt: skip
        return self.replica.name(record)

    def number(self, record: RecordId) -> str:
        """Returns a record's number in this database as people see it, `#5`; "" for an unknown."""
        label = self.label(record)
        return f"#{label}" if label else ""

    def label(self, record: RecordId) -> int:
        """Returns a record's number in this database as programs get it; 0 for an unknown one."""
        line = self.replica.store.derived.lines((record,)).get(record)
        return line.label if line else 0

    def addresses(self, record: RecordId) -> list[str]:
        """Returns where the record stands in the trackers: `rt-main#42`, one per tracker."""
        found = []
        for member in self.replica.members(record):
            row = self.ledger().item(member)
            if row is not None and not row.undone:
                found.append(f"{self.remote(row.tracker)}#{row.ref}")
        return sorted(set(found))

    def remote(self, tracker: TrackerId) -> str:
        """Returns the name of a tracker's remote."""
        if tracker not in self._at:
            self._at[tracker] = self.ledger().remote_named(tracker) or tracker.hex()[:8]
        return self._at[tracker]

    def remotes(self) -> dict[str, TrackerId]:
        """Returns all remotes that this database ever worked with."""
        return {
            str(key[0]).removeprefix(_REMOTE_ROWS): TrackerId(data)
            for key, data in self.replica.store.scan("settings")
            if str(key[0]).startswith(_REMOTE_ROWS)
        }

    def ledger(self, tracker: TrackerId | None = None, job: str = "") -> Ledger:
        """Returns the ledger of a tracker."""
        return Ledger(self.replica.store, tracker or TrackerId(b""), job)

    # --- values ---

    def text(self, value: Value) -> str:
        """Returns a value as text."""
        return self.replica.text(value)

    def short(self, value: Value, prop: str = "") -> str:
        """Returns a value on one line: a long text as its size, a life as a word."""
        if prop == LIFE:
            return "deleted" if value is None else "alive"
        if value is None:
            return "(nothing)"
        return f"(text of {value.size} bytes)" if isinstance(value, Stored) else clean(value)

    def properties(self, record: RecordId) -> dict[str, Any]:
        """Returns a record's properties as JSON knows them."""
        return plain(self.replica.shown(record), self.replica.text)

    def title(self, record: RecordId) -> str:
        """Returns a ticket's summary; for a comment or attachment its ticket's, else a name."""
        shown = self.replica.shown(record)
        if "summary" in shown:
            return self._one(shown["summary"])
        if "ticket" not in shown:
            return self._one(shown.get("name") or shown.get("title"))
        try:
            ticket = RecordId(bytes.fromhex(self._one(shown.get("ticket")).replace("-", "")))
        except ValueError:
            return self._one(shown.get("name"))
        return f"{self.replica.type_of(record)} at: {self._one(self.replica.shown(ticket).get('summary'))}"

    def _one(self, value: object) -> str:
        return self.text(value) if isinstance(value, (str, Stored)) else ""

    def said(self, head: Head) -> str:
        """Returns who made a head, and where."""
        row = self.ledger().item(head.record)
        rows = self.replica.history(head.record)
        made = next((one for one in rows if one.write == head.id), None)
        author = made.author if made else ""
        note = made.note if made else ""
        where = note or (f"{self.remote(row.tracker)}#{row.ref}" if row else "")
        return ", ".join(part for part in (author, where) if part)

    def conflicts(self, record: RecordId | None = None) -> Iterator[Conflict]:
        """Yields the conflicts about which people are asked, of one record or of all."""
        from prophet_hub.merge.conflicts import Conflict  # noqa: PLC0415 - loaded by now
        from prophet_hub.merge.votes import is_asked  # noqa: PLC0415 - as above

        if record is None:
            yield from filter(is_asked, self.replica.conflicts())
            return
        kind = self.replica.type_of(record)
        for _, state in sorted(self.replica.cells(record).items()):
            if state.conflict and is_asked(found := Conflict(record, kind, state)):
                yield found


def plain(shown: Mapping[str, Value | frozenset[str]], text_of: Any) -> dict[str, Any]:
    """Returns properties as JSON knows them: sets as sorted lists, stored contents by hash."""
    return {
        prop: sorted(value) if isinstance(value, frozenset)
        else {"sha256": value.sha256, "size": value.size}
        if isinstance(value, Stored) and prop == "content" else text_of(value)
        for prop, value in sorted(shown.items())
    }  # fmt: skip


def parsed_field(words: str) -> tuple[str, str]:
    """Returns (property, member) of `status`, `labels=urgent` or `life`."""
    if words in (LIFE, f"{LIFE}=alive"):
        return LIFE, "alive"
    prop, _, member = words.partition("=")
    return prop, member
