"""What a connector to a `Tracker` declares: its table, its promises, the tracker as found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from prophet_hub.sdk import (
    ATTACHMENT,
    COMMENT,
    TICKET,
    Capabilities,
    Field,
    FieldMap,
    Kind,
    Schema,
    SchemaField,
)
from prophet_hub.testing.items import Knobs

__all__ = ["MEMORY_FIELDS", "memory_capabilities", "memory_schema", "ways"]

MEMORY_FIELDS: tuple[Field, ...] = (
    Field(theirs="summary", ours="summary"),
    Field(theirs="description", ours="description", kind=Kind.LONG),
    Field(theirs="status", ours="status", kind=Kind.WORD),
    Field(theirs="priority", ours="priority", kind=Kind.WORD),
    Field(theirs="owner", ours="owner", kind=Kind.PERSON),
    Field(theirs="cc", ours="cc", kind=Kind.PEOPLE),
    Field(theirs="labels", ours="labels", kind=Kind.WORDS),
    Field(theirs="due", ours="due", kind=Kind.DAY),
    Field(theirs="depends_on", ours="depends_on", kind=Kind.LINKS),
)
"""The rows that a `MemoryConnector` starts from."""

_EVERYTHING = frozenset(
    (verb, kind)
    for verb in ("create", "update", "delete")
    for kind in (TICKET, COMMENT, ATTACHMENT)
) - {("update", ATTACHMENT)}


def memory_capabilities(knobs: Knobs) -> Capabilities:
    """Returns the promises that a tracker with these knobs lets a connector make."""
    writes = _EVERYTHING if knobs.writes is None else knobs.writes
    grain = timedelta(seconds=knobs.granularity)
    return Capabilities(
        history=knobs.history,
        writes=writes,
        granularity=grain,
        overlap=timedelta(seconds=max(knobs.lag, knobs.overlap))
        + (timedelta(0) if knobs.inclusive else grain),
        ordered=knobs.ordered,
        conditional=knobs.conditional,
        keys=knobs.keys,
        impersonation=knobs.impersonation,
        private_comments=knobs.private_comments,
        attachment_limit=knobs.attachment_limit,
        streams=True,
        mentions=knobs.mentions,
        notifies=knobs.notifies,
        tombstones=knobs.tombstones,
        dialects=(knobs.dialect,),
        comment_limit=knobs.comment_limit,
    )


def memory_schema(knobs: Knobs, rows: FieldMap, name: str) -> Schema:
    """Returns what a tracker with these knobs says of itself."""
    may = {verb for verb, kind in memory_capabilities(knobs).writes if kind == TICKET}
    may |= {"comment" for w in memory_capabilities(knobs).writes if w == ("create", COMMENT)}
    may |= {"attach" for w in memory_capabilities(knobs).writes if w == ("create", ATTACHMENT)}
    status = rows.ours("status")
    name_of_it = status.theirs if status else "status"
    return Schema(
        product="memory",
        version="1",
        projects=(name,),
        fields=tuple(
            SchemaField(
                name=row.theirs,
                values=tuple(knobs.allowed.get(row.theirs, ())),
                required=row.theirs in knobs.required,
                writable=row.writable,
                many=row.kind.many,
            )
            for row in rows
        ),
        statuses=tuple(knobs.allowed.get(name_of_it, ())),
        transitions=ways(knobs, name_of_it),
        requires=dict(knobs.requires.get(name_of_it, {})),
        permissions=frozenset({"read", *may}),
    )


def ways(knobs: Knobs, field: str) -> Mapping[str, tuple[str, ...]]:
    """Returns where each value of a field may go; empty where any goes to any."""
    told = knobs.transitions.get(field, {})
    known = knobs.allowed.get(field, ()) if told else ()
    free = {word: tuple(to for to in known if to != word) for word in known}
    return {**free, **told}
