"""The language of searches: from what a person types to a tree of terms.

docs/search.md tells it to users.  The grammar is lark's; its errors become one sentence with a
caret at the place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from prophet_hub.errors import UsageError

if TYPE_CHECKING:
    from lark import Lark, Token

__all__ = [
    "All",
    "Either",
    "Field",
    "Node",
    "Not",
    "Query",
    "Term",
    "Words",
    "fault",
    "joint",
    "parsed",
]

_GRAMMAR: Final = r"""
    start: either?
    either: all (_OR all)*
    all: not (_AND? not)*
    not: (MINUS | NOT)? atom
    ?atom: _OPEN either _CLOSE | words | field
    words: WORD | QUOTED
    field: NAME term (_COMMA term)*
    term: OP? (VALUE | QUOTED)

    _OR: "OR"
    _AND: "AND"
    NOT: "NOT"
    MINUS: "-"
    _OPEN: "("
    _CLOSE: ")"
    _COMMA: ","
    OP: "<=" | ">=" | "<" | ">"
    NAME.2: /(?:"[^"]+"|[^\s()":,<>-][^\s()":,]*):(?=\S)/
    QUOTED: /"(?:[^"\\]|\\.)*"/
    WORD: /(?!(?:OR|AND|NOT)(?![^\s()":]))[^\s()":,-][^\s()":]*/
    VALUE: /[^\s()",<>][^\s()",]*/
    %ignore /\s+/
"""
_SORT: Final = "sort: orders the whole query"
_SORT_HINT: Final = "Write it at the end, outside of brackets."
_LONGEST: Final = 10_000
_DEEPEST: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Words that stand together; `prefix`: the last of them only begins so."""

    text: str
    prefix: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One value that a property may have.

    Attributes:
        op: "", "<", "<=", ">" or ">=".
        quoted: Whether it stood in quotation marks, so that nothing in it means anything else.
    """

    op: str
    text: str
    quoted: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A property with the values of which one suffices."""

    name: str
    terms: tuple[Term, ...]
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """What its part does not find."""

    part: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """What all of its parts find."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """What any of its parts finds."""

    parts: tuple[Node, ...]


Node = Words | Field | Not | All | Either


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query that was read.

    Attributes:
        root: None finds everything.
        sort: (property, whether the greatest comes first), the most important first.
    """

    text: str
    root: Node | None
    sort: tuple[tuple[str, bool], ...]


def parsed(text: str) -> Query:
    """Returns what a query says.

    Raises:
        UsageError: It cannot be read; the sentence shows where.
    """
    from lark import UnexpectedInput  # noqa: PLC0415 - lazy: only searches need a parser

    if len(text) > _LONGEST:
        raise UsageError(f"The query has more than {_LONGEST:,} letters.", hint="Shorten it.")
    _shallow(text)
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        ended = getattr(getattr(error, "token", None), "type", "") == "$END"
        raise _unreadable(text, len(text) if ended else error.pos_in_stream or 0) from None
    if not tree.children:
        return Query(text=text, root=None, sort=())
    whole = _node(tree.children[0])
    sort = tuple((t.text.removeprefix("-"), t.text.startswith("-")) for t in _sorting(whole))
    return Query(text=text, root=_without_sort(whole, text), sort=sort)


def joint(one: Query, other: Query) -> Query:
    """Returns the query that finds what both find, in the order of the first that tells one."""
    roots = tuple(root for root in (one.root, other.root) if root is not None)
    root = All(parts=roots) if len(roots) > 1 else roots[0] if roots else None
    return Query(text=one.text, root=root, sort=one.sort or other.sort)


def fault(text: str, at: int, what: str, hint: str) -> UsageError:
    """Returns an error about one place of a query, with a caret under it."""
    shown = " ".join(text.split("\n"))
    return UsageError(
        f"The query cannot be read here:\n  {shown}\n  {' ' * at}^\n{what}.", hint=hint
    )


@cache
def _parser() -> Lark:
    from lark import Lark  # noqa: PLC0415 - as above

    return Lark(_GRAMMAR, parser="lalr", propagate_positions=True)


def _node(tree: Any) -> Node:
    children = tree.children
    match tree.data:
        case "either" | "all":
            parts = tuple(map(_node, children))
            if len(parts) == 1:
                return parts[0]
            return All(parts=parts) if tree.data == "all" else Either(parts=parts)
        case "not":
            return Not(part=_node(children[1])) if len(children) > 1 else _node(children[0])
        case "words":
            return _words(children[0])
    name, *terms = children
    return Field(name=name[:-1].strip('"'), terms=tuple(map(_term, terms)), at=name.start_pos)


def _words(token: Token) -> Words:
    at = token.start_pos or 0
    if token.type == "QUOTED":
        return Words(text=_unquoted(token), prefix=False, at=at)
    return Words(text=token.rstrip("*"), prefix=token.endswith("*"), at=at)


def _term(tree: Any) -> Term:
    *op, value = tree.children
    quoted = value.type == "QUOTED"
    text = _unquoted(value) if quoted else str(value)
    return Term(op=str(op[0]) if op else "", text=text, quoted=quoted, at=value.start_pos)


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1], flags=re.DOTALL)


def _sorting(node: Node) -> Iterator[Term]:
    """Yields what the whole is to be ordered by."""
    match node:
        case Field(name="sort", terms=terms):
            yield from terms
        case All() | Either():
            for part in node.parts:
                yield from _sorting(part)


def _without_sort(node: Node, text: str) -> Node | None:
    """Returns the conditions; None if there is none beside `sort:`.

    Raises:
        UsageError: It stands where it would be a condition.
    """
    if not isinstance(node, (All, Either)):
        inner = node.part if isinstance(node, Not) else node
        if isinstance(inner, Field) and inner.name == "sort":
            if inner is node:
                return None
            raise fault(text, inner.at, _SORT, _SORT_HINT)
        return Not(part=_whole(inner, text)) if inner is not node else node
    parts = []
    for part in node.parts:
        rest = _without_sort(part, text)
        if rest is not None:
            parts.append(rest)
        elif isinstance(node, Either):
            raise fault(text, _place(part), _SORT, _SORT_HINT)
    if len(parts) > 1:
        return type(node)(parts=tuple(parts))
    return parts[0] if parts else None


def _whole(node: Node, text: str) -> Node:
    """Returns what a `-` stands before, in which nothing is ordered."""
    place = _place(node)
    if place >= 0 and next(_sorting(node), None) is not None:
        raise fault(text, place, _SORT, _SORT_HINT)
    return _without_sort(node, text) or node


def _place(node: Node) -> int:
    """Returns where a part begins that has `sort:` in it."""
    match node:
        case All() | Either():
            return min(map(_place, node.parts))
        case Not():
            return _place(node.part)
    return node.at


def _shallow(text: str) -> None:
    depth = 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth > _DEEPEST:
            raise fault(text, at, "There are too many brackets in brackets", "Leave some out.")


def _unreadable(text: str, at: int) -> UsageError:
    """Says what is wrong at the place where reading ended."""
    here = text[at : at + 1]
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
    if here == '"':
        return fault(text, at, "A quotation mark is not closed", "Close it.")
    if here == ")":
        return fault(text, at, "A bracket closes nothing", "Open it, or leave it out.")
    if here == ":":
        return fault(text, at, "A value is missing", 'Write it after the colon, or "" around both.')
    if not here and outside.count("(") > outside.count(")"):
        return fault(text, at, "A bracket is not closed", "Close it.")
    if not here:
        return fault(text, at, "Something is missing at the end", "Write what it should be.")
    return fault(text, at, "This cannot be read", 'Put "..." around what is meant literally.')
