"""How the connector for Redmine asks: who we are, and the lists that say what numbers mean."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from prophet_connectors._redmine_pages import PAGE, Page, Thing, things_in
from prophet_hub.errors import Garbled, Rejected
from prophet_hub.sdk import Person
from prophet_hub.sdk.answers import Answer
from prophet_hub.sdk.http import Http

__all__ = ["SITE", "Asker"]

SITE: Final = {
    "tracker": ("trackers.json", "trackers"),
    "status": ("issue_statuses.json", "issue_statuses"),
    "priority": ("enumerations/issue_priorities.json", "issue_priorities"),
}
"""The field -> the list of the whole site that its numbers stand in."""

_HIDDEN: Final = frozenset({403, 404})


class Asker:
    """The API as questions; what does not change is asked for once.  Threads share it.

    Redmine takes a wrong key for no key at all: an open site then answers as to a stranger, and
    shows less.  So who we are is proved before anything else is asked.

    Attributes:
        met: Whether a ticket was seen, whose custom fields are known since.
    """

    def __init__(self, http: Http) -> None:
        self.http = http
        self.remote = http.remote
        self._lock = threading.RLock()
        self._account: Thing | None = None
        self._users: dict[str, Thing] = {}
        self._lists: dict[str, dict[str, str]] = {}
        self._projects: dict[str, Thing] = {}
        self._customs: dict[str, tuple[str, bool]] = {}
        self._roles: dict[str, frozenset[str]] = {}
        self.met = False

    # --- questions -------------------------------------------------------------------------------

    def json(self, path: str, *, missing: bool = False, **params: Any) -> Thing:
        """Returns an object; with `missing`, an empty one where there is none to be seen."""
        self.prove()
        return self._get(path, _HIDDEN if missing else frozenset(), params)[0]

    def page(self, name: str, path: str, terms: Iterable[tuple[str, str]]) -> Page:
        """Returns one page of a list, as long as the server lets it be."""
        self.prove()
        data, answer = self._get(path, frozenset(), [("limit", str(PAGE)), *terms])
        return Page(
            things=things_in(data, name, self.remote),
            total=int(data.get("total_count") or 0),
            limit=int(data.get("limit") or PAGE),
            answer=answer,
        )

    def all(self, name: str, path: str, **params: Any) -> Iterator[Thing]:
        """Yields a list that does not move while it is read; nothing where it is not shown."""
        offset = 0
        while True:
            data = self.json(path, missing=True, limit=PAGE, offset=offset, **params)
            found = things_in(data, name, self.remote) if data else []
            yield from found
            offset += PAGE
            if not found or offset >= int(data.get("total_count") or 0):
                return

    def _get(self, path: str, passing: frozenset[int], params: Any) -> tuple[Thing, Answer]:
        answer = self.http.get(path, params=params, passing=passing)
        data = answer.json() if answer.status not in passing else {}
        if not isinstance(data, dict):
            raise Garbled(f"{self.remote} sent a list where an object was due.")
        return data, answer

    # --- who -------------------------------------------------------------------------------------

    def prove(self, *, fresh: bool = False) -> Thing:
        """Returns our account, which Redmine shows to whoever it knows.

        Raises:
            AuthFailed: It does not know us.
        """
        with self._lock:
            if self._account is None or fresh:
                data, _ = self._get("users/current.json", frozenset(), {"include": "memberships"})
                self._account = dict(data["user"])
                self._users[str(self._account["id"])] = self._account
            return self._account

    def ourselves(self) -> Person:
        """Returns who we are; our address stands where we could change it, hidden or not."""
        account = self.prove(fresh=True)
        if not account.get("mail"):
            account |= self.json("my/account.json", missing=True).get("user") or {}
        return self.person({"id": account["id"]})

    @property
    def me(self) -> str:
        """Our own number."""
        return str(self.prove()["id"])

    def user(self, number: str) -> Thing:
        """Returns what is shown of a user; nothing of groups and of those who were locked."""
        with self._lock:
            if number not in self._users:
                data = self.json(f"users/{number}.json", missing=True)
                self._users[number] = data.get("user") or {}
            return self._users[number]

    def person(self, ref: Mapping[str, Any]) -> Person:
        """Returns who a reference names; the address is told to whom it is not hidden from."""
        number = str(ref["id"])
        known = self.user(number)
        name = " ".join(filter(None, (known.get("firstname"), known.get("lastname"))))
        return Person(
            id=number, name=str(ref.get("name") or name), email=str(known.get("mail") or "")
        )

    def may(self, project: str, *permissions: str) -> bool | None:
        """Tells whether we have one of these permissions; None where we are no member.

        What those who are no members may do is told to nobody.
        """
        account = self.prove()
        if account.get("admin"):
            return True
        memberships = account.get("memberships") or ()
        mine = [m for m in memberships if str(m["project"]["id"]) == project]
        roles = [str(role["id"]) for member in mine for role in member.get("roles") or ()]
        if not roles:
            return None
        return any(self._role(role).intersection(permissions) for role in roles)

    def _role(self, number: str) -> frozenset[str]:
        with self._lock:
            if number not in self._roles:
                role = self.json(f"roles/{number}.json", missing=True).get("role") or {}
                self._roles[number] = frozenset(role.get("permissions") or ())
            return self._roles[number]

    # --- what numbers mean -----------------------------------------------------------------------

    def names(self, field: str, project: str = "") -> dict[str, str]:
        """Returns number -> name of a field's values: of the site, or of one project."""
        with self._lock:
            key = self._key(field, project)
            if key not in self._lists:
                self._lists[key] = self._asked(field, project)
            return self._lists[key]

    def _key(self, field: str, project: str) -> str:
        return field if field in SITE else f"{field} of {project}"

    def _asked(self, field: str, project: str) -> dict[str, str]:
        if field in SITE:
            path, name = SITE[field]
            found = list(self.all(name, path))
        elif field == "category":
            found = self.project(project).get("issue_categories") or []
        else:
            found = list(self.all("versions", f"projects/{project}/versions.json"))
        return {str(thing["id"]): str(thing["name"]) for thing in found}

    def word(self, field: str, number: str, projects: Sequence[str]) -> str:
        """Returns what a number means; one that was deleted since is its own word.

        Args:
            field: A field that has a list.
            number: Of one of its values.
            projects: Where the ticket is, and where it was before.
        """
        with self._lock:
            for project in projects:
                if number in self.names(field, project):
                    return self.names(field, project)[number]
            key = self._key(field, projects[0])  # made after we asked, perhaps
            self._lists[key] = {number: f"#{number}", **self._asked(field, projects[0])}
            return self._lists[key][number]

    def number(self, field: str, name: str, project: str = "") -> str:
        """Returns the number of a name.

        Raises:
            Rejected: There is none of that name.
        """
        for number, known in self.names(field, project).items():
            if known == name:
                return number
        raise Rejected(f"{self.remote} has no {field.replace('_', ' ')} called {name!r}.")

    def project(self, name: str) -> Thing:
        """Returns a project by number or identifier, {} where it is not shown."""
        with self._lock:
            if name not in self._projects:
                include = "trackers,issue_categories"
                data = self.json(f"projects/{name}.json", missing=True, include=include)
                found = data.get("project") or {}
                for key in {name, str(found.get("id", name)), str(found.get("identifier", name))}:
                    self._projects[key] = found
            return self._projects[name]

    def identifier(self, ref: Mapping[str, Any]) -> str:
        """Returns a project's word, which is unique, as its name is not."""
        number = str(ref["id"])
        return str(self.project(number).get("identifier") or ref.get("name") or f"#{number}")

    # --- custom fields ---------------------------------------------------------------------------

    def meet(self, issue: Thing) -> None:
        """Learns the custom fields that a ticket has; only administrators are shown a list."""
        with self._lock:
            self.met = True
            for field in issue.get("custom_fields") or ():
                self._customs[str(field["id"])] = str(field["name"]), bool(field.get("multiple"))

    def custom(self, number: str) -> tuple[str, bool]:
        """Returns name and whether it holds several values; "" of a field that nobody met."""
        with self._lock:
            return self._customs.get(number, ("", False))

    def custom_number(self, name: str, project: str = "") -> str:
        """Returns the number of a custom field, by its name or number, having looked for it.

        Raises:
            Rejected: No ticket shows one of that name.
        """
        looks: tuple[Callable[[], object], ...] = (
            lambda: None,
            self.definitions,
            lambda: self._look_at(project),
            self._look_at,
        )
        for look in looks:
            look()
            with self._lock:
                for number, (known, _) in self._customs.items():
                    if known == name:
                        return number
        if name.isdecimal():
            return name
        raise Rejected(
            f"{self.remote} shows no custom field called {name!r}.",
            hint="An administrator makes it, for the project and its trackers.",
        )

    def customs(self) -> list[tuple[str, bool]]:
        """Returns the custom fields that were met, each with whether it holds several values."""
        with self._lock:
            return sorted(dict(self._customs.values()).items())

    def definitions(self) -> list[Thing]:
        """Returns the custom fields of tickets, as administrators are shown them; else none."""
        found = self.all("custom_fields", "custom_fields.json") if self.prove().get("admin") else ()
        fields = [field for field in found if field.get("customized_type", "issue") == "issue"]
        with self._lock:
            for field in fields:
                self._customs[str(field["id"])] = str(field["name"]), bool(field.get("multiple"))
        return fields

    def _look_at(self, project: str = "") -> None:
        scope = {"project_id": project} if project else {}
        data = self.json("issues.json", missing=True, status_id="*", limit=1, **scope)
        for issue in data.get("issues") or ():
            self.meet(issue)
