"""Faults on command, for any fake: a script of what shall go wrong, and a WSGI layer that plays it.

A fault hits the nth request that fits it, and as many after that as `times` says.  What a tracker
itself does oddly (a value refused in silence, rendered its own way, an index that lags, a read that
is stale) is a matter of `Knobs`; what happens to a request or an answer on its way is one of these.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from enum import StrEnum
from typing import Any

__all__ = ["Cut", "Fault", "Faulty", "Script", "What"]

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class What(StrEnum):
    """What goes wrong."""

    LIMITED = "limited"  # 429 with or without Retry-After; nothing is done
    STATUS = "status"  # any other status; nothing is done
    CUT = "cut"  # the connection ends before the request arrives
    LOST = "lost"  # the request is done, its answer never comes
    TRUNCATED = "truncated"  # the answer ends in its middle
    GARBLED = "garbled"  # the answer is a page for people
    SLOW = "slow"  # the answer takes its time
    STALE = "stale"  # a read is answered as the same read was before
    REPEATED = "repeated"  # the path is answered as it was first, whatever the query
    SKEWED = "skewed"  # the answer's Date is off
    STRANGER = "stranger"  # somebody acts just before the request is done


class Cut(Exception):
    """The connection ends here, without an answer: servers close, adapters raise."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One line of a script.

    Attributes:
        method: A regular expression that it is; "" for any.
        path: A regular expression looked for in the path and its query; "" for any.
        nth: The first fitting request that is hit, counted from 1.
        times: How many are hit from there on; None for ever.
        status: Of STATUS.
        retry_after: The header's value for LIMITED, "" for none.
        seconds: Of SLOW and SKEWED.
        act: What the STRANGER does.
        seen, hits: How many requests fitted, and how many of them were hit.
    """

    what: What
    method: str = ""
    path: str = ""
    nth: int = 1
    times: int | None = 1
    status: int = 503
    retry_after: str = ""
    seconds: float = 0.0
    act: Callable[[], object] | None = None
    seen: int = 0
    hits: int = 0


class Script:
    """The faults in force; the first that fits and is due hits, those before it only count."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self.log: list[tuple[str, str]] = []

    def add(self, fault: Fault) -> Fault:
        """Puts a fault in force and returns it, so that its hits can be read."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Puts every fault out of force; forgets the log."""
        with self._lock:
            self._faults.clear()
            self.log.clear()

    def due(self, method: str, path: str) -> Fault | None:
        """Returns the fault that hits this request, None if it goes well; counts both."""
        with self._lock:
            self.log.append((method, path))
            hit = None
            for fault in self._faults:
                if not re.fullmatch(fault.method or ".*", method) or not re.search(
                    fault.path, path
                ):
                    continue
                fault.seen += 1
                last = None if fault.times is None else fault.nth + fault.times
                if hit is None and fault.seen >= fault.nth and (last is None or fault.seen < last):
                    fault.hits += 1
                    hit = fault
            return hit


@dataclass(slots=True)
class Faulty:
    """A WSGI application in front of another one; plays a script.

    Attributes:
        requests: How many arrived, hit or not.
        remembers: Whether answers to reads are kept, so that STALE has something to say.
        sleep: How SLOW waits: a test may turn a clock instead.
    """

    app: App
    script: Script = field(default_factory=Script)
    requests: int = 0
    remembers: bool = False
    sleep: Callable[[float], object] = time.sleep
    _before: dict[str, tuple[str, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answers as the application does, or as the script says."""
        method = environ["REQUEST_METHOD"]
        path = environ.get("PATH_INFO", "")
        if environ.get("QUERY_STRING"):
            path += "?" + environ["QUERY_STRING"]
        with self._lock:
            self.requests += 1
        fault = self.script.due(method, path)
        if fault is None and not (self.remembers and method == "GET"):
            return self.app(environ, start_response)
        if fault is not None and fault.what in _INSTEAD:
            return _INSTEAD[fault.what](fault, start_response)
        key = path
        if fault is not None and fault.what is What.REPEATED:
            key = f"{method} {environ.get('PATH_INFO', '')}"
        if fault is not None and fault.what in _REMEMBERED and key in self._before:
            status, headers, body = self._before[key]
        else:
            if fault is not None and fault.what is What.STRANGER and fault.act:
                fault.act()
            status, headers, body = _answer(self.app, environ)
            if fault is None or fault.what is What.REPEATED:
                self._before[key] = status, headers, body
        if fault is not None:
            status, headers, body = self._spoilt(fault, status, headers, body)
        start_response(status, headers)
        return [body]

    def _spoilt(
        self, fault: Fault, status: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        """Returns an answer after what happens to it on its way."""
        match fault.what:
            case What.LOST:
                raise Cut
            case What.TRUNCATED:
                headers = [h for h in headers if h[0].lower() != "content-length"]
                return (
                    status,
                    [*headers, ("Content-Length", str(len(body)))],
                    body[: len(body) // 2],
                )
            case What.GARBLED:
                page = b"<html><body>Sorry, we are <b>rebuilding</b>.</body>"
                return "200 OK", [("Content-Type", "text/html")], page
            case What.SLOW:
                self.sleep(fault.seconds)
            case What.SKEWED:
                return status, _skewed(headers, fault.seconds), body
            case _:
                pass
        return status, headers, body


_REMEMBERED = (What.STALE, What.REPEATED)


def _limited(fault: Fault, start_response: StartResponse) -> Iterable[bytes]:
    headers = [("Content-Type", "application/json")]
    if fault.retry_after:
        headers.append(("Retry-After", fault.retry_after))
    start_response("429 Too Many Requests", headers)
    return [b'{"message": "slow down"}']


def _status(fault: Fault, start_response: StartResponse) -> Iterable[bytes]:
    start_response(f"{fault.status} Fault", [("Content-Type", "application/json")])
    return [b'{"message": "fault"}']


def _cut(_fault: Fault, _start_response: StartResponse) -> Iterable[bytes]:
    raise Cut


_INSTEAD: dict[What, Callable[[Fault, StartResponse], Iterable[bytes]]] = {
    What.LIMITED: _limited,
    What.STATUS: _status,
    What.CUT: _cut,
}


def _answer(app: App, environ: Environ) -> tuple[str, list[tuple[str, str]], bytes]:
    """Runs an application to its end and returns status line, headers and body."""
    head: list[Any] = ["", []]

    def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        head[:] = status, list(headers)

    told = app(environ, start)
    try:
        body = b"".join(told)
    finally:
        close = getattr(told, "close", None)
        if close:
            close()
    return head[0], head[1], body


def _skewed(headers: list[tuple[str, str]], seconds: float) -> list[tuple[str, str]]:
    told = []
    for name, value in headers:
        if name.lower() == "date":
            off = parsedate_to_datetime(value) + timedelta(seconds=seconds)
            told.append((name, format_datetime(off, usegmt=True)))
        else:
            told.append((name, value))
    return told
