"""The job file as pydantic models, and its JSON schema for editors.

pydantic is imported here and nowhere else, and this module only where a job file is read.  What a
key means stands in its description here and in docs/job-file.md; a test compares the two.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from prophet_hub.sdk.fields import Kind

__all__ = [
    "NATIVE",
    "NEUTRAL",
    "Attachments",
    "Brakes",
    "Config",
    "Job",
    "JobRemote",
    "People",
    "Remote",
    "Row",
    "schema",
    "validate",
]

# fmt: off
NEUTRAL = frozenset({
    "summary", "description", "status", "resolution", "type", "priority", "severity", "component",
    "version", "milestone", "owner", "reporter", "cc", "labels", "due", "created", "updated",
    "completed", "estimate", "spent", "depends_on", "blocks", "parent", "duplicate_of", "related",
})
# fmt: on
"""The neutral properties of a ticket (design, section 6)."""

NATIVE = "prophet"
"""The connector of a remote that is a replica and no tracker."""

NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_M = TypeVar("_M", bound=BaseModel)
_UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}


def _size(value: object) -> object:
    found = re.fullmatch(r"(\d+)\s*([kMG]?B|)", str(value).strip())
    if found is None:
        raise PydanticCustomError("size", "a size is a number of bytes, or 500 kB, 20 MB, 1 GB")
    return int(found[1]) * _UNITS[found[2]]


def _row(value: object) -> object:
    return {"theirs": value} if isinstance(value, str) else value


def _remotes(value: object) -> object:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        doubled = sorted({name for name in value if value.count(name) > 1})
        if doubled:
            raise PydanticCustomError("twice", f'the remote "{doubled[0]}" stands twice')
        value = dict.fromkeys(value)
    if isinstance(value, dict):
        return {name: {} if one is None else one for name, one in value.items()}
    return value


def _attachments(value: object) -> object:
    return {"carry": value} if isinstance(value, str) else value


def _fill(value: object) -> object:
    for key, said in value.items() if isinstance(value, dict) else ():
        name, equals, word = str(key).partition("=")
        if isinstance(said, dict) != bool(equals) or (
            equals and not (name.strip() and word.strip())
        ):
            raise PydanticCustomError(
                "fill", "under a field stands a value, under status=WORD a table of fields"
            )
    return value


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Row(_Model):
    """One row of a field map: theirs for ours."""

    theirs: str = Field(min_length=1, description="the tracker's name of the field")
    kind: Kind | None = Field(default=None, description="what the field holds")
    writable: bool | None = Field(default=None, description="whether an update may change it")
    on_create: bool | None = Field(default=None, description="whether a create may carry it")
    default: str | None = Field(
        default=None, description="what a create shows where nothing was said"
    )


_Filled = str | list[str]


class Remote(_Model):
    """A tracker, and how the hub logs in. Further keys are the connector's own settings."""

    model_config = ConfigDict(extra="allow", frozen=True)

    connector: str = Field(min_length=1, description="which connector; `prophet-hub connectors`")
    url: str = Field(
        default="", description="where the tracker is; a path for trackers that are files"
    )
    query: str = Field(default="", description="which tickets, in the tracker's own language")
    part: str = Field(
        default="",
        description="what of the server is a tracker of its own, with tickets that never leave it",
    )
    fields: dict[str, Annotated[Row, BeforeValidator(_row)] | None] = Field(
        default_factory=dict, description="the field map, extended: our name, then theirs"
    )
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="our field: {their word: our word}"
    )
    fill: Annotated[dict[str, _Filled | dict[str, _Filled]], BeforeValidator(_fill)] = Field(
        default_factory=dict,
        description="what is put into fields that are demanded and of which a ticket says nothing",
    )
    people: dict[str, str] = Field(
        default_factory=dict, description="this tracker's person ids: e-mail addresses"
    )
    audience: Literal["public", "private"] = Field(
        default="public", description="whether private comments may be sent here at all"
    )
    concurrency: int | None = Field(
        default=None, ge=1, le=64, description="tickets fetched at once"
    )
    batch: int = Field(default=50, ge=1, le=10_000, description="tickets per commit and checkpoint")


