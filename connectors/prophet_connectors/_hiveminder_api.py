"""The REST grammar of Jifty as Hiveminder speaks it: searches, records, actions and their traps.

A search gives 15 records unless told otherwise.  An action answers 200 though it failed, and 302
though it went well; so redirects of writes are never followed, and `success` alone counts.  Whoever
is not logged in finds nothing, which must not pass for an empty tracker.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from prophet_connectors._hiveminder_words import flag
from prophet_hub.errors import AuthFailed, ConfigError, Garbled, NotFound, Rejected, Unsure
from prophet_hub.sdk import Context, Person
from prophet_hub.sdk.auth import Auth, FormLogin, Token
from prophet_hub.sdk.http import Answer, Http
from prophet_hub.sdk.paging import by_number
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

__all__ = ["ALL", "Account", "Api", "Record", "words_in"]

Record = dict[str, Any]

PAGE = 500
ALL = 1_000_000
"""In one page: what is deleted between two pages would shift the second."""

_REDIRECTS = range(300, 400)
_FAILED = 500
_COOKIE = "JIFTY_SID_HIVEMINDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who is logged in, and in which zone the server tells this account the time."""

    person: Person
    zone: ZoneInfo


class Api:
    """One server, as one account sees it.

    Args:
        email: The account's address, which is its login.
        zone: In place of the account's own, "" for that.
    """

    def __init__(
        self, url: str, context: Context, *, email: str, password: str, cookie: str, zone: str
    ) -> None:
        self.remote = context.remote
        self.http = Http(url, context, auth=_login(email, password, cookie))
        self._email = email
        self._zone = zone
        self._lock = threading.Lock()
        self._account: Account | None = None
        self._people: dict[str, Person] = {}
        self._locators: dict[str, str] = {}

    # --- who ------------------------------------------------------------------------------------

    def account(self, *, fresh: bool = False) -> Account:
        """Returns who is logged in; asks once, or again where it is to be proved.

        Raises:
            AuthFailed: The server does not show the account to itself: it is not logged in.
        """
        with self._lock:
            known = self._account
        if known and not fresh:
            return known
        found = self.search("User", "email", self._email)
        if not found:
            raise AuthFailed(
                f"{self.remote} does not know who we are: it shows no account {self._email}.",
                hint=f"Check email and password of remote {self.remote}.",
            )
        told = Account(person=_person(found[0]), zone=self._zone_of(found[0]))
        with self._lock:
            self._account = told
        return told

    def people(self, ids: Iterable[str]) -> dict[str, Person]:
        """Returns the persons that the server shows, each asked for once; the others by id alone."""
        found = {}
        for name in sorted(set(ids)):
            with self._lock:
                known = self._people.get(name)
            if known is None:
                try:
                    known = _person(self.record("User", name))
                except NotFound:
                    known = Person(id=name)
                with self._lock:
                    self._people[name] = known
            found[name] = known
        return found

    def _zone_of(self, record: Mapping[str, Any]) -> ZoneInfo:
        name = self._zone or str(record.get("time_zone") or "UTC")
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ConfigError(
                f"There is no time zone {name!r}.", hint="Set time_zone as America/New_York."
            ) from error

    # --- reading --------------------------------------------------------------------------------

    def search(self, model: str, *terms: str) -> list[Record]:
        """Returns the records whose columns equal the values: `column, value, column, value`."""

        def page(number: int) -> list[Record]:
            words = ("__order_by", "id", "__per_page", str(PAGE), "__page", str(number))
            return _records(self._get("search", model, *terms, *words))

        return list(by_number(page, size=PAGE))

    def newest(self, model: str, count: int) -> list[Record]:
        """Returns so many records, those with the highest ids first."""
        terms = ("__order_by_desc", "id", "__per_page", str(count))
        return _records(self._get("search", model, *terms))

    def column(self, model: str, column: str, *terms: str) -> list[str]:
        """Returns one column of the records that a search finds, by rising id, in one answer."""
        words = (*terms, "__order_by", "id", "__per_page", str(ALL), column)
        values = self._get("search", model, *words)
        if not isinstance(values, list):
            raise Garbled(f"{self.remote} sent no list of {column}.")
        return ["" if value is None else str(value) for value in values]

    def record(self, model: str, name: str) -> Record:
        """Returns one record.

        Raises:
            NotFound: There is none, or it is not shown.
        """
        found = self._get("model", model, "id", name)
        if not isinstance(found, dict) or str(found.get("id")) != name:
            raise Garbled(f"{self.remote} sent something else than {model} {name}.")
        return found

    def tasks(self, form: Mapping[str, str], *, size: int = 0) -> Iterator[Record]:
        """Yields the tasks that the server's own search finds.

        A page may be short for what the account may not see; `size` says that none is expected.
        """

        def page(number: int) -> list[Record]:
            words = {**form, "per_page": str(PAGE), "page": str(number)}
            return _records(self.run("TaskSearch", words, reads=True).get("tasks"))

        return by_number(page, size=size)

    def locator(self, task: str) -> str:
        """Returns the word by which the web pages know a task; asked for once."""
        with self._lock:
            known = self._locators.get(task, "")
        if not known:
            known = str(self.record("Task", task).get("record_locator") or "")
            with self._lock:
                self._locators[task] = known
        return known

    def columns(self, model: str) -> Record:
        """Returns what the server says of a model's columns."""
        found = self._get("model", model)
        if not isinstance(found, dict):
            raise Garbled(f"{self.remote} did not describe {model}.")
        return found

    def _get(self, *pieces: str) -> Any:
        return self.http.get(_path(*pieces)).json()

    # --- writing --------------------------------------------------------------------------------

    def run(self, action: str, form: Mapping[str, str], *, reads: bool = False) -> Record:
        """Runs an action and returns its content.

        Raises:
            Rejected: The action says that it failed; nothing was done.
        """
        return self.result(self.http.post(_path("action", action), form=form, repeat=reads))

    def create(self, model: str, form: Mapping[str, str]) -> str:
        """Returns the id of a new record."""
        return self.made(self.result(self.http.post(_path("model", model), form=form)))

    def upload(self, task: str, file: FilePart) -> str:
        """Attaches a file and returns its id."""
        body = Multipart([TextPart(name="task_id", text=task), file])
        path = _path("action", "CreateTaskAttachment")
        head = {"Content-Type": body.content_type}
        return self.made(self.result(self.http.post(path, body=lambda: body, headers=head)))

    def made(self, content: Mapping[str, Any]) -> str:
        """Returns the id in what an action that made a record says."""
        if not str(content.get("id", "")).isdecimal():
            raise Unsure(f"{self.remote} made a record and did not say which.")
        return str(content["id"])

    def update(self, model: str, name: str, form: Mapping[str, str]) -> None:
        """Changes the columns given."""
        self.result(self.http.put(_path("model", model, "id", name), form=form))

    def put(self, model: str, name: str, column: str, value: str) -> None:
        """Sets one column to the very text, which no action reads."""
        path = _path("model", model, "id", name, column)
        answer = self.http.put(
            path,
            body=value.encode(),
            headers={"Content-Type": "text/plain; charset=utf-8"},
            passing=frozenset({_FAILED}),
        )
        if answer.status == _FAILED:
            said = answer.json() if answer.body[:1] == b'"' else None
            if isinstance(said, str):
                raise Rejected(f"{self.remote} refused {column}: {said}")
            raise Unsure(f"{self.remote} failed and did not say whether it took {column}.")

    def delete(self, model: str, name: str) -> None:
        """Deletes a record."""
        self.result(self.http.delete(_path("model", model, "id", name)))

    def result(self, answer: Answer) -> Record:
        """Returns the content of an action's answer; of a redirect, at least the id it leads to."""
        target = urlsplit(answer.headers.get("Location", "")).path
        moved = answer.status in _REDIRECTS
        if moved and "/=/" not in target:
            raise AuthFailed(f"{self.remote} asks for a log-in or the terms of use at {target}.")
        found = re.search(r"/id/([0-9]+)", target)
        if moved and found and not answer.body.lstrip().startswith(b"{"):
            return {"id": found[1]}
        told = answer.json()
        if not isinstance(told, dict):
            raise Garbled(f"{self.remote} sent no result of an action.")
        if "success" not in told and "id" in told:
            return told  # somebody on the way followed the redirect: this is the record
        if not flag(told.get("success")):
            raise Rejected(f"{self.remote} refused it: {_reason(told)}")
        content = told.get("content")
        return {**({"id": found[1]} if found else {}), **(content or {})}


