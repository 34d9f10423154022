"""What is put into fields that a tracker demands and a ticket says nothing of: rules of the job file.

A value that was filled in is nobody's word.  It stands for the writes that the empty field stood
for, so it is told to no other tracker, and whoever changes it then is heard like anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prophet_hub.sdk import Field, FieldMap, Value, members

__all__ = ["Fill", "Rules", "encoded", "remedy", "slots_of"]

Rules = Mapping[str, Value]
"""From a tracker's field to what is put in, in its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """The rules of one remote.

    Attributes:
        create: For new tickets.
        entering: For tickets that enter a status: our word for it, or the tracker's, to its rules.
    """

    create: Rules = field(default_factory=dict)
    entering: Mapping[str, Rules] = field(default_factory=dict)

    def of(self, ours: str, theirs: str) -> Rules:
        """Returns the rules for a status; the tracker's own word for it comes first."""
        return {**self.entering.get(ours, {}), **self.entering.get(theirs, {})}


def encoded(row: Field, name: str, value: Value) -> Value:
    """Returns what a rule says in the tracker's words: under our name of a field in our words.

    Persons are named as the tracker names them in both cases.
    """
    words = members(value) if isinstance(value, frozenset) else frozenset({value})
    if name == row.ours:
        words = frozenset(map(row.encode, words))
    return words if row.kind.many else next(iter(words))


def slots_of(rules: Rules, fields: FieldMap) -> Iterator[tuple[Field, str, str]]:
    """Yields (row, member, value) of what rules put in, the member "" for single-valued fields."""
    for theirs, value in rules.items():
        row = fields.theirs(theirs)
        if row is None:
            continue
        if row.kind.many:
            yield from ((row, member, "") for member in sorted(members(value)))
        elif isinstance(value, str):
            yield row, "", value


def remedy(remote: str, name: str, status: str = "") -> str:
    """Returns the sentence that names the rule to write."""
    rule = f"{{status={status}: {{{name}: ...}}}}" if status else f"{{{name}: ...}}"
    return f"The ticket says nothing of {name}: write fill: {rule} under remotes.{remote}."
