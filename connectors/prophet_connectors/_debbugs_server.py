"""Where bugs are read, and the one place of the two that is a server: SOAP, mboxes and pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from prophet_connectors._debbugs_letters import Letter, in_mbox, letter
from prophet_connectors._debbugs_soap import Soap
from prophet_hub.errors import ConfigError, Garbled
from prophet_hub.sdk import Context
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.shapes import shaped
from prophet_hub.sdk.times import of_epoch

__all__ = ["BATCH", "Place", "Server", "Status", "terms_of"]

Status = Mapping[str, Any]

BATCH: Final = 500
"""Statuses in one request; Debian's own programs ask for as many."""

_KEYS: Final = frozenset({
    "package", "src", "maint", "maintenc", "submitter", "severity", "status", "tag", "owner",
    "dist", "distribution", "found", "fixed", "affects", "archive", "correspondent", "bugs",
})  # fmt: skip


class Place(Protocol):
    """What the connector asks of either."""

    @property
    def web(self) -> str:
        """Where people look at a bug, with `{id}`; "" if it does not tell."""

    @property
    def clock(self) -> datetime | None:
        """Its clock when it was asked for the bugs of a query; None if it does not tell."""

    def prove(self) -> None:
        """Asks for next to nothing."""

    def numbers(self, query: str) -> list[str]:
        """Returns the bugs that a query matches."""

    def newest(self, count: int) -> list[str]:
        """Returns the highest numbers, whether there are such bugs or not."""

    def statuses(self, numbers: Iterable[str]) -> dict[str, Status]:
        """Returns what is said of those bugs that there are."""

    def changed(self, status: Status) -> datetime:
        """Returns when the place saw the last change of a bug."""

    def usertags(self, user: str, bug: str) -> list[str]:
        """Returns the tags that somebody gave to a bug."""

    def letters(self, bug: str) -> list[Letter]:
        """Returns a bug's mails."""

    def notes(self, bug: str) -> str:
        """Returns what holds the notes of a bug's log."""

    def close(self) -> None:
        """Gives back what it holds."""


def terms_of(query: str) -> list[tuple[str, str]]:
    """Returns a query's terms: `package:emacs severity:grave`.

    Raises:
        ConfigError: It has others.
    """
    try:
        words = shlex.split(query)
    except ValueError:  # a quote that is not closed
        words = [f"?{query}"]
    terms = []
    for word in words:
        name, _, value = word.partition(":")
        if name not in _KEYS or not value:
            raise ConfigError(
                f"A query of debbugs has no term {word!r}.",
                hint=f"Write KEY:VALUE with a key of: {' '.join(sorted(_KEYS))}.",
            )
        terms.append((name, value))
    return terms


@dataclass(slots=True)
class Server:
    """A server: `soap.cgi` and `bugreport.cgi` in one folder.

    Attributes:
        mbox: Whether mails are read as they are; else by SOAP, which leaves files out.
        archived: Whether archived bugs are listed, where the query does not say.
    """

    http: Http
    soap: Soap
    mbox: bool
    archived: bool

    @classmethod
    def at(cls, url: str, context: Context, *, mbox: bool, archived: bool) -> Server:
        """Returns the server at the address of its CGI folder, or of its `soap.cgi`."""
        http = Http(re.sub(r"/soap\.cgi/?$", "", url), context)
        return cls(http, Soap(http, "soap.cgi"), mbox, archived)

    @property
    def clock(self) -> datetime | None:
        """The server's clock, as of the latest answer to a procedure."""
        return self.soap.clock

    @property
    def web(self) -> str:
        """Where people look at a bug."""
        return f"{self.http.base_url}/bugreport.cgi?bug={{id}}"

    def prove(self) -> None:
        self.soap.ask("newest_bugs", 1)

    def numbers(self, query: str) -> list[str]:
        terms = terms_of(query)
        if not any(name == "archive" for name, _ in terms):
            terms.append(("archive", "both" if self.archived else "0"))
        return self._numbers("get_bugs", *(part for term in terms for part in term))

    def newest(self, count: int) -> list[str]:
        return [n for n in self._numbers("newest_bugs", count) if not n.startswith("-")]

    def statuses(self, numbers: Iterable[str]) -> dict[str, Status]:
        asked = [int(number) for number in numbers]
        told: dict[str, Status] = {}
        for first in range(0, len(asked), BATCH):
            part = self.soap.ask("get_status", *asked[first : first + BATCH])
            with shaped(self.http.remote, "debbugs"):
                told |= {n: status for n, status in (part or {}).items() if status}
        return told

    def changed(self, status: Status) -> datetime:
        return of_epoch(status.get("last_modified") or status.get("log_modified"))

    def usertags(self, user: str, bug: str) -> list[str]:
        told = self.soap.ask("get_usertag", user)
        with shaped(self.http.remote, "debbugs"):
            return sorted(tag for tag, bugs in (told or {}).items() if bug in bugs)

    def letters(self, bug: str) -> list[Letter]:
        if not self.mbox:
            return self._soap_letters(bug)
        answer = self.http.get(f"bugreport.cgi?bug={quote(bug)};mbox=yes")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind not in ("application/mbox", "message/rfc822", "text/plain"):
            raise Garbled(
                f"{self.http.remote} sent {kind or 'nothing'} where the mails of a bug were due.",
                remote=self.http.remote,
            )
        return in_mbox(answer.body, one=kind == "message/rfc822")

    def notes(self, bug: str) -> str:
        answer = self.http.get(f"bugreport.cgi?bug={quote(bug)};boring=yes")
        page = answer.text
        if "</html>" not in page[-2000:].lower():
            raise Garbled(
                f"{self.http.remote} broke off in the midst of a page.",
                hint="If it always does, set `history: no`: nothing else is read from pages.",
                remote=self.http.remote,
            )
        return page

    def close(self) -> None:
        self.http.close()

    def _numbers(self, method: str, *args: str | int) -> list[str]:
        told = self.soap.ask(method, *args)
        with shaped(self.http.remote, "debbugs"):
            return [str(int(number)) for number in (told or [])]

    def _soap_letters(self, bug: str) -> list[Letter]:
        told = self.soap.ask("get_bug_log", int(bug))
        with shaped(self.http.remote, "debbugs"):
            return [
                letter(f"{one['header']}\n\n".encode(), str(one["body"])) for one in (told or [])
            ]
