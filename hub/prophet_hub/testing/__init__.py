"""PUBLIC: the contract that every connector keeps, a tracker in memory, faults, strategies."""

from prophet_hub.testing.memory import MEMORY_FIELDS, MemoryConnector, MemorySettings
from prophet_hub.testing.tracker import ACCOUNT, EPOCH, File, Item, Knobs, Note, Tracker, instant

__all__ = [
    "ACCOUNT",
    "EPOCH",
    "MEMORY_FIELDS",
    "File",
    "Item",
    "Knobs",
    "MemoryConnector",
    "MemorySettings",
    "Note",
    "Tracker",
    "instant",
]
