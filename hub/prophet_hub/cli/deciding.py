"""Conflicts as people see them, and the conversation in which they decide them one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.editor import edited
from prophet_hub.cli.tables import clean, counted, shown_time
from prophet_hub.cli.views import Views
from prophet_hub.engine.voting import Decision, decide, told_in, votes_on
from prophet_hub.errors import StoreError, UsageError
from prophet_hub.model.changes import LIFE
from prophet_hub.values import PRESENT, Value

if TYPE_CHECKING:
    from prophet_hub.engine.replica import Conflict, Head
    from prophet_hub.engine.voting import Ballot
    from prophet_hub.model.changes import Changeset

__all__ = [
    "PRESENCE",
    "Case",
    "Choice",
    "Nothing",
    "case_lines",
    "cases",
    "decide_by_hand",
    "field_of",
    "remote_of",
]

PRESENCE: Final[dict[str, Value]] = {
    "present": PRESENT, "alive": PRESENT, "yes": PRESENT,
    "absent": None, "deleted": None, "no": None,
}  # fmt: skip
"""What people say of a member of a set, or of a life."""

_SHORT: Final = 60
_MARK: Final = "<<<<<<<"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a conflict, with its newest head and who said it, where."""

    value: Value
    head: Head
    said: str


@dataclass(frozen=True, slots=True)
class Case:
    """A conflict with all that is told of it.

    Attributes:
        number: The record's, `#5`.
        choices: The distinct values in a steady order, newest last.
        ballots: What was decided when the identical conflict was met before, newest first.
    """

    conflict: Conflict
    number: str
    title: str
    choices: tuple[Choice, ...]
    ballots: tuple[Ballot, ...]


class Nothing:
    """No value: the conflict is left as it is."""


def cases(views: Views, conflicts: Sequence[Conflict]) -> Iterator[Case]:
    """Yields conflicts with all that is to be told of them, fetched for all at once."""
    replica = views.replica
    told = told_in(replica, {h.id for one in conflicts for h in one.cell.heads})
    before = votes_on(replica, conflicts)
    for one in conflicts:
        cell = one.cell
        yield Case(
            one, views.number(one.record), views.title(one.record),
            tuple(Choice(value, head, _said(views, head, told.get(head.id)))
                  for value, head in _choices(one)),
            tuple(before.get((one.record, cell.prop, cell.member), ())),
        )  # fmt: skip


def _choices(conflict: Conflict) -> list[tuple[Value, Head]]:
    newest: dict[Value, Head] = {}
    for head in sorted(conflict.cell.heads, key=lambda h: (h.created, h.id)):
        newest.pop(head.value, None)
        newest[head.value] = head
    if conflict.cell.prop == LIFE and len(newest) == 1:  # deleted, and edited after that
        head = next(iter(newest.values()))
        return [(None, head), (PRESENT, head)]
    return list(newest.items())


def _said(views: Views, head: Head, changeset: Changeset | None) -> str:
    """Returns who made a head, and where."""
    row = views.ledger().item(head.record)
    author, note = (changeset.author, changeset.note) if changeset else ("", "")
    where = note or (f"{views.remote(row.tracker)}#{row.ref}" if row else "")
    return ", ".join(part for part in (author, where) if part)


def remote_of(views: Views, head: Head) -> str:
    """Returns the remote from which a head came, `here` for none."""
    row = views.ledger().item(head.record)
    return views.remote(row.tracker) if row else "here"


def field_of(conflict: Conflict) -> str:
    """Returns the field as people name it: `status`, `labels=urgent`, `life`."""
    prop, member = conflict.cell.prop, conflict.cell.member
    return prop if prop == LIFE or not member else f"{prop}={member}"


