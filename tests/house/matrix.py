"""The page of all connectors: what each promises, in one table, from its capabilities."""

from __future__ import annotations

from pathlib import Path

from prophet_hub import plugins
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, Capabilities

__all__ = ["PAGE", "page"]

PAGE = Path(__file__).parents[2] / "docs/connectors/README.md"
BEGIN, END = "<!-- matrix -->", "<!-- end -->"

HEAD = ("", "history", "changes found", "tickets", "comments", "files", "compare and set",
        "keys in", "private comments", "deletions told", "markup", "mails people")  # fmt: skip


def page(text: str) -> str:
    """Returns the page with its table made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{_table()}\n{END}{after}"


def _table() -> str:
    rows = [HEAD, ("---",) * len(HEAD)]
    for one in plugins.installed():
        if one.package == "prophet-hub":
            cls = plugins.connector(one.name)
            rows.append((f"[{one.name}]({one.name}.md)", *_row(cls.capabilities)))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(told: Capabilities) -> tuple[str, ...]:
    grain = told.granularity.total_seconds()
    return (
        told.history.value,
        f"to {grain:g} s" if grain else "exactly",
        *(_verbs(told, kind) for kind in (TICKET, COMMENT, ATTACHMENT)),
        _yes(told.conditional),
        ", ".join(f"{kind}s" for kind in (TICKET, COMMENT, ATTACHMENT) if kind in told.keys)
        or "no",
        _yes(told.private_comments),
        _yes(told.tombstones),
        ", ".join(told.dialects),
        _yes(told.notifies),
    )


def _verbs(told: Capabilities, kind: str) -> str:
    verbs = (verb for verb in ("create", "update", "delete") if (verb, kind) in told.writes)
    return ", ".join(verbs) or "read only"


def _yes(promise: bool) -> str:
    return "yes" if promise else "no"
