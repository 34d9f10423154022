"""A tracker in which every change leaves RT's transactions and attachments behind."""

from __future__ import annotations

import dataclasses
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from prophet_hub.sdk import FieldChange, Person, SetChange
from prophet_hub.testing.tracker import Item, Knobs, Tracker

FORWARD = {"DependedOnBy": "DependsOn", "Children": "Parents", "ReferredToBy": "RefersTo"}
INVERSE = {v: k for k, v in FORWARD.items()}
REFS = {
    "DependsOn": "depends-on", "DependedOnBy": "depended-on-by", "Parents": "parent",
    "Children": "child", "RefersTo": "refers-to", "ReferredToBy": "referred-to-by",
}  # fmt: skip
IN_HISTORY = {"Parents": "MemberOf", "Children": "HasMember"}
ROLES = ("Requestor", "Cc", "AdminCc")
DATES = ("Due", "Starts", "Started", "Resolved")
MINUTES = ("TimeEstimated", "TimeWorked", "TimeLeft")
NUMBERS = ("Priority", "InitialPriority", "FinalPriority", *MINUTES)
NEVER = "1970-01-01T00:00:00Z"
LIFECYCLE = {
    "": ("new", "open", "resolved"),
    "new": ("open", "resolved", "rejected", "deleted"),
    "open": ("stalled", "resolved", "rejected"),
    "stalled": ("open",),
    "resolved": ("open",),
    "rejected": ("open",),
    "deleted": ("open",),
}
"""What the links of a ticket offer; a PUT may go anywhere among the statuses."""
ACTIVE = ("new", "open", "stalled")
SYSTEM, NOBODY = "RT_System", "Nobody"


def render(name: str, text: str) -> str:
    if name == "Subject":
        line = re.sub(r"[\r\n]", "", text)
        return line.encode()[:200].decode(errors="ignore")
    return text.replace("\r\n", "\n")


KNOBS = Knobs(render=render, notifies=True, page=100, links=frozenset())


