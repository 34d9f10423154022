"""How the connector for Trac asks: JSON-RPC of the plugin TracXMLRPC, many calls in one request.

Every answer is HTTP 200, an error stands within (tracrpc/json_rpc.py): 403 and 404 are what they are
elsewhere, -32603 is anything else, also what a person would call a refusal.
"""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from prophet_hub.errors import (
    AuthFailed,
    Garbled,
    NotFound,
    Rejected,
    RemoteError,
    Transient,
    Unsure,
)
from prophet_hub.sdk.answers import Answer
from prophet_hub.sdk.auth import Basic, FormLogin
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.inline import InBase64

__all__ = ["LEAVE", "Call", "Info", "Login", "Rpc", "no_action", "plain", "value_of"]

PATH: Final = "login/rpc"
LEAVE: Final = "leave"
"""The action that changes no status, in every workflow that Trac brings."""

MISSING: Final = 404
NO_RPC: Final = frozenset({MISSING, 405, 415})
BAD: Final = 400
EXCERPT: Final = 300

Call = tuple[Any, ...]
"""A method and its arguments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What `ticket.getTicketFields` says of a field."""

    name: str
    label: str
    type: str
    options: tuple[str, ...]
    optional: bool
    custom: bool
    format: str


class Login:
    """Basic for the calls, and the cookie that it wins for the pages (timeline, files).

    Trac proves a password at `/login` alone; pages know a visitor by a cookie.  The form is the one
    of the plugin AccountManager; where the web server asks for Basic it does no harm.  A form needs
    a token that is the same in a cookie (trac/web/main.py), which anybody may choose.
    """

    def __init__(self, user: str, password: str) -> None:
        self._basic = Basic(user, password)
        token = secrets.token_hex(12)
        known = self._basic.headers(None)  # type: ignore[arg-type] # Basic asks nothing of it
        self._form = FormLogin(
            "login",
            {"user": user, "password": password, "__FORM_TOKEN": token},
            headers={**known, "Cookie": f"trac_form_token={token}"},
            accepted=lambda answer: "trac_auth" in answer.cookies,
            expired=_expired,
            secrets=self._basic.secrets,
        )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The password and the cookies."""
        return self._form.secrets

    def headers(self, http: Http) -> Mapping[str, str]:
        """Returns both; logs in first where there is no cookie yet.

        Raises:
            AuthFailed: The password was refused.
            Rejected: There is no log-in at this address.
        """
        try:
            return {**self._basic.headers(http), **self._form.headers(http)}
        except AuthFailed as refused:
            if refused.status != MISSING:
                raise
        raise Rejected(
            f"{http.remote} has no log-in.",
            hint=f"Check `url` of remote {http.remote}: it names the environment of a Trac.",
            status=MISSING,
        )

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:
        """Tells whether the cookie was refused, and logs in anew before the next request."""
        return self._form.renew(answer, sent)


def _expired(answer: Answer) -> bool:
    """Tells whether an answer takes the cookie away: who shows an old one is anonymous, not refused."""
    said = answer.headers.get("Set-Cookie", "")
    return answer.status == 401 or re.search(r'trac_auth=("")?;', said) is not None  # noqa: PLR2004 - HTTP's word for it


class Rpc:
    """Procedure calls to one Trac.  Threads share it.

    Attributes:
        notify: Whether writes send the mails that Trac is configured to send.
        clock: The server's at the last answer, None if it does not tell.
    """

    def __init__(self, http: Http, *, notify: bool) -> None:
        self.http = http
        self.remote = http.remote
        self.notify = notify
        self.clock: datetime | None = None
        self._fields: Mapping[str, Info] | None = None

    def one(self, *call: Any, reading: bool = True) -> Any:
        """Returns the result of a call.

        Raises:
            RemoteError: It went wrong.
        """
        said = {"method": call[0], "params": call[1:], "id": 1}
        return self._result(self._post(reading=reading, json=said), reading=reading)

    def sent(self, body: InBase64) -> Any:
        """Returns the result of a call that writes a file.

        Raises:
            RemoteError: It went wrong.
        """
        kind = {"Content-Type": "application/json"}
        told = self._post(reading=False, body=lambda: body, headers=kind)
        return self._result(told, reading=False)

    def many(self, calls: Sequence[Call], *, reading: bool = True) -> list[Any]:
        """Returns the result of each call, or the error that it ended with, in one request.

        Raises:
            RemoteError: The request as a whole went wrong.
        """
        params = [{"method": c[0], "params": c[1:], "id": n} for n, c in enumerate(calls, 1)]
        told = self.one("system.multicall", *params, reading=reading)
        if not isinstance(told, list) or len(told) != len(calls):
            raise self._garbled(reading=reading)
        results: list[Any] = []
        for each in told:
            try:
                results.append(self._result(each, reading=reading))
            except RemoteError as error:
                results.append(error)
        return results

    def fields(self) -> Mapping[str, Info]:
        """Returns the fields of a ticket by name; they are asked for once."""
        if self._fields is None:
            self.learn(self.one("ticket.getTicketFields"))
        return self._fields or {}

    @property
    def knows_fields(self) -> bool:
        """Whether asking for the fields costs nothing."""
        return self._fields is not None

    def learn(self, told: Any) -> None:
        """Remembers the answer of `ticket.getTicketFields`."""
        self._fields = {
            str(row["name"]): Info(
                name=str(row["name"]),
                label=str(row.get("label", "")),
                type=str(row.get("type", "text")),
                options=tuple(str(option) for option in row.get("options") or ()),
                optional=bool(row.get("optional")),
                custom=bool(row.get("custom")),
                format=str(row.get("format", "")),
            )
            for row in told
        }

    def _post(self, *, reading: bool, **options: Any) -> Any:
        answer = self.http.post(PATH, reading=reading, passing=NO_RPC, **options)
        if answer.status in NO_RPC:
            raise Rejected(
                f"{self.remote} takes no procedure calls.",
                hint="Install the plugin TracXMLRPC (XmlRpcPlugin of trac-hacks.org) in that Trac, enable "
                f"`tracrpc.*` in its trac.ini, and check `url` of remote {self.remote}.",
                status=answer.status,
            )
        self.clock = answer.clock
        try:
            return answer.json()
        except Garbled:
            if reading:
                raise
            raise self._garbled(reading=False) from None

    def _result(self, told: Any, *, reading: bool) -> Any:
        if not isinstance(told, dict) or "result" not in told:
            raise self._garbled(reading=reading)
        error = told.get("error")
        if not error:
            return told["result"]
        raise self._error(int(error.get("code") or 0), str(error.get("message")), reading=reading)

    def _error(self, code: int, message: str, *, reading: bool) -> RemoteError:
        said = self.http.scrub(plain(message))
        sentence = f'{self.remote} refused. It said: "{said}".'
        right = f"Give the account of remote {self.remote} the right to it."
        if code == 403 and "XML_RPC" in message:  # noqa: PLR2004 - codes as in HTTP
            return AuthFailed(sentence, hint=f"Grant XML_RPC to the account of {self.remote}.")
        if code == MISSING:
            return NotFound(f'{self.remote} has no such item. It said: "{said}".', status=code)
        if code == 403:  # noqa: PLR2004 - as above
            kind = NotFound if reading else Rejected
            return kind(sentence, hint=right, status=code)
        if "locked" in message and "database" in message:
            return Transient(sentence, hint="Try again later.")
        return Rejected(sentence, status=BAD)

    def _garbled(self, *, reading: bool) -> RemoteError:
        if reading:
            return Garbled(f"{self.remote} sent an answer of another shape than the plugin's.")
        return Unsure(
            f"{self.remote} did not say whether it took that.",
            hint="The next run looks before it sends anything again.",
        )


def no_action(error: RemoteError) -> bool:
    """Tells whether the workflow has no such action (tracrpc/ticket.py; never translated)."""
    return "invalid action '" in error.sentence


def plain(message: str) -> str:
    """Returns one line of plain text: messages of Trac are HTML here and there."""
    text = html.unescape(re.sub(r"<[^>]*>", "", message))
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"


def value_of(raw: Any) -> str:
    """Returns a value as text; an instant as RFC 3339 in UTC (json_rpc.py: UTC, without a zone)."""
    if isinstance(raw, dict):
        kind, text = raw["__jsonclass__"]
        if kind != "datetime":
            raise ValueError(kind)
        return f"{text}Z"
    return "" if raw is None else str(raw)
