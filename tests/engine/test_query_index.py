"""Searches find what a scan of everything finds, whatever happened and whenever one asks."""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections import Counter

from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from prophet_hub.engine.offers import Parcel
from prophet_hub.engine.query import catch_up, find
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import StoreError
from prophet_hub.model import ids
from prophet_hub.values import PRESENT

TICKETS = [bytes([n]) * 16 for n in (1, 2, 7)]
COMMENTS = [bytes([n]) * 16 for n in (4, 5)]
NOBODY = b"\x09" * 16
TEXTS = ("Sync fails", "the printer, again", "Café syncs", "x" * 90 + " printer fails" * 350)
VALUES = {
    "status": ("open", "new", "Open"), "owner": ("jesse", "jesse@example.com", "cara"),
    "priority": ("9", "10", "1.5", "high"), "due": ("2026-11-30", "2026-12-01T10:00:00Z", "soon"),
}  # fmt: skip
record = st.sampled_from(TICKETS)
comment = st.sampled_from(COMMENTS)
hub = st.integers(0, 1)


class Scan:
    """A database read whole, and every term answered by looking at every record."""

    def __init__(self, replica: Replica) -> None:
        self.rows = list(replica.records(""))
        self.shown, self.alive, self.home, self.torn = {}, {}, {}, set()
        for row in self.rows:
            one = row.record
            self.shown[one] = {
                prop: sorted(value) if isinstance(value, frozenset) else [replica.text(value)]
                for prop, value in replica.shown(one).items()
            }
            self.alive[one] = replica.alive(one)
            if any(cell.conflict for cell in replica.cells(one).values()):
                self.torn.add(one)
            for parent in map(_uuid, self.shown[one].get("ticket", [])):
                if parent and replica.type_of(parent):
                    self.home[one] = replica.name(parent)
        self.parents = {
            one: {replica.name(p) for p in map(_uuid, shown.get("parent", [])) if p}
            for one, shown in self.shown.items()
        }
        self.kind = {row.record: row.type for row in self.rows}

    def children(self, one: bytes) -> list[bytes]:
        return [c for c, home in self.home.items() if home == one and c != one and self.alive[c]]

    def words(self, one: bytes) -> list[list[str]]:
        return [
            re.findall(r"\w+", _plain(text))
            for prop in ("summary", "description", "body")
            for text in self.shown[one].get(prop, [])
        ]

    def says(self, one: bytes, holds) -> bool:
        return any(
            holds(words) for each in (one, *self.children(one)) for words in self.words(each)
        )

    def found(self, term, kind: str) -> list[bytes]:
        return sorted(
            one
            for one in self.kind
            if self.alive[one] and (not kind or self.kind[one] == kind) and term(self, one)
        )


def _plain(text: str) -> str:
    return "".join(
        c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c)
    )


def _uuid(text: str) -> bytes | None:
    try:
        return uuid.UUID(text).bytes
    except ValueError:
        return None


def word(*wanted, begins=False):
    def holds(words):
        last = len(wanted) - 1
        return any(
            all(
                words[at + n].startswith(w) if begins and n == last else words[at + n] == w
                for n, w in enumerate(wanted)
            )
            for at in range(len(words) - last)
        )

    return lambda scan, one: scan.says(one, holds)


def shows(prop, test):
    return lambda scan, one: any(map(test, scan.shown[one].get(prop, [])))


def number(test):
    return lambda text: re.fullmatch(r"\d+(\.\d+)?", text) is not None and test(float(text))


def _wrote(scan, one):
    return any("jesse" in scan.shown[c].get("author", []) for c in scan.children(one))


def _in_open(scan, one):
    home = scan.home.get(one)
    return home not in (None, one) and any(
        v.lower() == "open" for v in scan.shown[home].get("status", [])
    )


def _under_open(scan, one):
    return any(
        v.lower() == "open"
        for parent in scan.parents[one]
        for v in scan.shown.get(parent, {}).get("status", [])
    )


