"""Asking Bugzilla's REST interface: where the key goes, and what its error codes mean.

Codes are told in the body (Bugzilla/WebService/Constants.pm); the HTTP status says little: 401
stands for most of what an account may not do, 400 for a wrong key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from prophet_hub.errors import AuthFailed, NotFound, RateLimited, Rejected, RemoteError
from prophet_hub.sdk import Context, Person
from prophet_hub.sdk.answers import error_of
from prophet_hub.sdk.auth import Token
from prophet_hub.sdk.http import Answer, Http

__all__ = ["Api", "Pairs", "segment"]

Pairs = Iterable[tuple[str, object]]

PASSING: Final = frozenset({400, 401, 404})
FAILED: Final = 400
WRONG_KEY: Final = frozenset({300, 301, 306, 307, 410})
NO_BUG: Final = frozenset({100, 101, 102})
NO_THING: Final = frozenset({51, 110, 111, 304})
HEADERS: Final = {"bmo": ("", "X-BUGZILLA-API-KEY"), "redhat": ("Bearer", "Authorization")}
"""Where a key may stand in a header; Bugzilla 5.0 and 5.2 do not look there, and then see a guest."""


class Api:
    """One server as one account sees it.

    Args:
        flavour: Which kind of Bugzilla it is, one of `FLAVOURS`.
        user: The login of the account.
        key: Its API key, "" for a guest.
        path: Under which the interface stands.
    """

    def __init__(
        self, url: str, context: Context, *, flavour: str, user: str, key: str, path: str
    ) -> None:
        word, header = HEADERS.get(flavour, ("", ""))
        self.url = url.rstrip("/")
        self.remote = context.remote
        self.http = Http(
            f"{self.url}/{path}",
            context,
            auth=Token(key, word=word, header=header) if header and key else None,
            headers={"Accept": "application/json"},
            secrets=(key,) if key else (),
        )
        self._flavour = flavour
        self._user = user
        self._key = {"api_key": key} if key and not header else {}
        self._met: Person | None = None

    def get(self, path: str, params: Pairs = ()) -> dict[str, Any]:
        """Returns what a read tells; a key in the address is kept out of every sentence."""
        told = [*((name, str(value)) for name, value in params), *self._key.items()]
        return self._told("GET", self.http.get(path, params=told, passing=PASSING))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Sends once; the key travels in the body, which no log shows."""
        answer = self.http.post(path, json={**body, **self._key}, passing=PASSING)
        return self._told("POST", answer)

    def put(self, path: str, body: Mapping[str, Any], *, of: str = "") -> dict[str, Any]:
        """Changes; sent again it does no more. `of` is the ticket that is changed."""
        answer = self.http.put(path, json={**body, **self._key}, passing=PASSING)
        return self._told("PUT", answer, of)

    def account(self) -> Person:
        """Returns who we are, asked once.

        A key where the server does not look for it makes a guest, to whom much is shown all the
        same: so that we are known is asked for, and not believed.

        Raises:
            AuthFailed: The server does not know us.
        """
        if self._met is None:
            self._met = self._asked()
        return self._met

    def _asked(self) -> Person:
        if self._flavour == "bmo":
            told = self.get("whoami")
            name = str(told.get("name") or "")
            return Person(id=name, name=str(told.get("real_name") or ""), email=_mail(name))
        if not self._user:
            raise AuthFailed(
                f"{self.remote} has no user.",
                hint=f"Give remote {self.remote} the login of its account as `user`.",
            )
        if self.get("valid_login", [("login", self._user)]).get("result") is not True:
            raise AuthFailed(
                f"{self.remote} takes us for a guest, not for {self._user}.",
                hint=f"Check `user`, `api_key` and `flavour` of remote {self.remote}.",
            )
        return Person(id=self._user, email=_mail(self._user))

    def _told(self, method: str, answer: Answer, of: str = "") -> dict[str, Any]:
        """Returns an answer's object; raises what an error in it means."""
        data: Any = None
        if answer.status < FAILED or "json" in answer.headers.get("Content-Type", ""):
            data = answer.json()
        if isinstance(data, dict) and data.get("error") and "code" in data:
            raise self._fault(method, answer.status, data, of)
        if answer.status >= FAILED:
            raise error_of(self.http, method, "", answer)
        if not isinstance(data, dict):
            raise TypeError("an object was due")
        return data

    def _fault(self, method: str, status: int, data: Mapping[str, Any], of: str) -> RemoteError:
        code = int(data["code"])
        said = self.http.scrub(re.sub(r"\s+", " ", str(data.get("message", ""))).strip())[:300]
        words: dict[str, Any] = {"remote": self.remote, "status": status}
        if code in WRONG_KEY or re.search("API key", said):
            hint = f"Check `api_key`, `user` and `flavour` of remote {self.remote}."
            return AuthFailed(
                f'{self.remote} refused the key. It said: "{said}"', hint=hint, **words
            )
        if "rate limit" in said:
            return RateLimited(
                f"{self.remote} asks for a pause.", hint="Use an API key; try later.", **words
            )
        other = of and code in NO_BUG and of not in re.findall(r"\d+", said)
        absent = code in NO_BUG or (code in NO_THING and method == "GET")
        if absent and not other:
            return NotFound(f'{self.remote} does not show that. It said: "{said}"', **words)
        return Rejected(f'{self.remote} refused this. It said: "{said}"', **words)


def segment(text: str) -> str:
    """Returns a text as one piece of a path."""
    return quote(text, safe="")


def _mail(login: str) -> str:
    return login if "@" in login else ""
