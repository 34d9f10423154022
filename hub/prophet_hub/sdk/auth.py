"""Ways to prove who the hub is: Basic, a token, a cookie won by a form.

An `Auth` is shared by all threads of a remote.  It says which headers a request carries, and is
asked once whether a refused answer can be mended by logging in again.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Final, Protocol

from prophet_hub.errors import AuthFailed, Rejected

if TYPE_CHECKING:
    from prophet_hub.sdk.http import Answer, Http

GONE: Final = 404
MOVED: Final = frozenset({301, 302, 307, 308})

__all__ = ["Auth", "Basic", "FormLogin", "Token"]


class Auth(Protocol):
    """What `Http` asks of a way to prove who we are.

    Attributes:
        secrets: Texts that must never be shown; `Http` scrubs them from whatever it says.
    """

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts to scrub, as of now."""

    def headers(self, http: Http) -> Mapping[str, str]:
        """Returns what a request carries; may log in first, through `http` itself."""

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:
        """Tells whether the answer refused `sent`, and another try may fare better."""


class Basic:
    """HTTP Basic (RFC 7617), sent without waiting for a challenge."""

    def __init__(self, user: str, password: str) -> None:
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.secrets = (password, pair)
        self._headers = {"Authorization": f"Basic {pair}"}

    def headers(self, http: Http) -> Mapping[str, str]:  # noqa: ARG002 - nothing is asked
        """Returns the one header."""
        return self._headers

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:  # noqa: ARG002 - as above
        """A refused password stays refused."""
        return False


class Token:
    """A fixed token in a header: `Authorization: Bearer ...` unless told otherwise."""

    def __init__(self, token: str, *, word: str = "Bearer", header: str = "Authorization") -> None:
        self.secrets = (token,)
        self._headers = {header: f"{word} {token}".strip()}

    def headers(self, http: Http) -> Mapping[str, str]:  # noqa: ARG002 - nothing is asked
        """Returns the one header."""
        return self._headers

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:  # noqa: ARG002 - as above
        """A refused token stays refused."""
        return False


class FormLogin:
    """Posts a form once and shows the cookie it won from then on.

    Logs in again when a cookie is found expired: by one thread, whichever notices first; the others
    see that the cookie they had sent is no longer the present one, and just try again.

    Args:
        path: Where the form goes.
        form: What it holds, the password among it.
        accepted: Whether the answer to the form is a welcome; a cookie must have come as well.
        expired: Whether an answer to another request means that the cookie is no good any more.
        headers: Sent with the form.
        secrets: The texts of form and headers that must never be shown.
    """

    def __init__(
        self,
        path: str,
        form: Mapping[str, str],
        *,
        accepted: Callable[[Answer], bool],
        expired: Callable[[Answer], bool],
        headers: Mapping[str, str] | None = None,
        secrets: tuple[str, ...] = (),
    ) -> None:
        self._path = path
        self._form = dict(form)
        self._accepted = accepted
        self._expired = expired
        self._headers = dict(headers or {})
        self._passwords = secrets
        self._lock = threading.Lock()
        self._jar: dict[str, str] = {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords and the cookies."""
        return (*self._passwords, *self._jar.values())

    def headers(self, http: Http) -> Mapping[str, str]:
        """Returns the cookie header, after a log-in where there is none yet.

        Raises:
            AuthFailed: The form was refused.
        """
        with self._lock:
            if not self._jar:
                self._jar = self._login(http)
            return {"Cookie": "; ".join(f"{k}={v}" for k, v in self._jar.items())}

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:
        """Drops the cookie if the answer refused it; tells whether to try again."""
        if not self._expired(answer):
            return False
        with self._lock:
            present = "; ".join(f"{k}={v}" for k, v in self._jar.items())
            if sent.get("Cookie") == present:
                self._jar = {}
        return True

    def _login(self, http: Http) -> dict[str, str]:
        answer = http.login(self._path, self._form, self._headers)
        jar = dict(answer.cookies)
        if answer.status in MOVED and not self._accepted(answer):
            raise Rejected(
                f"{http.remote} sends the log-in to another place.",
                hint=f"Check `url` of remote {http.remote}: it may have to begin with https.",
                remote=http.remote,
                status=answer.status,
            )
        if answer.status == GONE:
            raise Rejected(
                f"{http.remote} has no log-in.", hint=f"Check `url` of remote {http.remote}.",
                remote=http.remote, status=GONE,
            )  # fmt: skip
        if not self._accepted(answer) or not jar:
            raise AuthFailed(
                f"{http.remote} refused the log-in.",
                hint=f"Check user and password of remote {http.remote}.",
                remote=http.remote,
                status=answer.status,
            )
        return jar


def cookies_of(lines: list[str]) -> dict[str, str]:
    """Returns name -> value of `Set-Cookie` lines; what cannot be read is left out."""
    found: dict[str, str] = {}
    for line in lines:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(line)
        except CookieError:
            continue
        found.update({name: morsel.value for name, morsel in jar.items() if morsel.value})
    return found
