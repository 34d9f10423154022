"""A talk with an RT: what is asked, and how the answers of two servers are made alike.

tests/live holds it with a real RT and with the fake; `fixtures/rt/talk.json` is what the real one
said, so that the fake is held to it where no RT can be installed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import requests

from fakes.rt import RTTracker
from prophet_connectors._rt_writing import _failures
from prophet_hub.sdk.upload import FilePart, Multipart, TextPart

API = "/REST/2.0/"
LINK = re.compile(r"fsck\.com-rt://[^/]+/ticket/(\d+)")
IGNORED = {"_url", "label", "update", "next_page", "prev_page", "count", "pages", "total"}
STORY = "Type,Field,OldValue,NewValue,Data,Creator,TimeTaken,ObjectId"
PARTS = "TransactionId,ContentType,Filename,ContentLength,Subject,Creator"
MAILS = ("EmailRecord", "CommentEmailRecord")
NEW = {
    "Queue": "General",
    "Subject": "Größe ☃\nzwei",
    "Content": "one\r\ntwo",
    "Requestor": "req@example.com",
    "Cc": ["cc@example.com", "nobody-knows"],
    "Owner": "bob",
    "Priority": 20,
    "Status": "open",
    "Due": "2026-12-01 10:00:00",
    "Starts": "2026-12-01T10:00:00Z",
    "TimeEstimated": "90",
    "RefersTo": ["prophet-hub:a-key"],
    "CustomFields": {"Nonsense": "x"},
}
_REASON = "Told by the fake, not by RT"


class Talk:
    """One side: an account's session, and the numbers that this server gave."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.tickets: list[str] = []
        self.names: dict[str, str] = {}
        answer = self.session.post(
            f"{url}/REST/1.0/", data={"user": "hub", "pass": "correct horse"}, timeout=30
        )
        self.greeting = re.sub(r"RT/\S+", "RT/X", answer.text)
        self.cookie = answer.cookies.get_dict()

    def close(self) -> None:
        self.session.close()

    def __call__(self, method: str, path: str, said: Any = None, **params: Any) -> Any:
        """Returns (status, answer) with everything that is this server's own made alike."""
        headers, file = params.pop("headers", {}), params.pop("file", None)
        path = re.sub(r"T(\d)", lambda found: self.tickets[int(found[1])], path)
        params = {k: self._numbers(v) for k, v in params.items()}
        body: dict[str, Any] = {}
        if method == "FILE":
            method, (name, kind, data) = "POST", file
            form = Multipart([
                TextPart(name="JSON", text=json.dumps(said)),
                FilePart(name="Attachments", filename=name, content_type=kind, size=len(data),
                         content=lambda: iter([data])),
            ])  # fmt: skip
            body, headers = {"data": form}, {"Content-Type": form.content_type}
        elif said is not None:
            body = {"json": json.loads(self._numbers(json.dumps(said)))}
        answer = self.session.request(
            method,
            f"{self.url}{API}{path}",
            params=params,
            **body,
            headers=headers,
            allow_redirects=False,
            timeout=30,
        )
        self.headers = answer.headers
        body = (
            answer.json() if answer.content and "json" in answer.headers["Content-Type"] else None
        )
        if method == "POST" and path == "ticket" and answer.status_code == 201:
            self.tickets.append(str(body["id"]))
        if method == "PUT" and answer.status_code == 200:
            body = sorted(re.sub(r"\d+", "N", line) for line in _failures(body))
        return [answer.status_code, self._alike(body)]

    def _numbers(self, text: str) -> str:
        return re.sub(r"%T(\d)", lambda found: self.tickets[int(found[1])], str(text))

    def _alike(self, thing: Any, key: str = "") -> Any:
        if isinstance(thing, list):
            told = [self._alike(item, key) for item in thing if not self._mail(item)]
            links = key in ("_hyperlinks", "Cc", "Requestor", "AdminCc", "CustomFields")
            return sorted(told, key=json.dumps) if links else told
        if isinstance(thing, dict):
            row = {k: self._alike(v, k) for k, v in sorted(thing.items()) if k not in IGNORED}
            return self._row(row, thing)
        if isinstance(thing, str):
            thing = LINK.sub(lambda found: f"ticket {self._ordinal(found[1])}", thing)
            thing = re.sub(r" at /usr.*", "", thing, flags=re.DOTALL)
            if re.fullmatch(r"20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", thing):
                return thing if thing.startswith("2026-12") else "some time"
        return thing

    def _row(self, row: dict[str, Any], raw: Mapping[str, Any]) -> dict[str, Any]:
        """Numbers become ordinals and names; ids are those of tickets or of nobody in particular."""
        if row.get("type") == "ticket" and "id" in row:
            row["id"] = f"ticket {self._ordinal(str(raw['id']))}"
        elif row.get("type") in ("transaction", "attachment", "customfield"):
            row.pop("id", None)
        elif "EffectiveId" in row:
            row["id"] = f"ticket {self._ordinal(str(raw['id']))}"
        elif "EmailAddress" in row or "Privileged" in row:
            row.pop("id", None)
        row.pop("TransactionId", None)
        if "ObjectId" in row:
            row["ObjectId"] = f"ticket {self._ordinal(str(raw['ObjectId']))}"
        if row.get("Field") in ("Owner", "Cc", "AdminCc", "Requestor"):
            for side in {"OldValue", "NewValue"} & row.keys():
                row[side] = self._name(str(row.get(side) or ""))
        if row.get("Field") == "Queue" and "OldValue" in row:
            row["OldValue"], row["NewValue"] = bool(row["OldValue"]), bool(row["NewValue"])
        return row

    def _mail(self, item: Any) -> bool:
        return isinstance(item, dict) and item.get("Type") in MAILS

    def _ordinal(self, number: str) -> str:
        return str(self.tickets.index(number)) if number in self.tickets else "unknown"

    def _name(self, number: str) -> str:
        if number and number not in self.names:
            found = self.session.get(f"{self.url}{API}user/{number}", timeout=30)
            self.names[number] = found.json()["Name"]
        return self.names.get(number, "")


