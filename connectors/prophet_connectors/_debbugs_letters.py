"""The mails of a bug: read out of an mbox, a log or SOAP, whatever a stranger put into them.

A bug's log is its mails as they came in (Debbugs/Log.pm): the first is the report, those to the bug
are comments, those to `control` are commands.  The server's own `Received` line stands first and says
where a mail was sent and when it came, by the server's clock; every other header is the sender's word.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import quopri
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from typing import Final

from prophet_hub.errors import Garbled
from prophet_hub.sdk import Person
from prophet_hub.sdk.times import of_header

__all__ = [
    "Letter",
    "Part",
    "in_log",
    "in_mbox",
    "letter",
    "notes_in",
    "person",
    "plain",
    "unpseudo",
]

HUB_KEY: Final = re.compile(r"<prophet-hub\.([0-9A-Za-z-]+)@[^<>\s]+>")
MARK: Final = "X-Prophet-Hub"
"""The header of a mail of the hub: what it is for."""

_RECEIVED: Final = re.compile(r"\(at (\S+)\)\s+by\s+[^;]*;\s*(.+)", re.DOTALL)
_ACK: Final = re.compile(r"<handler\..+\.ack(?:info|done)?@")
_ADDRESS: Final = re.compile(r"[^\s<>(),;:\"]+@[^\s<>(),;:\"]+")
_PSEUDO: Final = re.compile(
    r"(?i)(?:package|source|version|source-version|severity|priority|tags?|keywords|owner|forwarded"
    r"|control|user|usertags?|done|affects|justification|x-debbugs-[\w-]+):[ \t]*\S"
)
_ORDERS: Final = re.compile(r"(?i)\s*(?:[\w-]+:[^\n]*\n)*control:[ \t]*\S")
_MOST_PARTS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file in a mail."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail.

    Attributes:
        id: Its Message-ID with its brackets, "" if it has none.
        digest: Of that, or of its head; the same wherever the mail is read.
        sender: Who the From line says.
        at: Where the server got it: `submit`, `12`, `12-done`, `control` ..., "" if it says not.
        to: The local parts of its addresses.
        when: By the server's clock; by the sender's where the server says nothing.
        text: What a person reads.
        html: Whether the text is HTML.
        files: All other parts, but signatures.
        mark: What a mail of a hub is for, "" for others.
        key: The hub's key, "" if it has none.
        orders: Whether commands stand at its head.
    """

    id: str
    digest: str
    sender: Person
    at: str
    to: frozenset[str]
    when: datetime | None
    subject: str
    text: str
    html: bool = False
    files: tuple[Part, ...] = ()
    mark: str = ""
    key: str = ""
    orders: bool = False

    def is_command(self, bug: str) -> bool:
        """Tells whether it is in a bug's log for its commands alone, and says nothing to the bug.

        Commands stand in mails to the control server, and at the head of mails about other bugs.
        """
        places = {self.at.partition("-")[0], *(to.partition("-")[0] for to in self.to)}
        return bug not in places and (self.at in ("control", "request") or self.orders)


def person(text: str) -> Person:
    """Returns whom a From line or a field names; by the address, which is all that is one's own."""
    said = plain(text)
    found = re.search(r"<([^<>\s]+@[^<>\s]+)>", said) or _ADDRESS.search(said)
    if not found:
        return Person(id=" ".join(said.split()))
    address = found[found.re.groups]
    name = said.replace(found[0], "", 1).strip(" \t\r\n\"'(),")
    return Person(id=address.lower(), name=" ".join(name.split()), email=address)


# --- one mail ---------------------------------------------------------------------------------------


def letter(raw: bytes, text: str | None = None) -> Letter:
    """Returns a mail: of head and body, or of the head alone where `text` is the body, decoded."""
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    name = plain(mail.get("Message-ID")).strip()
    found = HUB_KEY.fullmatch(name)
    mark = plain(mail.get(MARK)).strip() if found or "prophet-hub" in name else ""
    received = _RECEIVED.search(plain(mail.get("Received")))
    body, html, files = (text, False, []) if text is not None else _parts(mail)
    addressed = getaddresses([plain(h) for h in (*mail.get_all("To", []), *mail.get_all("Cc", []))])
    return Letter(
        id=name,
        # a head of raw bytes comes as an object, whose repr differs from one reading to the next
        digest=_digest(name or str([(head, str(value)) for head, value in mail.items()])),
        sender=person(str(mail.get("From") or "")),
        at=received[1] if received else "",
        to=frozenset(address.partition("@")[0] for _, address in addressed if "@" in address),
        when=of_header(received[2] if received else "") or of_header(plain(mail.get("Date"))),
        subject=" ".join(plain(mail.get("Subject")).split()),
        text=body if mark else body.replace("\r\n", "\n").strip("\n"),
        html=html,
        files=tuple(files),
        mark=mark,
        key=found[1] if found else "",
        orders=bool(_ORDERS.match(body)),
    )


