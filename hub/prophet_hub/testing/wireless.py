"""Faults for requests that go over no wire: the error that each would have become."""

from __future__ import annotations

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Stale,
    Transient,
    Unsure,
)
from prophet_hub.testing.faults import Fault, What
from prophet_hub.testing.items import instant

__all__ = ["after", "before"]

_FAILURES = 500
_BY_STATUS: dict[int, type[RemoteError]] = {
    401: AuthFailed,
    404: NotFound,
    409: Stale,
    412: Stale,
}


def before(fault: Fault | None, name: str, now: int) -> None:
    """Plays what goes wrong before a request is done."""
    match fault.what if fault else None:
        case What.LIMITED:
            pause = int(fault.retry_after) if fault and fault.retry_after else None
            until = None if pause is None else instant(now + pause)
            raise RateLimited(f"{name} asks for a pause.", until=until)
        case What.STATUS:
            status = fault.status if fault else 0
            kind = _BY_STATUS.get(status, Transient if status >= _FAILURES else Rejected)
            raise kind(f"{name} answered {status}.", status=status)
        case What.CUT:
            raise Transient(f"{name} was not reached.")
        case What.STRANGER:
            if fault and fault.act:
                fault.act()
        case _:
            pass


def after(fault: Fault | None, method: str) -> None:
    """Plays what goes wrong with an answer."""
    match fault.what if fault else None:
        case What.LOST | What.TRUNCATED | What.GARBLED if method != "GET":
            raise Unsure("No answer came to a write.", hint="The next run looks first.")
        case What.LOST:
            raise Transient("No answer came.")
        case What.TRUNCATED | What.GARBLED:
            raise Garbled("The answer is not what the protocol says.")
        case _:
            pass
