"""Aliases: words of the person's own for commands.

They belong to one replica and are not replicated: what a peer sends must not decide what a word does
that somebody types here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Final

from prophet_hub.errors import StoreError, UsageError

if TYPE_CHECKING:
    from prophet_hub.cli.desk import Desk
    from prophet_hub.store.sqlite import Store

__all__ = ["NAME", "Aliases", "expand", "expanded"]

NAME: Final = re.compile(r"[A-Za-z][\w.-]{0,31}")
_TABLE: Final = "settings"  # of the ledger: this replica's own
_KEY: Final = "alias:"
_PLACE: Final = re.compile(r"\$(\d)")


class Aliases:
    """The aliases of one replica."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, name: str) -> str:
        """Returns what an alias stands for, "" if there is none."""
        return (self._store.get(_TABLE, (f"{_KEY}{name}",)) or b"").decode()

    def all(self) -> dict[str, str]:
        """Returns every alias by name."""
        return {
            str(key[0]).removeprefix(_KEY): data.decode()
            for key, data in self._store.scan(_TABLE)
            if str(key[0]).startswith(_KEY)
        }

    def set(self, name: str, words: str) -> None:
        """Says what an alias stands for; "" takes it away. A second time changes nothing."""
        key = (f"{_KEY}{name}",)
        with self._store.transaction():
            if words:
                self._store.put(_TABLE, key, words.encode())
            else:
                self._store.drop(_TABLE, key)


def expand(
    words: Sequence[str], told: Callable[[str], str], commands: Collection[str]
) -> list[str]:
    """Returns the words with their first one expanded until it is a command, or no alias. Pure.

    `$1` to `$9` in an alias are the words that follow it; those that it does not ask for are put at
    its end.

    Raises:
        UsageError: An alias stands for itself, wants more words, or has an open quote.
    """
    found, met = list(words), list[str]()
    while found and found[0] not in commands and (meant := told(found[0])):
        name, rest = found[0], found[1:]
        if name in met:
            raise UsageError(
                f'The alias "{name}" stands for itself: {" -> ".join([*met, name])}.',
                hint=f"Change it: prophet-hub aliases set {name} WORDS",
            )
        met.append(name)
        try:
            parts = shlex.split(meant)
        except ValueError as error:
            raise UsageError(f'The alias "{name}" cannot be read: {error}.') from None
        asked = {int(n) for part in parts for n in _PLACE.findall(part)}
        if max(asked, default=0) > len(rest):
            raise UsageError(f'The alias "{name}" wants {max(asked)} words: {meant}')
        filled = [_filled(part, rest) for part in parts]
        found = [*filled, *(word for n, word in enumerate(rest, 1) if n not in asked)]
    return found


def _filled(part: str, rest: Sequence[str]) -> str:
    return _PLACE.sub(lambda match: rest[int(match[1]) - 1], part)


def expanded(desk: Desk, words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Returns the words with this replica's aliases put in full; as they are where there is none."""
    try:
        with desk.replica() as replica:
            return expand(words, Aliases(replica.store).get, commands)
    except StoreError:
        return list(words)  # no database: the command's own error is the better one
