"""A job file that strangers may read: its structure, and pseudonyms in the place of its words.

Looks at the raw tree, so that it works beside whatever faults the file has.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from prophet_hub import plugins
from prophet_hub.errors import Fault, HubError
from prophet_hub.jobs import config as models
from prophet_hub.jobs.document import Path, Tree
from prophet_hub.jobs.pseudonyms import Pseudonyms, Safe, among, formed
from prophet_hub.jobs.secrets import SCHEMES
from prophet_hub.jobs.sentences import own_words
from prophet_hub.sdk import Connector, Kind

__all__ = ["FIELDS", "OWN", "Disguise"]

OWN: Final = "prophet-hub"
"""The package whose names are no secret; what others are called may name whose they are."""

FIELDS: Final = models.NEUTRAL | {"default", "body", "name", "content_type", "private", "content"}

_NUMBER: Final = r"\d{1,6}"
_SIZE: Final = r"\d{1,12} ?([kMG]?B)?"
_TRUTHS: Final = ("yes", "no", "true", "false", "on", "off")
_KINDS: Final = tuple(kind.value for kind in Kind)
_POLICIES: Final = ("ask", "newest", "merge")
_KEYS_BY_KIND: Final = {
    ("remotes", "*"): "remote", ("remotes", "*", "fields", "*"): "field",
    ("remotes", "*", "values", "*"): "field", ("remotes", "*", "values", "*", "*"): "word",
    ("remotes", "*", "fill", "*"): "fill", ("remotes", "*", "fill", "*", "*"): "field",
    ("remotes", "*", "people", "*"): "person", ("jobs", "*"): "job",
    ("jobs", "*", "remotes", "*"): "remote", ("jobs", "*", "conflicts", "*"): "field",
}  # fmt: skip
_VALUES_BY_KIND: Final = {
    ("people",): "path", ("remotes", "*", "connector"): "connector", ("remotes", "*", "url"): "url",
    ("remotes", "*", "query"): "query", ("remotes", "*", "fields", "*"): "theirs",
    ("remotes", "*", "fields", "*", "theirs"): "theirs", ("remotes", "*", "people", "*"): "person",
    ("jobs", "*", "remotes", "*"): "remote", ("jobs", "*", "remotes", "*", "query"): "query",
    ("jobs", "*", "conflicts", "*"): "policy", ("jobs", "*", "fields", "*"): "field",
}  # fmt: skip
"""A path, with * for any key, to the kind of its key or value; what is in neither is a word."""
_LISTED: Final = {
    "writable": _TRUTHS, "on_create": _TRUTHS, "creates": _TRUTHS, "deletes": _TRUTHS,
    "carry": _TRUTHS, "local": _TRUTHS, "attachments": _TRUTHS, "kind": _KINDS,
    "direction": ("both", "pull", "push"), "audience": ("public", "private"),
    "pairing": ("certain", "ask", "off"),
}  # fmt: skip
_NUMBERS: Final = {
    "closes": _NUMBER, "deletes": _NUMBER, "creates": _NUMBER, "concurrency": _NUMBER,
    "batch": _NUMBER, "limit": _SIZE,
}  # fmt: skip
_KEYS: Final = {
    "remotes": models.Remote, "jobs": models.Job, "attachments": models.Attachments,
    "brakes": models.Brakes,
}  # fmt: skip


class Disguise:
    """Puts pseudonyms in the place of what one job file says.

    Args:
        words: The pseudonyms of the whole bundle.
        tree: The file.
    """

    def __init__(self, words: Pseudonyms, tree: Tree) -> None:
        self._words, self._tree = words, tree
        remotes = tree.get("remotes") if isinstance(tree, dict) else None
        said = remotes if isinstance(remotes, dict) else {}
        self._own: dict[str, Callable[[str, str], Safe]] = {
            "connector": self._connector, "theirs": self._theirs, "policy": self._policy,
            "field": lambda _, said: self.field(said),
            "url": lambda _, said: words.address(said),
        }  # fmt: skip
        self._connectors = {
            name: _own_connector(remote.get("connector") if isinstance(remote, dict) else None)
            for name, remote in said.items()
        }

    def whole(self) -> Any:
        """Returns the file."""
        return self._part(self._tree, ())

    def faults(self, faults: Iterable[Fault]) -> list[dict[str, Any]]:
        """Returns what is wrong with it."""
        return [
            {"line": one.line, "where": Safe(".".join(self._keys(one.path))),
             "what": own_words(one.sentence), "hint": own_words(one.hint)}
            for one in faults
        ]  # fmt: skip

    def field(self, ours: str) -> Safe:
        """Returns one of our names of fields, a pseudonym for one that is not neutral."""
        return among(ours, FIELDS) or self._words.word("field", ours)

    def _keys(self, path: str) -> list[Safe]:
        parts = path.split(".") if path else []
        return [self._key(tuple(parts[: n + 1])) for n in range(len(parts))]

    def _part(self, tree: Tree, path: Path) -> Any:
        if isinstance(tree, dict):
            return {
                self._key((*path, key)): self._part(value, (*path, key))
                for key, value in tree.items()
            }
        if isinstance(tree, list):
            return [self._part(one, (*path, n)) for n, one in enumerate(tree)]
        return None if tree is None else self._value(path, tree)

    def _key(self, path: Path) -> Safe:
        last = str(path[-1])
        kind = _at(path, _KEYS_BY_KIND)
        if kind == "field":
            return self.field(last)
        if kind == "fill":
            name, equals, status = last.partition("=")
            return Safe(self.field(name) + equals + self._words.word("word", status))
        if kind:
            return self._words.word(kind, last)
        known = set(_model(path).model_fields)
        if path[0] == "remotes" and len(path) == 3:  # noqa: PLR2004 - a key of a remote
            known |= _settings(self._connectors.get(str(path[1]))).keys()
        return among(last, known) or self._words.word("key", last)

    def _value(self, path: Path, said: str) -> Safe:
        kind = _at(path, _VALUES_BY_KIND) or ""
        remote = str(path[1]) if len(path) > 1 else ""
        if kind in self._own:
            return self._own[kind](remote, said)
        own = path[:1] == ("remotes",) and len(path) > 2  # noqa: PLR2004 - below a remote
        if own and str(path[2]) not in models.Remote.model_fields:
            return self._setting(remote, str(path[2]), said)
        return _listed(path, said) or self._words.word(kind or "word", said)

    def _connector(self, remote: str, said: str) -> Safe:
        known = said == models.NATIVE or self._connectors.get(remote) is not None
        return Safe(said) if known else self._words.word("connector", said)

    def _policy(self, _: str, said: str) -> Safe:
        verb, blank, remote = said.partition(" ")
        if verb == "prefer" and blank:
            return Safe(f"prefer {self._words.word('remote', remote.strip())}")
        return among(said, _POLICIES) or self._words.word("word", said)

    def _theirs(self, remote: str, said: str) -> Safe:
        cls = self._connectors.get(remote)
        rows = getattr(cls, "fields", None) if cls else None
        return among(said, {row.theirs for row in rows or ()}) or self._words.word("field", said)

    def _setting(self, remote: str, key: str, said: str) -> Safe:
        """Returns a connector's own setting: of a secret where it is kept, a truth, or a pseudonym."""
        scheme, colon, _ = said.partition(":")
        if colon and scheme in SCHEMES:
            return Safe(f"{scheme}:...")
        if _settings(self._connectors.get(remote)).get(key) is bool:
            return among(said.lower(), _TRUTHS) or self._words.word("word", said)
        return self._words.word("word", said)


