"""Whose entries count here: the keys that this replica trusts, and what their seals cover.

A seal on an entry vouches for all that the entry follows in its branch.  Where seals are demanded,
an entry without a trusted one at it or after it waits in quarantine, in its place, raw and passed
on; a seal that comes later sets it free.  All of this is local: what one replica believes is no
other one's business, and nothing of it is replicated (docs/design/006-trust.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from prophet_hub.engine.offers import Parcel
from prophet_hub.model import seals
from prophet_hub.store.held import Held
from prophet_hub.store.sqlite import Store

__all__ = ["UNSIGNED", "WRONG", "Trust", "Verdict", "about_seals", "awaits_seal"]

UNSIGNED: Final = "nobody signed it"
WRONG: Final = "its signature is wrong"
_STRANGE: Final = "it is signed by a key that is not trusted: "
_ABOUT_SEALS: Final = (UNSIGNED, WRONG, _STRANGE)

_TABLE: Final = "settings"  # of the ledger: the hub's own, never passed on
_REQUIRED: Final = "signatures-required"
_TRUSTED: Final = "trusted-key:"


@dataclass(slots=True)
class Verdict:
    """What the seals of a batch say.

    Attributes:
        reasons: Running hash -> why the entry is not to count, for those that nothing covers.
        covered: The running hashes that a trusted seal covers; beyond the batch too.
        tops: Those of them that carry it, the last of each branch.
    """

    reasons: dict[bytes, str] = field(default_factory=dict)
    covered: set[bytes] = field(default_factory=set)
    tops: set[bytes] = field(default_factory=set)


def about_seals(reason: str | None) -> bool:
    """Tells whether this reason of a quarantine is one that a seal removes."""
    return reason is not None and reason.startswith(_ABOUT_SEALS)


def awaits_seal(store: Store, origin: bytes, sequence: int, running: bytes) -> bool:
    """Tells whether an entry is the last of its branch and waits for a seal.

    Whoever passed it on may have lost its seal, or taken it away; so it is asked for again.
    """
    held = Held(store)
    return about_seals(held.reason(origin, sequence, running)) and held.last(running)


class Trust:
    """The keys that this replica trusts, in its own ledger."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def required(self) -> bool:
        """Whether an entry from elsewhere counts only under a trusted seal."""
        return self._store.get(_TABLE, (_REQUIRED,)) is not None

    def require(self, *, on: bool) -> None:
        """Demands seals from now on, or no more; what stands here stays as it is."""
        with self._store.transaction():
            if on:
                self._store.put(_TABLE, (_REQUIRED,), b"")
            else:
                self._store.drop(_TABLE, (_REQUIRED,))

    def keys(self) -> dict[bytes, str]:
        """Returns the trusted keys with the names that they have here."""
        return {
            bytes.fromhex(str(name).removeprefix(_TRUSTED)): data.decode()
            for (name,), data in self._store.scan(_TABLE)
            if str(name).startswith(_TRUSTED)
        }

    def trust(self, key: bytes, name: str) -> None:
        """Trusts a key under a name; a second time only the name may change."""
        with self._store.transaction():
            self._store.put(_TABLE, (f"{_TRUSTED}{key.hex()}",), name.encode())

    def distrust(self, key: bytes) -> None:
        """Trusts a key no more; what it vouched for until now stays accepted."""
        with self._store.transaction():
            self._store.drop(_TABLE, (f"{_TRUSTED}{key.hex()}",))

    def judge(self, batch: Sequence[Parcel]) -> Verdict:
        """Says which entries of a batch are covered; those after an entry come after it in it."""
        verdict, keys = Verdict(), self.keys()
        blame: dict[bytes, str] = {}  # what was wrong with the next seal of the branch
        for before, raw, _, seal in reversed(batch):
            running = hashlib.sha256(before + raw).digest()
            if running in verdict.covered:
                verdict.covered.add(before)
                continue  # what a later seal covers needs no look at its own
            fault = _fault(seal, seals.words(running), keys) if seal else UNSIGNED
            if fault:
                reason = blame.get(running, fault) if fault == UNSIGNED else fault
                verdict.reasons[running] = blame[before] = reason
            else:
                verdict.covered.update((running, before))
                verdict.tops.add(running)
                verdict.reasons.pop(running, None)  # offered twice, once without its seal
        return verdict

    def covering(self) -> Iterator[tuple[tuple[bytes, int, bytes], bytes]]:
        """Yields (origin, sequence, running hash) and seal of the trusted ones over what is held."""
        keys = self.keys()
        for row in list(Held(self._store).sealed()):
            if not _fault(row.seal, seals.words(row.running), keys):
                yield row[:3], row.seal


def _fault(seal: bytes, message: bytes, keys: dict[bytes, str]) -> str:
    """Returns why a seal does not count, "" if it does."""
    key = seal[: seals.KEY]
    if len(seal) != seals.SEAL:
        return WRONG
    if key not in keys:
        return f"{_STRANGE}{seals.short(key)}"
    return "" if seals.genuine(seal, message) else WRONG
