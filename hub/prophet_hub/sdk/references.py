"""How texts of a tracker refer to its tickets: found, and written for another tracker.

The hub reads the references in a text that it carries elsewhere and puts the twin's in their place;
where the other side has no twin, the full address, so that a number never means a stranger's ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

__all__ = ["References"]


@dataclass(frozen=True, kw_only=True)
class References:
    """The references of one tracker.

    Attributes:
        url: Where people look at a ticket: `https://trac.example.org/ticket/{id}`.
        write: How a text refers to a ticket, `{id}` being its id; "" for its address.
        read: Regular expressions of whatever else refers to one, each with a group `id`; the
            address and `write` are found without.  They must not match within a word.
        ids: A regular expression of an id.
        file: What the address of a ticket's file begins with, before its name:
            `https://trac.example.org/raw-attachment/ticket/{id}/`; "" where names do not end it.
        sign: How a text writes `#` within a word so that no ticket is meant.
    """

    url: str
    write: str = "#{id}"
    read: tuple[str, ...] = ()
    ids: str = r"\d+"
    file: str = ""
    sign: str = "#"

    def to(self, ticket: str) -> str:
        """Returns how a text refers to a ticket."""
        return (self.write or self.url).replace("{id}", ticket)

    def address(self, ticket: str) -> str:
        """Returns where people look at a ticket."""
        return self.url.replace("{id}", ticket)

    def put(self, text: str, other: Callable[[str, str], str]) -> str:
        """Returns a text with each reference replaced by `other(ticket id, reference as found)`."""

        def put(found: re.Match[str]) -> str:
            ticket = _id_of(found)
            return found[0] if ticket is None else other(ticket, found[0])

        return self._found.sub(put, text)

    def mentions(self, text: str) -> bool:
        """Tells whether there is any reference, or what looks like one, in a text."""
        return any(_id_of(found) is not None for found in self._found.finditer(text))

    def named(self, text: str) -> str | None:
        """Returns the id to which a text refers that is nothing but a reference, else None."""
        found = self._found.fullmatch(text)
        return _id_of(found) if found else None

    @cached_property
    def _found(self) -> re.Pattern[str]:
        ways = [rf"{_literal(self.url, self.ids)}(?![\w/-])", *self.read, _ELSEWHERE]
        if self.write:
            ways.append(rf"(?<![\w&/#]){_literal(self.write, self.ids)}(?![\w-])")
        numbered = (way.replace("(?P<id>", f"(?P<id{n}>") for n, way in enumerate(ways))
        return re.compile("|".join(f"(?:{way})" for way in numbered))


_ELSEWHERE = r"(?<![\w/])(?:https?|ftp)://[^\s<>\"]+"
"""An address of something else: a number in it (`https://example.org/?#12`) is a part of it."""


def _literal(template: str, ids: str) -> str:
    before, _, after = template.partition("{id}")
    return rf"{re.escape(before)}(?P<id>{ids}){re.escape(after)}"


def _id_of(found: re.Match[str]) -> str | None:
    return next((text for text in found.groupdict().values() if text is not None), None)