def _at(path: Path, table: Mapping[tuple[str, ...], str]) -> str:
    """Returns what a table says of a path, "" if nothing."""
    for pattern, found in table.items():
        if len(pattern) == len(path) and all(
            part in ("*", here) for part, here in zip(pattern, path, strict=True)
        ):
            return found
    return ""


def _model(path: Path) -> Any:
    """Returns the model whose keys may stand at a path."""
    match path:
        case (_,):
            return models.Config
        case ("jobs", _, "remotes", _, _):
            return models.JobRemote
        case ("jobs", _, ("attachments" | "brakes") as table, _):
            return _KEYS[table]
        case ("remotes", _, "fields", _, _):
            return models.Row
        case (("remotes" | "jobs") as table, _, _):
            return _KEYS[table]
    return models.People


def _listed(path: Path, said: str) -> Safe | None:
    """Returns a value of which there are few, or that is a mere number."""
    key = str(path[-1]) if path else ""
    return among(said.lower(), _LISTED.get(key, ())) or (
        formed(said, _NUMBERS[key]) if key in _NUMBERS else None
    )


def _own_connector(name: object) -> type[Connector] | None:
    """Returns a connector that comes with the hub, None for any other."""
    if not any(one.name == name and one.package == OWN for one in plugins.installed()):
        return None
    try:
        return plugins.connector(str(name))
    except HubError:
        return None


def _settings(cls: type[Connector] | None) -> dict[str, Any]:
    """Returns a connector's own settings with their types."""
    if cls is None:
        return {}
    hints = typing.get_type_hints(cls.Settings)
    return {one.name: hints[one.name] for one in dataclasses.fields(cls.Settings)}
