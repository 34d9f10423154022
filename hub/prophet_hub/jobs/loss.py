"""What will not survive from one remote to another, said before the first sync: a pure function.

It looks at what the connectors promise, at their tables as the job file extends them, at what the
trackers say of themselves and at the job.  Each loss has a counter-example and a rank: what is lost
for good comes first, what is kept in the hub after it, what merely looks different last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from prophet_hub.foreign.fill import Fill
from prophet_hub.foreign.workflow import named, route, united
from prophet_hub.jobs.constructs import constructs
from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Field,
    FieldMap,
    History,
    Kind,
    Schema,
)

__all__ = ["Look", "Loss", "losses"]

LOST, HELD, LOOKS = 1, 2, 3
"""Ranks: never arrives; is kept in the hub, or waits there; arrives and looks different."""

_TOLD = frozenset({"created", "updated", "completed", "reporter"})
"""What a tracker says of its own tickets; nobody expects to write it."""

_FEW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A remote as one job uses it.

    Attributes:
        fields: The table, extended by the remote's and narrowed by the job.
        schema: What the tracker said of itself; None where it was not asked.
        writes, creates, deletes: What the job allows there.
        limit: The greatest attachment in bytes, None for none known; 0 where none are carried.
        private: Whether private comments may be sent there.
    """

    name: str
    able: Capabilities
    fields: FieldMap
    schema: Schema | None = None
    writes: bool = True
    creates: bool = True
    deletes: bool = False
    limit: int | None = None
    private: bool = False
    fill: Fill = field(default_factory=Fill)

    def may(self, verb: str, kind: str) -> bool:
        """Tells whether the connector declares a write."""
        return (verb, kind) in self.able.writes

    def words(self, row: Field) -> frozenset[str]:
        """Returns the only words that a field takes, as far as is known; none for any."""
        told = self.schema.fields if self.schema else ()
        listed = next((one.values for one in told if one.name == row.theirs), ())
        if not listed and self.schema and row.ours == "status":
            listed = self.schema.statuses
        return frozenset(listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """One thing that does not survive.

    Attributes:
        rank: 1 never arrives, 2 is kept in the hub or waits there, 3 looks different.
        topic: A field, or a word for what it is about.
    """

    source: str
    target: str
    rank: int
    topic: str
    sentence: str


def losses(source: Look, target: Look) -> list[Loss]:
    """Returns what does not survive from one remote to another, the worst first."""
    if not target.writes:
        told = [(LOST, "tickets", f"nothing is written to {target.name}: its direction is pull")]
    else:
        told = [one for part in _PARTS for one in part(source, target)]
    found = [
        Loss(source=source.name, target=target.name, rank=rank, topic=topic, sentence=sentence)
        for rank, topic, sentence in told
    ]
    return sorted(found, key=lambda loss: loss.rank)


_Told = Iterator[tuple[int, str, str]]


def _tickets(a: Look, b: Look) -> _Told:
    if not (b.creates and b.may("create", TICKET)):
        why = "the job makes none there" if b.may("create", TICKET) else "it cannot be given any"
        yield LOST, "tickets", f"a ticket made in {a.name} is not made in {b.name}: {why}"
    if not b.may("update", TICKET):
        yield (
            LOST,
            "tickets",
            (
                f"a change made in {a.name} after the first sync does not reach {b.name}: its tickets "
                "cannot be changed"
            ),
        )
    if b.creates and b.may("create", TICKET) and TICKET not in b.able.keys:
        yield (
            LOST,
            "keys",
            (
                f"{b.name} has no place for the hub's key: a hub restored from a backup may make a "
                "ticket there a second time"
            ),
        )
    if not (b.deletes and b.may("delete", TICKET)):
        why = "it cannot delete any" if not b.may("delete", TICKET) else "deletes: no"
        rank = HELD if a.able.tombstones else LOOKS
        said = f"a ticket deleted in {a.name} stays in {b.name}: {why}"
        yield (
            rank,
            "deletions",
            said
            if a.able.tombstones
            else (
                f"a ticket deleted in {a.name} stays in {b.name}: {a.name} does not tell of deletions"
            ),
        )


def _has(look: Look, kind: str) -> bool:
    """Tells whether a tracker has such items at all, as far as its connector knows."""
    return any(one == kind for _, one in look.able.writes) or not look.able.writes


def _comments(a: Look, b: Look) -> _Told:
    if not _has(a, COMMENT):
        return
    if not b.may("create", COMMENT):
        yield LOST, "comments", f"a comment in {a.name} does not reach {b.name}: it takes none"
        return
    if not b.may("update", COMMENT):
        yield (
            LOST,
            "comments",
            (f"edits of a comment in {a.name} do not reach {b.name}: it cannot edit comments"),
        )
    if not b.may("delete", COMMENT):
        yield (
            HELD,
            "comments",
            (f"a comment deleted in {a.name} stays in {b.name}: it cannot delete comments"),
        )
    if a.able.private_comments and not b.private:
        yield (
            HELD,
            "private comments",
            (f"a private comment of {a.name} is not sent: the audience of {b.name} is public"),
        )
    elif a.able.private_comments and not b.able.private_comments:
        yield (
            LOOKS,
            "private comments",
            (
                f"a private comment of {a.name} can be read by whoever reads {b.name}: it keeps none "
                "private, and its audience is said to be"
            ),
        )
    if not b.able.impersonation:
        yield (
            LOOKS,
            "authors",
            (
                f"what jesse writes in {a.name} is written in {b.name} by the hub's account; a comment "
                "says in its first line who wrote it and when"
            ),
        )


def _attachments(a: Look, b: Look) -> _Told:
    if not _has(a, ATTACHMENT):
        return
    if not b.may("create", ATTACHMENT):
        yield LOST, "attachments", f"a file in {a.name} does not reach {b.name}: it takes none"
    elif b.limit == 0:
        yield HELD, "attachments", f"no file of {a.name} reaches {b.name}: attachments: no"
    elif b.limit is not None and (a.limit is None or a.limit > b.limit):
        yield (
            HELD,
            "attachments",
            (
                f"attachments above {_size(b.limit)} wait in the inbox: {b.name} takes no larger ones"
            ),
        )


def _size(count: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def _fields(a: Look, b: Look) -> _Told:
    for row in a.fields:
        if row.ours in _TOLD:
            continue
        there = b.fields.ours(row.ours)
        if there is None:
            yield HELD, row.ours, f"{b.name} has no such field: kept in the hub"
        elif not there.writable and there.on_create and row.writable:
            yield (
                LOST,
                row.ours,
                (f"is written once in {b.name}: an edit in {a.name} after that does not arrive"),
            )
        elif not there.writable and not there.on_create and row.writable:
            yield HELD, row.ours, f"{b.name} tells it and lets nobody write it: kept in the hub"
        limit = there.limit if there and (there.writable or there.on_create) else None
        if limit and (row.limit is None or row.limit > limit):
            yield (
                LOST,
                row.ours,
                (
                    f"over {limit:,} characters is cut in {b.name}: one of {limit + 1:,} loses its end"
                ),
            )
        if there is not None and row.kind in (Kind.PERSON, Kind.PEOPLE):
            yield (
                HELD,
                row.ours,
                (
                    f"somebody whom {b.name} does not know by e-mail address or people file is left "
                    "out there, and the inbox says so once"
                ),
            )


def _values(a: Look, b: Look) -> _Told:
    for row in a.fields:
        there = b.fields.ours(row.ours)
        if there is None or row.kind.many or not (there.writable or there.on_create):
            continue
        words = {word for word in (*a.words(row), *(t for t, _ in row.values)) if "*" not in word}
        meant: dict[str, list[str]] = {}
        for word in sorted(words):
            meant.setdefault(row.decode(word), []).append(word)
        for ours, same in meant.items():
            if len(same) > 1:
                yield (
                    LOOKS,
                    row.ours,
                    (
                        f"{named(same)} of {a.name} are one to the hub: {b.name} shows "
                        f'"{there.encode(ours)}" for each of them'
                    ),
                )
            yield from _value(b, there, ours)


def _value(b: Look, there: Field, ours: str) -> _Told:
    shown, takes = there.encode(ours), b.words(there)
    known = {theirs for theirs, _ in there.values}
    back = there.decode(shown)
    if back != ours:
        yield (
            LOST,
            there.ours,
            (f'{ours}: {b.name} has no word for it and would show "{shown}" (as would "{back}")'),
        )
    elif takes and not any(there.same(shown, word) for word in takes):
        yield (
            HELD,
            there.ours,
            (
                f"{ours}: {b.name} has no word for it, so it waits in the inbox; "
                f"it takes {named(takes)}"
            ),
        )
    elif not takes and known and shown not in known:
        yield (
            HELD,
            there.ours,
            (
                f'{ours}: the table of {b.name} has no word for it; "{shown}" is written as it is, '
                "and waits in the inbox if that is refused"
            ),
        )


def _workflow(_a: Look, b: Look) -> _Told:
    """Says which statuses nothing leads to, and what is demanded that nobody says."""
    row, schema = b.fields.ours("status"), b.schema
    if schema is None:
        return
    if row is not None and row.writable and schema.transitions:
        ways = united(schema.transitions, {})
        apart = [
            (start, end)
            for end in schema.statuses for start in schema.statuses
            if start in ways and route(start, [end], ways, form=row.canon or str) is None
        ]  # fmt: skip
        for start, end in apart[:_FEW]:
            yield (
                HELD,
                "status",
                (
                    f'no way leads from "{start}" to "{end}" in {b.name}: such a change waits in the '
                    "inbox until somebody moves the ticket there"
                ),
            )
        if len(apart) > _FEW:
            yield HELD, "status", f"nor between {len(apart) - _FEW} more pairs of its statuses"


def _demands(a: Look, b: Look) -> _Told:
    schema = b.schema
    demanded = [(one.name, "") for one in schema.fields if one.required] if schema else []
    entering = schema.requires.items() if schema else ()
    demanded += [(name, word) for word, names in entering for name in names]
    status = b.fields.ours("status")
    for name, word in demanded:
        row = b.fields.theirs(name)
        ours = row.ours if row else name
        in_ours = status.decode(word) if status and word else word
        rules = b.fill.of(in_ours, word) if word else b.fill.create
        if name in rules or (ours == "summary" and a.fields.ours(ours)):
            continue
        what = (
            f'a ticket that becomes "{word}" in {b.name}' if word else f"a ticket new in {b.name}"
        )
        rule = f"{{status={in_ours}: {{{ours}: ...}}}}" if word else f"{{{ours}: ...}}"
        says = "may say nothing of it" if a.fields.ours(ours) else "says nothing of it"
        yield HELD, ours, f"{what} must have it, and {a.name} {says}: write fill: {rule}"


def _story(a: Look, b: Look) -> _Told:
    if a.able.history is not History.NONE:
        yield (
            LOOKS,
            "history",
            (
                f"what happened in {a.name} before the first sync is kept in the hub; in {b.name} a "
                "ticket begins as it is now"
            ),
        )
    else:
        yield (
            LOST,
            "history",
            (
                f"{a.name} tells no history: of an edit that is edited again between two syncs only "
                "the last is known, and not who made it"
            ),
        )


def _texts(a: Look, b: Look) -> _Told:
    source, target = a.able.dialects[:1], b.able.dialects
    if not source or source[0] in target:
        return
    found = list(constructs(source[0], target[0] if target else "plain"))
    if found:
        shown = [one for one in found if one[1] != one[2] and "\n" not in one[1]] or found
        _, here, there = shown[0]
        yield (
            LOOKS,
            "texts",
            (
                f"{', '.join(name for name, _, _ in found)} are plain words in {b.name}: "
                f"{here!r} of {a.name} is {there!r} there"
            ),
        )


def _mail(a: Look, b: Look) -> _Told:
    if b.able.notifies:
        yield LOOKS, "mail", f"{b.name} mails people what the hub writes there for {a.name}"
    if b.able.mentions:
        yield (
            LOOKS,
            "mail",
            (
                f"@jesse in a text of {a.name} gets an invisible character in {b.name}, so that it "
                "calls nobody"
            ),
        )


_PARTS = (
    _tickets, _comments, _attachments, _fields, _values, _workflow, _demands, _story, _texts, _mail,
)  # fmt: skip
