"""PUBLIC: the contract that every connector keeps, a tracker in memory, faults, strategies.

What needs pytest or hypothesis is loaded when it is asked for, so that a fake can be served
without them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prophet_hub.testing.faults import Cut, Fault, Faulty, Script, What
from prophet_hub.testing.memory import MEMORY_FIELDS, MemoryConnector, MemorySettings
from prophet_hub.testing.tracker import ACCOUNT, EPOCH, File, Item, Knobs, Note, Tracker, instant

if TYPE_CHECKING:
    from prophet_hub.testing.contract import (
        Absent,
        ConnectorContract,
        MemorySandbox,
        Sandbox,
        TrackerSandbox,
    )
    from prophet_hub.testing.serve import Served, within

__all__ = [
    "ACCOUNT",
    "EPOCH",
    "MEMORY_FIELDS",
    "Absent",
    "ConnectorContract",
    "Cut",
    "Fault",
    "Faulty",
    "File",
    "Item",
    "Knobs",
    "MemoryConnector",
    "MemorySandbox",
    "MemorySettings",
    "Note",
    "Sandbox",
    "Script",
    "Served",
    "Tracker",
    "TrackerSandbox",
    "What",
    "instant",
    "within",
]

_LATE = {
    **dict.fromkeys(
        ("Absent", "ConnectorContract", "MemorySandbox", "Sandbox", "TrackerSandbox"), "contract"
    ),
    **dict.fromkeys(("Served", "within"), "serve"),
}


def __getattr__(name: str) -> Any:
    """Loads the parts that need more than the hub itself."""
    if name not in _LATE:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
