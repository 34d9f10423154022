"""How the connector for RT asks: one log-in, pages, and who and what RT's numbers mean."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from prophet_connectors._rt_story import Names
from prophet_hub.errors import Garbled
from prophet_hub.sdk import Person
from prophet_hub.sdk.auth import FormLogin
from prophet_hub.sdk.http import Http

__all__ = ["ADDRESS", "API", "PAGE", "Asker", "login", "quoted"]

API: Final = "REST/2.0/"
PAGE: Final = 100
"""The most items a page has, whatever is asked for."""

ADDRESS: Final = re.compile(r"^[^@\s]+@[^@\s]+$")
GONE: Final = 404
ALL: Final = json.dumps([{"field": "id", "operator": ">", "value": 0}])
"""Some collections are empty without a query."""


class Asker:
    """REST 2.0 as questions; what does not change is asked for once.  Threads share it."""

    def __init__(self, http: Http, zone: str) -> None:
        self.http = http
        self.remote = http.remote
        self.names = Names(
            user=self._user, queue=self._queue, field=self._field, zone=ZoneInfo(zone)
        )
        self._lock = threading.RLock()
        self._people: dict[str, Person] = {}
        self._users: dict[str, str] = {}
        self._queues: dict[str, str] = {}
        self._customs: dict[str, tuple[str, bool]] | None = None

    def json(self, path: str, *, missing: bool = False, **params: Any) -> dict[str, Any]:
        """Returns an object; with `missing`, an empty one where there is none or none to be seen."""
        passing = frozenset({403, 404}) if missing else frozenset()
        answer = self.http.get(f"{API}{path}", params=params, passing=passing)
        data = answer.json() if answer.status not in passing else {}
        if not isinstance(data, dict):
            raise Garbled(f"{self.remote} sent a list where an object was due.")
        return data

    def page(self, path: str, **params: Any) -> dict[str, Any]:
        page = self.json(path, **{"per_page": PAGE, **params})
        if not isinstance(page.get("items"), list):
            raise Garbled(f"{self.remote} sent a page without items.")
        return page

    def items(
        self, path: str, *, most: int | None = None, last: int | None = None, **params: Any
    ) -> Iterator[dict[str, Any]]:
        """Yields the items of all pages.

        `total` is null where rights are checked row by row: then a short page may be followed by
        others, and only an empty one is the end; but for what the caller knows.

        Args:
            path: Of the listing.
            most: There are no more than so many.
            last: None is wanted beyond this number, and they come in order.
            params: Of the request.
        """
        number = 1
        before: list[Any] = []
        while True:
            page = self.page(path, page=number, **params)
            items = page["items"]
            if items and items == before:
                raise self.circle()
            yield from items
            size = int(page.get("per_page") or PAGE)
            total = most if page.get("total") is None else page["total"]
            if not items or (total is not None and number * size >= total):
                return
            if last is not None and int(items[-1]["id"]) >= last:
                return
            before, number = items, number + 1

    def circle(self) -> Garbled:
        """Returns what is to be raised where a listing does not lead on."""
        return Garbled(f"{self.remote} sends the same page of a listing again and again.")

    def person(self, name: str) -> Person:
        """Returns who a name is; an address speaks for itself, a login is looked up once."""
        with self._lock:
            if name not in self._people:
                if ADDRESS.match(name):
                    self._people[name] = Person(id=name, email=name)
                else:
                    self.met(
                        self.json(f"user/{quote(name, safe='')}", missing=True) or {"Name": name}
                    )
            return self._people[name]

    def met(self, data: Mapping[str, Any]) -> Person:
        """Remembers a user's JSON under the name."""
        name = str(data.get("Name", ""))
        person = Person(
            id=name, name=data.get("RealName") or "", email=data.get("EmailAddress") or ""
        )
        with self._lock:
            self._people[name] = person
        return person

    def _user(self, number: str) -> str:
        """Returns what fields call the user or group of a number; asked for once."""
        with self._lock:
            if number not in self._users and number.isdecimal():
                data = self.json(f"user/{number}", missing=True)
                if data:
                    self._users[number] = self.met(data).id
                else:
                    self._users[number] = self._group(number)
            return self._users.get(number, "")

    def _group(self, number: str) -> str:
        """Returns the number itself, by which fields call groups; few accounts may see a name."""
        answer = self.http.get(f"{API}group/{number}", passing=frozenset({403, 404}))
        if answer.status == GONE:
            return ""
        name = str(answer.json().get("Name", ""))
        self._people[number] = Person(id=number, name=name)
        return number

    def _queue(self, number: str) -> str:
        with self._lock:
            if number and number not in self._queues:
                data = self.json(f"queue/{number}", missing=True)
                self._queues[number] = str(data.get("Name", ""))
            return self._queues.get(number, "")

    def _field(self, number: str) -> tuple[str, bool]:
        return self.custom_fields().get(number, ("", False))

    def custom_fields(self) -> dict[str, tuple[str, bool]]:
        """Returns number -> (name, whether it holds several) of the tickets' custom fields."""
        with self._lock:
            if self._customs is None:
                rows = self.items("customfields", fields="Name,MaxValues,LookupType", query=ALL)
                self._customs = {
                    str(row["id"]): (str(row["Name"]), str(row.get("MaxValues")) != "1")
                    for row in rows
                    if row.get("LookupType") == "RT::Queue-RT::Ticket"
                }
            return self._customs


def login(user: str, password: str, token: str) -> FormLogin:
    """A session by REST 1.0, which takes a token as well as a password; REST 2.0 takes its cookie.

    A cookie that is no good any more is answered by 401 or, to what looks like a browser, by 302.
    """
    form = {"user": user, "pass": password}
    headers = {}
    if token:
        form, headers = {"format": "l"}, {"Authorization": f"token {token}"}
    return FormLogin(
        "REST/1.0/",
        form,
        headers=headers,
        accepted=lambda answer: re.match(r"RT/\S+ 200 ", answer.text) is not None,
        expired=lambda answer: answer.status in (302, 401),
        secrets=(password, token),
    )


def quoted(text: str) -> str:
    """Returns a TicketSQL string."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
