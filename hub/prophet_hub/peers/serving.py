"""A small web server for one published replica: its files, by range, and nothing else.

It is for a colleague in the next room and for trials; a web server that is there anyway does the same
(docs/transports.md).  Ranges and conditions as in RFC 9110, sections 13 and 14, one range at a time.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple, Self
from urllib.parse import unquote, urlsplit

from prophet_hub.errors import HubError, UsageError
from prophet_hub.peers.format import HEAD, PAGES, SEGMENTS, content_name
from prophet_hub.values import Stored

__all__ = ["Asked", "Serving"]

_PIECE: Final = 1 << 18
_IDLE: Final = 30.0
"""Seconds after which a connection on which nothing comes is closed."""

_MOST: Final = 64
"""Connections at once; more wait for one of them."""

_CONTENTS: Final = content_name(Stored("0" * 64, 0)).partition("/")[0]
_PART: Final = re.compile(rf"(?:{PAGES}|{SEGMENTS}|{_CONTENTS}/[0-9a-f]{{2}})/[0-9a-f]{{64}}")
_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


class Asked(NamedTuple):
    """One request, as it was answered."""

    method: str
    name: str
    status: int
    sent: int


class Serving:
    """Serves a folder, as a context manager that gives the address.

    Args:
        folder: Of a published replica.
        host: The interface; whoever reaches it can read all that was published.
        port: 0 takes a free one.
        seen: Is told of every request, from several threads.

    Raises:
        UsageError: Nothing is published in the folder.
        HubError: The address cannot be listened at.
    """

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seen: Callable[[Asked], object] = lambda _: None,
    ) -> None:
        if not (folder / HEAD).is_file():
            raise UsageError(
                f"Nothing is published in {folder}.",
                hint=f"Publish there first: prophet-hub publish {folder}",
            )
        try:
            self._server = _Server((host, port), _Handler, folder=folder, seen=seen)
        except OSError as error:
            raise HubError(
                f"{host}:{port} cannot be listened at: {error.strerror or error}.",
                hint="Name an address of this machine and a free port.",
            ) from error
        self.host, self.port = host, int(self._server.server_address[1])
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def wait(self) -> None:
        """Serves until the thread is interrupted."""
        while self._thread.is_alive():
            self._thread.join(1.0)


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that a kept-alive one does not hold up the end."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], handler: Any, *, folder: Path, seen: Any) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)
        self.folder, self.seen = folder, seen
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(_MOST)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._room.acquire()
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            known = request in self._open
            self._open.discard(request)
        super().shutdown_request(request)
        if known:
            self._room.release()

    def hang_up(self) -> None:
        """Ends what clients still hold open."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stays quiet where the client went away; tells anything else."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection, many requests."""

    protocol_version = "HTTP/1.1"
    server_version = "prophet-hub"
    sys_version = ""
    timeout = _IDLE
    wbufsize = 1 << 16  # head and body of a small answer leave together
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Says nothing; `seen` is told."""

    def do_GET(self) -> None:
        """Answers with a file, or a part of it."""
        self._answer(body=True)

    def do_HEAD(self) -> None:
        """Answers as `GET` would, without the bytes."""
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        name = unquote(urlsplit(self.path).path).lstrip("/")
        file = _opened(self.server.folder, name)
        if file is None:
            self._end(name, HTTPStatus.NOT_FOUND, {})
            return
        with file:
            self._send(name, file, body=body)

    def _send(self, name: str, file: BinaryIO, *, body: bool) -> None:
        stat = os.fstat(file.fileno())
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes"}
        if name != HEAD:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"  # named by their hash
        else:
            headers["Cache-Control"] = "no-cache"
        if self.headers.get("If-None-Match") == tag:
            self._end(name, HTTPStatus.NOT_MODIFIED, headers)
            return
        asked = self.headers.get("Range", "")
        if self.headers.get("If-Range", tag) != tag:
            asked = ""
        part = _part(asked, stat.st_size)
        if part is None:
            headers["Content-Range"] = f"bytes */{stat.st_size}"
            self._end(name, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers)
            return
        start, end = part
        status = HTTPStatus.OK
        if _RANGE.fullmatch(asked):
            status = HTTPStatus.PARTIAL_CONTENT
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{stat.st_size}"
        headers["Content-Type"] = "application/octet-stream"
        self._head(status, headers, end - start)
        sent = 0
        if body:
            file.seek(start)
            for piece in _pieces(file, end - start):
                self.wfile.write(piece)
                sent += len(piece)
            if sent < end - start:
                self.close_connection = True  # it shrank: the reader sees a cut
        self.server.seen(Asked(self.command, name, status, sent))

    def _end(self, name: str, status: HTTPStatus, headers: dict[str, str]) -> None:
        self._head(status, headers, 0)
        self.server.seen(Asked(self.command, name, status, 0))

    def _head(self, status: HTTPStatus, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if status != HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(length))
        self.end_headers()


def _opened(folder: Path, name: str) -> BinaryIO | None:
    """Opens a file of the published replica; nothing else that lies there or elsewhere."""
    if name != HEAD and not _PART.fullmatch(name):
        return None
    path = folder / name
    try:
        if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            return None
        return path.open("rb")
    except OSError:
        return None


def _part(asked: str, size: int) -> tuple[int, int] | None:
    """Returns the bytes from and to which are asked for, None where there are none."""
    found = _RANGE.fullmatch(asked)
    if found is None:
        return 0, size  # no range, or one of a kind that may be ignored
    start = int(found[1])
    end = min(size, int(found[2]) + 1) if found[2] else size
    return (start, end) if start < end else None


def _pieces(file: BinaryIO, left: int) -> Iterator[bytes]:
    while left and (piece := file.read(min(_PIECE, left))):
        left -= len(piece)
        yield piece
