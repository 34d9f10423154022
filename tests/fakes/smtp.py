"""An SMTP server that hands each mail to somebody: the sink of tests that write by mail."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from prophet_hub.testing.faults import Cut

__all__ = ["Sink"]

Take = Callable[[str, list[str], bytes], tuple[int, str]]
"""(sender, recipients, mail) -> code and text of the answer; `Cut` hangs up without one."""


class Sink:
    """A server on a free port of the loopback interface, as a context manager.

    Attributes:
        port: Where it listens.
        password: Of the user `hub`; "" asks for none.
        refused: Recipients that are not taken.
        talks: How many connections there were.
    """

    def __init__(self, take: Take, *, password: str = "") -> None:
        self.take = take
        self.password = password
        self.refused: set[str] = set()
        self.talks = 0
        self._server = _Server(("127.0.0.1", 0), _Talk)
        self._server.sink = self
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False
    block_on_close = True
    sink: Sink


class _Talk(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = 10
    server: _Server

    def handle(self) -> None:
        self.server.sink.talks += 1
        with suppress(OSError, Cut):
            self._talk()

    def _talk(self) -> None:
        sink, sender, recipients = self.server.sink, "", list[str]()
        allowed = not sink.password
        self._say(220, "sink")
        while line := self.rfile.readline():
            word, _, rest = line.decode("latin-1").strip().partition(" ")
            word = word.upper()
            if word == "QUIT":
                self._say(221, "bye")
                return
            if word == "EHLO":
                self.wfile.write(b"250-sink\r\n" + b"250-AUTH PLAIN\r\n" * bool(sink.password))
                self._say(250, "8BITMIME")
            elif word == "AUTH":
                told = base64.b64decode(rest.partition(" ")[2]).decode()
                allowed = told == f"\0hub\0{sink.password}"
                self._say(*((235, "welcome") if allowed else (535, "who are you?")))
            elif word == "MAIL":
                sender, recipients = rest.partition("<")[2].partition(">")[0], []
                self._say(*((250, "ok") if allowed else (530, "log in first")))
            elif word == "RCPT":
                address = rest.partition("<")[2].partition(">")[0]
                good = address not in sink.refused
                recipients += [address] * good
                self._say(*((250, "ok") if good else (550, "no such mailbox")))
            elif word == "DATA":
                self._say(354, "go on")
                self._say(*sink.take(sender, recipients, self._text()))
            else:
                self._say(250, "ok")

    def _text(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode())
