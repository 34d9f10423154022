"""What a tracker takes: allowed values, workflow, lengths, links, and what it drops in silence."""

from __future__ import annotations

from collections.abc import Container, Mapping

from prophet_hub.errors import Rejected
from prophet_hub.sdk import Value
from prophet_hub.testing.items import ACCOUNT, Knobs

__all__ = ["cut", "demanded", "dropped", "members", "taken", "wanted"]


def members(value: Value | None) -> frozenset[str]:
    """Returns a set-valued field's members; absent is none, a text is one."""
    if value is None:
        return frozenset()
    return value if isinstance(value, frozenset) else frozenset({value})


def dropped(knobs: Knobs, author: str, value: Value | None) -> bool:
    """Tells whether the tracker passes over a text without a word."""
    return author == ACCOUNT and value in knobs.refuses


def taken(
    knobs: Knobs, tickets: Container[str], author: str, name: str,
    old: Value | None, new: Value | None,
) -> Value | None:  # fmt: skip
    """Returns a value as it is stored in a field that holds `old`; dropped in silence, it is None.

    Raises:
        Rejected: The tracker says no.
    """
    if isinstance(new, frozenset):
        kept = new - knobs.refuses if author == ACCOUNT else new
        for member in kept:
            _check(knobs, tickets, name, None, member)
        return kept or None
    if dropped(knobs, author, new):
        return None
    if not new:
        if name in knobs.required:
            raise Rejected(f"{name} is required.", status=422)
        return None
    _check(knobs, tickets, name, old, new)
    return cut(knobs, name, knobs.render(name, new) if knobs.render else new)


def wanted(
    knobs: Knobs, tickets: Container[str], author: str,
    added: Mapping[str, frozenset[str]], removed: Mapping[str, frozenset[str]],
) -> dict[str, tuple[frozenset[str], frozenset[str]]]:  # fmt: skip
    """Returns per set which members shall come and which shall leave, all of them checked."""
    told = {}
    for name in dict.fromkeys([*added, *removed]):
        come = members(taken(knobs, tickets, author, name, None, added.get(name, frozenset())))
        told[name] = come, removed.get(name, frozenset()) - come
    return told


def demanded(knobs: Knobs, held: Mapping[str, Value], new: Mapping[str, Value | None]) -> None:
    """Looks whether what is entered has all that is demanded of whoever enters it.

    Args:
        knobs: The tracker's.
        held: The fields as they are, none where a ticket is made.
        new: Those that are written, as they will be stored.

    Raises:
        Rejected: A field that is demanded would hold nothing.
    """
    after = {**held, **new}
    for name, demands in knobs.requires.items():
        value = new.get(name)
        if not isinstance(value, str) or value == held.get(name):
            continue
        for needed in demands.get(value, ()):
            if not after.get(needed):
                raise Rejected(f"{needed} is required in {value!r}.", status=422)


def cut(knobs: Knobs, name: str, text: str) -> str:
    """Returns a text no longer than the tracker takes.

    Raises:
        Rejected: It is longer, and this tracker does not cut in silence.
    """
    limit = knobs.limits.get(name)
    if limit is None or len(text) <= limit:
        return text
    if knobs.cuts:
        return text[:limit]
    raise Rejected(f"{name} is longer than {limit} characters.", status=422)


def _check(knobs: Knobs, tickets: Container[str], name: str, old: Value | None, new: str) -> None:
    allowed = knobs.allowed.get(name)
    if allowed is not None and new not in allowed:
        raise Rejected(f"{new!r} is no value of {name}.", status=422)
    if name in knobs.links and new not in tickets:
        raise Rejected(f"{name}: there is no ticket {new}.", status=422)
    ways = knobs.transitions.get(name, {})
    if isinstance(old, str) and old != new and new not in ways.get(old, (new,)):
        raise Rejected(f"{name} does not go from {old!r} to {new!r}.", status=422)
