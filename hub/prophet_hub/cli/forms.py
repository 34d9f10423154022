"""Records as text for an editor, and back. Pure.

    status: open
    labels: hot, office
    === description ===
    As many lines as it takes; nothing in them is read as anything else.

Properties stand on a line each; what takes several lines stands under a bar.  The bars are as long as
they must be so that no text holds one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from prophet_hub.cli.tables import clean
from prophet_hub.errors import Fault, Unfit
from prophet_hub.model.schema import Given, Property, RecordType

__all__ = ["changed", "members", "read", "written"]

_BAR: Final = re.compile(r"(={3,}) (\S.*) \1")
_LINE: Final = re.compile(r"(\S+?):(?:[ \t]+(.*))?")
_PLAIN: Final = re.compile(r"[^\s,\[\"](?:[^,\x00-\x1f\x7f\x85\u2028\u2029]*[^\s,])?")
_BREAKS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")


def written(
    kind: RecordType, shown: Given, *, lines: Iterable[str], texts: Sequence[str],
    head: Iterable[str] = (),
) -> str:  # fmt: skip
    """Returns a form.

    Args:
        kind: The record's type; its allowed and recommended values stand as comments.
        shown: What the record shows.
        lines: The properties that are offered, in order; those that are shown besides follow.
        texts: The properties that stand under bars, shown or not.
        head: Comments at the top.
    """
    offered = [name for name in lines if name not in texts]
    rest = sorted(name for name in shown if name not in offered and name not in texts)
    below = list(texts)
    out = [f"# {line}".rstrip() for line in head]
    out += [""] if out else []
    for name in (*offered, *rest):
        value = shown.get(name) or ""
        word = value if isinstance(value, str) else _members(value)
        if _needs_bar(name, word):
            below.append(name)
            continue
        out.append(f"{name}: {word}".rstrip())
        out += [f"# {line}" for line in _advice(kind.property(name))]
    found = {name: _text(shown.get(name)) for name in below}
    bar = "==="
    while any(line.startswith(bar) for text in found.values() for line in text.split("\n")):
        bar += "="
    for name, text in found.items():
        out += [f"{bar} {name} {bar}", text]
    return "\n".join(out) + "\n"


def read(kind: RecordType, text: str, template: Given) -> dict[str, str | frozenset[str] | None]:
    """Returns the properties that a form holds; None for those that are left empty.

    Args:
        kind: The record's type.
        text: The form.
        template: What it was made of, for names with blanks and for sets that no type declares.

    Raises:
        Unfit: With every line that cannot be read.
    """
    found: dict[str, str | frozenset[str] | None] = {}
    faults: list[Fault] = []
    for number, name, words in _parts(text, template):
        if not name:
            sentence = f'"{words[:60]}" is no property. Write NAME: VALUE.'
            faults.append(Fault(sentence, line=number))
        elif name in found:
            faults.append(Fault("It stands there twice.", line=number, path=name))
        else:
            found[name] = _value(kind, name, words, template, number, faults)
    if faults:
        raise Unfit("The form cannot be read.", faults=faults)
    return found


def _parts(text: str, template: Given) -> Iterator[tuple[int, str, str]]:
    """Yields (line, name, words) of what a form holds; a line that is no property has no name."""
    lines = text.removesuffix("\n").split("\n")
    bars = [n for n, line in enumerate(lines) if _BAR.fullmatch(line)]
    if bars:  # the first one tells how long they are in this form
        width = _BAR.fullmatch(lines[bars[0]])[1]  # type: ignore[index]  # it matched above
        bars = [n for n in bars if lines[n].startswith(f"{width} ")]
    for n, line in enumerate(lines[: bars[0]] if bars else lines, 1):
        if line.strip() and not line.startswith("#"):
            name, words = _split(line, template)
            yield n, name, words if name else line.strip()
    for start, end in pairwise([*bars, len(lines)]):
        name = lines[start].strip("=").strip()
        yield start + 1, name, "\n".join(lines[start + 1 : end])


def changed(before: Given, after: Given) -> dict[str, str | frozenset[str] | None]:
    """Returns what a form says otherwise than the one it was made of; how texts and
    lines end does not count.
    """
    return {
        name: value.strip("\n") if isinstance(value, str) else value
        for name, value in after.items()
        if _loose(value) != _loose(before.get(name))
    }


def _loose(value: str | frozenset[str] | None) -> object:
    return (
        (value or "").replace("\r\n", "\n").rstrip() if not isinstance(value, frozenset) else value
    )


def _split(line: str, template: Given) -> tuple[str, str]:
    """Returns name and value of a line; a name with blanks must be one of the template's."""
    for name in sorted(template, key=len, reverse=True):
        if line == f"{name}:" or line.startswith((f"{name}: ", f"{name}:\t")):
            return name, line[len(name) + 1 :].strip()
    match = _LINE.fullmatch(line)
    return (match[1], (match[2] or "").strip()) if match else ("", "")


def _value(
    kind: RecordType, name: str, words: str, template: Given, number: int, faults: list[Fault]
) -> str | frozenset[str] | None:
    if not (kind.property(name).many or isinstance(template.get(name), frozenset)):
        return words or None
    try:
        return members(words) or None
    except ValueError as error:
        faults.append(Fault(str(error), line=number, path=name))
        return None


def members(words: str) -> frozenset[str]:
    """Returns the members that `a, b` or `["a", "b"]` names.

    Raises:
        ValueError: It is neither.
    """
    if not words.lstrip().startswith("["):
        return frozenset(part for one in words.split(",") if (part := one.strip()))
    try:
        told = json.loads(words)
    except ValueError:
        told = None
    if not isinstance(told, list):
        raise ValueError('Write a, b or ["a", "b"].')  # noqa: TRY004 - of a text, not of a type
    return frozenset(map(str, told))


def _members(members: Iterable[str]) -> str:
    words = sorted(members)
    if all(_PLAIN.fullmatch(one) for one in words):
        return ", ".join(words)
    return json.dumps(words, ensure_ascii=False)


def _text(value: str | frozenset[str] | None) -> str:
    return _members(value) if isinstance(value, frozenset) else value or ""


def _needs_bar(name: str, word: str) -> bool:
    return word != word.strip() or bool(_BREAKS.search(word)) or ": " in name or name[0] == "#" \
        or name[-1] == ":"  # fmt: skip


def _advice(prop: Property) -> list[str]:
    """Returns what is worth knowing of a property where it is asked for."""
    found = [prop.help] if prop.help else []
    if prop.values:
        found.append(f"one of: {', '.join(prop.values)}")
    elif prop.recommended:
        found.append(f"such as: {', '.join(prop.recommended)}")
    if prop.kind == "day":
        found.append("2026-12-24, tomorrow, friday, +3d or +2w")
    if prop.many:
        found.append("several with commas")
    return [f"  {clean('; '.join(found))}"] if found else []
