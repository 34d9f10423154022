"""What came back over HTTP, and what it means in the hub's words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    RateLimited,
    Rejected,
    RemoteError,
    Stale,
    Transient,
    Unsure,
)
from prophet_hub.sdk.pace import pause_asked
from prophet_hub.sdk.times import of_header

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from prophet_hub.sdk.http import Http

__all__ = ["Answer", "Lost", "error_of"]

EXCERPT: Final = 200
"""Characters of a server's own words that go into a sentence."""

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

REASONS: Final = (
    "message", "msg", "error_description", "errorMessages", "errors", "error", "detail",
)  # fmt: skip
"""The names that servers put their reasons under."""

LATER: Final = "Try again later."
LOOK: Final = "The next run looks before it sends anything again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, whole. Its repr shows neither headers nor body, where secrets may stand."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    remote: str
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The body as UTF-8; what is not, is marked."""
        return self.body.decode("utf-8", "replace")

    @property
    def clock(self) -> datetime | None:
        """The server's clock when it answered, None if it does not tell."""
        return of_header(self.headers.get("Date", ""))

    def json(self) -> Any:
        """Returns the body as JSON.

        Raises:
            Garbled: It is none: another content type, or cut short.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            fault = self._not("JSON")
        raise fault

    def xml(self) -> Element:
        """Returns the body as XML, with entities and external parts refused.

        Raises:
            Garbled: It is none, or tries a trick.
        """
        from defusedxml import ElementTree  # noqa: PLC0415 - few connectors speak XML
        from defusedxml.common import DefusedXmlException  # noqa: PLC0415 - as above

        try:
            root: Element = ElementTree.fromstring(self.body)
        except (ElementTree.ParseError, DefusedXmlException, ValueError):
            fault = self._not("XML")
        else:
            return root
        raise fault

    def _not(self, due: str) -> Garbled:
        kind = self.headers.get("Content-Type", "no content type").split(";")[0]
        if due.lower() in kind:
            sentence = f"{self.remote} sent {due} that is cut short or broken."
            return Garbled(sentence, remote=self.remote, status=self.status)
        return Garbled(
            f"{self.remote} sent {kind} where {due} was due.",
            hint=f"Check that `url` of remote {self.remote} names the tracker itself.",
            remote=self.remote,
            status=self.status,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """No answer, or not all of one.

    Attributes:
        how: `unreached` (nothing was sent), `untrusted` (no valid certificate), `address` (no such
            kind of URL), `unanswered`, `truncated` or `long` (an answer began).
        why: A word for experts.
    """

    how: str
    why: str


def error_of(http: Http, method: str, url: str, outcome: Answer | Lost) -> RemoteError:
    """Returns the error that an answer, or the lack of one, is to the hub."""
    if isinstance(outcome, Lost):
        error = _lost(http.remote, method, url, outcome)
    else:
        error = _refused(http, method, outcome)
    error.remote = http.remote
    return error


def _lost(remote: str, method: str, url: str, lost: Lost) -> RemoteError:
    host = urlsplit(url).netloc.rpartition("@")[2]
    check = f"Check `url` of remote {remote}, and that the server runs."
    unsure = f"{remote} did not say whether it took a {method} ({lost.why})."
    before: dict[str, tuple[type[RemoteError], str, str]] = {
        "unreached": (Transient, f"{remote} cannot be reached at {host} ({lost.why}).", check),
        "untrusted": (
            Transient,
            f"{remote} has no certificate for {host} that this machine trusts.",
            "Install the authority's certificate on this machine.",
        ),
        "address": (Rejected, f"{remote} has an address that is no URL.", check),
    }
    reading: dict[str, tuple[type[RemoteError], str, str]] = {
        "unanswered": (Transient, f"{remote} did not answer ({lost.why}).", LATER),
        "truncated": (Garbled, f"{remote} broke off in the midst of an answer.", ""),
        "long": (Garbled, f"{remote} sent an answer of {lost.why}, which is not read.", ""),
    }
    writing = (Unsure, unsure, LOOK)
    kind, sentence, hint = before.get(lost.how) or (
        reading[lost.how] if method in READS else writing
    )
    return kind(sentence, hint=hint)


def _refused(http: Http, method: str, answer: Answer) -> RemoteError:
    until = None
    if answer.status in (403, 429, 503):
        until = pause_asked(answer.headers, http.clock.now())
    kind, sentence, hint = _meaning(http.remote, method, answer.status, paused=until is not None)
    said = http.scrub(_said(answer))
    sentence = f'{sentence} It said: "{said}".' if said else sentence
    if kind is RateLimited:
        hint = f"Go on after {until:%Y-%m-%d %H:%M:%S} UTC." if until else hint
        return RateLimited(sentence, until=until, hint=hint, status=answer.status)
    return kind(sentence, hint=hint, status=answer.status)


def _meaning(
    remote: str, method: str, status: int, *, paused: bool
) -> tuple[type[RemoteError], str, str]:
    """Returns the error, the sentence and the remedy of a status."""
    reading = method in READS
    stale = Stale, f"{remote} has moved on since that was read.", "The next run reads it again."
    right = f"Give the account of remote {remote} the right to it."
    known: dict[int, tuple[type[RemoteError], str, str]] = {
        401: (
            AuthFailed,
            f"{remote} refused the credentials.",
            f"Check user, password or token of remote {remote}.",
        ),
        403: (NotFound if reading else Rejected, f"{remote} forbids this to the account.", right),
        404: (NotFound, f"{remote} has no such item, or does not show it.", ""),
        409: stale,
        410: (NotFound, f"{remote} has that item no more.", ""),
        412: stale,
        429: (RateLimited, f"{remote} asks for a pause.", LATER),
        501: (Rejected, f"{remote} cannot do this.", ""),
    }
    if paused:
        return known[429]
    if status in known:
        return known[status]
    if status < 500:  # noqa: PLR2004 - HTTP's own line between the client's faults and the server's
        return Rejected, f"{remote} refused the request with {status}.", ""
    if reading:
        return Transient, f"{remote} failed with {status}.", LATER
    return Unsure, f"{remote} failed with {status} and did not say whether it took it.", LOOK


def _said(answer: Answer) -> str:
    """Returns the server's own sentence, in one line, "" where it sent a page."""
    try:
        said = _sentence(json.loads(answer.body))
    except (ValueError, RecursionError):
        plain = answer.headers.get("Content-Type", "").startswith("text/plain")
        said = answer.text if plain else ""
    line = re.sub(r"[\x00-\x20\x7f-\x9f]+", " ", said).strip()
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"


def _sentence(data: Any) -> str:
    """Returns the text under the names that servers put their reasons under."""
    if isinstance(data, str):
        return data
    if isinstance(data, list):
        return "; ".join(filter(None, map(_sentence, data)))
    if isinstance(data, dict):
        for name in REASONS:
            if data.get(name):
                return _sentence(data[name])
    return ""