TERMS = [
    ("sync", word("sync")), ("sync*", word("sync", begins=True)), ("cafe", word("cafe")),
    ('"sync fails"', word("sync", "fails")), ("fails", word("fails")),
    ("status:open", shows("status", lambda v: v.lower() == "open")),
    ("status:open,new", shows("status", lambda v: v.lower() in ("open", "new"))),
    ("owner:jesse", shows("owner", lambda v: v.split("@")[0] == "jesse")),
    ("owner:c*", shows("owner", lambda v: v.startswith("c"))),
    ("label:red", shows("labels", lambda v: v == "red")),
    ("priority:>9", shows("priority", number(lambda n: n > 9))),
    ("priority:<=9", shows("priority", number(lambda n: n <= 9))),
    ("priority:1*", shows("priority", lambda v: v.startswith("1"))),
    ("due:<2026-12-01", shows("due", lambda v: v.startswith("2026-11"))),
    ("due:2026-12", shows("due", lambda v: v.startswith("2026-12"))),
    ("no:owner", lambda scan, one: "owner" not in scan.shown[one]),
    ("has:description", lambda scan, one: "description" in scan.shown[one]),
    ("has:comment", lambda scan, one: bool(
        [c for c in scan.children(one) if scan.kind[c] == "comment"])),
    ("is:conflict", lambda scan, one: one in scan.torn),
    ("type:comment", lambda scan, one: scan.kind[one] == "comment"),
    ("comment.author:jesse", _wrote),
    ("ticket.status:open", _in_open),
    ("parent.status:open", _under_open),
    ("summary:printer", lambda scan, one: "printer" in re.findall(
        r"\w+", _plain(" ".join(scan.shown[one].get("summary", []))))),
]  # fmt: skip


def _both(one, other, joint):
    (a, f), (b, g) = one, other
    if joint == "OR":
        return f"({a} OR {b})", lambda scan, r: f(scan, r) or g(scan, r)
    return f"{a} {b}", lambda scan, r: f(scan, r) and g(scan, r)


def _not(one):
    text, holds = one
    text = text if text.startswith("(") or " " not in text or '"' in text else f"({text})"
    return f"-{text}", lambda scan, r: not holds(scan, r)


terms = st.recursive(
    st.sampled_from(TERMS),
    lambda inner: st.one_of(
        st.sampled_from(TERMS).map(_not),
        st.builds(_both, inner, inner, st.sampled_from(["OR", ""])),
    ),
    max_leaves=4,
)


