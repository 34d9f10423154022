"""What fields lose between two remotes: fields, their words, and what is demanded of them."""

from __future__ import annotations

from prophet_hub.foreign.workflow import named, route, united
from prophet_hub.jobs.looks import HELD, LOOKS, LOST, Look, Told
from prophet_hub.sdk import Field, Kind

__all__ = ["demands", "fields", "values", "workflow"]

_TOLD = frozenset({"created", "updated", "completed", "reporter"})
"""What a tracker says of its own tickets; nobody expects to write it."""

_FEW = 3


def fields(a: Look, b: Look) -> Told:
    """Says which fields are missing there, cannot be written, or are cut."""
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


def values(a: Look, b: Look) -> Told:
    """Says which words have no word there, and which ones become one."""
    for row in a.fields:
        there = b.fields.ours(row.ours)
        if there is None or not (there.writable or there.on_create):
            continue
        words = {word for word in (*a.words(row), *(t for t, _ in row.values)) if "*" not in word}
        takes = b.words(there)
        if takes and not words and there.kind not in (Kind.PERSON, Kind.PEOPLE):
            yield (
                HELD,
                row.ours,
                f"{b.name} takes only {named(takes)}: any other of {a.name} waits in the inbox",
            )
        if row.kind.many:
            continue
        meant: dict[str, list[str]] = {}
        for word in sorted(words):
            meant.setdefault(row.decode(word), []).append(word)
        for ours, same in meant.items():
            shown = there.encode(ours)
            waits = bool(takes) and not any(there.same(shown, word) for word in takes)
            if len(same) > 1 and not waits:
                yield (
                    LOOKS,
                    row.ours,
                    (
                        f"{named(same)} of {a.name} are one to the hub: {b.name} shows "
                        f'"{shown}" for each of them'
                    ),
                )
            yield from _value(b, there, ours)


def _value(b: Look, there: Field, ours: str) -> Told:
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


def workflow(_a: Look, b: Look) -> Told:
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


def demands(a: Look, b: Look) -> Told:
    """Says what is demanded there and may be said by nobody."""
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
