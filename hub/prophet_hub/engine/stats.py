"""What a database holds, how large it is, and how it grew."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from prophet_hub.store.census import Census
from prophet_hub.store.sqlite import Store

__all__ = ["Stats", "stats"]

_PAGE: Final = 5_000
_MICROS: Final = 1_000_000
_TICKET: Final = "ticket"


class _Dated(msgspec.Struct, array_like=True):
    """A changeset as far as its date."""

    name: msgspec.Raw
    author: msgspec.Raw
    created: int


_dated = msgspec.msgpack.Decoder(tuple[msgspec.Raw, msgspec.Raw, _Dated])


class Stats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and sizes of one replica.

    Attributes:
        records: Type -> records that are shown alive.
        deleted: Type -> records that are not.
        entries: Changesets in the log, those in quarantine included.
        writes: Changes in accepted entries; one that is told at two places counts twice.
        wanted: Texts and contents that are named and not here.
        sizes: Part -> bytes: "file" is the whole database, "log", "texts", "state", "search" and
            "bridge" are parts of it, where SQLite tells them, "free" is unused, "blobs" lie beside.
        per_ticket: Bytes of the file per ticket, deleted ones included; 0 without tickets.
        months: Month -> entries dated in it, by the clocks of those who made them.
    """

    records: dict[str, int]
    deleted: dict[str, int]
    entries: int
    writes: int
    origins: int
    conflicts: int
    quarantine: int
    wanted: int
    sizes: dict[str, int]
    per_ticket: int
    months: dict[str, int]


def stats(store: Store) -> Stats:
    """Returns counts and sizes; reads the log in pages."""
    census = Census(store)
    kinds, deleted = census.kinds(), census.deleted()
    sizes = census.sizes()
    sizes["blobs"] = _below(store.blobs.folder)
    tickets = kinds.get(_TICKET, 0)
    return Stats(
        records={kind: count - deleted.get(kind, 0) for kind, count in kinds.items()},
        deleted=deleted,
        entries=census.count("entries"),
        writes=census.count("names"),
        origins=census.count("origins"),
        conflicts=census.conflicts(),
        quarantine=len(store.log.held()),
        wanted=census.count("wanted"),
        sizes=sizes,
        per_ticket=sizes["file"] // tickets if tickets else 0,
        months=_months(store),
    )


def _months(store: Store) -> dict[str, int]:
    """Counts the entries of each month."""
    days: Counter[int] = Counter()
    after = 0
    while page := store.log.after(after, _PAGE):
        for row in page:
            try:
                days[_dated.decode(row.raw)[2].created // (86_400 * _MICROS)] += 1
            except msgspec.MsgspecError:
                continue  # in quarantine: it has no date
        after = page[-1].number
    months: Counter[str] = Counter()
    for day, count in days.items():
        months[_month(day)] += count
    return dict(sorted(months.items()))


def _month(day: int) -> str:
    try:
        return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m")
    except (OverflowError, ValueError, OSError):  # whatever a clock said
        return "never"


def _below(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
