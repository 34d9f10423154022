"""What is mailed to a debbugs: reports with fields at their head, comments, files, commands.

Sources: scripts/process (fields at the head of a mail), scripts/service and Debbugs/Control/Service.pm
(commands, each with the regular expression that it must fit), https://www.debian.org/Bugs/Reporting
and server-control.
"""

from __future__ import annotations

import email.policy
import quopri
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

from prophet_connectors._debbugs_letters import MARK
from prophet_connectors._debbugs_words import STATUSES, TAGS, WONTFIX, fields_of
from prophet_hub.errors import Rejected
from prophet_hub.sdk import Update, Value, members

__all__ = ["Commands", "Known", "Sender", "commands_of", "comment_of", "report_of"]

_PACKAGE: Final = r"(?:src:)?[a-z0-9][a-z0-9.+-]+"
_VERSION: Final = r"(?:[a-z0-9][a-z0-9.+-]+/)?[A-Za-z0-9:+.~-]+"
_GOOD: Final = {
    "subject": r"\S(?:.*\S)", "package": rf"{_PACKAGE}(?:,{_PACKAGE})*", "severity": r"[0-9a-z-]+",
    "owner": r"[^\s@<>,;]+@[^\s@<>,;]+", "forwarded": r"\S.*\S", "tags": r"[0-9a-z-]+",
    "found_versions": _VERSION, "fixed_versions": _VERSION, "affects": _PACKAGE,
    "usertags": r"[0-9a-z.+@-]+", "blockedby": r"\d{1,9}", "blocks": r"\d{1,9}", "mergedwith": r"\d{1,9}",
}  # fmt: skip
_SETS: Final = {
    "tags": ("tags {bug} + {all}", "tags {bug} - {all}"),
    "found_versions": ("found {bug} {one}", "notfound {bug} {one}"),
    "fixed_versions": ("fixed {bug} {one}", "notfixed {bug} {one}"),
    "affects": ("affects {bug} + {one}", "affects {bug} - {one}"),
    "blockedby": ("block {bug} by {all}", "unblock {bug} by {all}"),
    "blocks": ("block {one} by {bug}", "unblock {one} by {bug}"),
    "mergedwith": ("forcemerge {bug} {one}", "unmerge {one}"),
    "usertags": ("usertags {bug} + {all}", "usertags {bug} - {all}"),
}  # fmt: skip
"""A set -> the commands by which members come and leave."""

_SINGLE: Final = {
    "subject": "retitle {bug} {value}", "severity": "severity {bug} {value}",
    "package": "reassign {bug} {value}", "owner": "owner {bug} {value}",
    "forwarded": "forwarded {bug} {value}",
}  # fmt: skip
_CLEARED: Final = {"owner": "noowner {bug}", "forwarded": "notforwarded {bug}",
                   "severity": "severity {bug} normal"}  # fmt: skip
_HEADS: Final = {"package": "Package", "severity": "Severity", "owner": "Owner",
                 "forwarded": "Forwarded"}  # fmt: skip
_READ: Final = re.compile(r"(?i)\s*(?:re:|bug ?#?\d)")
"""A title in which the server reads something else: an answer, or the number of a bug."""

