"""prophet-hub keeps any issue tracker in step with any other.

`from prophet_hub import Replica` opens a database as Python sees it (docs/python-api.md); it is
imported when it is asked for, for most of the program needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Replica

__version__ = "0.1.0"
__all__ = ["Replica", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Replica":
        from prophet_hub.engine.replica import Replica  # noqa: PLC0415 - only who asks pays

        return Replica
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
