"""Roundup's REST service as questions and commands; what does not change is asked for once.

Facts are from roundup/rest.py of Roundup 2.6 and from talks with one: a value that a class does not
take is 409, which elsewhere means that somebody was quicker; labels that are digits are taken for
ids, so everything is written by id; a password takes a third of a second of the server's time with
every request, so the hub logs in once, through the form that people use.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlsplit

from prophet_hub.errors import Garbled, Rejected, RemoteError
from prophet_hub.sdk import Context, Person, Ref
from prophet_hub.sdk.auth import FormLogin
from prophet_hub.sdk.http import Answer, Http
from prophet_hub.sdk.times import instant

__all__ = ["Api", "Row", "instant_of", "label_of"]

Row = dict[str, Any]
Params = Sequence[tuple[str, str]]

OK, UNKNOWN, FORBIDDEN, MISSING, REFUSED = 200, 401, 403, 404, 409
BATCH: Final = 50
"""Items per question: their numbers go into the address, which servers bound at 8 kB."""

KEYS: Final = {"user": "username"}
"""The property by which a class calls its items, where that is not `name`."""


class Api:
    """One tracker, as one account sees it.  Threads share it."""

    def __init__(
        self, url: str, context: Context, *, user: str, password: str, web_url: str
    ) -> None:
        base = url.rstrip("/")
        home = (web_url or base).rstrip("/") + "/"
        parts = urlsplit(home)
        self.http = Http(
            f"{base}/rest",
            context,
            auth=FormLogin(
                f"{base}/",
                {"@action": "login", "__login_name": user, "__login_password": password},
                accepted=lambda answer: bool(answer.cookies),
                expired=_stranger,
                secrets=(password,),
            ),
            headers={  # without all three no write is taken; they name the address as configured
                "X-Requested-With": "rest",
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Referer": home,
            },
        )
        self.remote = context.remote
        self.user = user
        self._base = base
        self._lock = threading.RLock()
        self._people: dict[str, Person] = {}
        self._ids: dict[str, dict[str, str]] = {}

    def ref(self, number: str) -> Ref:
        """Returns the address of an issue."""
        return Ref(id=number, url=f"{self._base}/issue{number}")

    # --- reading --------------------------------------------------------------------------------

    def data(self, path: str, params: Params = ()) -> Row:
        """Returns what a resource tells."""
        return self.told(self.http.get(f"data/{path}", params=list(params)))

    def told(self, answer: Answer) -> Row:
        """Returns what stands in an answer."""
        data = answer.json()
        if not isinstance(data, dict) or not isinstance(data.get("data"), dict):
            raise Garbled(f"{self.remote} sent an answer without data.")
        told: Row = data["data"]
        return told

    def rows(self, kind: str, params: Params) -> list[Row]:
        """Returns the items of a class that match; retired ones never do."""
        return rows_in(self.data(kind, params), self.remote)

    def listing(self, kind: str, params: Params) -> tuple[list[Row], datetime | None, bool]:
        """Returns rows, the tracker's clock, and whether the tracker left some out."""
        answer = self.http.get(f"data/{kind}", params=list(params))
        told = self.told(answer)
        return rows_in(told, self.remote), answer.clock, told.get("@total_size") == -1

    def items(self, kind: str, numbers: Iterable[str], fields: str, *, verbose: int) -> list[Row]:
        """Returns those of the items that are not retired, by number."""
        wanted = sorted(set(numbers), key=int)
        found: list[Row] = []
        for n in range(0, len(wanted), BATCH):
            ids = [("id", number) for number in wanted[n : n + BATCH]]
            extra = [("@verbose", str(verbose)), ("@fields", fields)]
            found += self.rows(kind, [*ids, *extra])
        return sorted(found, key=lambda row: int(row["id"]))

    def issue(self, number: str) -> Row:
        """Returns an issue with its `@etag`, retired or not."""
        return self.data(f"issue/{number}", [("@verbose", "2"), ("@protected", "true")])

    def met(self, names: Iterable[str]) -> dict[str, Person]:
        """Returns who the users are, asking for those met the first time; some tell no address."""
        with self._lock:
            for name in sorted(set(names) - self._people.keys()):
                self._people[name] = self._person(name)
            return {name: self._people[name] for name in names}

    def _person(self, name: str) -> Person:
        path = f"user/username={quote(name, safe='')}"
        passing = frozenset({FORBIDDEN, MISSING})
        params = {"@fields": "username,realname,address"}
        answer = self.http.get(f"data/{path}", params=params, passing=passing)
        told = self.told(answer)["attributes"] if answer.status not in passing else {}
        return Person(id=name, name=told.get("realname") or "", email=told.get("address") or "")

    def whoami(self) -> Person:
        """Returns the account, asked for anew."""
        with self._lock:
            self._people.pop(self.user, None)
            return self.met([self.user])[self.user]

    # --- what things are called -------------------------------------------------------------------

    def labels(self, kind: str) -> dict[str, str]:
        """Returns label -> id of the items of a small class."""
        rows = self.rows(kind, [("@verbose", "2")])
        with self._lock:
            self._ids[kind] = {label_of(row): str(row["id"]) for row in rows}
            return dict(self._ids[kind])

    def number(self, kind: str, label: str, *, make: bool = False) -> str:
        """Returns the id of what goes by a label; with `make`, it is made where it is missing.

        Raises:
            Rejected: There is none.
        """
        if kind == "issue":
            return label
        if kind == "user":
            return self._login(label)
        known = self._ids.get(kind, {})
        found = known.get(label) or self.labels(kind).get(label)
        if not found and make:
            found = str(self.send("POST", kind, {KEYS.get(kind, "name"): label})["id"])
            with self._lock:
                self._ids[kind][label] = found
        if not found:
            raise Rejected(f"{self.remote} has no {kind} called {label}.")
        return found

    def _login(self, name: str) -> str:
        with self._lock:
            known = self._ids.setdefault("user", {})
            if name not in known:
                path = f"user/username={quote(name, safe='')}"
                answer = self.http.get(f"data/{path}", passing=frozenset({MISSING}))
                if answer.status == MISSING:
                    raise Rejected(f"{self.remote} knows nobody called {name}.")
                known[name] = str(self.told(answer)["id"])
            return known[name]

    # --- writing --------------------------------------------------------------------------------

    def send(self, method: str, path: str, body: Mapping[str, Any], etag: str = "") -> Row:
        """Sends a command once; with an etag only if the item is still as it was.

        Raises:
            Stale: It is not.
            Rejected: A value is not taken.
        """
        answer = self.http.request(
            method,
            f"data/{path}",
            json=body,
            headers={"If-Match": etag} if etag else {},
            repeat=False,
            passing=frozenset({REFUSED}),
        )
        return self.taken(answer)

    def taken(self, answer: Answer) -> Row:
        """Returns what an answer to a write tells, which may be that a value was refused."""
        if answer.status == REFUSED:
            try:
                why = answer.json()["error"]["msg"]
            except (RemoteError, LookupError, TypeError):
                why = "no reason was given"
            raise Rejected(f"{self.remote} refused it: {why}.", status=REFUSED)
        return self.told(answer)


def _stranger(answer: Answer) -> bool:
    """Tells whether the cookie was none: Roundup takes it back, and whoever sent it for anybody."""
    return answer.status == UNKNOWN or (
        "None" in answer.cookies.values() and answer.status in (OK, FORBIDDEN)
    )


def rows_in(told: Row, remote: str) -> list[Row]:
    """Returns the rows of a collection."""
    rows = told.get("collection")
    if not isinstance(rows, list):
        raise Garbled(f"{remote} sent a listing without a collection.")
    return rows


def label_of(row: Mapping[str, Any]) -> str:
    """Returns what an item is called: whatever stands beside its id and link."""
    return next((str(v) for k, v in row.items() if k not in ("id", "link")), str(row["id"]))


def instant_of(text: object) -> datetime:
    """Returns the instant of `2026-11-20.23:53:52`, which is UTC for every reader."""
    return instant(str(text).replace(".", "T", 1))
