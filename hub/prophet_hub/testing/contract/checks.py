"""How a check is declared, what it may need, and what all of them use."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, NoReturn, TypeVar

import pytest

from prophet_hub.errors import HubError
from prophet_hub.sdk import (
    COMMENT,
    TICKET,
    Checkpoint,
    Connector,
    Create,
    FieldMap,
    Gone,
    History,
    ListedTicket,
    Pull,
    Receipt,
    Ref,
    Ticket,
    Update,
    Value,
)
from prophet_hub.testing.contract.sandbox import Absent, Sandbox

__all__ = [
    "Check",
    "Checks",
    "Told",
    "can",
    "carries",
    "check",
    "create",
    "holds",
    "kept",
    "lacks",
    "looks_back",
    "only",
    "pieces",
    "promises",
    "pull",
    "raised",
    "read",
    "remark",
    "remarks",
    "tells",
    "told_id",
    "update",
]

Need = Callable[[Sandbox], str]
"""Returns why a check does not apply, "" if it does."""

Check = Callable[[Any, Sandbox], None]
_P = TypeVar("_P")
_E = TypeVar("_E", bound=HubError)


class Checks:
    """Base of the groups of checks.

    Attributes:
        may_skip: Checks that the sandbox cannot serve, or what it cannot do, each with the reason.
            Where it is given, any other that it cannot serve fails, so that a suite cannot shrink
            unseen.  What the connector does not declare is skipped in every case.
        skipped: Check -> why it was, filled as the checks run.
    """

    may_skip: ClassVar[Mapping[str, str] | None] = None
    skipped: ClassVar[dict[str, str]] = {}

    def __init_subclass__(cls, **words: Any) -> None:
        """Gives each suite a list of its own."""
        super().__init_subclass__(**words)
        cls.skipped = {}

    @classmethod
    def names(cls) -> list[str]:
        """Returns the names of all checks."""
        return sorted(n for n in dir(cls) if hasattr(getattr(cls, n), "is_check"))


def check(*needs: Need) -> Callable[[Check], Check]:
    """Marks a check and says what it needs; what is not there skips it by name, with the reason."""

    def mark(function: Check) -> Check:
        @functools.wraps(function)
        def checked(self: Checks, sandbox: Sandbox) -> None:
            suite, name = type(self), function.__name__
            for need in needs:
                reason = need(sandbox)
                if reason:
                    suite.skipped[name] = reason
                    pytest.skip(f"{name}: {reason}")
            try:
                function(self, sandbox)
            except Absent as absent:
                _lacking(suite, name, str(absent))

        checked.is_check = True  # type: ignore[attr-defined] # read by Checks.names
        return checked

    return mark


def _lacking(suite: type[Checks], name: str, reason: str) -> NoReturn:
    suite.skipped[name] = reason
    if suite.may_skip is not None and not {name, reason} & set(suite.may_skip):
        pytest.fail(f"{name} was skipped ({reason}), which `may_skip` does not allow")
    pytest.skip(f"{name}: {reason}")


# --- needs -----------------------------------------------------------------------------------------


def can(verb: str, kind: str = TICKET) -> Need:
    """The connector declares this write."""

    def need(sandbox: Sandbox) -> str:
        declared = (verb, kind) in sandbox.connector.capabilities.writes
        return "" if declared else f"not declared: {verb} {kind}"

    return need


def tells(*histories: History) -> Need:
    """The connector declares one of these."""

    def need(sandbox: Sandbox) -> str:
        history = sandbox.connector.capabilities.history
        return "" if history in histories else f"the declared history is {history.value}"

    return need


def carries(kind: str) -> Need:
    """Items of the kind carry our key."""

    def need(sandbox: Sandbox) -> str:
        declared = kind in sandbox.connector.capabilities.keys
        return "" if declared else f"no key is carried in a {kind}"

    return need


def promises(flag: str) -> Need:
    """A capability is set."""

    def need(sandbox: Sandbox) -> str:
        value = getattr(sandbox.connector.capabilities, flag)
        return f"not promised: {flag}" if value in (False, None) else ""

    return need


def lacks(flag: str) -> Need:
    """A capability is not set: what then must not happen."""

    def need(sandbox: Sandbox) -> str:
        value = getattr(sandbox.connector.capabilities, flag)
        return "" if value in (False, None) else f"promised: {flag}"

    return need


def looks_back(sandbox: Sandbox) -> str:
    """Whether the connector asks again for what may have been late."""
    whole = sandbox.connector.capabilities.overlap >= timedelta(seconds=1)
    return "" if whole else "not promised: an overlap of a second or more"


# --- what checks do ----------------------------------------------------------------------------------


class Told:
    """What one pull told.

    Attributes:
        items: In order, checkpoints too.
        ids: Of the tickets told, in order.
        gone: Tombstones by id.
        cursor: Of the last checkpoint.
    """

    def __init__(self, items: Iterable[Ref | Ticket | Gone | Checkpoint]) -> None:
        self.items = list(items)
        assert self.items, "a pull told nothing at all, not even a checkpoint"
        last = self.items[-1]
        assert isinstance(last, Checkpoint), f"a pull ended with {last!r}, not with a checkpoint"
        self.cursor = last.cursor
        self.ids = [told_id(i) for i in self.items if not isinstance(i, Checkpoint)]
        self.gone = {i.ref.id: i for i in self.items if isinstance(i, Gone)}


def told_id(item: Ref | Ticket | ListedTicket | Gone | Checkpoint) -> str:
    """Returns the ticket that an item of a pull is about, "" for a checkpoint."""
    if isinstance(item, Checkpoint):
        return ""
    return item.id if isinstance(item, Ref) else item.ref.id


def pull(connector: Connector, since: str = "", query: str = "") -> Told:
    """Pulls to the end."""
    return Told(connector.changed(Pull(since=since, query=query)))


def read(sandbox: Sandbox, ticket: str, connector: Connector | None = None) -> Ticket:
    """Returns the ticket, which must be there."""
    shown = (connector or sandbox.connector).ticket(Ref(id=ticket))
    assert isinstance(shown, Ticket), f"ticket {ticket} is told as {shown!r}"
    return shown


def create(
    sandbox: Sandbox, n: int = 1, *, key: str = "", more: Mapping[str, Value] | None = None
) -> Ref:
    """Makes a ticket through the connector."""
    fields = {**sandbox.new(n), **(more or {})}
    receipt = sandbox.connector.apply(Create(ref=Ref(id=""), fields=fields, key=key))
    return receipt.ref


def update(sandbox: Sandbox, ticket: str, field: str, value: Value | None) -> Receipt:
    """Gives a field another value through the connector, as the hub would: re-read, then write."""
    shown = read(sandbox, ticket)
    row = sandbox.connector.fields.theirs(field)
    assert row is not None, f"{field} has no row"
    before = shown.fields.get(field)
    words: dict[str, Any] = {"before": {} if before is None else {field: before}}
    if row.kind.many:
        old = before if isinstance(before, frozenset) else frozenset()
        new = value if isinstance(value, frozenset) else frozenset()
        words |= {"added": {field: new - old}, "removed": {field: old - new}}
    else:
        words["changes"] = {field: value}
    return sandbox.connector.apply(Update(ref=shown.ref, version=shown.version, **words))


def remark(
    sandbox: Sandbox, ticket: str, body: str, *, key: str = "", private: bool = False
) -> Ref:
    """Adds a comment through the connector."""
    ref = Ref(kind=COMMENT, id="", ticket=ticket)
    made = sandbox.connector.apply(Create(ref=ref, fields={"body": body}, key=key, private=private))
    return made.ref


def remarks(ticket: Ticket) -> list[str]:
    """Returns the bodies of a ticket's comments."""
    return [comment.body for comment in ticket.comments]


