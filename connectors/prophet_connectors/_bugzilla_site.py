"""What a Bugzilla says of itself: its workflow, its fields and their values."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prophet_connectors._bugzilla_api import Api, segment
from prophet_connectors._bugzilla_fields import INNER
from prophet_hub.sdk import FieldMap, Schema, SchemaField
from prophet_hub.sdk.closing import parted

__all__ = ["Site", "Workflow"]

MULTI_SELECT: Final = 3
SELECT: Final = 2
REQUIRED: Final = frozenset({"summary", "product", "component", "version"})
VALUED: Final = frozenset({
    "priority", "severity", "op_sys", "platform", "component", "version", "target_milestone",
    "keywords", "type",
})  # fmt: skip
"""Rows whose values are told as they are; those of statuses are joined with resolutions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """The statuses of a site; a closed one is said with its resolution.

    Attributes:
        ways: From a status, "" for a birth, to those that it can become in one step.
        closed: The statuses that need a resolution.
        resolutions: What may be the resolution.
    """

    ways: Mapping[str, tuple[str, ...]]
    closed: frozenset[str]
    resolutions: tuple[str, ...]

    def words(self, statuses: Iterable[str]) -> tuple[str, ...]:
        """Returns statuses as words, each closed one once for every resolution."""
        told: list[str] = []
        for status in statuses:
            ends = self.resolutions if status in self.closed else ()
            told += [f"{status} {end}" for end in ends] or [status]
        return tuple(told)

    def parted(self, word: str) -> tuple[str, str]:
        """Returns status and resolution of a word."""
        return parted(word, filter(None, self.ways))

    def reachable(self, word: str) -> frozenset[str]:
        """Returns the words that a word can become in one step."""
        status, _ = self.parted(word)
        also = (status,) if status in self.closed else ()
        return frozenset(self.words((*self.ways.get(status, ()), *also))) - {word}


class Site:
    """Asked once for what does not change; threads share it.

    Args:
        given: The fields of a new bug for which the settings have a default.
    """

    def __init__(self, api: Api, fields: FieldMap, given: frozenset[str] = frozenset()) -> None:
        self._api = api
        self._fields = fields
        self._required = REQUIRED - given
        self._lock = threading.Lock()
        self._workflow: Workflow | None = None

    def workflow(self) -> Workflow:
        """Returns the workflow, one request the first time."""
        with self._lock:
            if self._workflow is None:
                names = [("names", "bug_status"), ("names", "resolution")]
                self._workflow = _workflow(self._api.get("field/bug", names)["fields"])
            return self._workflow

    def is_choice(self, name: str) -> bool:
        """Tells whether a custom field holds one of a few values, among them `---`."""
        fields = self._api.get(f"field/bug/{segment(name)}")["fields"]
        return any(field["type"] == SELECT for field in fields)

    def describe(self) -> Schema:
        """Returns products, fields with their values, the statuses and their ways: three requests."""
        version = str(self._api.get("version")["version"])
        wanted = [("type", "enterable"), ("include_fields", "name")]
        products = sorted(str(one["name"]) for one in self._api.get("product", wanted)["products"])
        found = self._api.get("field/bug")["fields"]
        values = {INNER.get(str(f["name"]), str(f["name"])): _values(f) for f in found}
        values["product"] = tuple(products)
        flow = _workflow(found)
        statuses = flow.words(status for status in flow.ways if status)
        customs = [field for field in found if field.get("is_custom")]
        return Schema(
            product="Bugzilla",
            version=version,
            projects=tuple(products),
            fields=(
                *(
                    SchemaField(
                        name=row.theirs,
                        values=values.get(row.theirs, ())
                        if row.theirs in VALUED | {"product"}
                        else (),
                        required=row.theirs in self._required,
                        writable=row.writable,
                        many=row.kind.many,
                    )
                    for row in self._fields
                    if not row.theirs.startswith("cf_")
                ),
                *(
                    SchemaField(
                        name=str(field["name"]),
                        label=str(field.get("display_name") or ""),
                        values=_values(field),
                        required=bool(field.get("is_mandatory"))
                        and bool(self._fields.theirs(field["name"])),
                        many=field["type"] == MULTI_SELECT,
                    )
                    for field in customs
                ),
            ),
            statuses=statuses,
            transitions={word: tuple(sorted(flow.reachable(word))) for word in statuses},
            requires={word: ("dupe_of",) for word in statuses if word.endswith(" DUPLICATE")},
        )


def _workflow(fields: Iterable[Mapping[str, Any]]) -> Workflow:
    by_name = {str(field["name"]): field for field in fields}
    statuses = by_name["bug_status"]["values"]
    return Workflow(
        ways={
            str(one.get("name") or ""): tuple(str(to["name"]) for to in one["can_change_to"])
            for one in statuses
        },
        closed=frozenset(str(one["name"]) for one in statuses if not one["is_open"]),
        resolutions=_values(by_name["resolution"]),
    )


def _values(field: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns the values that may be chosen, each once: components of several products share names."""
    listed = field.get("values") or ()
    names = (str(one.get("name") or "") for one in listed if one.get("is_active", True))
    return tuple(dict.fromkeys(name for name in names if name))