@dataclass(slots=True, kw_only=True)
class Part:
    """An attachment, in RT's sense: a body, a file or a container."""

    id: int
    transaction: int
    kind: str
    data: bytes = b""
    filename: str = ""
    subject: str = ""
    creator: str
    created: int


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One row of a history."""

    id: int
    ticket: str
    type: str
    creator: str
    created: int
    field: str = ""
    old: str = ""
    new: str = ""
    data: str = ""
    taken: int = 0
    parts: list[Part] = dataclasses.field(default_factory=list)


class RTTracker(Tracker):
    """A tracker whose fields are RT's: dates as `YYYY-MM-DD HH:MM:SS` in UTC, roles as sets.

    Attributes:
        customs: Name -> (number, whether it holds several) of custom fields.
        key_field: The custom field that carries the hub's key; a link in RefersTo if empty.
        mails: Whether RT sends mail, which leaves EmailRecords behind.
    """

    def __init__(self, knobs: Knobs = KNOBS, *, key_field: str = "", mails: bool = True) -> None:
        super().__init__("rt", knobs)
        self.users[SYSTEM] = Person(id=SYSTEM, name="The RT System itself")
        self.users[NOBODY] = Person(id=NOBODY, name="Nobody in particular")
        self.numbers = {SYSTEM: 1, NOBODY: 6}
        self.groups: dict[str, str] = {}  # by number, as they stand in fields
        self.queues = {"General": 1, "Support": 3}
        self.customs = {key_field: (1, False)} if key_field else {}
        self.key_field = key_field
        self.mails = mails
        self.empty_text = False
        self.text_kind = "text/plain"
        self.said = ""
        self._backward = False
        self.transactions: list[Transaction] = []
        self.parts: list[Part] = []
        self.histories: dict[str, list[Transaction]] = defaultdict(list)
        self.behind: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

    # --- doors -----------------------------------------------------------------------------------

    def create(self, author, fields, **words):
        """Links that point here from others are the others' links."""
        with self.lock:
            own = {n: v for n, v in fields.items() if n not in FORWARD}
            ticket = super().create(author, {**BORN, **own}, **words)
            for name in FORWARD.keys() & fields.keys():
                self._from_behind(author, ticket, name, fields[name], frozenset())
            return ticket

    def update(self, author, ticket, changes=None, *, added=None, removed=None, version=""):
        """As `create`; a set given whole is compared with what is there."""
        with self.lock:
            changes, added, removed = dict(changes or {}), dict(added or {}), dict(removed or {})
            for name in FORWARD:
                here = frozenset(self.behind[ticket][name])
                come, leave = frozenset(added.pop(name, ())), frozenset(removed.pop(name, ()))
                if name in changes:
                    whole = changes.pop(name) or frozenset()
                    come, leave = whole - here, here - whole
                self._from_behind(author, ticket, name, come, leave)
            if changes or added or removed:
                super().update(
                    author, ticket, changes, added=added, removed=removed, version=version
                )

    def message(self, author, ticket, *, body="", files=(), private=False, subject="", taken=0,
                kind="text/plain"):  # fmt: skip
        """Adds a comment or a reply with its files: one transaction; returns it."""
        with self.lock:
            key = key_in(subject, " ")
            item = self._visible(ticket) if author == "hub" else self.items[ticket]
            made = []
            if body or not files:
                super().comment(author, ticket, body, private=private, key=key)
                made.append(item.comments[-1])
            for name, content_type, data in files:
                super().attach(
                    author, ticket, name, data, content_type=content_type, private=private,
                    key="" if body else key,
                )  # fmt: skip
                made.append(item.attachments[-1])
            texts = [(kind, render("body", body).encode(), "")] if body else []
            if files:
                texts = texts or [("application/octet-stream", b"", "")]
                texts = [("multipart/mixed", b"", ""), *texts]
            door = "Comment" if private else "Correspond"
            row = self._record(
                ticket, door, author, data=f"{subject}\n" if subject else "No Subject",
                parts=[*texts, *((k, d, n) for n, k, d in files)], taken=taken, subject=subject,
            )  # fmt: skip
            named = [p for p in row.parts if p.filename]
            for thing in made:
                thing.id = str(row.id) if hasattr(thing, "body") else str(named.pop(0).id)
            if taken:
                worked = int(str(item.fields.get("TimeWorked", 0))) + taken
                item.fields["TimeWorked"] = str(worked)
            if not private:
                self._mail(ticket)
                self._open_up(item, author)
            return row

    def comment(self, author, ticket, body, *, private=False, key="", created=None):
        """Returns the transaction's number, by which RT names a comment."""
        subject = f"prophet-hub {key}" if key else ""
        return str(self.message(author, ticket, body=body, private=private, subject=subject).id)

    def attach(self, author, ticket, name, data, *, content_type="application/octet-stream",
               private=False, comment="", key="", created=None):  # fmt: skip
        """Returns the attachment's number."""
        subject = f"prophet-hub {key}" if key else ""
        files = [(name, content_type, bytes(data))]
        row = self.message(author, ticket, files=files, private=private, subject=subject)
        return str(next(p.id for p in row.parts if p.filename))

    def merge(self, author, ticket, into):
        """The history of what was merged becomes part of the other's."""
        with self.lock:
            super().merge(author, ticket, into)
            address = uri(into)
            for one in (ticket, into):
                self._record(one, "AddLink", author, field="MergedInto", new=address)
            item, other = self.items[ticket], self.items[into]
            for name in (*INVERSE, *ROLES):
                joined = {*item.fields.get(name, ()), *other.fields.get(name, ())} - {into}
                if joined:
                    other.fields[name] = frozenset(joined)
            self._retarget(item, into)
            joined = [*self.histories[into], *self.histories[ticket]]
            self.histories[into] = sorted(joined, key=lambda row: row.id)

    def _retarget(self, item: Item, into: str) -> None:
        """What pointed from or to a merged ticket points from or to the other one."""
        for name, behind in INVERSE.items():
            for other in item.fields.get(name, ()):
                self.behind[other][behind] = self.behind[other][behind] - {item.id} | {into}
            for other in self.behind[item.id][behind] - {into}:
                held = self.items[other].fields
                held[name] = frozenset(held.get(name, ())) - {item.id} | {into}
                self.behind[into][behind].add(other)

    # --- hooks -----------------------------------------------------------------------------------

    def born(self, item: Item) -> None:
        self._dated(item)
        for name in INVERSE:
            for other in item.fields.get(name, ()):
                self._mirror(item, name, other, item.author, came=True)
        text = str(item.fields.get("Content", ""))
        parts = [(self.text_kind, text.encode(), "")] if text else []
        if self.empty_text:
            parts = [("application/octet-stream", b"", "")]
        subject = str(item.fields.get("Subject", ""))
        self._record(item.id, "Create", item.author, parts=parts, subject=subject)
        if self.mails and item.fields.get("Requestor"):
            self._mail(item.id)

    def told(self, item: Item, event) -> None:
        author = event.author.id
        for change in event.changes:
            if isinstance(change, SetChange):
                self._moved(item, change, author)
            else:
                self._set(item, change, author)

    def deleted(self, item: Item, author: str) -> None:
        old = str(item.fields["Status"])
        item.fields["Status"] = "deleted"
        self._dated(item)
        self._record(item.id, "Status", author, field="Status", old=old, new="deleted")

    # --- within ----------------------------------------------------------------------------------

    def number(self, name: str) -> int:
        """Returns the number of a user, who comes into being by being named."""
        if name in self.groups:
            return int(name)
        self.users.setdefault(name, Person(id=name, email=name if "@" in name else ""))
        return self.numbers.setdefault(name, 14 + 2 * len(self.numbers))

    def login_of(self, number: str) -> str:
        return next((n for n, i in self.numbers.items() if str(i) == number), number)

    def forget(self, item: Item, name: str, author: str, said: str) -> None:
        """A date with a T is unset, while the history says that it was set."""
        old = item.fields.pop(name, "1970-01-01 00:00:00")
        self._record(item.id, "Set", author, field=name, old=str(old), new=said)
        self._touch(item)

    def blocked(self, item: Item) -> bool:
        """Tells whether a ticket waits for one that is not closed."""
        others = (self.items.get(number) for number in item.fields.get("DependsOn", ()))
        return any(other and other.fields["Status"] in ACTIVE for other in others)

    def visible(self) -> int:
        """Returns how many transactions have reached the listings."""
        late = self.now - self.knobs.lag
        if not self.knobs.lag:
            return len(self.transactions)
        return next(
            (n for n, t in enumerate(self.transactions) if t.created > late), len(self.transactions)
        )

    def _dated(self, item: Item) -> None:
        """RT dates the first opening and the last closing, and tells neither."""
        status, now = item.fields["Status"], stamp(self.now).replace("T", " ").rstrip("Z")
        if status not in ACTIVE:
            item.fields["Resolved"] = now
        elif status != "new":
            item.fields.setdefault("Started", now)

    def _record(self, ticket, kind, creator, *, parts=(), subject="", **words) -> Transaction:
        row = Transaction(
            id=len(self.transactions) + 1, ticket=ticket, type=kind, creator=creator,
            created=self.now, **words,
        )  # fmt: skip
        self.number(creator)
        for n, (content_type, data, name) in enumerate(parts):
            part = Part(
                id=len(self.parts) + 1, transaction=row.id, kind=content_type, data=data,
                filename=name, subject=subject if n == 0 else "", creator=creator, created=self.now,
            )  # fmt: skip
            self.parts.append(part)
            row.parts.append(part)
        self.transactions.append(row)
        self.histories[ticket].append(row)
        return row

    def _mail(self, ticket: str) -> None:
        """A mail is a transaction with texts of its own, and moves the ETag."""
        if self.mails:
            n = len(self.transactions) + 1
            texts = [("multipart/alternative", b"", ""), ("text/plain", b"Greetings,\n", "")]
            self._record(ticket, "EmailRecord", SYSTEM, parts=texts, data=f"<rt-{n}@rt.test>")

    def _open_up(self, item: Item, author: str) -> None:
        """Scrip "On Correspond Open Tickets": not for a requestor's first words."""
        status = item.fields["Status"]
        own = status == "new" and author in item.fields.get("Requestor", ())
        if status in ("new", "stalled", "resolved", "rejected") and not own:
            super().update(SYSTEM, item.id, {"Status": "open"})

    def _from_behind(self, author, ticket, name, come, leave) -> None:
        one = frozenset({ticket})
        self._backward = True
        for other in sorted(come):
            super().update(author, other, added={FORWARD[name]: one})
        for other in sorted(leave):
            super().update(author, other, removed={FORWARD[name]: one})
        self._backward = False

    def _set(self, item: Item, change: FieldChange, author: str) -> None:
        name, old, new = change.field, change.old or "", change.new or ""
        if name == "Owner":
            old, new = (str(self.number(v or NOBODY)) for v in (old, new))
        if name == "Queue":
            old, new = (str(self.queues[v]) for v in (old, new))
        if name.startswith("CF.{"):
            number = str(self.customs[name[4:-1]][0])
            self._record(item.id, "CustomField", author, field=number, old=old, new=new)
            return
        if name in DATES:
            old = old or "1970-01-01 00:00:00"
        if name in NUMBERS:
            old, new = old or "0", new or "0"
        if name == "Subject" and self.said.startswith(new):
            new = self.said  # the history keeps what the field cuts off
        kind = "Status" if name == "Status" else "Set"
        taken = int(new) - int(old) if name == "TimeWorked" else 0
        self._record(item.id, kind, author, field=name, old=old, new=new, taken=taken)
        if name == "Owner":
            self._record(item.id, "SetWatcher", author, field="Owner", old=old, new=new)
        if name == "Status":
            self._dated(item)
            if new not in ACTIVE:
                self._mail(item.id)

    def _moved(self, item: Item, change: SetChange, author: str) -> None:
        for came, members in ((True, change.added), (False, change.removed)):
            for member in sorted(members):
                side = "new" if came else "old"
                if change.field in ROLES:
                    words = {"field": change.field, side: str(self.number(member))}
                    self._record(item.id, "AddWatcher" if came else "DelWatcher", author, **words)
                elif change.field.startswith("CF.{"):
                    number = str(self.customs[change.field[4:-1]][0])
                    self._record(item.id, "CustomField", author, **{"field": number, side: member})
                else:
                    name = IN_HISTORY.get(change.field, change.field)
                    words = {"field": name, side: uri(member)}
                    if self._backward:  # the ticket that the words were said to comes first
                        self._mirror(item, change.field, member, author, came=came)
                    self._record(item.id, "AddLink" if came else "DeleteLink", author, **words)
                    if not self._backward:
                        self._mirror(item, change.field, member, author, came=came)

    def _mirror(self, item: Item, name: str, other: str, author: str, *, came: bool) -> None:
        if other not in self.items:
            return
        behind = self.behind[other][INVERSE[name]]
        (behind.add if came else behind.discard)(item.id)
        words = {
            "field": IN_HISTORY.get(INVERSE[name], INVERSE[name]),
            "new" if came else "old": uri(item.id),
        }
        self._record(other, "AddLink" if came else "DeleteLink", author, **words)
        self._touch(self.items[other])


BORN = {"Subject": "", "Status": "new", "Queue": "General", "Priority": "0"}


def key_in(text: str, sign: str) -> str:
    found = re.fullmatch(rf"prophet-hub{sign}(\S+)", text)
    return found[1] if found else ""


def uri(target: str) -> str:
    return f"fsck.com-rt://rt.test/ticket/{target}" if target.isdecimal() else target


def stamp(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"