def only(parts: Sequence[_P]) -> _P:
    """Returns the one comment or attachment that a ticket has."""
    assert len(parts) == 1, f"{len(parts)} are told of one: {_short(parts)}"
    return parts[0]


def holds(fields: FieldMap, ticket: Ticket, field: str, value: Value | None) -> None:
    """Asserts that a ticket shows a value, in the tracker's rendering of it."""
    shown = ticket.fields.get(field)
    row = fields.theirs(field)
    assert row is not None, f"{field} has no row in the field map"
    if isinstance(shown, frozenset) or isinstance(value, frozenset):
        assert shown == value, f"{field} shows {_short(shown)}, not {_short(value)}"
    else:
        assert row.same(shown, value), f"{field} shows {_short(shown)}, not {_short(value)}"


def kept(sandbox: Sandbox, ticket: str, field: str, value: Value | None) -> None:
    """Asserts that a ticket, read again, shows a value."""
    holds(sandbox.connector.fields, read(sandbox, ticket), field, value)


def raised(kinds: type[_E] | tuple[type[_E], ...], act: Callable[[], object]) -> _E:
    """Returns the error of the hub that an act ends with; asserts that it says something."""
    with pytest.raises(kinds) as caught:
        act()
    error: _E = caught.value
    assert " " in error.sentence.strip(), f"{type(error).__name__} says {error.sentence!r}"
    return error


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 120 else f"{text[:100]}... ({len(text)} characters)"


def pieces(data: bytes, size: int = 8192) -> Callable[[], Iterator[bytes]]:
    """Returns what opens a content."""
    return lambda: (data[n : n + size] for n in range(0, len(data), size))
