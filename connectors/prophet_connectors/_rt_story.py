"""RT's transactions as events, and its ticket JSON as fields: tables and pure functions, no request.

Facts measured on RT 5.0.3, see docs/connectors/rt.md: an owner change is told twice (Set and
SetWatcher), an unset date is 1970, history names people and queues by number, a link by URI.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from prophet_connectors._rt_fields import (
    DATES,
    FIELDS,
    LINK_EVENTS,
    LINKS,
    MARK,
    MESSAGES,
    MINUTES,
    ROLES,
)  # fmt: skip
from prophet_hub.errors import Rejected
from prophet_hub.sdk import Event, FieldChange, Person, SetChange, Value, members

__all__ = [
    "FIELDS",
    "Names",
    "day_of",
    "events",
    "fields_of",
    "instant",
    "key_in",
    "wire_date",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Who and what RT's numbers mean.

    Attributes:
        user: A user's or group's number -> the name, "" if nobody knows.
        queue: A queue's number -> its name.
        field: A custom field's number -> its name, and whether it holds several values.
        zone: In which due dates are days.
    """

    user: Callable[[str], str]
    queue: Callable[[str], str]
    field: Callable[[str], tuple[str, bool]]
    zone: ZoneInfo


def instant(text: str) -> datetime:
    """Returns the instant of `2026-11-20T23:48:23Z` or, as history has it, `2026-11-20 23:48:23`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day_of(text: str, zone: ZoneInfo) -> str | None:
    """Returns the day of a date in the zone; RT's 1970 and "" are no date."""
    if not text or text.startswith("1970-01-01"):
        return None
    return instant(text).astimezone(zone).date().isoformat()


def wire_date(day: str | None, zone: ZoneInfo) -> str:
    """Returns a day's midnight as writes take it: UTC, with a blank and without a Z.

    The `T...Z` form is stored as 1970 by a PUT.

    Raises:
        Rejected: It is no day; RT would take it for none without a word.
    """
    if not day:
        return ""
    try:
        midnight = datetime.combine(datetime.fromisoformat(day).date(), time(), zone)
    except ValueError:
        raise Rejected(f"{day!r} is no day such as 2026-12-24.") from None
    return f"{midnight.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def key_in(text: str, sign: str) -> str:
    """Returns the hub's key in a link (sign `:`) or a subject (sign blank), "" if it is another's."""
    found = re.fullmatch(rf"{MARK}{sign}(\S+)\s*", text or "")
    return found[1] if found else ""


def fields_of(data: Mapping[str, Any], names: Names) -> dict[str, Value]:
    """Returns the fields of a ticket's JSON, all but its first message; what is unset is absent."""
    said: dict[str, Value | None] = {
        "Subject": data.get("Subject"),
        "Status": data.get("Status"),
        "Priority": _number(data.get("Priority")),
        "Queue": names.queue(_id(data.get("Queue"))),
        "Owner": _somebody(_id(data.get("Owner"))),
        "Requestor": min(_ids(data.get("Requestor")), default=None),
        "Requestors": _ids(data.get("Requestor")),
        **{role: _ids(data.get(role)) for role in ROLES},
        **{date: day_of(data.get(date, ""), names.zone) for date in DATES},
        **{name: _number(data.get(name)) for name in MINUTES},
    }
    for ref, name in LINKS.items():
        found = (_target(link) for link in data.get("_hyperlinks", ()) if link.get("ref") == ref)
        said[name] = frozenset(target for target in found if not key_in(target, ":"))
    for custom in data.get("CustomFields") or ():
        values = frozenset(v for v in custom.get("values", ()) if isinstance(v, str) and v)
        many = names.field(str(custom["id"]))[1]
        said[f"CF.{{{custom['name']}}}"] = values if many else max(values, default=None)
    return {name: value for name, value in said.items() if value}


def events(
    ticket: str, history: Iterable[Mapping[str, Any]], now: Mapping[str, Value], names: Names,
    person: Callable[[str], Person],
) -> tuple[Event, ...]:  # fmt: skip
    """Returns the steps that led to `now`, oldest first.

    The story is walked backward, because the first requestor and the time worked are told only as
    what was added to them.
    """
    found = []
    present: dict[str, Value] = dict(now)
    for row in reversed([r for r in history if str(r.get("ObjectId") or ticket) == ticket]):
        changes = tuple(_before(row, present, names))
        if changes:
            found.append(
                Event(
                    id=str(row["id"]),
                    author=person(_id(row.get("Creator"))),
                    created=instant(row["Created"]),
                    changes=changes,
                )
            )
    return tuple(reversed(found))


