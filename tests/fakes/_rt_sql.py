"""The few words of TicketSQL and TransactionSQL that the connector says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Test = Callable[[Any], bool]
KNOWN = frozenset({"id", "Queue", "Status", "Owner", "Subject", "RefersTo", "LastUpdated", "Priority",
                   "ObjectType", "Type", "ObjectId"})  # fmt: skip
TOKEN = re.compile(r"\s*(\(|\)|'(?:[^'\\]|\\.)*'|>=|<=|!=|=|>|<|CF\.\{[^}]*\}|[\w.:]+)")


class BadQuery(Exception):
    """RT's sentence about a query."""


def parsed(query: str, value: Callable[[Any, str], Any]) -> tuple[Test, int]:
    """Returns a test for a query, and the number below which nothing can match.

    `value` tells what a thing holds under a name.
    """
    return _Parser(query, value).either()


class _Parser:
    """Either of both of one: OR binds weaker than AND."""

    def __init__(self, query: str, value: Callable[[Any, str], Any]) -> None:
        self._query = query
        self._value = value
        self._tokens = TOKEN.findall(query)
        self._at = 0

    def either(self) -> tuple[Test, int]:
        tests = self._joined("OR", self._both)
        if len(tests) == 1:
            return tests[0]
        return (lambda thing: any(t(thing) for t, _ in tests)), min(f for _, f in tests)

    def _both(self) -> tuple[Test, int]:
        tests = self._joined("AND", self._one)
        if len(tests) == 1:
            return tests[0]
        return (lambda thing: all(t(thing) for t, _ in tests)), max(f for _, f in tests)

    def _joined(self, word: str, part: Callable[[], tuple[Test, int]]) -> list[tuple[Test, int]]:
        tests = [part()]
        while self._at < len(self._tokens) and self._tokens[self._at].upper() == word:
            self._at += 1
            tests.append(part())
        return tests

    def _one(self) -> tuple[Test, int]:
        word = self._take()
        if word == "(":
            found = self.either()
            self._take()
            return found
        operator, raw = self._take(), self._take()
        wanted = re.sub(r"\\(.)", r"\1", raw[1:-1]) if raw.startswith("'") else raw
        if word not in KNOWN and not word.startswith("CF."):
            raise BadQuery(f"Unknown field: {word}")
        floor = int(wanted) if (word, operator) == ("id", ">") else 0
        floor = int(wanted) - 1 if (word, operator) == ("id", "=") else floor
        value = self._value
        return (lambda thing: _compare(value(thing, word), operator, wanted)), max(floor, 0)

    def _take(self) -> str:
        self._at += 1
        if self._at > len(self._tokens):
            last = "OPERATOR" if self._tokens and self._tokens[-1] in "<>=!=" else "KEYWORD"
            raise BadQuery(
                f"Incomplete query, last element ({last}) is not close paren or value "
                f"in '{self._query}'"
            )
        return self._tokens[self._at - 1]


def _compare(held: Any, operator: str, wanted: str) -> bool:
    if isinstance(held, frozenset):
        return (wanted in held) == (operator == "=")
    other: Any = int(wanted) if isinstance(held, int) else wanted
    if isinstance(held, str) and operator in ("=", "!="):
        held, other = held.lower(), wanted.lower()
    return bool({
        "=": held == other, "!=": held != other, ">": held > other, "<": held < other,
        ">=": held >= other, "<=": held <= other,
    }[operator])  # fmt: skip
