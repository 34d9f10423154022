"""A debbugs in memory: SOAP, mboxes, pages and mail over a `Tracker`, traps included.

The tracker's fields carry the names of `get_status`, but for `status`, in which `done` and the tag
`wontfix` are one word.  Persons are addresses; the hub's own account is at `HUB`.  What the traps are
and where in debbugs' source they come from stands beside each.
"""

from __future__ import annotations

import base64
import email
import email.policy
import html
import os
import random
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from prophet_hub.errors import HubError
from prophet_hub.sdk import TICKET, History, Person, SetChange, Value, members
from prophet_hub.testing.tracker import ACCOUNT, Item, Knobs, Tracker

__all__ = ["HUB", "KNOBS", "Debbugs", "app"]

HUB = "hub@hub.example"
DOMAIN = "bugs.example"
SEVERITIES = ("critical", "grave", "serious", "important", "normal", "minor", "wishlist")
TAGS = frozenset({"patch", "wontfix", "moreinfo", "help", "security", "upstream", "pending"})
SETS = ("tags", "blockedby", "blocks", "mergedwith", "found_versions", "fixed_versions", "affects")
KNOBS = Knobs(
    history=History.FULL,
    conditional=False,
    tombstones=False,
    private_comments=False,
    notifies=True,
    keys=frozenset({TICKET}),
    allowed={"severity": SEVERITIES, "status": ("open", "done", "done wontfix", "open wontfix")},
)
"""What a tracker must be like to pass for one."""

UNKNOWN = 5  # after so many unknown commands the rest of a mail is not read (scripts/service)
CONTROL = {
    "retitle": r"retitle\s+#?(-?\d+)\s+(\S.*\S)\s*",
    "severity": r"(?:severity|priority)\s+#?(-?\d+)\s+([-0-9a-z]+)",
    "reassign": r"reassign\s+#?(-?\d+)\s+(\S+)",
    "tags": r"tags?\s+#?(-?\d+)\s+(\S.*)",
    "owner": r"owner\s+#?(-?\d+)\s+(\S.*\S|!)",
    "noowner": r"noowner\s+#?(-?\d+)",
    "forwarded": r"forwarded\s+#?(-?\d+)\s+(\S.*\S)",
    "notforwarded": r"notforwarded\s+#?(-?\d+)",
    "found": r"found\s+#?(-?\d+)\s+(\S+)",
    "notfound": r"notfound\s+#?(-?\d+)\s+(\S+)",
    "fixed": r"fixed\s+#?(-?\d+)\s+(\S+)",
    "notfixed": r"notfixed\s+#?(-?\d+)\s+(\S+)",
    "affects": r"affects?\s+#?(-?\d+)\s+([+-]\s*\S.*)",
    "block": r"block\s+#?(-?\d+)\s+(?:by|with)\s+(\S.*)",
    "unblock": r"unblock\s+#?(-?\d+)\s+(?:by|with)\s+(\S.*)",
    "forcemerge": r"forcemerge\s+#?(-?\d+)\s+(\S.*)",
    "unmerge": r"unmerge\s+#?(-?\d+)",
    "reopen": r"reopen\s+#?(-?\d+)(?:\s+(\S+))?",
    "close": r"close\s+#?(-?\d+)(?:\s+(\d\S*))?",
}
"""As in Debbugs/Control/Service.pm."""

SUMMARY = {
    "Submitter": "originator",
    "Date": "date",
    "Subject": "subject",
    "Message-Id": "msgid",
    "Package": "package",
    "Tags": "tags",
    "Done": "done",
    "Forwarded-To": "forwarded",
    "Merged-With": "mergedwith",
    "Severity": "severity",
    "Owner": "owner",
    "Found-In": "found_versions",
    "Fixed-In": "fixed_versions",
    "Blocks": "blocks",
    "Blocked-By": "blockedby",
    "Affects": "affects",
}
"""As in Debbugs/Status.pm."""

Answer = tuple[int, str, bytes]