class JobRemote(_Model):
    """A remote as one job uses it."""

    direction: Literal["both", "pull", "push"] = Field(
        default="both",
        description="pull: never written to; push: its own tickets are created nowhere",
    )
    query: str | None = Field(
        default=None, description="replaces the remote's own query in this job"
    )
    creates: bool = Field(default=True, description="whether tickets may be created there")
    deletes: bool = Field(default=False, description="whether a deletion elsewhere deletes there")


class Attachments(_Model):
    """Which attachments are carried."""

    carry: bool = Field(default=True, description="whether at all")
    limit: Annotated[int, BeforeValidator(_size)] | None = Field(
        default=None, description="the greatest size: bytes, or 500 kB, 20 MB, 1 GB"
    )


class Brakes(_Model):
    """What one run may do to one remote without a word from a person."""

    closes: int | None = Field(default=None, ge=0, description="open tickets closed")
    deletes: int | None = Field(default=None, ge=0, description="tickets deleted")
    creates: int = Field(default=1000, ge=0, description="tickets created after the first run")


_Policy = Annotated[str, StringConstraints(pattern=r"^(ask|newest|merge|prefer \S+)$")]


class Job(_Model):
    """What is kept in step with what."""

    remotes: Annotated[dict[str, JobRemote], BeforeValidator(_remotes)] = Field(
        min_length=2, description="two or more, as a list or as a mapping"
    )
    conflicts: dict[str, _Policy] = Field(
        default_factory=dict,
        description="per field and `default`: ask, newest, merge, prefer REMOTE",
    )
    fields: list[str] | None = Field(default=None, description="only these fields are carried")
    attachments: Annotated[Attachments, BeforeValidator(_attachments)] = Field(
        default=Attachments(), description="`no`, or what is carried"
    )
    brakes: Brakes = Field(default=Brakes(), description="limits of one run")
    local: bool | None = Field(
        default=None,
        description="whether tickets made in the database itself go to its trackers",
    )
    pairing: Literal["certain", "ask", "off"] = Field(
        default="certain",
        description="what a first run does with tickets that exist on several sides",
    )


class Config(_Model):
    """What is kept in step with what: remotes, and jobs over them."""

    remotes: dict[Annotated[str, StringConstraints(pattern=NAME)], Remote] = Field(
        min_length=1, description="the trackers, by names of your own"
    )
    jobs: dict[Annotated[str, StringConstraints(pattern=NAME)], Job] = Field(
        default_factory=dict, description="what is kept in step with what"
    )
    people: str = Field(default="", description="the people file, from the folder of this file")


class People(RootModel[dict[str, dict[str, str]]]):
    """The people file: e-mail address -> {remote: the person's id there}."""


def validate(model: type[_M], tree: object) -> tuple[_M | None, list[dict[str, Any]]]:
    """Returns the model and no faults, or None and all faults as pydantic tells them."""
    try:
        return model.model_validate(tree), []
    except ValidationError as error:
        return None, [dict(fault) for fault in error.errors(include_url=False)]


def schema() -> dict[str, Any]:
    """Returns the JSON schema of the job file, short forms included, for editors."""
    found = Config.model_json_schema()
    defs = found["$defs"]
    row = defs["Remote"]["properties"]["fields"]["additionalProperties"]["anyOf"]
    row.insert(0, {"type": "string"})
    remotes = defs["Job"]["properties"]["remotes"]
    remotes["additionalProperties"] = {"anyOf": [{"$ref": "#/$defs/JobRemote"}, {"type": "null"}]}
    about = remotes.pop("description")
    listed = {"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True}
    title = remotes.pop("title")
    defs["Job"]["properties"]["remotes"] = {
        "anyOf": [listed, remotes], "description": about, "title": title
    }  # fmt: skip
    carried = defs["Job"]["properties"]["attachments"]
    carried["anyOf"] = [{"type": "boolean"}, {"$ref": carried.pop("$ref")}]
    defs["Attachments"]["properties"]["limit"]["anyOf"].insert(0, {"type": "string"})
    _yes_and_no(found)
    about_it = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "prophet-hub"}
    return {**found, **about_it}


def _yes_and_no(part: Any) -> None:
    """Lets `yes` and `no` stand for truths: to editors they are plain words (YAML 1.2)."""
    if isinstance(part, dict):
        if part.get("type") == "boolean":
            del part["type"]
            part["enum"] = [True, False, "yes", "no"]
        for value in part.values():
            _yes_and_no(value)
    elif isinstance(part, list):
        for value in part:
            _yes_and_no(value)
