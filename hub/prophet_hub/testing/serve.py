"""Serves a WSGI application: on a loopback port, within `requests`, or as a process of its own.

    with Served(app) as url: ...                a port, HTTP/1.1 with keep-alive, threads
    with within(app) as url: ...                no socket: `responses` hands each request over
    python -m prophet_hub.testing.serve package.module:make_app [--port N] [--json '{"n": 5}']

The last prints the address on a line of its own and serves until its standard input ends.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from prophet_hub.testing.faults import App, Cut, Environ

__all__ = ["Served", "call", "main", "within"]


class Served:
    """An application on a free port of the loopback interface, as a context manager.

    Attributes:
        url: Without a slash at its end.
    """

    def __init__(self, app: App, *, port: int = 0) -> None:
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.app = app
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> str:
        self._thread.start()
        return self.url

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends every connection, joins every thread, closes every socket."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that a kept-alive one does not hold up the end."""

    daemon_threads = False
    block_on_close = True
    request_queue_size = 64
    app: App

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Ends what clients still hold open."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was quicker

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stays quiet where the client went away; tells anything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection, many requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body leave in one piece
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def handle_expect_100(self) -> bool:
        """Says at once that the body may come: whoever asked waits for it."""
        told = super().handle_expect_100()
        self.wfile.flush()
        return told

    def _serve(self) -> None:
        head: list[Any] = ["200 OK", []]

        def start(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            head[:] = status, headers

        try:
            body = self._body()
            environ = _environ(self.command, self.path, dict(self.headers.items()), body)
            environ["SERVER_PORT"] = str(self.server.server_address[1])
            told = self.server.app(environ, start)
            self._send(head, told)
            while body.read(1 << 16):
                pass  # what the application left of the request
        except Cut:
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _serve  # noqa: N815 - http.server calls it so

    def _body(self) -> io.BytesIO | _Limited:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return io.BytesIO(_dechunked(self.rfile))
        return _Limited(self.rfile, int(self.headers.get("Content-Length") or 0))

    def _send(self, head: list[Any], told: Any) -> None:
        pieces = iter(told)
        first = next(pieces, b"")  # an application may start its answer only when it is asked
        status, _, reason = head[0].partition(" ")
        names = {name.lower() for name, _ in head[1]}
        if "content-length" not in names:
            first += b"".join(pieces)
            pieces = iter(())
        self.send_response_only(int(status), reason)
        for name, value in head[1]:
            self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(first)))
        self.end_headers()
        promised = next((int(v) for n, v in head[1] if n.lower() == "content-length"), len(first))
        sent = 0
        if self.command != "HEAD":
            for piece in (
                (first, *pieces) if "content-length" not in names else _chain(first, pieces)
            ):
                self.wfile.write(piece)
                sent += len(piece)
            if sent < promised:
                self.close_connection = True  # a truncated answer is seen as one
        self.wfile.flush()
        close = getattr(told, "close", None)
        if close:
            close()


class _Limited(io.RawIOBase):
    """The body of one request, read as the application asks.

    A request whose sender goes away in the middle is none: servers do not act on half of it.
    """

    def __init__(self, source: Any, length: int) -> None:
        self._source = source
        self._left = length

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        data: bytes = self._source.read(wanted) if wanted else b""
        if len(data) < wanted:
            raise Cut
        self._left -= wanted
        return data


class _CutShort(io.RawIOBase):
    """An answer that ends before its promised length, as a socket would tell it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._data:
            raise IncompleteRead(b"")
        piece = self._data[: len(buffer)]
        self._data = self._data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _dechunked(source: Any) -> bytes:
    body = b""
    while size := int(_line(source).split(b";")[0], 16):
        piece = source.read(size)
        if len(piece) < size:
            raise Cut
        body += piece
        _line(source)
    while _line(source).strip():
        pass
    return body


def _line(source: Any) -> bytes:
    line: bytes = source.readline()
    if not line.endswith(b"\n"):
        raise Cut
    return line


def _environ(method: str, target: str, headers: dict[str, str], body: Any) -> Environ:
    parts = urlsplit(target)
    environ: Environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),  # WSGI wants bytes in latin-1's clothes
        "RAW_PATH": parts.path,
        "QUERY_STRING": parts.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ["CONTENT_LENGTH"] = environ.pop("HTTP_CONTENT_LENGTH", "")
    return environ


def call(
    app: App, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Sends one request to an application and returns status, headers and body."""
    head: list[Any] = ["200 OK", []]

    def start(status: str, told: list[tuple[str, str]], _exc_info: Any = None) -> None:
        head[:] = status, told

    environ = _environ(method, target, headers or {}, io.BytesIO(body))
    environ["CONTENT_LENGTH"] = str(len(body))
    told = app(environ, start)
    data = b"".join(told)
    close = getattr(told, "close", None)
    if close:
        close()
    return int(head[0].split()[0]), head[1], data


@contextmanager
def within(app: App, url: str = "http://tracker.example") -> Iterator[str]:
    """Hands every request under `url` to an application, without a socket; yields the url."""
    import requests  # noqa: PLC0415 - a fake in its own process needs neither
    import responses  # noqa: PLC0415 - as above

    base = urlsplit(url).path.rstrip("/")

    def callback(request: Any) -> Any:
        parts = urlsplit(request.url)
        target = parts.path[len(base) :] or "/"
        if parts.query:
            target += "?" + parts.query
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = body.read() if hasattr(body, "read") else b"".join(body)
        try:
            status, headers, data = call(app, request.method, target, dict(request.headers), body)
        except Cut:
            raise requests.ConnectionError(
                "Remote end closed connection without response"
            ) from None
        kept = [h for h in headers if h[0].lower() != "content-length"]
        promised = max((int(v) for n, v in headers if n.lower() == "content-length"), default=0)
        whole = request.method == "HEAD" or len(data) >= promised
        return status, kept, data if whole else io.BufferedReader(_CutShort(data))

    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            mock.add_callback(method, re.compile(re.escape(url) + r"(/|\?|$)"), callback)
        yield url


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves `MODULE:CALLABLE` until the standard input ends."""
    parser = argparse.ArgumentParser(prog="prophet_hub.testing.serve", description=main.__doc__)
    parser.add_argument("app", help="MODULE:CALLABLE that returns a WSGI application")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--json", default="{}", help="keyword arguments of the callable")
    given = parser.parse_args(arguments)
    module, _, name = given.app.partition(":")
    make = getattr(importlib.import_module(module), name or "app")
    with Served(make(**json.loads(given.json)), port=given.port) as url:
        sys.stdout.write(url + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
