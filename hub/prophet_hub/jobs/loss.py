"""What will not survive from one remote to another, said before the first sync: a pure function.

It looks at what the connectors promise, at their tables as the job file extends them, at what the
trackers say of themselves and at the job.  Each loss has a counter-example and a rank: what is lost
for good comes first, what is kept in the hub after it, what merely looks different last.
"""

from __future__ import annotations

from prophet_hub.jobs.constructs import constructs
from prophet_hub.jobs.looks import HELD, LOOKS, LOST, Look, Loss, Told
from prophet_hub.jobs.loss_of_fields import demands, fields, values, workflow
from prophet_hub.sdk import ATTACHMENT, COMMENT, TICKET, History

__all__ = ["losses"]


def losses(source: Look, target: Look) -> list[Loss]:
    """Returns what does not survive from one remote to another, the worst first."""
    if not target.writes:
        told = [(LOST, "tickets", f"nothing is written to {target.name}: its direction is pull")]
    else:
        told = [one for part in _PARTS for one in part(source, target)]
    found = [
        Loss(source=source.name, target=target.name, rank=rank, topic=topic, sentence=sentence)
        for rank, topic, sentence in told
    ]
    return sorted(found, key=lambda loss: loss.rank)


def _tickets(a: Look, b: Look) -> Told:
    if not (b.creates and b.may("create", TICKET)):
        why = "the job makes none there" if b.may("create", TICKET) else "it cannot be given any"
        yield LOST, "tickets", f"a ticket made in {a.name} is not made in {b.name}: {why}"
    if not b.may("update", TICKET):
        yield (
            LOST,
            "tickets",
            (
                f"a change made in {a.name} after the first sync does not reach {b.name}: its tickets "
                "cannot be changed"
            ),
        )
    if b.creates and b.may("create", TICKET) and TICKET not in b.able.keys:
        yield (
            LOST,
            "keys",
            (
                f"{b.name} has no place for the hub's key: a hub restored from a backup may make a "
                "ticket there a second time"
            ),
        )
    if not (b.deletes and b.may("delete", TICKET)):
        why = "it cannot delete any" if not b.may("delete", TICKET) else "deletes: no"
        rank = HELD if a.able.tombstones else LOOKS
        said = f"a ticket deleted in {a.name} stays in {b.name}: {why}"
        yield (
            rank,
            "deletions",
            said
            if a.able.tombstones
            else (
                f"a ticket deleted in {a.name} stays in {b.name}: {a.name} does not tell of deletions"
            ),
        )


def _has(look: Look, kind: str) -> bool:
    """Tells whether a tracker has such items at all, as far as its connector knows."""
    return any(one == kind for _, one in look.able.writes) or not look.able.writes


def _comments(a: Look, b: Look) -> Told:
    if not _has(a, COMMENT):
        return
    if not b.may("create", COMMENT):
        yield LOST, "comments", f"a comment in {a.name} does not reach {b.name}: it takes none"
        return
    if not b.may("update", COMMENT):
        yield (
            LOST,
            "comments",
            (f"edits of a comment in {a.name} do not reach {b.name}: it cannot edit comments"),
        )
    if not b.may("delete", COMMENT):
        yield (
            HELD,
            "comments",
            (f"a comment deleted in {a.name} stays in {b.name}: it cannot delete comments"),
        )
    if a.able.private_comments and not b.private:
        yield (
            HELD,
            "private comments",
            (f"a private comment of {a.name} is not sent: the audience of {b.name} is public"),
        )
    elif a.able.private_comments and not b.able.private_comments:
        yield (
            LOOKS,
            "private comments",
            (
                f"a private comment of {a.name} can be read by whoever reads {b.name}: it keeps none "
                "private, and its audience is said to be"
            ),
        )
    if not b.able.impersonation:
        yield (
            LOOKS,
            "authors",
            (
                f"what jesse writes in {a.name} is written in {b.name} by the hub's account; a comment "
                "says in its first line who wrote it and when"
            ),
        )


def _attachments(a: Look, b: Look) -> Told:
    if not _has(a, ATTACHMENT):
        return
    if not b.may("create", ATTACHMENT):
        yield LOST, "attachments", f"a file in {a.name} does not reach {b.name}: it takes none"
    elif b.limit == 0:
        yield HELD, "attachments", f"no file of {a.name} reaches {b.name}: attachments: no"
    elif b.limit is not None and (a.limit is None or a.limit > b.limit):
        yield (
            HELD,
            "attachments",
            (
                f"attachments above {_size(b.limit)} wait in the inbox: {b.name} takes no larger ones"
            ),
        )


def _size(count: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


def _story(a: Look, b: Look) -> Told:
    if a.able.history is not History.NONE:
        yield (
            LOOKS,
            "history",
            (
                f"what happened in {a.name} before the first sync is kept in the hub; in {b.name} a "
                "ticket begins as it is now"
            ),
        )
    else:
        yield (
            LOST,
            "history",
            (
                f"{a.name} tells no history: of an edit that is edited again between two syncs only "
                "the last is known, and not who made it"
            ),
        )


def _texts(a: Look, b: Look) -> Told:
    source, target = a.able.dialects[:1], b.able.dialects
    if not source or source[0] in target:
        return
    found = list(constructs(source[0], target[0] if target else "plain"))
    if found:
        shown = [one for one in found if one[1] != one[2] and "\n" not in one[1]] or found
        _, here, there = shown[0]
        yield (
            LOOKS,
            "texts",
            (
                f"{', '.join(name for name, _, _ in found)} are plain words in {b.name}: "
                f"{here!r} of {a.name} is {there!r} there"
            ),
        )


def _mail(a: Look, b: Look) -> Told:
    if b.able.notifies:
        yield LOOKS, "mail", f"{b.name} mails people what the hub writes there for {a.name}"
    if b.able.mentions:
        yield (
            LOOKS,
            "mail",
            (
                f"@jesse in a text of {a.name} gets an invisible character in {b.name}, so that it "
                "calls nobody"
            ),
        )


_PARTS = (
    _tickets, _comments, _attachments, fields, values, workflow, demands, _story, _texts, _mail,
)  # fmt: skip
