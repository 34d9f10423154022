"""One remote as seen from the database: names, tables and notes that reading and writing share."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property

from prophet_hub.engine.replica import CellState, Replica
from prophet_hub.foreign import shared
from prophet_hub.foreign.audit import Audit
from prophet_hub.foreign.guard import Guarded
from prophet_hub.foreign.ledger import Ledger, whole
from prophet_hub.foreign.people import People
from prophet_hub.foreign.rows import Intent, ItemRow, Shadow
from prophet_hub.foreign.steps import RemoteSpec
from prophet_hub.foreign.texts import HAND, PLAIN, Home, Passage, Texts
from prophet_hub.foreign.translate import Words, tables
from prophet_hub.foreign.ways import Workflow
from prophet_hub.model import ids
from prophet_hub.model.changes import Changeset
from prophet_hub.model.ids import RecordId, TrackerId
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History, References
from prophet_hub.values import Stored, Value

__all__ = ["LazyCells", "Side", "record_of"]


class Side:
    """A remote, its job's view of it, and the database.

    Attributes:
        pending: Changesets of the present transaction that are not in the log yet; whoever reads
            the database calls `flush` first.
        workflow: What is known of the tracker's statuses.
        uploaded: The contents that this object sent, by attachment id; they need not be fetched.
    """

    def __init__(
        self, replica: Replica, spec: RemoteSpec, job: str, run: str,
        references: Mapping[TrackerId, References],
    ) -> None:  # fmt: skip
        self.replica, self.spec, self.job, self.run = replica, spec, job, run
        self.connector = Guarded(spec.connector, spec.name)
        self.able = spec.connector.capabilities
        self.ledger = Ledger(replica.store, spec.tracker, spec.view or job)
        self.audit = Audit(self.ledger, run)
        self.fields = tables(spec.fields, self.able.comment_limit)
        self.texts = Texts(
            tracker=spec.tracker, dialects=self.able.dialects, references=references,
            twin=self._twin, told=self._told,
        )  # fmt: skip
        self.full = self.able.history is History.FULL
        self.pending: list[Changeset] = []
        self.uploaded: dict[str, Stored] = {}
        row = spec.fields.ours("status")
        self.workflow = Workflow(self.connector.describe, self.ledger, row.theirs if row else "")
        self.forget()

    def forget(self) -> None:
        """Drops what is held in memory of the ledger: after a transaction that was rolled back."""
        self.pending.clear()
        self.ledger.touched.clear()
        self.people = People(self.spec, self.ledger)
        self.words = Words(
            person_in=self.people.word,
            person_out=self.people.person,
            link_in=self._link_in,
            link_out=self._link_out,
            mutes=self.able.mentions,
        )
        for name in ("intents", "under_way", "waiting"):
            self.__dict__.pop(name, None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits all that is recorded and noted inside, or nothing of it."""
        try:
            with self.replica.transaction():
                yield
                self.flush()
                shared.tell(self.replica, self.ledger, f"{self.spec.name}: how far it was read")
        except BaseException:
            self.forget()
            raise

    # --- what is under way, held in memory while this object lives ---

    @cached_property
    def intents(self) -> dict[tuple[str, RecordId], Intent]:
        """The creates under way, by kind and born record."""
        return {(kind, record): intent for kind, record, intent in self.ledger.intents()}

    @cached_property
    def under_way(self) -> set[tuple[str, str]]:
        """The items, (kind, id), with writes of ours that no reading settled."""
        return set(self.ledger.unread())

    @cached_property
    def waiting(self) -> set[tuple[str, str]]:
        """The items, (kind, id), that the inbox names."""
        return {(kind, ref) for kind, ref, _, _ in self.ledger.all_waiting()}

    def set_intent(self, kind: str, record: RecordId, intent: Intent | None) -> None:
        """Notes a create under way, or with None that it is settled."""
        self.ledger.set_intent(kind, record, intent)
        if intent is None:
            self.intents.pop((kind, record), None)
        else:
            self.intents[kind, record] = intent

    @cached_property
    def _others(self) -> list[Ledger]:
        """What other jobs noted of this tracker."""
        keys = (key for key, _ in self.replica.store.scan("checkpoints"))
        jobs = [str(job) for job, tracker in keys if tracker == self.spec.tracker]
        return [self.ledger.of(job) for job in jobs if whole(job) != self.job]

    def others_look(self, ticket: RecordId) -> None:
        """Lets other jobs look at what is in a ticket that came here: it may be theirs to bring."""
        for ledger in self._others:
            for kind in (COMMENT, ATTACHMENT):
                for child in self.replica.children(ticket, kind):
                    ledger.look(child)

    # --- names ---

    def record(self, kind: str, ref: str) -> RecordId:
        """Returns the record of an item of this tracker."""
        return ids.of_item(self.spec.tracker, kind, ref)

    def refs(self, record: RecordId, kind: str) -> list[str]:
        """Returns this tracker's items that a record is, deleted ones too, but for undone copies."""
        return sorted(
            {row.ref for _, row in self.items(record) if self._here(row, kind) and not row.undone}
        )

    def live(self, record: RecordId, kind: str) -> list[str]:
        """Returns this tracker's items that a record is and that were not deleted or merged, nor went
        with their ticket.
        """
        found = []
        for ref in self.refs(record, kind):
            shadow = self.ledger.shadow(kind, ref)
            if shadow is None or not (shadow.gone or shadow.merged or self._went_along(shadow)):
                found.append(ref)
        return found

    def _went_along(self, shadow: Shadow) -> bool:
        whole = self.ledger.shadow(TICKET, shadow.ticket) if shadow.ticket else None
        return whole is not None and whole.gone

    def items(self, record: RecordId) -> Iterator[tuple[RecordId, ItemRow]]:
        """Yields the items, in any tracker, that a record is."""
        self.flush()
        for member in sorted(self.replica.members(record)):
            row = self.ledger.item(member)
            if row:
                yield member, row

    def mine(self, record: RecordId, kind: str) -> list[str]:
        """Returns those of the living items that are this remote's to write."""
        return [ref for ref in self.live(record, kind) if self.owns(kind, ref)]

    def owns(self, kind: str, ref: str) -> bool:
        """Tells whether an item is this remote's to write, where several are the same tracker: it is
        the one's whose query told the ticket, with that one's maps; else of whoever creates.
        """
        parts = self.spec.parts
        if not parts:
            return True
        if kind != TICKET:
            shadow = self.ledger.shadow(kind, ref)
            ref = shadow.ticket if shadow else ""
        told = [p for p in parts if any(self.told(view, ref) for view in p.views)]
        owner = next((part for part in told or parts if part.here), None)
        return owner is not None and owner.name == self.spec.name

    def told(self, view: str, ref: str) -> bool:
        """Tells whether it is noted under a name that its query told a ticket of this tracker."""
        return self.ledger.in_scope(view, self.spec.tracker, ref)

    def _here(self, row: ItemRow, kind: str) -> bool:
        return row.tracker == self.spec.tracker and row.kind == kind

    def born(self, record: RecordId) -> RecordId:
        """Returns the member of a record that was born, not one of our copies.

        It is the key; the least uuid is not, for it changes as pairings arrive.
        """
        self.flush()
        members = sorted(self.replica.members(record))
        rows = {member: self.ledger.item(member) for member in members}
        born = [m for m in members if (row := rows[m]) is None or row.born]
        known = [m for m in born if self.replica.knows(m)]
        return (known or born or members)[0]

    # --- texts ---

    def home(self, record: RecordId) -> Home:
        """Returns where a record was born, in whose terms its texts stand here."""
        born = self._oldest(record)
        row = self.ledger.item(born)
        if row is not None:
            ticket = row.ref if row.kind == TICKET else row.ticket
            return Home(tracker=row.tracker, ticket=ticket, dialect=self._dialect(born, PLAIN))
        return Home(dialect=self._dialect(born, PLAIN if ids.is_of_item(born) else HAND))

    def passage(self, record: RecordId, dialect: str, home: Home | None = None) -> Words:
        """Returns the words for one record and an item of it in this markup, "" for a new item."""

        def present(prop: str) -> str:
            cell = self.cells(record).get((prop, ""))
            return self.text(cell.shown) if cell else ""

        known = cache(lambda: home or self.home(record))
        return self.words.through(
            Passage(texts=self.texts, home=known, dialect=dialect, present=present)
        )

    def _oldest(self, record: RecordId) -> RecordId:
        """Returns of the members that were born themselves the one that was born first."""
        self.flush()
        born = []
        for member in sorted(self.replica.members(record)):
            row = self.ledger.item(member)
            if (row is None or row.born) and self.replica.knows(member):
                born.append(member)
        if len(born) == 1:
            return born[0]
        dated = ((write.created, m) for m in born for _, write in self.replica.writes_of(m)[:1])
        return min(dated, default=(0, self.born(record)))[1]

    def _dialect(self, born: RecordId, otherwise: str) -> str:
        """Returns the markup that a record has of itself; what its copies are in does not count."""
        if len(self.replica.members(born)) == 1:
            cell = self.replica.cell(born, "dialect")
            said = [cell.shown] if cell else []
        else:
            writes = (write for _, write in self.replica.writes_of(born))
            said = [write.value for write in writes if write.cell.prop == "dialect"]
        return self.text(said[-1]) if said and said[-1] is not None else otherwise

    def _twin(self, tracker: TrackerId, ticket: str, other: TrackerId) -> str | None:
        """Returns the ticket of another tracker that is a tracker's ticket, None if none is."""
        record = ids.of_item(tracker, TICKET, ticket)
        if other == self.spec.tracker:
            return next(iter(self.live(record, TICKET)), None)
        rows = (row for _, row in self.items(record) if row.tracker == other and not row.undone)
        return next((row.ref for row in rows if row.kind == TICKET), None)

    def _told(self, tracker: TrackerId, ticket: str) -> bool:
        """Tells whether a number may mean a ticket: here any may, where a query hides the others."""
        if tracker == self.spec.tracker and self.spec.query:
            return True
        return self.ledger.item(ids.of_item(tracker, TICKET, ticket)) is not None

    # --- links between tickets ---

    def _link_in(self, theirs: str) -> str:
        if "://" in theirs:
            return theirs
        record = self.record(TICKET, theirs)
        row = self.ledger.item(record)
        return ids.text(record if row is None or row.born else self.born(record))

    def _link_out(self, ours: str) -> str | None:
        record = record_of(ours)
        if record is None:
            return ours if "://" in ours else None
        live = self.live(record, TICKET)
        return live[0] if live else None

    # --- the database ---

    def flush(self) -> None:
        """Brings the changesets of the present transaction into the log."""
        if self.pending:
            changesets, self.pending[:] = list(self.pending), []
            self.replica.record(changesets)

    def cells(self, record: RecordId) -> dict[tuple[str, str], CellState]:
        """Returns the cells of a record's class."""
        self.flush()
        return self.replica.cells(record)

    def text(self, value: Value) -> str:
        """Returns a value as text."""
        return self.replica.text(value)

    def now(self) -> int:
        """Returns the hub's own clock, in microseconds; for people, never for deciding."""
        return self.replica.now()

    def place_name(self, kind: str, ref: str, ticket: str = "") -> str:
        """Returns how people call an item: `rt-main#42`, `rt-main#42-53`."""
        return f"{self.spec.name}#{ref}" if kind == TICKET else f"{self.spec.name}#{ticket}-{ref}"

    def may(self, verb: str, kind: str) -> bool:
        """Tells whether tracker and job allow a write."""
        if not self.may_carry(kind):
            return False
        if verb == "create" and kind == TICKET and not self.spec.creates:
            return False
        return (verb, kind) in self.able.writes

    def may_carry(self, kind: str) -> bool:
        """Tells whether the job carries items of a kind at all."""
        return kind != ATTACHMENT or self.spec.attachments

    def line_is_ours(self, author: str) -> bool:
        """Tells whether an attribution line under this author is to be believed."""
        return author == self.spec.account.id or self.able.impersonation

    def needs_line(self) -> bool:
        """Tells whether a comment must say in its text who wrote it."""
        return not (self.able.impersonation and COMMENT in self.able.keys)


class LazyCells(Mapping[tuple[str, str], CellState]):
    """The cells of a record's class, read when somebody asks."""

    def __init__(self, side: Side, record: RecordId | None) -> None:
        self._side, self._record = side, record

    @cached_property
    def _cells(self) -> Mapping[tuple[str, str], CellState]:
        return self._side.cells(self._record) if self._record else {}

    def __getitem__(self, key: tuple[str, str]) -> CellState:
        return self._cells[key]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


def record_of(text: str) -> RecordId | None:
    """Returns the record that a uuid's text names, None if it is none."""
    try:
        return RecordId(uuid.UUID(text).bytes)
    except ValueError:
        return None