def case_lines(views: Views, case: Case) -> list[tuple[str, ...]]:
    """Returns a conflict's values, and what was decided before, as rows of a table."""
    prop = case.conflict.cell.prop
    rows: list[tuple[str, ...]] = [
        ("   ", str(n), views.short(choice.value, prop)[:_SHORT], choice.said,
         shown_time(choice.head.created))
        for n, choice in enumerate(case.choices, 1)
    ]  # fmt: skip
    for ballot in case.ballots:
        said = " and ".join(views.short(value, prop)[:_SHORT] for value in ballot.decisions)
        counts = "" if ballot.counts else " (does not count)"
        what = f"{said} was decided before{counts}" if said else "a decision was taken back"
        rows.append(("   ", "", what, ballot.author, shown_time(ballot.when)))
    return rows


# --- the conversation ---


def decide_by_hand(desk: Desk, views: Views, waiting: Iterator[Case]) -> tuple[int, int]:
    """Asks about one conflict after the other; returns how many were decided and how many left.

    Each decision is kept at once, so leaving in the middle loses nothing.
    """
    decided = left = 0
    for case in waiting:
        desk.say("", f"{case.number}  {field_of(case.conflict)}  {clean(case.title)}")
        desk.table(case_lines(views, case))
        answer = _asked(desk, views, case)
        if answer is None:
            left += 1 + sum(1 for _ in waiting)
            break
        if isinstance(answer, Nothing):
            left += 1
            continue
        cell = case.conflict.cell
        one = Decision(case.conflict.record, cell.prop, cell.member, answer[0])
        decide(views.replica, [one], author=desk.who(), note="prophet-hub resolve")
        desk.say(f"  decided: {views.short(answer[0], cell.prop)}")
        decided += 1
    return decided, left


def _asked(desk: Desk, views: Views, case: Case) -> tuple[Value] | Nothing | None:
    """Asks until there is an answer: a value, `Nothing` to skip, None to quit."""
    member = bool(case.conflict.cell.member)
    answers: dict[str, tuple[Value] | Nothing | None] = {"q": None, "s": Nothing(), "": Nothing()}
    answers |= {str(n): (choice.value,) for n, choice in enumerate(case.choices, 1)}
    answers |= {word: (value,) for word, value in PRESENCE.items()} if member else {"c": (None,)}
    more = "" if member else ", e to edit, c for nothing, v to see all"
    question = f"  1 to {len(case.choices)}{more}, s to skip, q to quit: "
    while True:
        try:
            said = input(question).strip()
        except (EOFError, KeyboardInterrupt):
            desk.say("")
            return None
        if said in answers:
            return answers[said]
        if said == "e" and not member:
            own = _edited(desk, views, case)
            if own:
                return (own,)
        elif said == "v" and not member:
            _view(desk, views, case)
        else:
            desk.say(f'  "{clean(said)}" is no answer.')


def _edited(desk: Desk, views: Views, case: Case) -> str:
    """Lets the person write a value, starting from all of them; "" for none."""
    several = [views.text(choice.value) for choice in case.choices if choice.value is not None]
    shown = several[-1]
    if len(several) > 1:
        parts = (f"{_MARK} {n}\n{one}\n" for n, one in enumerate(several, 1))
        shown = "".join(parts)
    try:
        with edited(desk, shown, again="prophet-hub resolve --value") as text:
            found = text if "\n" in text.rstrip("\n") else text.rstrip("\n")
    except UsageError as error:
        desk.say(f"  {error}")
        return ""
    if not found.strip() or found == shown or any(
        line.startswith(_MARK) for line in found.splitlines()
    ):  # fmt: skip
        desk.say("  Nothing was decided: the text is empty, unchanged, or still holds the marks.")
        return ""
    return found


def _view(desk: Desk, views: Views, case: Case) -> None:
    for n, choice in enumerate(case.choices, 1):
        try:
            text = views.text(choice.value)
        except (StoreError, UnicodeDecodeError):
            text = "(not here)"
        lines = [clean(line) for line in text.split("\n")] if choice.value is not None else []
        desk.say(f"  --- {n}: {choice.said or 'here'}, {counted(len(lines), 'line')}", *lines)
