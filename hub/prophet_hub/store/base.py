"""What every store offers, and nothing about trackers: entries, derived cells, ledger rows, blobs.

All writing happens inside `transaction()`: what stands in it is kept together or not at all.  The
ledger tables are the bridge's own notes; the store knows their keys and carries their bytes.
"""

from __future__ import annotations

from typing import Final

__all__ = ["LEDGER"]

LEDGER: Final[dict[str, tuple[str, ...]]] = {
    # the tracker's last state as read, with one stand per field
    "shadows": ("tracker", "kind", "ref"),
    # which tracker's item a record was born as or bound to
    "items": ("record",),
    # our own writes since that reading
    "outstanding": ("tracker", "kind", "ref", "prop", "member"),
    # creates under way: on disk before the wire; the record is the born one
    "intents": ("tracker", "kind", "record"),
    # every write that a tracker was asked for, with before-images: who, why, what came of it
    "receipts": ("run", "number"),
    # how far a job has read a remote
    "checkpoints": ("job", "tracker"),
    # which items a job's query has told
    "scope": ("job", "tracker", "ref"),
    # what waits for a person or for a change, with the reason
    "inbox": ("tracker", "kind", "ref", "prop", "member"),
    # persons as trackers know them
    "people": ("tracker", "id"),
    # runs with their reports
    "runs": ("run",),
    # the hub's own settings, tracker ids by remote among them
    "settings": ("name",),
}
"""Table name -> key columns (text, bytes or int); each row carries one value of bytes."""
