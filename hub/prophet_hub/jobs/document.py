"""A YAML file as text with line numbers: what pydantic needs to tell faults where they stand.

Every scalar stays the text it is; the key's own type decides later what to make of it.  So the words
of a value table (`no`, `0123`, `1.10`) are never taken for truths or numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import yaml

from prophet_hub.errors import Fault

__all__ = ["Document", "Path", "Tree", "dotted", "read"]

Path = tuple[str | int, ...]
Tree = None | str | list["Tree"] | dict[str, "Tree"]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A file as read.

    Attributes:
        name: Of the file, for sentences.
        lines: Path of every key and item -> its line, from 1.
        faults: What is wrong with the file as YAML.
    """

    name: str
    tree: Tree
    lines: Mapping[Path, int]
    faults: tuple[Fault, ...] = ()

    def line(self, path: Path) -> int:
        """Returns the line of the path or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str, name: str) -> Document:
    """Returns the file's tree; what is no YAML at all is its only fault."""
    reader = _Reader()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        fault = Fault(
            f"This is no YAML: {error.problem or error.context}.",
            line=mark.line + 1 if mark else 0,
            hint="Look at indents, colons and quotes there and just above.",
        )
        return Document(name=name, tree=None, lines={}, faults=(fault,))
    except yaml.YAMLError as error:
        fault = Fault(f"This is no YAML: {error}.", line=1, hint="Save it as UTF-8 text.")
        return Document(name=name, tree=None, lines={}, faults=(fault,))
    tree = reader.value(node, ()) if node is not None else None
    return Document(name=name, tree=tree, lines=reader.lines, faults=tuple(reader.faults))


def dotted(path: Path) -> str:
    """Returns a path as people write it: `remotes.rt-main.url`, `jobs.support.remotes[0]`."""
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(words).removeprefix(".")


@dataclass(slots=True)
class _Reader:
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    _above: list[int] = field(default_factory=list)

    def value(self, node: yaml.Node, path: Path) -> Tree:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return None if node.style is None and node.value in _NULLS else str(node.value)
        if id(node) in self._above:
            self._fault(node, path, "An anchor stands inside of itself", "Write it out.")
            return None
        self._above.append(id(node))
        try:
            return self._list(node, path) if isinstance(node, yaml.SequenceNode) else (
                self._mapping(node, path)
            )  # fmt: skip
        finally:
            self._above.pop()

    def _list(self, node: yaml.SequenceNode, path: Path) -> list[Tree]:
        return [self.value(item, (*path, n)) for n, item in enumerate(node.value)]

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Tree]:
        found: dict[str, Tree] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._fault(key_node, path, "A key is no text", "Write the key as one word.")
                continue
            key, here = str(key_node.value), (*path, str(key_node.value))
            if key in found:
                first = f"It stands in line {self.lines[here]} already; keep one."
                self._fault(key_node, path, f'The key "{key}" stands twice', first)
                continue
            self.lines[here] = key_node.start_mark.line + 1
            found[key] = self.value(value_node, here)
        return found

    def _fault(self, node: yaml.Node, path: Path, sentence: str, hint: str) -> None:
        line = node.start_mark.line + 1
        self.faults.append(Fault(f"{sentence}.", line=line, path=dotted(path), hint=hint))