def _login(email: str, password: str, cookie: str) -> Auth:
    if cookie:
        return Token(f"{_COOKIE}={cookie.removeprefix(f'{_COOKIE}=')}", word="", header="Cookie")
    return FormLogin(
        _path("action", "Login"),
        {"address": email, "password": password},
        accepted=_welcome,
        expired=_stranger,
        secrets=(password,),
    )


def _welcome(answer: Answer) -> bool:
    """A session comes with every answer; only the result says that it is somebody's."""
    return answer.body[:1] == b"{" and flag(answer.json().get("success"))


def _stranger(answer: Answer) -> bool:
    target = urlsplit(answer.headers.get("Location", "")).path
    away = answer.status in _REDIRECTS and not re.search("/(=|task)/", target)
    return answer.status in (401, 403) or away


def _path(*pieces: str) -> str:
    return "/=/" + "/".join(quote(piece, safe="") for piece in pieces) + ".json"


def _records(told: Any) -> list[Record]:
    if not isinstance(told, list) or not all(isinstance(r, dict) and "id" in r for r in told):
        raise Garbled("Hiveminder sent no list of records.")
    return told


def _reason(told: Mapping[str, Any]) -> str:
    errors = [f"{name}: {said}" for name, said in (told.get("field_errors") or {}).items() if said]
    return "; ".join([*errors, *(str(told[n]) for n in ("error", "message") if told.get(n))]) or "?"


def _person(record: Mapping[str, Any]) -> Person:
    address = str(record.get("email") or "")
    return Person(id=str(record["id"]), name=str(record.get("name") or ""), email=address)


def words_in(told: object) -> tuple[str, ...]:
    """Returns the values of a column, which are words or pairs of display and value."""
    given = told if isinstance(told, list) else []
    return tuple(str(v.get("value") if isinstance(v, Mapping) else v) for v in given)
