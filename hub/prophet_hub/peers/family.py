"""Which databases are one family: replicas of one uuid, and families that a person joined.

To join is to write into the log that two uuids are one family: a record whose name is the same
everywhere, with one set member for each uuid.  Sets unite, so it does not matter who joins, in which
direction and how often; who pulls afterwards hears of it.  The least uuid names the whole.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from prophet_hub.engine.offers import Source
from prophet_hub.engine.reading import Reading
from prophet_hub.engine.replica import Replica
from prophet_hub.errors import UsageError
from prophet_hub.model.ids import RecordId, name_of, text
from prophet_hub.values import PRESENT

__all__ = ["FAMILY", "adopt", "agree", "family", "join", "name"]

FAMILY: Final = "family"
"""The record type."""

_RECORD: Final = RecordId(name_of(FAMILY))
_UUID: Final = "uuid"
_DATABASE: Final = "database"
_LENGTH: Final = 16


def family(source: Source) -> frozenset[bytes]:
    """Returns the uuids of a source's family; none where nothing was ever written."""
    if not isinstance(source, Reading):
        told: frozenset[bytes] | None = getattr(source, "family", frozenset)()
        return told or frozenset({source.database()} - {b""})
    joined = source.shown(_RECORD).get(_UUID, frozenset())
    members = joined if isinstance(joined, frozenset) else frozenset()
    found = {bytes.fromhex(one) for one in members if _is_uuid(one)}
    return frozenset(found | {source.database()} - {b""})


def agree(ours: Collection[bytes], theirs: Collection[bytes], *, there: str) -> None:
    """Looks whether two are of one family.

    Raises:
        UsageError: They are not.
    """
    if ours and theirs and not set(ours) & set(theirs):
        raise UsageError(
            f"{there} is another database ({text(min(theirs))[:8]}, this one is "
            f"{text(min(ours))[:8]}).",
            hint="Name another database with --database; or make one of both, for ever: "
            "prophet-hub pull URL --join.",
        )


def adopt(replica: Replica, theirs: Collection[bytes]) -> None:
    """Lets an empty database become one of the family; writes nothing where it is no news."""
    if theirs and not replica.tips():
        _name(replica, min(theirs))


def join(replica: Replica, theirs: Collection[bytes], *, author: str) -> None:
    """Makes one family of two; a second time, and from the other side, changes nothing."""
    ours = family(replica)
    uuids = ours | set(theirs)
    told = replica.shown(_RECORD).get(_UUID, frozenset())
    missing = {one.hex() for one in uuids} - (told if isinstance(told, frozenset) else frozenset())
    if len(uuids) > 1 and missing and set(theirs) - ours:
        changes = {(_UUID, one): PRESENT for one in sorted(missing)}
        replica.edit(_RECORD, FAMILY, changes, author=author, note="prophet-hub pull --join")


def name(replica: Replica) -> None:
    """Lets the least uuid of the family name the database, as everywhere else."""
    _name(replica, min(family(replica)))


def _name(replica: Replica, uuid: bytes) -> None:
    if replica.store.meta(_DATABASE) != uuid:
        with replica.transaction():
            replica.store.set_meta(_DATABASE, uuid)


def _is_uuid(member: str) -> bool:
    return len(member) == _LENGTH * 2 and set(member) <= set("0123456789abcdef")