class Searches(RuleBasedStateMachine):
    """Two replicas that edit, delete, join, move, pull, and are searched at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self.time, self.eager = 0, False
        self.hubs = [Replica.open(":memory:", clock=self.clock) for _ in range(2)]
        self.happened: Counter = Counter()

    @initialize(eager=st.booleans())
    def start(self, eager):
        self.eager = eager

    @invariant()
    def indexed(self):
        """Half of the histories are indexed after every step."""
        if self.eager:
            for replica in self.hubs:
                catch_up(replica.store)

    def clock(self) -> int:
        self.time += 1
        return 1_790_000_000_000_000 + self.time

    def edit(self, i, one, changes):
        kind = "comment" if one in COMMENTS else "ticket"
        self.hubs[i].edit(one, kind, changes, author="jesse")

    @rule(
        i=hub,
        one=record,
        text=st.sampled_from(TEXTS),
        prop=st.sampled_from(["summary", "description"]),
    )
    def write(self, i, one, text, prop):
        self.edit(i, one, {(prop, ""): text})

    @rule(i=hub, one=record, prop=st.sampled_from(list(VALUES)), n=st.integers(0, 4))
    def set(self, i, one, prop, n):
        self.edit(i, one, {(prop, ""): (*VALUES[prop], None)[n % (len(VALUES[prop]) + 1)]})

    @rule(i=hub, one=record, label=st.sampled_from(["red", "blue"]), there=st.booleans())
    def label(self, i, one, label, there):
        self.edit(i, one, {("labels", label): PRESENT if there else None})

    @rule(
        i=hub,
        one=comment,
        at=st.sampled_from([*TICKETS, *COMMENTS, NOBODY, None]),
        text=st.sampled_from(TEXTS),
    )
    def comment(self, i, one, at, text):
        where = "nowhere" if at is None else ids.text(at)
        self.edit(i, one, {("ticket", ""): where, ("body", ""): text, ("author", ""): "jesse"})

    @rule(i=hub, one=record, other=record)
    def under(self, i, one, other):
        self.edit(i, one, {("parent", ""): ids.text(other)})

    @rule(i=hub, one=st.sampled_from(TICKETS + COMMENTS), lives=st.booleans())
    def life(self, i, one, lives):
        self.edit(i, one, {("life", "alive"): PRESENT if lives else None})
        self.happened["life"] += 1

    @rule(i=hub, one=st.sampled_from([*TICKETS, NOBODY]), other=record)
    def pair(self, i, one, other):
        self.hubs[i].pair(one, other, author="jesse")
        self.happened["pair"] += 1

    @rule(i=hub, one=st.sampled_from([*TICKETS, NOBODY]))
    def unpair(self, i, one):
        self.hubs[i].unpair(one, author="jesse")

    @rule(i=hub, texts=st.booleans())
    def pull(self, i, texts):
        here, there = self.hubs[i], self.hubs[1 - i]
        for parcel in there.offers(here.stands_at):
            here.integrate([parcel if texts else Parcel(*parcel[:2])])
        self.happened["pull"] += 1

    @rule(i=hub)
    def supply(self, i):
        here, there = self.hubs[i], self.hubs[1 - i]
        for stored in here.wanted():
            try:
                here.supply(stored, there.content(stored))
            except StoreError:
                continue
            self.happened["supply"] += 1

    @rule(i=hub, term=terms, kind=st.sampled_from(["ticket", "comment", ""]))
    def search(self, i, term, kind):
        query, holds = term
        self.same(self.hubs[i], query, holds, kind)

    @rule(i=hub, page=st.integers(1, 3))
    def in_pages(self, i, page):
        catch_up(self.hubs[i].store, page=page)

    def same(self, replica, query, holds, kind):
        scan = Scan(replica) if not replica.wanted() else None
        asked_all = "type:" in query
        rows = list(find(replica, query, type=kind))
        if scan is None:
            return
        assert sorted(r.record for r in rows) == scan.found(holds, "" if asked_all else kind), query
        self.happened["found"] += bool(rows)

    def teardown(self):
        try:
            for i, replica in enumerate(self.hubs):
                self.at_the_end(replica, ("ticket", "comment", "")[i % 3])
        finally:
            for replica in self.hubs:
                replica.close()
        for what in self.happened:
            event(what)

    def at_the_end(self, replica, kind):
        for term, holds in TERMS:
            self.same(replica, term, holds, kind)
        catch_up(replica.store)
        before = tables(replica)
        replica.rebuild()
        catch_up(replica.store)
        assert tables(replica) == before
        assert list(replica.check()) == []


def tables(replica: Replica) -> list[list[tuple]]:
    names = dict(replica.store.rows("SELECT id, name FROM properties"))
    shown = replica.store.rows("SELECT * FROM shown")
    return [
        sorted(replica.store.rows("SELECT doc, home, kind, dead FROM documents")),
        sorted(replica.store.rows("SELECT * FROM searched")),
        sorted((doc, names[prop], repr(value)) for doc, prop, value in shown),
    ]


def test_searches_find_what_a_scan_finds():
    run_state_machine_as_test(
        Searches,
        settings=settings(max_examples=100, stateful_step_count=40, deadline=None),
    )