_HEADED: Final = re.compile(r"\s*(?:[\w-]+:|-----BEGIN PGP|\ufeff)")
"""A text whose first line the server may take for a field or a signature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commands:
    """What an update comes to.

    Attributes:
        lines: For the control server.
        closes: Whether the bug is closed, too.
    """

    lines: tuple[str, ...] = ()
    closes: bool = False

    def __bool__(self) -> bool:
        return bool(self.lines or self.closes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a tracker takes.

    Attributes:
        tags: Its tags beside those that every debbugs has.
        severities: All of its severities.
        user: Whose usertags are meant, "" if none are carried.
    """

    tags: tuple[str, ...]
    severities: tuple[str, ...]
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who writes, and to which tracker.

    Attributes:
        domain: Of the tracker's addresses.
        quiet: Whether reports and comments go to nobody but the tracker.
    """

    address: str
    name: str
    domain: str
    quiet: bool

    def message_id(self, word: str) -> str:
        """Returns the Message-ID that carries a key, or another word of our own."""
        return f"<prophet-hub.{word}@{self.address.rpartition('@')[2]}>"

    def report(self) -> str:
        """Where reports go."""
        return f"{'quiet' if self.quiet else 'submit'}@{self.domain}"

    def comment(self, bug: str) -> str:
        """Where comments go."""
        return f"{bug}{'-quiet' if self.quiet else ''}@{self.domain}"

    def orders(self, bug: str, commands: Commands) -> list[str]:
        """Where an update goes: to whom closes a bug its submitter hears from."""
        places = [f"{bug}-done@{self.domain}"] * commands.closes
        return places + [f"control@{self.domain}"] * bool(commands.lines)

    def mail(
        self, to: Sequence[str], subject: str, text: str, *, name: str, mark: str, when: datetime,
        refers: str = "", file: tuple[str, str, bytes] | None = None,
    ) -> bytes:  # fmt: skip
        """Returns a mail of pure ASCII, whose text comes back as it is."""
        mail = EmailMessage(policy=email.policy.SMTP)
        user, _, domain = self.address.rpartition("@")
        mail["From"] = Address(self.name, user, domain)
        mail["To"] = ", ".join(to)
        mail["Subject"] = " ".join(subject.split())
        mail["Date"] = format_datetime(when)
        mail["Message-ID"] = name
        if refers:
            mail["In-Reply-To"] = refers
        mail[MARK] = mark
        mail["X-Debbugs-No-Ack"] = "yes"
        if file:
            mail.set_content(text)
            filename, kind, data = file
            main, _, sub = kind.partition("/")
            mail.add_attachment(
                data, maintype=main, subtype=sub or "octet-stream", filename=filename
            )
            return mail.as_bytes()
        mail["MIME-Version"] = "1.0"
        mail["Content-Type"] = 'text/plain; charset="utf-8"'
        mail["Content-Transfer-Encoding"] = "quoted-printable"
        return mail.as_bytes() + _printable(text)


def report_of(fields: Mapping[str, Value], known: Known) -> tuple[str, str]:
    """Returns the title and the text of a report; fields stand at its head.

    Raises:
        Rejected: The tracker cannot hold one of them.
    """
    title = _checked("subject", str(fields.get("subject") or ""))
    heads = [
        f"{head}: {_checked(name, str(fields[name]), known.severities)}"
        for name, head in _HEADS.items()
        if fields.get(name)
    ]
    labels = _labels(fields.get("tags"), known.tags)
    status = _status(str(fields.get("status") or "open"))
    labels |= {WONTFIX} if status[1] else set()
    heads += [f"Tags: {' '.join(sorted(labels))}"] * bool(labels)
    if own := [_checked("usertags", tag) for tag in sorted(members(fields.get("usertags")))]:
        heads += [f"User: {known.user}", f"Usertags: {' '.join(own)}"]
    lines = [
        line
        for name, ways in _SETS.items()
        if name not in ("tags", "mergedwith", "usertags")
        for line in _lines(name, ways[0], "-1", members(fields.get(name)))
    ]
    subject = f"A report: {title}" if _READ.match(title) else title
    lines += [f"retitle -1 {title}"] * (subject != title) + ["close -1"] * status[0]
    heads += [f"Control: {line}" for line in lines]
    return subject, "\n".join(heads) + "\n\n" + str(fields.get("description") or "")


def comment_of(body: str, package: str) -> tuple[str, str]:
    """Returns a comment's text and its mark; one that the server would read is guarded."""
    text = body.replace("\r\n", "\n")
    if _HEADED.match(text):
        return f"Package: {package}\n\n{text}", "comment; guarded"
    return text, "comment"


