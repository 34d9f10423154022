"""How the connector for Launchpad asks: OAuth in a header, collections in pages, people once.

The web service is lazr.restful: https://api.launchpad.net/1.0.html, and for the signature
https://help.launchpad.net/API/SigningRequests.  Its addresses name the version, and every link that
it sends is a whole address of the same server.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from prophet_connectors._launchpad_words import name_in, path_of_person
from prophet_hub.errors import AuthFailed, Garbled, NotFound, Rejected, Transient
from prophet_hub.sdk import Person
from prophet_hub.sdk.answers import Answer, error_of
from prophet_hub.sdk.http import Http
from prophet_hub.sdk.paging import by_link
from prophet_hub.sdk.shapes import shaped
from prophet_hub.sdk.upload import Multipart

__all__ = ["CONSUMER", "SERVERS", "Asker", "OAuth", "Record", "TooSlow"]

Record = dict[str, Any]

VERSION: Final = "1.0"
CONSUMER: Final = "prophet-hub"
PARTS: Final = (75, 15, 3)
"""Messages, files and rows of activity in a page; smaller ones where the server runs out of time."""
SERVERS: Final = {
    "": "https://api.launchpad.net",
    "production": "https://api.launchpad.net",
    "staging": "https://api.staging.launchpad.net",
    "qastaging": "https://api.qastaging.launchpad.net",
}
_REFUSED: Final = frozenset({401})
_SLOW: Final = 503
_NO_PERSON: Final = frozenset({401, 403, 404, 410})
"""Of people who left, were suspended, or are private teams."""


class OAuth:
    """OAuth 1.0 with PLAINTEXT signatures: both secrets, percent-encoded, in a header.

    The server compares neither nonces nor times; they are sent because OAuth has them.
    """

    def __init__(self, root: str, consumer: str, token: str, secret: str) -> None:
        self.secrets = (token, secret)
        self._fixed = {
            "realm": f"{root}/",
            "oauth_consumer_key": consumer,
            "oauth_token": token,
            "oauth_signature_method": "PLAINTEXT",
            "oauth_signature": f"&{secret}",
            "oauth_version": "1.0",
        }

    def headers(self, http: Http) -> Mapping[str, str]:
        """Returns the one header."""
        fresh = {
            "oauth_timestamp": str(int(http.clock.now().timestamp())),
            "oauth_nonce": uuid4().hex,
        }
        parts = {**self._fixed, **fresh}
        said = ", ".join(f'{name}="{_quoted(name, value)}"' for name, value in parts.items())
        return {"Authorization": f"OAuth {said}"}

    def renew(self, answer: Answer, sent: Mapping[str, str]) -> bool:  # noqa: ARG002 - a refused token stays refused
        """A refused token stays refused."""
        return False


def _quoted(name: str, value: str) -> str:
    return value if name == "realm" else quote(value, safe="")


class TooSlow(Transient):
    """The server ran out of time over one request, which says nothing about any other.

    It says so by 503 with the number of its own report of the failure, and a Retry-After of 15
    minutes that is "really just a guess" (lib/lp/services/webapp/error.py).
    """

    alone = True


class Asker:
    """The web service as questions; people are asked for once.  Threads share it.

    Args:
        root: The server, without the version.
        target: What is tracked: `firefox`, `ubuntu`, `ubuntu/+source/bash`.
        signed: Whether there is a token: whoever has none reads what is public.
    """

    def __init__(self, http: Http, root: str, target: str, *, signed: bool) -> None:
        self.http = http
        self.remote = http.remote
        self.base = f"{root}/{VERSION}"
        self.target = target.strip("/")
        self.signed = signed
        self._lock = threading.Lock()
        self._people: dict[str, Person] = {}
        self._me: Person | None = None

    # --- addresses ------------------------------------------------------------------------------

    def link(self, path: str) -> str:
        """Returns the address of a path below the version, as values name things."""
        return f"{self.base}/{path}"

    def milestone(self, name: str) -> str:
        """Returns the address of a milestone of the project or distribution."""
        return self.link(f"{self.target.split('/')[0]}/+milestone/{quote(name, safe='')}")

    def place(self, link: str) -> str:
        """Returns the path of a link below its version."""
        return urlsplit(link).path.partition(f"/{VERSION}/")[2]

    # --- questions ------------------------------------------------------------------------------

    def get(self, path: str, **options: Any) -> Answer:
        """Reads a path below the version, or a link.

        Raises:
            NotFound: It is not there, or not for this account: 401 says both that and that the
                token is no good, so a look at the account tells which.
            TooSlow: The server ran out of time over it.
        """
        address = path if "://" in path else self.link(path)
        answer = self.http.get(address, passing=_REFUSED | {_SLOW}, **options)
        if answer.status == _SLOW:
            if not answer.headers.get("X-Lazr-OopsId"):
                raise error_of(self.http, "GET", address, answer)
            raise TooSlow(
                f"{self.remote} ran out of time.",
                hint="It is asked again by the next run.",
                remote=self.remote,
                status=_SLOW,
            )
        if answer.status in _REFUSED:
            self._check_token(answer)
            raise NotFound(f"{self.remote} does not show this to the account.", status=401)
        return answer

    def record(self, path: str) -> Record:
        """Returns an entry."""
        data = self.get(path).json()
        if not isinstance(data, dict):
            raise Garbled(f"{self.remote} sent a list where an object was due.")
        return data

    def collection(self, path: str) -> list[Record]:
        """Returns the entries of all pages; smaller pages are asked for where one takes too long."""

        def page(address: str) -> tuple[Sequence[Record], str | None]:
            return entries(self.record(address))

        for size in PARTS[:-1]:
            try:
                return list(by_link(page, self.link(f"{path}?ws.size={size}")))
            except TooSlow:
                continue
        return list(by_link(page, self.link(f"{path}?ws.size={PARTS[-1]}")))

    def search(self, terms: Sequence[tuple[str, str]]) -> Answer:
        """Returns one page of the tasks of the target that terms find."""
        return self.get(f"{self.target}?{urlencode([('ws.op', 'searchTasks'), *terms])}")

    # --- writing --------------------------------------------------------------------------------

    def post(self, path: str, operation: str, form: Mapping[str, str]) -> Answer:
        """Calls a named operation, once."""
        answer = self.http.post(
            self.link(path), form={"ws.op": operation, **form}, passing=_REFUSED
        )
        return self.allowed(answer)

    def send(self, path: str, form: Multipart) -> Answer:
        """Calls a named operation with a file, streamed, once."""
        head = {"Content-Type": form.content_type}
        answer = self.http.post(self.link(path), body=lambda: form, headers=head, passing=_REFUSED)
        return self.allowed(answer)

    def patch(self, path: str, changes: Record, etag: str) -> Answer:
        """Changes an entry, once: all of it or nothing.

        Raises:
            Stale: It is no longer as it was under the tag.
        """
        head = {"If-Match": f'"{etag}"'} if etag else {}
        answer = self.http.request(
            "PATCH", self.link(path), json=changes, headers=head, passing=_REFUSED
        )
        return self.allowed(answer)

    def allowed(self, answer: Answer) -> Answer:
        """Returns the answer to a write; a 401 in spite of a good token is a right that lacks.

        Raises:
            Rejected: The account may not do that.
        """
        if answer.status in _REFUSED:
            self._check_token(answer)
            raise Rejected(
                f"{self.remote} forbids this to the account: {self.http.scrub(answer.text[:200])}",
                hint="Importance, milestones and some statuses are for bug supervisors.",
                remote=self.remote,
                status=401,
            )
        return answer

    # --- people ---------------------------------------------------------------------------------

    def me(self, *, fresh: bool = False) -> Person:
        """Returns the account.

        Raises:
            AuthFailed: The token was refused.
        """
        if self._me is None or fresh:
            data = self.http.get(self.link("people/+me")).json()
            with shaped(self.remote, "Launchpad"):
                self._me = self._met(data)
        return self._me

    def person(self, name: str) -> Person:
        """Returns who goes by a name; whoever is not shown has a name alone."""
        with self._lock:
            known = self._people.get(name)
        if known is None:
            answer = self.http.get(self.link(path_of_person(name)), passing=_NO_PERSON)
            if answer.status in _NO_PERSON:
                known = Person(id=name)
                with self._lock:
                    self._people[name] = known
            else:
                known = self._met(answer.json())
        return known

    def _met(self, data: Record) -> Person:
        """Remembers a person; most addresses are hidden, and the link to one ends with it."""
        address = name_in(data.get("preferred_email_address_link")) or ""
        person = Person(
            id=str(data["name"]),
            name=str(data.get("display_name") or ""),
            email=address if "@" in address else "",
        )
        with self._lock:
            self._people[person.id] = person
        return person

    def _check_token(self, answer: Answer) -> None:
        """Raises AuthFailed if it is the token that was refused."""
        if not self.signed:
            raise AuthFailed(
                f"{self.remote} does not show this to everybody.",
                hint=f"Give remote {self.remote} a token.",
                remote=self.remote,
                status=answer.status,
            )
        self.me(fresh=True)


def entries(page: Record) -> tuple[list[Record], str | None]:
    """Returns the entries of a page, and the link to the next one."""
    return list(page["entries"]), page.get("next_collection_link")


def json_list(words: Sequence[str]) -> str:
    """Returns a list as the form of a named operation takes it."""
    return json.dumps(list(words))