class Debbugs:
    """The WSGI application; mails arrive by `mail`, or as a request with the method MAIL.

    Attributes:
        holds: Whether mails wait in `queue` until `process` is called, as they do.
        replies: What the server mailed back to who gave it commands.
        archived: The bugs that take no mail any more.
        usertags: User -> tag -> bugs; they stand in no log and change no bug's time.
    """

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.holds = False
        self.queue: list[tuple[list[str], bytes]] = []
        self.replies: list[str] = []
        self.archived: set[str] = set()
        self.usertags: dict[str, dict[str, list[int]]] = {}
        self._mails: dict[str, list[tuple[int, bytes]]] = {}
        self._names: dict[str, str] = {}
        self._order = random.Random(4)

    def __call__(self, environ: Mapping[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        with self.tracker.lock:
            status, kind, told = self._routed(environ, body)
        date = format_datetime(datetime.fromtimestamp(self.tracker.now, UTC), usegmt=True)
        size = str(len(told))
        start(f"{status} Said", [("Content-Type", kind), ("Date", date), ("Content-Length", size)])
        return [told]

    def _routed(self, environ: Mapping[str, Any], body: bytes) -> Answer:
        path = environ["PATH_INFO"].rpartition("/")[2]
        if environ["REQUEST_METHOD"] == "MAIL":
            self.mail(environ["HTTP_X_RECIPIENTS"].split(), body)
            return 200, "text/plain", b""
        if path == "soap.cgi":
            return self._soap(body)
        asked = dict(
            part.partition("=")[::2] for part in re.split("[;&]", environ.get("QUERY_STRING", ""))
        )
        item = self._item(unquote(asked.get("bug", "")))
        if path != "bugreport.cgi" or item is None:
            return 404, "text/html; charset=utf-8", b"<html><body>No such bug</body></html>"
        if asked.get("mbox") == "yes":
            return 200, "application/mbox", self._mbox(item)
        return 200, "text/html; charset=utf-8", self._page(item).encode()

    # --- SOAP -----------------------------------------------------------------------------------

    def _soap(self, body: bytes) -> Answer:
        call = ET.fromstring(body)[0][0]
        method, args = call.tag.rpartition("}")[2], [arg.text or "" for arg in call]
        ways: dict[str, Callable[[list[str]], Any]] = {
            "get_bugs": self._get_bugs,
            "get_status": self._get_status,
            "newest_bugs": self._newest,
            "get_bug_log": self._get_bug_log,
            "get_usertag": lambda users: self.usertags.get(users[0], {}),
        }
        if method not in ways:
            return self._fault("soap:Client", f"Failed to locate method ({method}) in class")
        try:
            told = _value("", ways[method](args), self._order)
        except FileNotFoundError as error:
            return self._fault("soap:Server", f"Unable to open {error} for reading: No such file")
        answer = f'<{method}Response xmlns="Debbugs/SOAP">{told}</{method}Response>'
        return 200, "text/xml; charset=utf-8", _ENVELOPE.format(answer).encode()

    def _fault(self, code: str, said: str) -> Answer:
        fault = f"<faultcode>{code}</faultcode><faultstring>{escape(said)}</faultstring>"
        told = _ENVELOPE.format(f"<soap:Fault>{fault}</soap:Fault>")
        return 500, "text/xml; charset=utf-8", told.encode()  # every fault is a 500

    def _get_bugs(self, args: list[str]) -> list[int]:
        """Asks the indexes, which may lag; keys that repeat are alternatives."""
        terms: dict[str, set[str]] = {}
        for name, value in zip(args[::2], args[1::2], strict=True):
            terms.setdefault(name, set()).add(value)
        archive = terms.pop("archive", {"0"})
        found = [item for _, item in self.tracker.listing() if self._item(item.id)]
        if "both" not in archive:
            found = [i for i in found if (i.id in self.archived) == ("1" in archive)]
        return [int(i.id) for i in found if all(self._fits(i, n, v) for n, v in terms.items())]

    def _fits(self, item: Item, name: str, wanted: set[str]) -> bool:
        status = self._status(item)
        has = {
            "submitter": {parseaddr(status["originator"])[1]},
            "status": {"done" if status["done"] else "open"},
            "tag": set(status["tags"].split()),
        }.get(name) or {str(status.get(name, ""))}
        return bool(has & wanted)

    def _get_status(self, args: list[str]) -> dict[int, Any]:
        items = [self._item(number) for number in args]
        return {int(item.id): self._status(item) for item in items if item}  # the others: not there

    def _newest(self, args: list[str]) -> list[int]:
        """Counts down from the newest, beyond the first if need be."""
        newest = max([int(n) for n in self.tracker.items], default=0)
        return list(range(newest - int(args[0]) + 1, newest + 1))

    def _get_bug_log(self, args: list[str]) -> list[dict[str, Any]]:
        """Tells mails without their files; of one in parts, often nothing (Debbugs/MIME.pm)."""
        item = self._item(args[0])
        if item is None:
            raise FileNotFoundError(f"/spool/db-h/{args[0]}.log")
        told = []
        for number, raw in enumerate(self._log(item)):
            mail = email.message_from_bytes(raw)
            text = b"" if mail.is_multipart() else mail.get_payload(decode=True)
            lines = text.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
            told.append(
                {
                    "header": raw.partition(b"\n\n")[0].decode("utf-8", "replace"),
                    "body": lines,
                    "attachments": [],
                    "msg_num": 5 + 5 * number,  # notes and sent mails count, too
                }
            )
        return told

    def _status(self, item: Item) -> dict[str, Any]:
        fields = item.fields
        word = str(fields.get("status", "open"))
        told: dict[str, Any] = dict.fromkeys(("summary", "outlook", "unarchived"), "")
        for name in SETS:
            held = set(members(fields.get(name))) | self._twins(item, name)
            versions = name.endswith("_versions")
            told[name] = sorted(held) if versions else " ".join(sorted(held))
        tags = set(told["tags"].split()) | ({"wontfix"} if "wontfix" in word else set())
        told["tags"] = told["keywords"] = " ".join(sorted(tags))
        closing = [e.author.id for e in item.events for c in e.changes if c.field == "status"]
        closer = closing[-1] if closing else item.author
        told |= {
            "bug_num": int(item.id),
            "id": int(item.id),
            "subject": fields.get("subject", ""),
            "originator": self._shown(item.author),
            "date": item.created,
            "last_modified": item.updated,
            "log_modified": item.updated,
            "package": fields.get("package", ""),
            "severity": fields.get("severity", "normal"),
            "owner": self._address(str(fields["owner"])) if fields.get("owner") else "",
            "forwarded": fields.get("forwarded", ""),
            "done": self._shown(closer) if word.startswith("done") else "",
            "pending": "done" if word.startswith("done") else "pending",
            "msgid": self._name(item),
            "found": dict.fromkeys(told["found_versions"], ""),
            "fixed": dict.fromkeys(told["fixed_versions"], ""),
            "archived": int(item.id in self.archived),
            "location": "archive" if item.id in self.archived else "db-h",
        }
        return told

    def _twins(self, item: Item, name: str) -> set[str]:
        """Returns what the other end of a link says."""
        other = {"blocks": "blockedby", "blockedby": "blocks", "mergedwith": "mergedwith"}.get(name)
        if other is None:
            return set()
        return {
            i.id for i in self.tracker.items.values() if item.id in members(i.fields.get(other))
        }

    # --- logs -----------------------------------------------------------------------------------

    def _log(self, item: Item) -> list[bytes]:
        """Returns the received mails: those that were sent, and one for what a person did."""
        mailed = dict(self._mails.get(item.id, []))
        if item.number not in mailed:
            mailed[item.number] = self._report(item)
        for note in item.comments:
            if int(note.id) not in mailed:
                name = f"<note-{note.id}@people.example>"
                mailed[int(note.id)] = self._written(
                    item, note.author, note.created, name, note.body
                )
        for file in item.attachments:
            if int(file.id) not in mailed:
                name, part = f"<file-{file.id}@people.example>", (file.name, file.data)
                mailed[int(file.id)] = self._written(
                    item, file.author, file.created, name, "", part
                )
        return [mailed[number] for number in sorted(mailed)]

    def _report(self, item: Item) -> bytes:
        text = str(item.fields.get("description", ""))
        head = f"Package: {item.fields.get('package', 'general')}\nVersion: 1.0\n\n"
        return self._written(item, item.author, item.created, self._name(item), head + text)

    def _written(
        self, item: Item, author: str, when: int, name: str, text: str,
        file: tuple[str, bytes] | None = None,
    ) -> bytes:  # fmt: skip
        mail = EmailMessage(policy=email.policy.default.clone(linesep="\n"))
        mail["From"] = self._shown(author)
        mail["To"] = f"{item.id}@{DOMAIN}"
        mail["Subject"] = "Re: it"
        mail["Message-ID"] = name
        mail.set_content(text)
        if file:
            mail.add_attachment(
                file[1], maintype="application", subtype="octet-stream", filename=file[0]
            )
        at = "submit" if name == self._name(item) else item.id
        return self._received(at, when) + mail.as_bytes()

    def _received(self, at: str, when: int) -> bytes:
        date = datetime.fromtimestamp(when, UTC).strftime("%d %b %Y %H:%M:%S +0000")
        return f"Received: (at {at}) by {DOMAIN}; {date}\n".encode()

    def _mbox(self, item: Item) -> bytes:
        """Quotes what would begin a mail (bugreport.cgi)."""
        mails = []
        for raw in self._log(item):
            quoted = re.sub(rb"(?m)^(>*From )", rb">\1", raw)
            mails.append(b"From unknown Sat Nov 21 00:00:00 2026\n" + quoted + b"\n")
        return b"".join(mails)

    def _page(self, item: Item) -> str:
        """Shows the notes of the log as they are, links put in, and the mails as text."""
        notes = "".join(
            f'<div class="msgreceived"><hr><p>\n{n}</p></div>' for n in self.notes(item)
        )
        mails = "".join(
            f"<pre>{html.escape(raw.decode('utf-8', 'replace'))}</pre>" for raw in self._log(item)
        )
        return f"<html><body><h1>A bug</h1>{notes}{mails}</body>\n</html>\n"

    def notes(self, item: Item) -> list[str]:
        """Returns one note for each change (Debbugs/Control.pm, append_action_to_log)."""
        state: dict[str, Value | None] = dict(item.fields)
        told: list[str] = []
        for event in reversed(item.events):
            for change in reversed(event.changes):
                now = state.get(change.field)
                if isinstance(change, SetChange):
                    old: Value | None = (members(now) - change.added) | change.removed
                else:
                    old = change.old
                state[change.field] = old
                when = int(event.created.timestamp())
                told += reversed(self._noted(change.field, old, now, state, event.author.id, when))
        return list(reversed(told))

    def _noted(
        self, name: str, old: Value | None, new: Value | None, state: Mapping[str, Value | None],
        author: str, when: int,
    ) -> list[str]:  # fmt: skip
        who = self._shown(author)
        if name == "severity":  # told in words alone
            was = old or "normal"
            return [_note("", who, when, {}, f"Severity set to '{new or 'normal'}' from '{was}'")]
        pairs: dict[str, tuple[Any, Any]] = {}
        if name == "status":
            was, now = str(old or "open"), str(new or "open")
            if was.startswith("done") != now.startswith("done"):
                pairs["done"] = tuple(who if w.startswith("done") else "" for w in (was, now))
            if ("wontfix" in was) != ("wontfix" in now):
                tags = set(members(state.get("tags")))
                pairs["keywords"] = tuple(
                    " ".join(sorted(tags | ({"wontfix"} if "wontfix" in w else set())))
                    for w in (was, now)
                )
        elif name == "tags":
            wontfix = {"wontfix"} if "wontfix" in str(state.get("status")) else set()
            pairs["keywords"] = tuple(" ".join(sorted(members(v) | wontfix)) for v in (old, new))
        elif name in SETS:
            versions = name.endswith("_versions")
            pairs[name] = tuple(
                sorted(members(v)) if versions else " ".join(sorted(members(v))) for v in (old, new)
            )
        else:
            pairs[name] = (old or "", new or "")
        return [_note(n, who, when, {n: p}, f"Changed {n}.") for n, p in pairs.items()]

    def spool(self, folder: Path) -> None:
        """Writes the files of all bugs, as the server keeps them."""
        for item in filter(None, map(self._item, list(self.tracker.items))):
            place = "archive" if item.id in self.archived else "db-h"
            base = folder / place / item.id.zfill(2)[-2:]
            base.mkdir(parents=True, exist_ok=True)
            status, mails = self._status(item), self._log(item)
            lines = [f"{name}: {_line(status[field])}" for name, field in SUMMARY.items()]
            told = "\n".join(["Format-Version: 3", *(x for x in lines if not x.endswith(": ")), ""])
            records = [(b"\x07", raw) for raw in mails]
            records += [(b"\x06", note.encode()) for note in self.notes(item)]
            log = b"".join(mark + b"\n" + _escaped(text) + b"\n\x03\n" for mark, text in records)
            for end, data in (("summary", told.encode()), ("log", log), ("report", mails[0])):
                path = base / f"{item.id}.{end}"
                path.write_bytes(data)
                os.utime(path, (item.updated, item.updated))
        (folder / "nextnumber").write_text(f"{max(map(int, self.tracker.items), default=0) + 1}\n")

    # --- mail -----------------------------------------------------------------------------------

    def mail(self, recipients: list[str], raw: bytes) -> None:
        """Takes a mail; it is processed at once unless the server `holds`."""
        with self.tracker.lock:
            self.queue.append((recipients, raw.replace(b"\r\n", b"\n")))
            if not self.holds:
                self.process()

    def process(self) -> None:
        """Does what the waiting mails say; one that comes twice is done twice (scripts/process)."""
        with self.tracker.lock:
            waiting, self.queue = self.queue, []
            for recipients, raw in waiting:
                for recipient in recipients:
                    try:
                        self._delivered(recipient.partition("@")[0].lower(), raw)
                    except HubError as error:
                        self.replies.append(str(error))

    def _delivered(self, place: str, raw: bytes) -> None:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        author = self._login(str(mail["From"]))
        number, _, way = place.partition("-")
        if place == "control":
            self._commanded(author, _text(mail).split("\n"), raw)
            return
        subject = re.sub(r"(?i)^re:\s*", "", str(mail["Subject"] or "(no subject)"))
        other = re.match(r"(?i)bug ?#(\d+)\D", f"{subject}\n")
        if place in ("submit", "quiet") and other:  # an answer, whatever it was meant to be
            number = other[1]
        elif place in ("submit", "quiet"):
            self._born(author, mail, subject, raw)
            return
        item = self._item(number)
        if item is None or item.id in self.archived:
            self.replies.append(f"Unknown problem report {number}")
            return
        heads = _heads(_text(mail))
        self._kept(item, number if not way else place, raw, author, mail)
        if way == "done":
            if not str(item.fields.get("status", "open")).startswith("done"):
                self._set(author, item, done=True)
            return  # Control: is not read in these (scripts/process, finish)
        self._commanded(author, [v for n, v in heads if n == "control"], raw, item)

    def _born(self, author: str, mail: Message, subject: str, raw: bytes) -> None:
        heads = _heads(_text(mail))
        told = dict(heads)
        if "package" not in told:
            self.replies.append("Message with no Package: tag cannot be processed!")
            return
        fields: dict[str, Value] = {"subject": subject, "package": told["package"].lower()}
        tags = (
            frozenset(re.split(r"[,\s]+", told.get("tags", "").lower())) & TAGS
        )  # others: dropped
        if tags - {"wontfix"}:
            fields["tags"] = tags - {"wontfix"}
        fields["status"] = "open wontfix" if "wontfix" in tags else "open"
        if told.get("severity") in SEVERITIES:
            fields["severity"] = told["severity"]
        if told.get("owner"):
            fields["owner"] = self._login(told["owner"])
        if told.get("forwarded"):
            fields["forwarded"] = told["forwarded"]
        item = self.tracker.items[self.tracker.create(author, fields)]
        self._names[item.id] = str(mail["Message-ID"])
        self._mails[item.id] = [(item.number, self._received("submit", self.tracker.now) + raw)]
        self._commanded(author, [v for n, v in heads if n == "control"], raw, item)
        told_as = {w: [v for n, v in heads if n == w] for w in ("user", "usertags")}
        for user, tags in zip(told_as["user"], told_as["usertags"], strict=False):
            self._usertag(user.lower(), int(item.id), "+", tags.lower().split())

    def _kept(self, item: Item, at: str, raw: bytes, author: str, mail: Message) -> None:
        """Puts a mail into a bug's log; under one Message-ID it is shown once."""
        for part in mail.walk():
            if part.get_filename():
                data = part.get_payload(decode=True)
                self.tracker.attach(author, item.id, str(part.get_filename()), bytes(data))
                break
        else:
            self.tracker.comment(author, item.id, _text(mail))
        mails = self._mails.setdefault(item.id, [])
        number = self.tracker._numbers
        name = str(mail["Message-ID"]).encode()
        again = any(name in raw.partition(b"\n\n")[0] for _, raw in mails)
        if again:
            (item.comments or item.attachments).pop()
        else:
            mails.append((number, self._received(at, self.tracker.now) + raw))

    def _commanded(
        self, author: str, lines: list[str], raw: bytes, new: Item | None = None
    ) -> None:
        """Does line by line what a mail says, in which -1 is the bug that it made."""
        unknown, user = 0, ""
        for line in map(str.strip, lines):
            if not line or line.startswith("#"):
                continue
            if re.fullmatch(r"(?i)(?:stop|quit|--|thank(?:s|\s*you)?|kthxbye)\.*", line):
                break
            if told := re.fullmatch(r"(?i)user\s+(\S+)", line):
                user = told[1]
            elif told := re.fullmatch(r"(?i)usertags?\s+#?(\d+)\s+([+-])\s*(\S.*)", line):
                self._usertag(user, int(told[1]), told[2], told[3].split())
            elif not self._ordered(author, line, raw, new):
                self.replies.append(f"Unknown command or malformed arguments to command: {line}")
                unknown += 1
            if unknown >= UNKNOWN:
                break

    def _ordered(self, author: str, line: str, raw: bytes, new: Item | None) -> bool:
        """Tells whether a line is a command; if so, it was tried."""
        found = [(n, m) for n, way in CONTROL.items() if (m := re.fullmatch(f"(?i){way}", line))]
        if not found:
            return False
        name, match = found[0]
        number = new.id if new and match[1] == "-1" else match[1]
        item = self._item(number)
        if item is None or item.id in self.archived:
            self.replies.append(f"Failed: there is no bug {number}")
            return True
        before, rest = item.version, (match[2] or "") if match.re.groups > 1 else ""
        try:
            self._command(
                name, author, item, re.sub(r"(?<!\S)-1(?!\S)", new.id, rest) if new else rest
            )
        except HubError as error:
            self.replies.append(f"Failed: {error}")
        if new is None and item.version != before:  # what changed nothing is not in the log
            self._logged(item, raw)
        return True

    def _usertag(self, user: str, bug: int, sign: str, tags: Iterable[str]) -> None:
        held = self.usertags.setdefault(user, {})
        for tag in tags:
            bugs = [b for b in held.pop(tag, []) if b != bug] + [bug] * (sign == "+")
            held |= {tag: bugs} if bugs else {}

    def _logged(self, item: Item, raw: bytes) -> None:
        mails = self._mails.setdefault(item.id, [])
        if all(not kept.endswith(raw) for _, kept in mails):
            self.tracker._numbers += 1
            number = self.tracker._numbers
            mails.append((number, self._received("control", self.tracker.now) + raw))

    def _command(self, name: str, author: str, item: Item, rest: str) -> None:
        words = [w.lstrip("#") for w in re.split(r"[\s,]+", rest) if w]
        single = {"retitle": "subject", "severity": "severity", "reassign": "package",
                  "forwarded": "forwarded"}  # fmt: skip
        sets = {"found": "found_versions", "fixed": "fixed_versions"}
        if name in single:
            self.tracker.update(author, item.id, {single[name]: rest.strip()})
        elif name == "owner":
            self.tracker.update(author, item.id, {"owner": self._login(rest)})
        elif name in ("noowner", "notforwarded"):
            field = "owner" if name == "noowner" else "forwarded"
            self.tracker.update(author, item.id, {field: None})
        elif name.removeprefix("not") in sets:
            way = "removed" if name.startswith("not") else "added"
            self._member(author, item, sets[name.removeprefix("not")], way, words)
        elif name in ("tags", "affects"):
            self._tagged(author, item, name, words[0], words[1:])
        elif name in ("reopen", "close"):
            self._set(author, item, done=name == "close")
        else:
            self._link(name, author, item, words)

    def _link(self, name: str, author: str, item: Item, words: list[str]) -> None:
        if name in ("block", "forcemerge"):
            field = "blockedby" if name == "block" else "mergedwith"
            self._member(author, item, field, "added", self._there(words))
        elif name == "unblock":
            self._member(author, item, "blockedby", "removed", words)
            for other in self._others(words):
                self._member(author, other, "blocks", "removed", [item.id])
        else:
            for other in [*self.tracker.items.values()]:
                self._member(author, other, "mergedwith", "removed", [item.id])
            twins = members(item.fields.get("mergedwith"))
            self._member(author, item, "mergedwith", "removed", twins)

    def _tagged(self, author: str, item: Item, name: str, sign: str, values: Iterable[str]) -> None:
        known = [v for v in values if name == "affects" or v in TAGS]
        if name == "tags" and "wontfix" in known:
            self._set(author, item, wontfix=sign == "+")
        held = [v for v in known if v != "wontfix"]
        if held:
            self._member(author, item, name, "removed" if sign == "-" else "added", held)

    def _set(
        self, author: str, item: Item, *, done: bool | None = None, wontfix: bool | None = None
    ) -> None:
        word = str(item.fields.get("status", "open"))
        closed = word.startswith("done") if done is None else done
        refused = "wontfix" in word if wontfix is None else wontfix
        new = ("done" if closed else "open") + (" wontfix" if refused else "")
        self.tracker.update(author, item.id, {"status": new})
        if done is False and item.fields.get("fixed_versions"):  # reopen clears them
            self.tracker.update(author, item.id, {"fixed_versions": frozenset()})

    def _member(self, author: str, item: Item, name: str, way: str, values: Iterable[str]) -> None:
        held, told = members(item.fields.get(name)), frozenset(values)
        change = told - held if way == "added" else told & held
        if change and not item.gone:
            words: dict[str, Any] = {way: {name: change}}
            self.tracker.update(author, item.id, **words)

    def _others(self, numbers: Iterable[str]) -> list[Item]:
        return [item for n in numbers if (item := self._item(n))]

    def _there(self, numbers: Iterable[str]) -> list[str]:
        return [item.id for item in self._others(numbers)]

    # --- within ---------------------------------------------------------------------------------

    def _item(self, number: str) -> Item | None:
        item = self.tracker.items.get(number)
        return None if item is None or item.hidden or item.gone else item

    def _name(self, item: Item) -> str:
        return self._names.get(item.id, f"<report-{item.id}@people.example>")

    def _login(self, text: str) -> str:
        address = (parseaddr(text)[1] or text).lower()
        return ACCOUNT if address == HUB else address

    def _address(self, login: str) -> str:
        return HUB if login == ACCOUNT else login

    def _shown(self, login: str) -> str:
        known = self.tracker.users.get(login) or Person(id=login)
        return f"{known.name or 'Somebody'} <{self._address(login)}>"


_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><soap:Envelope'
    ' xmlns:apachens="http://xml.apache.org/xml-soap"'
    ' xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Body>{}</soap:Body></soap:Envelope>'
)


def _value(name: str, value: Any, order: random.Random) -> str:
    """Encodes a value as SOAP::Lite does: typed by its looks, hashes in no order."""
    tag = name or "s-gensym7"
    if isinstance(value, dict) and (not name or name in ("found", "fixed")):
        if not value:
            return f"<{tag} />"
        items = "".join(
            f"<item>{_value('key', k, order)}{_value('value', v, order)}</item>"
            for k, v in value.items()
        )
        return f'<{tag} xsi:type="apachens:Map">{items}</{tag}>'
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return f"<{tag}>{''.join(_value(n, value[n], order) for n in names)}</{tag}>"
    if isinstance(value, list):
        tag = name or "soapenc:Array"
        kind = "xsd:anyType" if not value else "xsd:ur-type"
        items = "".join(_value("item", v, order) for v in value)
        size = f'soapenc:arrayType="{kind}[{len(value)}]"'
        return f'<{tag} {size} xsi:type="soapenc:Array">{items}</{tag}>'
    return _scalar(tag, str(value))


def _scalar(tag: str, text: str) -> str:
    coded = base64.b64encode(text.encode()).decode()
    kinds = (
        ("int", r"-?(?:0|[1-9]\d{0,9})", text),
        ("float", r"-?\d+\.\d+", text),  # a version 1.10 among them
        ("string", r"[\t\n\x20-\x7e]*", escape(text)),
        ("base64Binary", r"(?s).*", coded),
    )
    kind, told = next((k, t) for k, looks, t in kinds if re.fullmatch(looks, text))
    return f'<{tag} xsi:type="xsd:{kind}">{told}</{tag}>'


def _line(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)


def _escaped(text: bytes) -> bytes:
    """Marks lines that would pass for the end of a record (Debbugs/Log.pm, escape_log)."""
    return re.sub(rb"(?m)^([\x01-\x07\x18])", b"\x18\\1", text)


def _note(
    command: str, who: str, when: int, data: Mapping[str, tuple[Any, Any]], action: str
) -> str:
    lines = [f"<!-- command:{command} -->"] * bool(command)
    lines += [f"<!-- requester: {html.escape(who)} -->", "<!-- request_addr: control@x -->"]
    lines.append(f"<!-- time:{when} -->")
    if data:
        for name, side in (("new_data", 1), ("old_data", 0)):
            dumped = ",\n".join(f"  '{k}' => {_dumped(v[side])}" for k, v in data.items())
            lines += [f"<!-- {name}:", _linked(html.escape(f"${name} = {{\n{dumped}\n}};")), "-->"]
    lines.append(f"<strong>{html.escape(action)}</strong>")
    lines.append(f"Request was from <code>{html.escape(who)}</code>\nto <code>control@x</code>.\n")
    return "\n".join(lines)


def _dumped(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_dumped(v) for v in value) + "]"
    quoted = str(value).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"


def _linked(text: str) -> str:
    """Puts links into a note, comments and all (Debbugs/CGI/Bugreport.pm)."""
    return re.sub(r"(https?://[^\s&]+)", r'<a href="\1">\1</a>', text)


def _heads(text: str) -> list[tuple[str, str]]:
    """Returns the fields at the head of a mail (scripts/process)."""
    told = []
    for line in text.lstrip("\n").split("\n"):
        found = re.match(r"([\w-]+):\s*(\S.*)", line)
        if not found:
            break
        name = found[1].lower()
        told.append(("tags" if name == "tag" else name, found[2].rstrip()))
    return told


def _text(mail: Message) -> str:
    parts = [p for p in mail.walk() if p.get_content_type() == "text/plain"]
    data = parts[0].get_payload(decode=True) if parts else b""
    return data.decode("utf-8", "replace").replace("\r\n", "\n") if isinstance(data, bytes) else ""


def app(tracker: Tracker) -> Debbugs:
    """Returns the application."""
    return Debbugs(tracker)
