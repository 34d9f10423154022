"""Properties as a person types them: `status=open`, `--add label=x`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from prophet_hub.cli.forms import members
from prophet_hub.errors import Fault, Unfit
from prophet_hub.model.schema import RecordType

__all__ = ["Said", "said"]

_ASSIGN = re.compile(r"([A-Za-z_][^=]*?)=(.*)", re.DOTALL)


@dataclass(slots=True)
class Said:
    """What the words of a command say of a record's properties."""

    given: dict[str, str | frozenset[str] | None] = field(default_factory=dict)
    add: dict[str, frozenset[str]] = field(default_factory=dict)
    remove: dict[str, frozenset[str]] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.given or self.add or self.remove or self.free)


def said(
    kind: RecordType, words: Iterable[str], *, sets: Iterable[str] = (), add: Iterable[str] = (),
    remove: Iterable[str] = (), clear: Iterable[str] = (),
) -> Said:  # fmt: skip
    """Reads properties; words that are no `NAME=VALUE` are free ones.

    Raises:
        Unfit: With everything that is wrong.
    """
    found, faults = Said(), list[Fault]()
    for word in words:
        match = _ASSIGN.fullmatch(word)
        if match:
            _give(kind, found, match[1], match[2], faults)
        else:
            found.free.append(word)
    for word in sets:
        match = _ASSIGN.fullmatch(word)
        if match:
            _give(kind, found, match[1], match[2], faults)
        else:
            faults.append(Fault(f'"{word}" is no property. Write NAME=VALUE.', path="--set"))
    for option, given, into in (("--add", add, found.add), ("--remove", remove, found.remove)):
        for word in given:
            match = _ASSIGN.fullmatch(word)
            if match and match[2]:
                name = _name(kind, match[1])
                into[name] = into.get(name, frozenset()) | {match[2]}
            else:
                faults.append(Fault(f'"{word}" names no member. Write NAME=MEMBER.', path=option))
    found.given |= {_name(kind, name): None for name in clear}
    if faults:
        raise Unfit("The properties cannot be read.", faults=faults)
    return found


def _give(kind: RecordType, found: Said, name: str, value: str, faults: list[Fault]) -> None:
    name = _name(kind, name)
    if name in found.given:
        faults.append(Fault("It is given twice.", path=name))
    if not kind.property(name).many:
        found.given[name] = value or None
        return
    try:
        found.given[name] = members(value) or None
    except ValueError as error:
        faults.append(Fault(str(error), path=name))


def _name(kind: RecordType, name: str) -> str:
    """Returns the property that is meant: `label` is `labels` where that is the declared set."""
    many = f"{name}s"
    return many if not kind.knows(name) and kind.knows(many) and kind.property(many).many else name
