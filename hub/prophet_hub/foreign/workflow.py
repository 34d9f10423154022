"""The way from one status to another, pure: the shortest that the tracker offers.

A status may be had by several of a tracker's words.  The one that the table writes is preferred;
where nothing leads there, the nearest of the others is taken, for it means the same to everybody
else, and a ticket that stays open because of a synonym helps nobody.

Between ways of one length the one through open statuses is taken, then the first by its words: the
same ticket goes the same way in every run, and is not closed in passing where that can be avoided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

__all__ = ["Blocked", "Way", "Ways", "digest", "named", "route", "sentence", "united"]

Ways = Mapping[str, frozenset[str]]
"""From a status to those that one step leads to, in the tracker's words.

A status that is not named leads anywhere: nothing is known of it.
"""

_Form = Callable[[str], str]
_encode = msgspec.msgpack.Encoder(order="deterministic").encode
_MANY: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a status is reached.

    Attributes:
        slot: The status field.
        target: The word that the table writes for our value; the last step may be another one.
        steps: The words to write, one after the other.
        back: It leads to where the ticket stood before.
        company: Slot -> the step with which it goes: what is demanded, and what is filled in.
    """

    slot: str
    target: str
    steps: tuple[str, ...]
    back: bool = False
    company: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A status that waits in the inbox.

    Attributes:
        until: What was known when it was refused, "" where it is looked at anew every time.
    """

    slot: str
    value: str
    reason: str
    until: str = ""


def united(told: Mapping[str, Iterable[str]], taught: Mapping[str, Iterable[str]]) -> Ways:
    """Returns the ways that the tracker told, and of other statuses what readings taught."""
    return {**{k: frozenset(v) for k, v in taught.items()},
            **{k: frozenset(v) for k, v in told.items()}}  # fmt: skip


def route(
    start: str | None, targets: Sequence[str], ways: Ways, *,
    offered: frozenset[str] | None = None, form: _Form = str, last: Callable[[str], bool] = bool,
) -> tuple[str, ...] | None:  # fmt: skip
    """Returns the words to write one after the other, () if it stands there, None for no way.

    Args:
        start: The word that is shown; None for none.
        targets: The words that would do: the preferred one, then the others.
        ways: What is known of the tracker's workflow.
        offered: What this very ticket offers from where it stands; None where it does not tell.
        form: The canonical form of a word: words of one form are one.
        last: Whether a word is rather not passed through.
    """
    here = None if start is None else form(start)
    graph = {form(word): {form(to): to for to in sorted(there)} for word, there in ways.items()}
    if offered is not None and here is not None:
        graph[here] = {form(to): to for to in sorted(offered)}
    if here is None or here not in graph:
        return (targets[0],) if here is None or here != form(targets[0]) else ()
    found = _reached(here, graph, lambda word: (last(word), word))
    for word in targets[:1]:
        if form(word) in found:
            return _said(found[form(word)], word)
    others = [(len(found[form(word)]), n) for n, word in enumerate(targets) if form(word) in found]
    if not others:
        return None
    word = targets[min(others)[1]]
    return _said(found[form(word)], word)


def _said(path: tuple[str, ...], word: str) -> tuple[str, ...]:
    """Returns a path that ends with the very word that was asked for."""
    return (*path[:-1], word) if path else ()


def _reached(
    here: str, graph: Mapping[str, Mapping[str, str]], rank: Callable[[str], tuple[bool, str]]
) -> dict[str, tuple[str, ...]]:
    """Returns the best way to everything that can be reached, breadth first."""
    found: dict[str, tuple[str, ...]] = {here: ()}
    edge = [here]
    while edge:
        further: dict[str, tuple[str, ...]] = {}
        for place in edge:
            for to, word in graph.get(place, {}).items():
                path = (*found[place], word)
                if to not in found and (
                    to not in further or _order(path, rank) < _order(further[to], rank)
                ):
                    further[to] = path
        found |= further
        edge = list(further)
    return found


def _order(
    path: tuple[str, ...], rank: Callable[[str], tuple[bool, str]]
) -> list[tuple[bool, str]]:
    return [rank(word) for word in path]


def sentence(start: str | None, target: str, ways: Ways, offered: frozenset[str] | None) -> str:
    """Says that no way leads there, and what is possible instead."""
    there = offered if offered is not None else ways.get(start or "", frozenset())
    instead = f"it offers {named(there)}" if there else "it offers nothing"
    return f'No way leads from "{start}" to "{target}": from there {instead}.'


def named(words: Iterable[str]) -> str:
    """Returns some words for people, in order."""
    told = [f'"{word}"' for word in sorted(words)]
    more = f" and {len(told) - _MANY} more" if len(told) > _MANY else ""
    return ", ".join(told[:_MANY]) + more


def digest(*known: object) -> str:
    """Returns a short text that changes when what is known changes."""
    return sha256(_encode(_plain(known))).hexdigest()[:24]


def _plain(thing: object) -> object:
    if isinstance(thing, Mapping):
        return {str(key): _plain(value) for key, value in thing.items()}
    if isinstance(thing, (frozenset, set)):
        return sorted(map(str, thing))
    if isinstance(thing, (tuple, list)):
        return [_plain(one) for one in thing]
    return thing