def within(less: Any, more: Any, where: str = "") -> None:
    """Asserts that all that `less` says stands in `more`."""
    if isinstance(less, dict) and isinstance(more, dict):
        for key, value in less.items():
            assert key in more, f"{where}.{key}: {_REASON}"
            within(value, more[key], f"{where}.{key}")
    elif isinstance(less, list) and isinstance(more, list):
        only = (
            [item for item in less if item not in more],
            [item for item in more if item not in less],
        )
        assert len(less) == len(more), f"{where}: the fake alone {only[0]}, RT alone {only[1]}"
        for n, (one, other) in enumerate(zip(less, more, strict=True)):
            within(one, other, f"{where}[{n}]")
    else:
        assert less == more, f"{where}: the fake says {less!r}, RT says {more!r}"


Q = json.dumps
LATIN = "äöü\r\n".encode("latin-1")
TALK: tuple[tuple[Any, ...], ...] = (
    ("GET", "rt"),
    ("POST", "ticket", NEW),
    ("GET", "ticket/T0"),
    ("GET", "ticket/T0/history", None, {"fields": STORY}),
    ("POST", "ticket", {"Queue": "General", "Subject": "second", "Content": ""}),
    ("POST", "ticket", {"Queue": "Support", "Subject": "third", "DependsOn": ["%T0", "99999"]}),
    ("GET", "ticket/T2"),
    ("GET", "ticket/T0"),
    # What is refused.
    ("POST", "ticket", {"Subject": "no queue"}),
    ("POST", "ticket", {"Queue": "Nowhere", "Subject": "x"}),
    ("POST", "ticket", {"Queue": "General", "Status": "nonsense"}),
    ("POST", "ticket", {"Queue": "General", "Status": "stalled"}),
    ("POST", "ticket/T0/comment", {"Content": "no type"}),
    ("GET", "ticket/99999"),
    ("GET", "user/nobody-knows"),
    ("GET", "tickets"),
    ("GET", "tickets", None, {"query": "id > "}),
    ("GET", "customfields", None, {"fields": "Name,MaxValues,LookupType"}),
    ("PUT", "ticket/T0", {"Subject": "x"}, {"headers": {"If-Match": '"1"'}}),
    # Messages.
    ("POST", "ticket/T1/correspond", {"Content": "public", "ContentType": "text/plain"}),
    ("GET", "ticket/T1"),
    (
        "POST",
        "ticket/T1/comment",
        {"Content": "a\r\nb ☃", "ContentType": "text/plain", "Subject": "prophet-hub k", "TimeTaken": 7},
    ),
    ("FILE", "ticket/T1/comment", {"Subject": "prophet-hub f"}, {"file": ("a ☃.txt", "text/plain", LATIN)}),
    ("FILE", "ticket/T1/correspond", {}, {"file": ("b.bin", "application/x-thing", b"\x00\x01")}),
    (
        "POST",
        "ticket/T1/comment",
        {"Attachments": [{"FileName": "e", "FileType": "a/b", "FileContent": ""}]},
    ),
    ("GET", "ticket/T1/history", None, {"fields": STORY}),
    ("GET", "ticket/T1/history", None, {"fields": "Type", "per_page": 2}),
    # Changes, half of them refused.
    (
        "PUT",
        "ticket/T0",
        {"Subject": "new\r\nline", "Owner": "nobody-knows", "Status": "bad", "Priority": "75"},
    ),
    ("PUT", "ticket/T0", {"Owner": "Nobody", "Queue": "Nowhere", "Status": "stalled"}),
    ("PUT", "ticket/T0", {"Due": "2026-12-24T10:00:00Z", "Starts": "2026-12-24 10:00:00"}),
    ("PUT", "ticket/T0", {"Unknown": "x", "TimeWorked": "30"}),
    ("PUT", "ticket/T0", {"Starts": "", "TimeEstimated": "0", "Subject": "y" * 300}),
    ("PUT", "ticket/T0", {"Cc": ["jesse", "new@example.com"], "AdminCc": ["bob"]}),
    ("PUT", "ticket/T0", {"Requestor": []}),
    ("PUT", "ticket/T0", {"Cc": ["nobody-knows"]}),
    ("PUT", "ticket/T0", {"Queue": "Support", "CustomFields": {"Severity": "high"}}),
    ("PUT", "ticket/T0", {"CustomFields": {"Tags": ["a", "b"]}}),
    ("PUT", "ticket/T0", {"CustomFields": {"Severity": None}}),
    ("PUT", "ticket/T0", {"CustomFields": {"Tags": ["b", "c"]}}),
    ("GET", "ticket/T0"),
    ("GET", "ticket/T0/history", None, {"fields": STORY, "per_page": 100}),
    # Links, both ways.
    ("PUT", "ticket/T0", {"AddDependsOn": ["%T1"], "AddChildren": ["%T2"], "AddReferredToBy": ["%T1"]}),
    ("PUT", "ticket/T0", {"DeleteDependsOn": ["%T1"], "AddRefersTo": ["99999"], "AddParents": []}),
    ("GET", "ticket/T0"),
    ("GET", "ticket/T1"),
    ("GET", "ticket/T2"),
    ("GET", "ticket/T1/history", None, {"fields": STORY, "per_page": 100}),
    ("GET", "ticket/T2/history", None, {"fields": STORY, "per_page": 100}),
    # Searches.
    ("GET", "tickets", None, {"query": "RefersTo = 'prophet-hub:a-key'", "fields": "Subject"}),
    ("GET", "tickets", None, {"query": "Queue = 'Support' AND ( id = %T0 OR id = %T1 )", "orderby": "id"}),
    ("GET", "tickets", None, {"query": "Status = 'stalled' AND id > 0", "fields": "Status,CustomFields"}),
    # Ends.
    ("PUT", "ticket/T2", {"MergeInto": "%T1"}),
    ("GET", "ticket/T2"),
    ("GET", "ticket/T1/history", None, {"fields": STORY, "per_page": 100}),
    ("GET", "ticket/T2/history", None, {"fields": "Type", "per_page": 100}),
    ("DELETE", "ticket/T0"),
    ("GET", "ticket/T0"),
    ("GET", "tickets", None, {"query": "id = %T0 OR id = %T1 OR id = %T2"}),
    ("GET", "transactions", None, {
        "query": "ObjectType = 'RT::Ticket' AND Type != 'EmailRecord' AND id > 0",
        "orderby": "id", "per_page": 100, "fields": "Type,Field,ObjectId",
    }),
)  # fmt: skip


def held(side: Talk) -> list[Any]:
    """Holds the talk with one side; returns the answers."""
    answers = []
    for method, path, *rest in TALK:
        said = rest[0] if rest else None
        answers.append(side(method, path, said, **(rest[1] if len(rest) > 1 else {})))
    return answers


def differences(fake: list[Any], real: list[Any]) -> list[str]:
    """Returns what the fake says and RT does not, question by question."""
    found = []
    for (method, path, *rest), less, more in zip(TALK, fake, real, strict=True):
        try:
            within(less, more, f"{method} {path} {rest[:1]}")
        except AssertionError as error:
            found.append(str(error)[:600])
    return found


def like_the_real_one() -> RTTracker:
    """Returns a tracker with the custom fields of tests/live/rt.sh."""
    tracker = RTTracker()
    tracker.customs = {"HubID": (2, False), "Severity": (4, False), "Tags": (3, True)}
    return tracker
