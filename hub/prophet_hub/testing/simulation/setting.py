"""What a world is made of before anything happens: trackers with traits, maps, jobs; all of it data.

A trait is a word.  What it does to a tracker stands in one table, so that a story can name it and a
failing world can be tried without it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from prophet_hub.sdk import COMMENT, TICKET, History
from prophet_hub.testing.items import Knobs

__all__ = [
    "FILLED",
    "PEOPLE",
    "STATUSES",
    "TRAITS",
    "WORDS",
    "Remote",
    "Setting",
    "draw_setting",
    "knobs_of",
]

PEOPLE = ("jesse", "bob", "eve")
"""Who writes; all have an account everywhere, by the same e-mail address."""

STATUSES = ("new", "open", "resolved")
"""The words of a tracker without a workflow or a table of its own."""

WORDS = (("neu", "new"), ("offen", "open"), ("zu", "resolved"))
"""The same in a tracker with words of its own: theirs, ours."""

FILLED = "p"
"""What the job file puts into a priority that is demanded."""


def _loud(field: str, text: str) -> str:
    return f"{text.upper()} " if field == "summary" else text


def _plain(text: str) -> str:
    return text.strip().lower()


TRAITS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "history": {
        "tells a part of its history": {"history": History.PARTIAL},
        "tells no history": {"history": History.NONE},
    },
    "versions": {"compares no versions": {"conditional": False}},
    "keys": {
        "carries no keys": {"keys": frozenset()},
        "carries keys in tickets alone": {"keys": frozenset({TICKET})},
        "carries keys but in files": {"keys": frozenset({TICKET, COMMENT})},
    },
    "cursor": {
        "tells what changed after an instant": {"inclusive": False},
        "tells changes by the minute": {"granularity": 60},
        "counts changes": {"granularity": 0},
        "lists by number": {"ordered": False},
        "indexes late": {"lag": 90},
    },
    "pages": {
        "has pages of two": {"page": 2},
        "has pages of three, told twice": {"page": 3, "doubled": True},
    },
    "listing": {"lists whole tickets": {"inline": True}},
    "answers": {"answers with the ticket": {"answers": True}},
    "ids": {"names tickets by words": {"ordered_ids": False}},
    "deleting": {"tells no deletions": {"tombstones": False}},
    "rendering": {"shouts summaries": {"render": _loud, "canon": _plain}},
    "lengths": {
        "cuts summaries": {"limits": {"summary": 24}, "cuts": True},
        "refuses long summaries": {"limits": {"summary": 24}},
    },
    "people": {"lets the hub speak for others": {"impersonation": True}},
    "accounts": {"knows few": {}},
    "privacy": {"keeps nothing private": {"private_comments": False}},
    "mail": {
        "mails whom a text names": {"mentions": True},
        "mails authors and owners": {"notifies": True},
    },
    "markup": {
        "writes markdown": {"dialect": "markdown"},
        "writes trac": {"dialect": "trac"},
    },
    "references": {"refers to tickets": {"refers": True}},
    "required": {"demands a priority": {"required": frozenset({"priority"})}},
    "workflow": {
        "has a workflow": {
            "allowed": {"status": STATUSES},
            "transitions": {
                "status": {"new": ("open",), "open": ("resolved",), "resolved": ("open",)}
            },
        },
        "offers a workflow": {
            "allowed": {"status": STATUSES},
            "transitions": {
                "status": {"new": ("open",), "open": ("resolved",), "resolved": ("open",)}
            },
            "offers": True,
        },
        "demands an owner of what is resolved": {"requires": {"status": {"resolved": ("owner",)}}},
    },
}
"""Family -> trait -> the knobs that it turns; a tracker has at most one trait of a family."""

_RARE = {"required": 0.06, "workflow": 0.2, "lengths": 0.12, "keys": 0.4, "history": 0.6,
         "versions": 0.5, "cursor": 0.5, "mail": 0.4}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A tracker of the world and how the job uses it.

    Attributes:
        traits: Words of `TRAITS`.
        direction, audience, query, creates, deletes: As in the job file.
        skew: Seconds by which its clock is off.
        words: Its status words: theirs -> ours; empty where they are the same.
        without: Our fields that its map leaves out.
        automation: What the server does after a write of the hub's: nothing, `adds` (says
            something in another field) or `reverts` (takes back the first writes).
    """

    name: str
    traits: tuple[str, ...] = ()
    direction: str = "both"
    audience: str = "public"
    query: str = ""
    creates: bool = True
    deletes: bool = False
    skew: int = 0
    words: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    automation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All that a world starts from.

    Attributes:
        policy: The job's `default` under `conflicts`.
        brakes: (closes, deletes, creates) that a run may do without a yes.
        hubs: One, or two that exchange their replicas.
        off: Seconds by which the hub's clock is off.
    """

    remotes: tuple[Remote, ...]
    policy: str = "ask"
    brakes: tuple[int, int, int] = (20, 20, 1000)
    batch: int = 50
    hubs: int = 1
    off: int = 0


def knobs_of(remote: Remote) -> Knobs:
    """Returns the knobs that a remote's traits turn."""
    turned = Knobs()
    for family in TRAITS.values():
        for trait, changes in family.items():
            if trait in remote.traits:
                turned = replace(turned, **changes)
    return turned


def draw_setting(drawn: random.Random) -> Setting:
    """Draws what a world starts from; the first tracker of it is always read and written."""
    names = "abcd"[: drawn.choice((2, 2, 2, 3, 3, 4))]
    return Setting(
        remotes=tuple(_remote(drawn, name, first=name == "a") for name in names),
        policy=drawn.choice(("ask", "ask", "ask", "newest", f"prefer {drawn.choice(names)}")),
        brakes=drawn.choice(((20, 20, 1000), (20, 20, 1000), (1, 0, 2))),
        batch=drawn.choice((50, 50, 1, 2)),
        off=drawn.choice((0, 0, -600, 600, 86_400)),
    )


def _remote(drawn: random.Random, name: str, *, first: bool) -> Remote:
    traits = tuple(
        drawn.choice(tuple(family))
        for word, family in TRAITS.items()
        if drawn.random() < _RARE.get(word, 0.2)
    )
    walks = any(trait in traits for trait in TRAITS["workflow"])
    return Remote(
        name=name,
        traits=traits,
        words=() if walks else drawn.choice(((), (), WORDS)),
        without=drawn.choice(((), (), (), ("priority",), ("labels", "description"))),
        direction="both" if first else drawn.choice(("both",) * 6 + ("pull", "push")),
        audience=drawn.choice(("public", "private")),
        query=drawn.choice(("", "", "", "queue=in")),
        creates=drawn.random() < 0.93,
        deletes=drawn.random() < 0.5,
        skew=drawn.choice((0, 0, -3600, 7, 600)),
        automation=drawn.choice(("",) * 5 + ("adds", "reverts")),
    )
