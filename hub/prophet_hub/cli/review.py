"""`ticket review`: tickets one by one, each answered with one key."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from prophet_hub.cli.desk import Desk
from prophet_hub.cli.one import show_one
from prophet_hub.cli.tables import clean, counted
from prophet_hub.cli.tickets import Listing
from prophet_hub.cli.writing import Pen
from prophet_hub.engine.records import Records
from prophet_hub.engine.replica import RecordRow
from prophet_hub.errors import HubError

__all__ = ["keys", "review"]

_FIXED = {
    "n": "next", "p": "back", "v": "view", "c": "comment", "e": "edit", "t": "take", "q": "quit",
}  # fmt: skip
_ENTER = "\r\n "
_ENDS = ("q", "", "\x03", "\x04", "\x1b")


def review(pen: Pen, query: Sequence[str]) -> None:
    """Goes through the tickets that a query finds, the open ones if there is none."""
    desk = pen.desk
    with desk.replica(write=bool(query) and desk.database.exists()) as replica:  # its index
        found, _ = Listing(replica, query=query).rows(hides=not query)
        rows = [row for row, _ in found]
        statuses = Records(replica).types.get("ticket").property("status").values
    by_key = keys(statuses)
    changed, at = set[int](), 0
    while 0 <= at < len(rows):
        _show(pen, rows[at], at + 1, len(rows), by_key)
        key = _key(desk)
        if key in _ENDS:
            break
        if key in _ENTER or key == "n":
            at += 1
        elif key == "p":
            at = max(at - 1, 0)
        else:
            try:
                done = _answer(pen, rows[at], key, by_key)
            except HubError as error:
                desk.say(f"  {error}")
                continue
            changed |= {rows[at].number} if done else set()
            at += done
    desk.say(f"Looked at {counted(len(rows), 'ticket')}, changed {len(changed)}.")


def keys(statuses: Sequence[str]) -> dict[str, str]:
    """Returns a key for every status: its first letter that is free, else a digit. Pure."""
    taken, found = set(_FIXED), dict[str, str]()
    for status in statuses:
        letters = [*status.lower(), *"123456789"]
        key = next((one for one in letters if one.isalnum() and one not in taken), "")
        if key:
            taken.add(key)
            found[key] = status
    return found


def _show(pen: Pen, row: RecordRow, number: int, of: int, by_key: dict[str, str]) -> None:
    with pen.desk.replica() as replica:
        shown = Records(replica).get(row)
    told = "  ".join(
        f"{name}: {', '.join(sorted(value)) if isinstance(value, set) else clean(str(value))}"
        for name in ("owner", "priority", "labels", "due") if (value := shown.get(name))
    )  # fmt: skip
    head = f"[{number}/{of}]  #{row.number}  {shown.get('status', '')}"
    pen.desk.say("", f"{head}  {clean(str(shown.get('summary', '')))}")
    pen.desk.say(*([f"  {told}"] if told else []))
    answers = " ".join(f"{key}={what}" for key, what in {**by_key, **_FIXED}.items())
    pen.desk.say(f"  {answers}")


def _answer(pen: Pen, row: RecordRow, key: str, by_key: dict[str, str]) -> bool:
    """Acts on an answer; returns whether the ticket was changed."""
    name = f"#{row.number}"
    if key == "v":
        show_one(pen.desk, name)
        return False
    if key == "e":
        return pen.update(name, (), sets=(), add=(), remove=(), clear=(), message=None, file="",
                          edit=False) is not None  # fmt: skip
    if key == "c":
        body = _line(pen.desk, "  Comment: ")
        return (
            bool(body) and pen.comment(name, body, file="", private=False, edit=False) is not None
        )
    given = {"owner": "me"} if key == "t" else {"status": by_key[key]} if key in by_key else {}
    if not given:
        pen.desk.say(f'  "{clean(key)}" is no answer.')
        return False
    with pen.records() as records:
        records.set(row.record, given)
    return True


def _key(desk: Desk) -> str:
    """Returns the key that is pressed, or where no terminal is the first letter of the next line."""
    if not desk.asks:
        line = sys.stdin.readline()
        return line.strip()[:1] or "\n" if line else ""
    import typer  # noqa: PLC0415 - for terminals

    try:
        return typer.getchar()
    except (KeyboardInterrupt, EOFError):
        return ""


def _line(desk: Desk, question: str) -> str:
    if desk.asks:
        return input(question).strip()
    return sys.stdin.readline().strip()
