"""Bugzilla's JSON as fields and events: pure functions.

History tells, per author and second, what was removed and added: single values whole, of sets the
members that came and left, all as text.  Rows of one field that stand together were joined by the
server, whether they are pieces of one long value (254 characters each) or two changes in one second
(`get_activity` and `join_activity_entries`).  So the story is walked backward from the present
values, which say what a change led to.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from prophet_connectors._bugzilla_fields import CUSTOM, EMPTY, HOURS, INNER, WORK
from prophet_hub.sdk import Event, FieldChange, Person, SetChange, Value, members, single
from prophet_hub.sdk.closing import joined, joined_changes
from prophet_hub.sdk.times import instant

__all__ = ["Words", "events_of", "minutes_of", "people_of"]

NOWHERE: Final = re.compile(r"attachments?\.|longdesc|comment_tag|everconfirmed|is_|.*accessible$")
"""Fields that only history has: parts of attachments and comments, and switches."""


class Words:
    """How one server's words become values.

    Args:
        fields: The names of the table.
        sets: Those of them that are sets.
        nobody: The login that owns what nobody owns, "" if there is none.
        url: Where the server is, for links within it.
    """

    def __init__(
        self, fields: Iterable[str], sets: Iterable[str], *, nobody: str, url: str
    ) -> None:
        self.names = frozenset(fields)
        self.sets = frozenset(sets)
        self._nobody = nobody
        place = re.escape(re.sub(r"^https?://", "", url))
        self._own = re.compile(rf"(?:https?://{place}/)?show_bug\.cgi\?id=(\d+)")

    def fields(self, bug: Mapping[str, Any], key: str = "") -> dict[str, Value]:
        """Returns a bug's fields, status and resolution apart; what says nothing is absent.

        `key` is the hub's own, which is no field.
        """
        told: dict[str, Value | None] = {}
        for name, raw in bug.items():
            if name == "resolution" or name in self.names or name.startswith(CUSTOM):
                many = name in self.sets or isinstance(raw, list)
                told[name] = self._set(name, raw, key) if many else self.word(name, raw)
        return {name: value for name, value in told.items() if value and value != key}

    def word(self, name: str, raw: object) -> str | None:
        """Returns what a single value is, None if it says nothing."""
        text = "" if raw is None else str(raw)
        if name in HOURS:
            return minutes_of(text)
        if name == "deadline":
            text = text[:10]
        empty = text in EMPTY.get(name, ()) or (name == "assigned_to" and text == self._nobody)
        return None if empty or (name.startswith(CUSTOM) and text == "---") else text or None

    def member(self, name: str, raw: str) -> str:
        """Returns a member of a set; the address of a ticket here is its number."""
        own = self._own.fullmatch(raw) if name == "see_also" else None
        return own[1] if own else raw

    def _set(self, name: str, raw: Any, key: str) -> frozenset[str]:
        if name == "flags":
            return frozenset(_flag(flag) for flag in raw)
        listed = raw if isinstance(raw, list) else [raw]
        found = (self.member(name, str(one)) for one in listed if one not in (None, ""))
        return frozenset(one for one in found if not (name == "alias" and one == key))


def _flag(flag: Mapping[str, Any]) -> str:
    """Returns a flag as history writes it: `needinfo?(jesse@example.org)`."""
    asked = f"({flag['requestee']})" if flag.get("requestee") else ""
    return f"{flag['name']}{flag['status']}{asked}"


def minutes_of(hours: str) -> str | None:
    """Returns hours as minutes, None for none."""
    try:
        minutes = round(float(hours or 0) * 60)
    except ValueError:  # two changes in one
        return hours
    return str(minutes) if minutes else None


def people_of(bug: Mapping[str, Any]) -> dict[str, Person]:
    """Returns the persons whose details a bug shows, by login."""
    found: list[Any] = []
    for name, value in bug.items():
        if name.endswith("_detail"):
            found += value if isinstance(value, list) else [value]
    return {
        str(one["name"]): Person(
            id=str(one["name"]),
            name=str(one.get("real_name") or ""),
            email=str(one.get("email") or ""),
        )
        for one in found
        if one and one.get("name")
    }


def events_of(
    history: Sequence[Mapping[str, Any]],
    now: Mapping[str, Value],
    words: Words,
    person: Callable[[str], Person],
) -> tuple[Event, ...]:
    """Returns the steps that led to `now`, oldest first.

    An event has no number: it is named after second, author and its place among those of both.
    Which ticket a duplicate repeats is not in the history: it is told with the resolution.
    """
    walked: list[tuple[str, str, tuple[FieldChange | SetChange, ...]]] = []
    state: dict[str, Value] = dict(now)
    closing = single(now.get("status")), single(now.get("resolution"))
    repeats = members(now.get("dupe_of"))
    for entry in reversed(history):
        for rows in reversed(list(_apart(entry["changes"], words))):
            for raw in _undone(rows, state, words):
                changes, before = joined_changes(
                    raw, status="status", resolution="resolution", now=closing
                )
                if repeats and _is_duplicate(closing) and not _is_duplicate(before):
                    changes = (*changes, SetChange(field="dupe_of", added=repeats))
                    repeats = frozenset()
                closing = before
                if changes:
                    walked.append((str(entry["when"]), str(entry["who"]), changes))
    places: Counter[tuple[str, str]] = Counter()
    told = []
    for when, who, changes in reversed(walked):
        places[when, who] += 1
        told.append(
            Event(
                id=f"{when} {who} {places[when, who]}",
                author=person(who),
                created=instant(when),
                changes=changes,
            )
        )
    return tuple(told)


def _apart(
    changes: Sequence[Mapping[str, Any]], words: Words
) -> Iterator[dict[str, tuple[str, str]]]:
    """Yields the rows of one entry by field, anew where a field comes again.

    What happened within one second to one field, others in between, stands there twice.
    """
    rows: dict[str, tuple[str, str]] = {}
    for change in changes:
        name = str(change["field_name"])
        name = INNER.get(name, name)
        if name == WORK:
            name = "actual_time"
        known = name in words.names or name == "resolution" or name.startswith(CUSTOM)
        if not known or NOWHERE.match(name) or (name == "flags" and change.get("attachment_id")):
            continue
        if name in rows:
            yield rows
            rows = {}
        rows[name] = str(change.get("removed") or ""), str(change.get("added") or "")
    if rows:
        yield rows


def _undone(
    rows: Mapping[str, tuple[str, str]], state: dict[str, Value], words: Words
) -> list[tuple[FieldChange | SetChange, ...]]:
    """Takes rows back out of `state`; returns the changes that they were, the last first.

    There are two where the server joined two changes of one second.
    """
    last: list[FieldChange | SetChange] = []
    first: list[FieldChange | SetChange] = []
    for name, (removed, added) in rows.items():
        now = state.get(name)
        if name in words.sets or isinstance(now, frozenset):
            change = _members(name, removed, added, members(now), words)
            _put(state, name, (members(now) - change.added) | change.removed)
            last += [change] if change.added or change.removed else []
            continue
        if name == "actual_time":
            steps = [(_less(single(now), added), single(now))]
        else:
            steps = _steps(name, removed, added, single(now), words)
        _put(state, name, steps[0][0])
        told = [FieldChange(field=name, old=old, new=new) for old, new in steps if old != new]
        last += told[-1:]
        first += told[:-1]
    return [tuple(changes) for changes in (last, first) if changes]


def _members(name: str, removed: str, added: str, now: frozenset[str], words: Words) -> SetChange:
    """Returns what came and left, as far as it agrees with what is there.

    Who came and left in one second stands on both sides; logins may have changed since.
    """
    come, left = (
        {words.member(name, one) for one in re.split(r",\s*|\s(?=\S+://)", side) if one}
        for side in (added, removed)
    )
    return SetChange(
        field=name, added=frozenset(come - left) & now, removed=frozenset(left - come) - now
    )


def _steps(
    name: str, removed: str, added: str, now: str | None, words: Words
) -> list[tuple[str | None, str | None]]:
    """Returns the steps (old, new) to `now` that a row tells, oldest first."""
    if _same(words.word(name, added), now):
        return [(words.word(name, removed.rstrip()), now)]
    for cut in (*(n for n, letter in enumerate(added) if letter == " "), len(added)):
        begin = _without(removed, added[:cut])
        if begin is not None and _same(words.word(name, added[cut + 1 :]), now):
            between = words.word(name, added[:cut])
            return [(words.word(name, begin), between), (between, now)]
    return [(words.word(name, removed), now)]


def _without(text: str, end: str) -> str | None:
    """Returns what stands before `end`, None if the text does not end so."""
    return text[: len(text) - len(end)].removesuffix(" ") if text.endswith(end) else None


def _same(one: str | None, other: str | None) -> bool:
    """Tells whether two texts are one but for blanks: joining pieces, the server adds some."""
    return "".join((one or "").split()) == "".join((other or "").split())


def _less(minutes: str | None, hours: str) -> str | None:
    taken = sum(round(float(one) * 60) for one in hours.split())
    left = int(minutes or 0) - taken
    return str(left) if left else None


def _put(state: dict[str, Value], name: str, value: Value | None) -> None:
    if value:
        state[name] = value
    else:
        state.pop(name, None)


def _is_duplicate(closing: tuple[str | None, str | None]) -> bool:
    return closing[1] == "DUPLICATE" and joined(*closing) is not None