def commands_of(update: Update, status: Mapping[str, Any], known: Known) -> Commands:
    """Returns what has to be said so that the bug shows what the update wants, nothing if it does.

    Raises:
        Rejected: The tracker cannot hold it.
    """
    bug, shown = update.ref.id, fields_of(status)
    lines: list[str] = []
    closes = False
    for name, value in update.changes.items():
        if name == "status":
            orders, closes = _moved(bug, str(shown["status"]), value or "open")
            lines += orders
            continue
        if value is None and name not in _CLEARED:
            raise Rejected(f"debbugs cannot be without a {name}.")
        told = value and _checked(name, value, known.severities)
        same = shown.get(name, None) == (told or ("normal" if name == "severity" else None))
        if not same:
            way = _SINGLE[name] if told else _CLEARED[name]
            lines.append(way.format(bug=bug, value=told))
    for name in dict.fromkeys([*update.added, *update.removed]):
        held = members(shown.get(name))
        come, leave = update.added.get(name, frozenset()), update.removed.get(name, frozenset())
        if name == "tags":
            _labels(come | leave, {*known.tags, *held})
        if name == "mergedwith" and held and held <= leave:
            lines.append(f"unmerge {bug}")
            leave = frozenset()
        lines += [f"user {known.user}"] * (name == "usertags" and bool(leave & held or come - held))
        lines += _lines(name, _SETS[name][1], bug, leave & held)
        lines += _lines(name, _SETS[name][0], bug, come - held)
    return Commands(lines=tuple(lines), closes=closes)


def _moved(bug: str, now: str, wanted: str) -> tuple[list[str], bool]:
    """Returns the commands from one status to another, and whether the bug is closed besides."""
    (was_done, was_wontfix), (done, wontfix) = _status(now), _status(wanted)
    lines = [f"tags {bug} {'+' if wontfix else '-'} {WONTFIX}"] * (was_wontfix != wontfix)
    lines += [f"reopen {bug}"] * (was_done and not done)
    return lines, done and not was_done


def _status(word: str) -> tuple[bool, bool]:
    """Returns whether a status is closed, and whether it is so by refusal."""
    if word not in {theirs for theirs, _ in STATUSES}:
        raise Rejected(f"debbugs has no status {word!r}.", hint="Map it in the job file.")
    return word.startswith("done"), WONTFIX in word


def _lines(name: str, way: str, bug: str, values: Iterable[str]) -> list[str]:
    told = [_checked(name, value) for value in sorted(values)]
    if "{all}" in way:
        return [way.format(bug=bug, all=" ".join(told))] if told else []
    return [way.format(bug=bug, one=value) for value in told]


def _labels(value: Value | None, tags: Iterable[str]) -> set[str]:
    """Returns labels as tags, all of which must be the tracker's."""
    labels = set(members(value))
    strange = sorted(labels - {*TAGS, *tags} | labels & {WONTFIX})
    if strange:
        why = "it is told by the status" if strange[0] == WONTFIX else "its tags are a closed list"
        raise Rejected(
            f"debbugs does not take the label {strange[0]!r}: {why}.",
            hint="Name the tracker's own tags under `tags`, or map the label in the job file.",
        )
    return labels


def _checked(name: str, value: str, severities: Iterable[str] = ()) -> str:
    """Returns a value that fits into a command's line."""
    text = " ".join(value.split()) if name in ("subject", "forwarded") else value
    pattern = _GOOD.get(name)
    fits = pattern and re.fullmatch(pattern, text) and not re.search(r"[\x00-\x1f\x7f-\x9f]", text)
    if not fits or (name == "severity" and text not in set(severities)):
        raise Rejected(
            f"debbugs cannot hold {value[:60]!r} as {name}.", hint="Map it in the job file."
        )
    return text


def _printable(text: str) -> bytes:
    """Returns a text in quoted-printable; ends of lines at its end are part of it."""
    bare = text.rstrip("\n")
    data = quopri.encodestring(bare.encode()).replace(b"\r", b"=0D")
    data = re.sub(rb"(?m)^From ", b"=46rom ", data)
    return (data + b"=0A" * (len(text) - len(bare))).replace(b"\n", b"\r\n") + b"\r\n"
