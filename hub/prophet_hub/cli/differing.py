"""What differs between two moments on a page: words in a line, long texts as a unified diff."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, Any

from prophet_hub.cli.tables import clean
from prophet_hub.cli.views import Views, plain
from prophet_hub.model.ids import text
from prophet_hub.values import Stored

if TYPE_CHECKING:
    from prophet_hub.engine.differences import Difference
    from prophet_hub.engine.history import Shown

__all__ = ["UNSAID", "page", "told"]

UNSAID = frozenset({"author", "created", "creator", "private", "ticket", "content", "content_type",
                    "size", "sha256", "dialect", "original_replica", "sd:uuid"})  # fmt: skip
"""What goes without saying of a record that came; a change of it is told."""

_INDENT = "  "
_LONG = 100  # characters; a longer text is told by its lines


def told(views: Views, one: Difference) -> dict[str, Any]:
    """Returns what differs in a record, as data."""
    before, after = (plain(side or {}, views.text) for side in (one.before, one.after))
    return {
        "number": views.label(one.record), "uuid": text(one.record), "type": one.type,
        "before": one.before is not None, "after": one.after is not None,
        "changes": [
            {"property": name, "old": before.get(name), "new": after.get(name)}
            for name in one.properties()
        ],
    }  # fmt: skip


def page(views: Views, one: Difference, *, first: bool = True) -> list[str]:
    """Returns what differs in a record as lines, after an empty one but for the first record."""
    lines = [] if first else [""]
    kind = "" if one.type == "ticket" else f"{one.type} "
    came = "" if one.before is not None else "  (was not there)"
    went = "" if one.after is not None else "  (is not there)"
    lines.append(f"{kind}{views.number(one.record)}  {_title(views, one)}{came}{went}".rstrip())
    names = one.properties() if one.after is not None else []
    for name in names if one.before is not None else [n for n in names if n not in UNSAID]:
        old, new = ((side or {}).get(name) for side in (one.before, one.after))
        lines += [f"{_INDENT}{line}" for line in _property(views, name, old, new)]
    return lines


def _title(views: Views, one: Difference) -> str:
    shown: Shown = one.after or one.before or {}
    if one.type == "ticket":
        value = shown.get("summary")
        return views.short(value) if isinstance(value, str) else ""
    return clean(views.title(one.record)).removeprefix(f"{one.type} ")


def _property(views: Views, name: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, frozenset) or isinstance(new, frozenset):
        before, after = (
            side if isinstance(side, frozenset) else frozenset() for side in (old, new)
        )
        steps = [f"+{clean(m)}" for m in sorted(after - before)]
        steps += [f"-{clean(m)}" for m in sorted(before - after)]
        return [f"{name}  {' '.join(steps)}"]
    if name != "content" and any(_is_long(side) for side in (old, new)):
        texts = [views.text(side).splitlines() for side in (old, new)]
        found = list(unified_diff(texts[0], texts[1], lineterm="", n=2))[
            2:
        ]  # without the file names
        return [f"{name}", *(f"{_INDENT}{clean(line)}" for line in found)]
    was, now = (_short(views, side) for side in (old, new))
    return [f"{name}  {now}" if old is None else f"{name}  {was} -> {now}"]


def _short(views: Views, value: Any) -> str:
    return f"({value.size} bytes)" if isinstance(value, Stored) else views.short(value)


def _is_long(value: Any) -> bool:
    return isinstance(value, Stored) or (
        isinstance(value, str) and (len(value) > _LONG or "\n" in value)
    )
