"""Times as trackers write them, as aware UTC."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime

from prophet_hub.errors import Garbled

__all__ = ["instant", "of_epoch", "of_header"]


def instant(text: object, zone: tzinfo = UTC) -> datetime:
    """Returns an ISO 8601 time as an instant; one that names no zone is of `zone`.

    Raises:
        Garbled: It is no time.
    """
    try:
        read = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise Garbled(f"A tracker told the time {str(text)[:40]!r}.") from None
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def of_epoch(seconds: object) -> datetime:
    """Returns an instant told as seconds since 1970.

    Raises:
        Garbled: It is no time.
    """
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        raise Garbled(f"A tracker told the time {str(seconds)[:40]!r}.") from None


def of_header(text: str) -> datetime | None:
    """Returns a time as headers of HTTP and of mail write it, None where it is none.

    One that names no zone is of UTC.
    """
    try:
        read = parsedate_to_datetime(text.strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