def _before(
    row: Mapping[str, Any], present: dict[str, Value], names: Names
) -> Iterable[FieldChange | SetChange]:
    """Yields what a transaction changed, and takes it back out of `present`."""
    kind, name = row.get("Type", ""), row.get("Field") or ""
    if kind in ("AddWatcher", "DelWatcher"):
        yield from _watcher(row, present, names)
    elif kind in ("AddLink", "DeleteLink"):
        member = _linked(row.get("NewValue") or row.get("OldValue") or "")
        if name in LINK_EVENTS and not key_in(member, ":"):
            yield _moved(LINK_EVENTS[name], member, came=kind == "AddLink")
    elif kind == "CustomField":
        yield from _custom(row, names)
    elif kind in MESSAGES:
        yield from _worked(row, present, names)
    elif kind != "SetWatcher" and FIELDS.theirs(name) and name not in ("Requestor", *ROLES):
        old, new = (_word(name, row.get(side) or "", names) for side in ("OldValue", "NewValue"))
        _take_back(present, name, old)
        if old != new:
            yield FieldChange(field=name, old=old, new=new)


def _watcher(
    row: Mapping[str, Any], present: dict[str, Value], names: Names
) -> Iterable[FieldChange | SetChange]:
    came = row["Type"] == "AddWatcher"
    who = names.user(str(row.get("NewValue" if came else "OldValue") or ""))
    role = row.get("Field")
    if not who or role not in ("Requestor", *ROLES):
        return
    name = "Requestors" if role == "Requestor" else str(role)
    after = members(present.get(name))
    before = after - {who} if came else after | {who}
    present[name] = before
    yield _moved(name, who, came=came)
    first, now = min(before, default=None), min(after, default=None)
    if role == "Requestor" and first != now:
        yield FieldChange(field="Requestor", old=first, new=now)


def _custom(row: Mapping[str, Any], names: Names) -> Iterable[FieldChange | SetChange]:
    name, many = names.field(str(row.get("Field") or ""))
    old, new = row.get("OldValue") or None, row.get("NewValue") or None
    if not name or old == new:
        return
    field = f"CF.{{{name}}}"
    if not many:
        yield FieldChange(field=field, old=old, new=new)
        return
    members = (frozenset(filter(None, [value])) for value in (new, old))
    yield SetChange(field=field, added=next(members), removed=next(members))


def _worked(
    row: Mapping[str, Any], present: dict[str, Value], names: Names
) -> Iterable[FieldChange]:
    """A message may say how long it took, which RT adds to TimeWorked without another word."""
    taken = int(row.get("TimeTaken") or 0)
    if row["Type"] == "Create" or not taken:
        return
    now = present.get("TimeWorked")
    before = _number(str(int(str(now or 0)) - taken))
    _take_back(present, "TimeWorked", before)
    yield FieldChange(
        field="TimeWorked", old=before, new=_word("TimeWorked", str(now or ""), names)
    )


def _word(name: str, raw: str, names: Names) -> str | None:
    """Returns what a field shows for what its history says."""
    if name == "Owner":
        return _somebody(names.user(raw))
    if name == "Queue":
        return names.queue(raw) or None
    if name in DATES:
        return day_of(raw, names.zone)
    return _number(raw) if name in ("Priority", *MINUTES) else raw or None


def _take_back(present: dict[str, Value], name: str, old: str | None) -> None:
    if old is None:
        present.pop(name, None)
    else:
        present[name] = old


def _moved(name: str, member: str, *, came: bool) -> SetChange:
    one = frozenset({member})
    return SetChange(field=name, added=one) if came else SetChange(field=name, removed=one)


def _linked(uri: str) -> str:
    """Returns the ticket's id of a link's URI, else the URI."""
    local = re.fullmatch(r"fsck\.com-rt://[^/]+/ticket/(\d+)", uri)
    return local[1] if local else uri


def _target(link: Mapping[str, Any]) -> str:
    return str(link["id"]) if link.get("type") == "ticket" else str(link.get("_url", ""))


def _id(thing: Any) -> str:
    return str(thing.get("id", "")) if isinstance(thing, Mapping) else ""


def _ids(things: Any) -> frozenset[str]:
    return frozenset(filter(None, map(_id, things or ())))


def _somebody(name: str) -> str | None:
    return None if name in ("", "Nobody") else name


def _number(raw: Any) -> str | None:
    """Returns a number; RT says 0 where nothing was said."""
    return None if raw in (None, "", "0") else str(raw)