def unpseudo(text: str) -> str:
    """Returns a text without the lines at its head by which the server was told fields."""
    lines = text.lstrip("\n").split("\n")
    told = next((n for n, line in enumerate(lines) if not _PSEUDO.match(line)), len(lines))
    return "\n".join(lines[told:]).strip("\n") if told else text


def _parts(mail: Message) -> tuple[str, bool, list[Part]]:
    """Returns what a person reads of a mail, whether that is HTML, and its files."""
    texts: list[str] = []
    pages: list[Part] = []
    files: list[Part] = []
    for part in _leaves(mail):
        kind, name = part.get_content_type(), plain(part.get_filename() or "")
        if kind in ("application/pgp-signature", "application/pkcs7-signature"):
            continue
        data = _payload(part)
        if kind == "text/plain" and not name and part.get_content_disposition() != "attachment":
            texts.append(_decoded(data, part))
        elif kind == "text/html" and not name and not texts:
            pages.append(Part(name="", content_type=kind, data=_decoded(data, part).encode()))
        elif kind != "text/html" or name:
            files.append(Part(name=name or f"part {len(files) + 1}", content_type=kind, data=data))
    if texts or not pages:
        return "\n".join(texts), False, files
    return pages[0].data.decode(), True, files


def _leaves(mail: Message) -> Iterator[Message]:
    """Yields the parts that hold something; a forwarded mail is one, as it is."""
    waiting, seen = [mail], 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() == "multipart":
            waiting[:0] = [one for one in inner if isinstance(one, Message)]
        else:
            yield part


def _payload(part: Message) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):  # message/rfc822
        return b"\n".join(one.as_bytes() for one in inner if isinstance(one, Message))
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "quoted-printable":
        text = str(inner).rstrip("\r\n")  # an mbox and a log add some; those of the text are =0A
        return quopri.decodestring(text.encode("utf-8", "surrogateescape"))
    data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _decoded(data: bytes, part: Message) -> str:
    try:
        return data.decode(part.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return data.decode("utf-8", "replace")


def plain(value: object) -> str:
    """Returns a header's text, its encoded words decoded as far as they can be."""
    text = str(value or "")
    # words of no charset, or cut short, stay as they are
    with suppress(LookupError, ValueError, MessageError):
        text = str(make_header(decode_header(text)))
    return text.encode("utf-8", "replace").decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


# --- many -------------------------------------------------------------------------------------------


def in_mbox(data: bytes, *, one: bool = False) -> list[Letter]:
    """Returns the mails of an mbox; in that of `one` mail no lines that begin so are quoted.

    Raises:
        Garbled: It is no mbox.
    """
    if not data.startswith(b"From "):
        raise Garbled("The tracker sent something else than the mails of a bug.")
    if one:
        return [letter(data.partition(b"\n")[2])]
    mails = re.split(rb"(?m)^From .*\n", data)[1:]
    return _once(letter(re.sub(rb"(?m)^>(>*From )", rb"\1", mail)) for mail in mails)


def in_log(data: bytes) -> list[Letter]:
    """Returns the mails that a log in the spool says were received.

    Raises:
        Garbled: It is no log.
    """
    texts = (text for kind, text in _records(data) if kind == 7)  # noqa: PLR2004 - ^G, see _records
    return _once(letter(text) for text in texts)


def notes_in(data: bytes) -> str:
    """Returns the notes in HTML that a log in the spool holds, in order.

    Raises:
        Garbled: It is no log.
    """
    return "\n".join(t.decode("utf-8", "replace") for kind, t in _records(data) if kind == 6)  # noqa: PLR2004 - ^F


def _records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yields the records of a log: what opened each, and its text.

    A control character alone on a line opens a record (^A and ^B sent mail, ^F a note, ^G received
    mail), ^C closes it, ^E parts recipients from a mail; a line of mail that begins with one of these
    carries ^X before it (Debbugs/Log.pm, escape_log).
    """
    opened, lines = 0, list[bytes]()
    for line in data.split(b"\n"):
        mark = line[0] if len(line) == 1 else 0
        if mark in (1, 2, 6, 7) and not opened:
            opened, lines = mark, []
        elif mark == 3 and opened:  # noqa: PLR2004 - ^C
            yield opened, b"\n".join(lines)
            opened = 0
        elif mark == 5 and opened:  # noqa: PLR2004 - ^E
            lines = []
        elif opened:
            lines.append(line.removeprefix(b"\x18"))
        elif line:
            break
    else:
        if not opened:
            return
    raise Garbled("A log of the tracker is broken: records do not end where others begin.")


def _once(letters: Iterable[Letter]) -> list[Letter]:
    """Leaves out what came twice under one Message-ID, as the server does, and acknowledgements."""
    seen: dict[str, Letter] = {}
    for one in letters:
        if not _ACK.match(one.id):
            seen.setdefault(one.digest, one)
    return list(seen.values())
