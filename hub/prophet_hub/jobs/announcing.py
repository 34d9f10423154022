"""What a run brought into the database, told to plugins that listen."""

from __future__ import annotations

from prophet_hub.engine.replica import Replica
from prophet_hub.model import codec
from prophet_hub.model.ids import text
from prophet_hub.plugins import Plugins

__all__ = ["announce"]


def announce(replica: Replica, plugins: Plugins, after: int) -> None:
    """Tells of the changesets after a local number; nothing is read where no plugin listens."""
    if not plugins.listens:
        return
    for row in replica.log(after, newest_first=False):
        plugins.integrated(row.name.hex(), row.author, _records(replica, row.number))


def _records(replica: Replica, number: int) -> tuple[str, ...]:
    """Returns the uuids of the records that an entry writes."""
    (row,) = replica.store.log.entries([number])
    writes = codec.decode(row.before, row.raw).changeset.writes
    return tuple(sorted({text(write.cell.record) for write in writes}))
