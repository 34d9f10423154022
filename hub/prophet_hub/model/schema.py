"""Record types: what the properties of a type mean, as pure values.

A type is a service to whoever writes here, never a law: records without one are legal, properties
that no type names come and go, and nothing of this file runs on what peers or trackers tell.  If it
did, two replicas with different declarations would hold different states of the same entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from prophet_hub.errors import ConfigError, Fault
from prophet_hub.model.changes import LIFE, RECEIPT, SAME_AS, VOTE
from prophet_hub.model.kinds import KINDS, Moment, meant

__all__ = [
    "Given",
    "Property",
    "RecordType",
    "canonical",
    "declared",
    "filled",
    "kept",
    "merged",
]

Given = Mapping[str, "str | frozenset[str] | None"]
"""Properties as somebody says them: a text, the whole of a set, or None to clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """One property of a type.

    Attributes:
        name: The property's.
        kind: A key of `KINDS`: how a value is brought into its one form.
        many: Whether it is a set; then all of this holds for each member.
        required: Whether a record must have it.
        fixed: Whether only the creation may give it.
        values: The only ones that are allowed; empty: all.
        synonyms: Words that are taken for one of the values.
        recommended: Values worth proposing; others are as good.
        default: For a record that is created without it.  `$now`, `$today` and `$author` stand for
            the moment's.
        reference: The type of the record that it names, `*` for any; addresses (URLs) are let pass.
        canon: Brings a value into its one form, after its kind did; raises ValueError.
        check: Says what is wrong with a value, "" if nothing.
        help: One line for people.
    """

    name: str
    kind: str = "text"
    many: bool = False
    required: bool = False
    fixed: bool = False
    values: tuple[str, ...] = ()
    synonyms: Mapping[str, str] = field(default_factory=dict)
    recommended: tuple[str, ...] = ()
    default: str = ""
    reference: str = ""
    canon: Callable[[str], str] | None = None
    check: Callable[[str], str] | None = None
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A type of records.

    Attributes:
        name: The type's.
        properties: Those that are known; a record may have others.
        help: One line for people.
    """

    name: str
    properties: tuple[Property, ...] = ()
    help: str = ""

    def property(self, name: str) -> Property:
        """Returns what is known of a property; of one that is not declared, that it is a text."""
        return next(
            (p for p in self.properties if p.name == name), Property(name=name, kind="long")
        )

    def knows(self, name: str) -> bool:
        """Tells whether the property is declared."""
        return any(p.name == name for p in self.properties)


# --- what is written ---


def filled(
    kind: RecordType, given: Given, moment: Moment
) -> dict[str, str | frozenset[str] | None]:
    """Returns the properties of a new record: what is given, and the defaults of what is not."""
    found = dict(given)
    for one in kind.properties:
        value = meant(one.default, moment)
        if value and one.name not in found:
            found[one.name] = frozenset({value}) if one.many else value
    return found


def canonical(
    kind: RecordType, given: Given, moment: Moment, *, force: bool = False
) -> tuple[dict[str, str | frozenset[str] | None], list[Fault]]:
    """Returns the properties in their one form, and every fault there is.

    With `force` a value that breaks a declaration is taken as it is; what no record can hold (a
    reserved name, half a letter) stays a fault.
    """
    found: dict[str, str | frozenset[str] | None] = {}
    faults: list[Fault] = []
    for name, value in given.items():
        wrong = _unheld(name, value)
        if wrong:
            faults.append(Fault(wrong, path=name))
            continue
        prop = kind.property(name)
        if prop.many and isinstance(value, str):
            value = frozenset({value} if value else ())  # noqa: PLW2901 - one form for both
        if not prop.many and isinstance(value, frozenset) and kind.knows(name) and not force:
            faults.append(Fault("It holds one value, no set.", path=name))
        elif isinstance(value, frozenset):
            members = [_one(prop, member, moment, faults, force=force) for member in sorted(value)]
            if "" in members:  # such a cell would be that of a single value
                faults.append(Fault("A set has no empty member.", path=name))
            found[name] = frozenset(members) or None
        else:
            word = _one(prop, value, moment, faults, force=force) if value else ""
            found[name] = word or None
    return found, faults


def kept(kind: RecordType, shown: Given, written: Given, *, new: bool) -> list[Fault]:
    """Returns what is wrong with a record that shows `shown` once `written` is written over it."""
    faults = []
    for one in kind.properties:
        if one.required and (new or one.name in written):
            value = written[one.name] if one.name in written else shown.get(one.name)
            if not value:
                faults.append(Fault(f"A {kind.name} wants it.", path=one.name))
        if (
            one.fixed
            and not new
            and one.name in written
            and written[one.name] != shown.get(one.name)
        ):
            faults.append(Fault("It is given when a record is created, and stays.", path=one.name))
    return faults


def _one(prop: Property, value: str, moment: Moment, faults: list[Fault], *, force: bool) -> str:
    """Returns one value in its form; adds what is wrong with it to the faults."""
    try:
        word = KINDS[prop.kind](value, moment)
        word = prop.canon(word) if prop.canon else word
        word = _listed(prop, word)
        wrong = prop.check(word) if prop.check else ""
    except ValueError as error:
        word, wrong = value, str(error)
    if wrong and not force:
        faults.append(Fault(wrong, path=prop.name))
    return word


def _listed(prop: Property, word: str) -> str:
    """Returns the value of the list that a word means.

    Raises:
        ValueError: None.
    """
    if not prop.values or word in prop.values:
        return word
    small = word.casefold()
    for value in prop.values:
        if value.casefold() == small:
            return value
    meant = prop.synonyms.get(small)
    if meant in prop.values:
        return str(meant)
    raise ValueError(f'"{word}" is none of: {", ".join(prop.values)}.')


_NAME: Final = re.compile(r"[^\s=\x00-\x1f\x7f](?:[^=\x00-\x1f\x7f]{0,198}[^\s=\x00-\x1f\x7f])?")
_RESERVED: Final = frozenset({LIFE, SAME_AS, RECEIPT})
_MEMBER: Final = 1 << 16  # what a changeset takes


def _unheld(name: str, value: str | frozenset[str] | None) -> str:
    """Returns why no record can hold this, "" if it can."""
    if name in _RESERVED or name.startswith(VOTE):
        return "This name is the database's own."
    if not _NAME.fullmatch(name):
        return "This is no name for a property."
    texts = sorted(value) if isinstance(value, frozenset) else [value] if value else []
    if "" in texts:
        return "A set has no empty member."
    try:
        "".join((name, *texts)).encode()
    except UnicodeEncodeError:
        return "It holds bytes that are no letters."
    if isinstance(value, frozenset) and max(map(len, texts), default=0) > _MEMBER:
        return f"A member of a set has {_MEMBER} letters at most."
    return ""


# --- declarations that travel as settings ---

_WORDS: Final = ("kind", "default", "reference", "help")
_FLAGS: Final = ("many", "required", "fixed")
_LISTS: Final = ("values", "recommended")


def declared(name: str, told: Any) -> RecordType:
    """Returns the type that JSON values declare.

        {"help": "...", "properties": {"severity": {"values": ["low", "high"], "default": "low"}}}

    There is no regular expression among the keys: a peer's could take for ever.

    Raises:
        ConfigError: With all faults at once.
    """
    faults: list[Fault] = []
    body = told if isinstance(told, dict) else {}
    if not isinstance(told, dict) or not isinstance(body.get("properties", {}), dict):
        faults.append(Fault('Write {"properties": {NAME: {...}}}.', path=name))
        body = {}
    faults += [Fault(f'There is no key "{key}" here.', path=name)
               for key in body if key not in ("properties", "help")]  # fmt: skip
    properties = tuple(
        _declared(prop, words, faults) for prop, words in body.get("properties", {}).items()
    )
    if faults:
        raise ConfigError(f'"{name}" declares no record type.', faults=faults)
    return RecordType(name=name, properties=properties, help=str(body.get("help", "")))


def _declared(name: str, told: Any, faults: list[Fault]) -> Property:
    words = told if isinstance(told, dict) else {}
    known = {**dict.fromkeys(_WORDS, str), **dict.fromkeys(_FLAGS, bool),
             **dict.fromkeys(_LISTS, list), "synonyms": dict}  # fmt: skip
    if not isinstance(told, dict):
        faults.append(Fault("Write an object, {} for any text.", path=name))
    wrong = _unheld(name, None)
    if wrong:
        faults.append(Fault(wrong, path=name))
    for key, value in words.items():
        if key not in known:
            faults.append(Fault(f'There is no key "{key}" here.', path=name))
        elif not isinstance(value, known[key]):
            faults.append(Fault(f'"{key}" wants a {_CALLED[known[key]]}.', path=name))
    if words.get("kind", "text") not in KINDS:
        faults.append(
            Fault(f'There is no kind "{words["kind"]}"; there are {", ".join(KINDS)}.', path=name)
        )
    if faults:
        return Property(name=name)
    taken: dict[str, Any] = {key: words[key] for key in (*_WORDS, *_FLAGS) if key in words}
    taken |= {key: tuple(map(str, words[key])) for key in _LISTS if key in words}
    synonyms = {str(k).casefold(): str(v) for k, v in words.get("synonyms", {}).items()}
    return Property(name=name, synonyms=synonyms, **taken)


_CALLED: Final = {str: "text", bool: "true or false", list: "list", dict: "object"}


def merged(base: RecordType, over: RecordType) -> RecordType:
    """Returns the type with the properties of another put in, or in place of those of the same name."""
    new = {one.name: one for one in over.properties}
    kept_ = [new.pop(one.name, one) for one in base.properties]
    return replace(base, properties=(*kept_, *new.values()), help=over.help or base.help)
