"""The transports as the tests use them: each a site with places, counted and cut on command.

A site is cut from its n-th request on, before or after that one is done, until it is healed: as long
as a line is down, nothing that tries again gets through.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import threading
from pathlib import Path

from peers.sftp_server import PASSWORD, USER, SftpServer, host_key
from prophet_hub.peers import place_s3
from prophet_hub.peers.place import Unreachable
from prophet_hub.peers.places import open_place
from prophet_hub.peers.serving import Serving
from prophet_hub.testing.faults import Cut
from prophet_hub.testing.serve import Served

NUMBERS = itertools.count()


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.while_asleep = lambda: None

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds
        self.while_asleep()


class Line:
    """Counts requests, and cuts from one of them on."""

    def __init__(self):
        self.asked = []
        self.fails_from, self.after = 0, False
        self._lock = threading.Lock()

    def ask(self, what):
        """Counts a request; returns "" where it goes well, else how it is cut."""
        with self._lock:
            self.asked.append(what)
            if not self.fails_from or len(self.asked) < self.fails_from:
                return ""
            return "after" if self.after and len(self.asked) == self.fails_from else "before"

    def cut_from(self, number, *, after):
        self.asked.clear()
        self.fails_from, self.after = number, after

    def heal(self):
        self.fails_from = 0


class Cutting:
    """A place whose every request, and every piece of a write, may be the one where the line is cut."""

    def __init__(self, place, line):
        self._place, self._line = place, line
        self.url, self.writable = place.url, place.writable

    def _ask(self, what, do):
        how = self._line.ask(what)
        if how == "before":
            raise Unreachable("The line was cut.")
        found = do()
        if how == "after":
            raise Unreachable("The line was cut.")
        return found

    def read(self, name, start=0, *, limit):
        return self._ask(("read", name), lambda: self._place.read(name, start, limit=limit))

    def pieces(self, name, start=0):
        for piece in self._place.pieces(name, start):
            yield self._ask(("piece", name), lambda piece=piece: piece)

    def has(self, name):
        return self._ask(("has", name), lambda: self._place.has(name))

    def write(self, name, pieces):
        told = (self._ask(("part", name), lambda piece=piece: piece) for piece in pieces)
        self._ask(("write", name), lambda: self._place.write(name, told))

    def names(self, folder=""):
        return iter(self._ask(("names", folder), lambda: list(self._place.names(folder))))

    def remove(self, name):
        self._ask(("remove", name), lambda: self._place.remove(name))

    @contextlib.contextmanager
    def lock(self, holder):
        lock = self._place.lock(holder)
        self._ask(("lock", holder), lock.__enter__)
        try:
            yield
        finally:
            lock.__exit__(None, None, None)

    def close(self):
        self._place.close()


class Site:
    """One address of a transport.

    Attributes:
        url: For `open_place`.
        line: Counts and cuts.
        writable: Whether `open` gives a place that can be written.
    """

    writable = True

    def __init__(self):
        self.options = {}
        self.line = Line()
        self.clock = Clock()
        self._open = []

    def open(self, **options):
        """Returns a place that is closed at the end."""
        pace = {"clock": self.clock, "sleep": self.clock.sleep}
        place = open_place(self.url, **{**pace, **self.options, **options})
        self._open.append(place)
        return self._wrapped(place)

    def _wrapped(self, place):
        return place

    def writer(self):
        """Returns a place by which what lies there can be written, whatever the transport."""
        return self.open()

    def close(self):
        self.line.heal()
        for place in self._open:
            place.close()


class MemorySite(Site):
    def __init__(self, folder):
        super().__init__()
        self.url = f"memory://site{next(NUMBERS)}/replica"

    def _wrapped(self, place):
        return Cutting(place, self.line)


class FolderSite(Site):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder / "published"
        self.url = f"file://{self.folder}"

    def _wrapped(self, place):
        return Cutting(place, self.line)


class FileApp:
    """A static web server as a WSGI application, with ranges and some bad manners.

    Attributes:
        manners: Any of "no ranges", "wrong range", "short", "long", "gzip", "redirect:URL",
            "status:N", "cut:N" (in the middle of a body, after N bytes, once).
        headers: Those of the last request.
    """

    def __init__(self, folder, line):
        self.folder, self.line = Path(folder), line
        self.manners = set()
        self.headers, self.targets = {}, []

    def manner(self, begin):
        found = next((m for m in self.manners if m.startswith(begin)), None)
        return None if found is None else found.partition(":")[2]

    def __call__(self, environ, start):
        name = environ["PATH_INFO"].removeprefix("/r/")
        how = self.line.ask((environ["REQUEST_METHOD"], name))
        if how == "before":
            raise Cut
        status, headers, body = self.answer(name, environ)
        if environ["REQUEST_METHOD"] == "HEAD":
            body = b""
        if how == "after":
            body = body[: len(body) // 2]
            if not body:
                raise Cut
        start(status, headers)
        return [body]

    def answer(self, name, environ):
        self.headers = {k: v for k, v in environ.items() if k.startswith("HTTP_")}
        self.targets.append(environ["PATH_INFO"])
        if (target := self.manner("redirect")) is not None:
            return "302 Found", [("Location", target), ("Content-Length", "0")], b""
        if (status := self.manner("status")) is not None:
            return f"{status} Told", [("Content-Length", "0")], b""
        path = self.folder / name
        if not path.is_file():
            return "404 Not Found", [("Content-Length", "0")], b""
        data = path.read_bytes()
        headers, status = [("ETag", f'"{hash(data)}"')], "200 OK"
        asked = environ.get("HTTP_RANGE", "")
        if environ.get("HTTP_IF_RANGE", headers[0][1]) != headers[0][1]:
            asked = ""
        if asked and "no ranges" not in self.manners:
            start = int(asked.removeprefix("bytes=").partition("-")[0])
            if start >= len(data):
                return "416 Too far", [("Content-Range", f"bytes */{len(data)}")], b""
            shown = start + ("wrong range" in self.manners)
            headers.append(("Content-Range", f"bytes {shown}-{len(data) - 1}/{len(data)}"))
            data, status = data[start:], "206 Partial Content"
        length = len(data) + ("long" in self.manners) - ("short" in self.manners)
        if "gzip" in self.manners:
            headers.append(("Content-Encoding", "gzip"))
        if (cut := self.manner("cut")) is not None:
            self.manners.clear()
            data = data[: int(cut)]
        headers.append(("Content-Length", str(length)))
        return status, headers, data[:length]


class HttpSite(Site):
    """A faulty web server over a folder; written by path."""

    writable = False

    def __init__(self, folder):
        super().__init__()
        self.folder = folder / "published"
        self.app = FileApp(self.folder, self.line)
        self._served = Served(self.app)
        self.url = self._served.__enter__() + "/r"

    def writer(self):
        place = open_place(str(self.folder))
        self._open.append(place)
        return place

    def close(self):
        super().close()
        self._served.close()


class ServeSite(HttpSite):
    """The server that comes with the hub."""

    def __init__(self, folder):
        Site.__init__(self)
        self.folder = folder / "published"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "prophet-hub.json").touch()
        self._serving = Serving(self.folder, seen=self.line.ask)
        self.url = self._serving.__enter__().url

    def close(self):
        Site.close(self)
        self._serving.__exit__()


class S3Site(Site):
    """A bucket of a server; the lines to it are those of one web server for all tests."""

    def __init__(self, folder, server):
        super().__init__()
        server.line = self.line
        self._server = server
        self.url = f"s3://{server.user}@{server.bucket}/{next(NUMBERS)}/replica"
        self.options = {"endpoint": server.url, "secret": "secret"}

    def writer(self):
        place = self.open()
        place._connect, place._disconnect = lambda: self._server.fs, lambda _: None
        return place


class S3Server:
    """Moto behind a line that can be cut."""

    user, bucket = "key", "bucket"

    def __init__(self):
        from moto.server import (  # noqa: PLC0415 - two seconds, for those tests alone
            DomainDispatcherApplication,
            create_backend_app,
        )

        self._app = DomainDispatcherApplication(create_backend_app)
        self.line = Line()
        self._served = Served(self)
        self.url = self._served.__enter__()
        self._make_bucket()

    def _make_bucket(self):
        import s3fs  # noqa: PLC0415 - as above

        self.fs = s3fs.S3FileSystem(
            key=self.user,
            secret="secret",
            endpoint_url=self.url,
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        self.fs.mkdir(self.bucket)

    def __call__(self, environ, start):
        how = self.line.ask((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if how == "before":
            raise Cut
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
        told = self._app(environ, start)
        if how == "after":
            b"".join(told)
            raise Cut
        return told

    def close(self):
        place_s3.S3Place._disconnect(None, self.fs)
        self._served.close()


class SftpSite(Site):
    def __init__(self, folder):
        super().__init__()
        self.folder = folder / "there"
        self.folder.mkdir(exist_ok=True)
        self.line = self.server = SftpServer(self.folder)
        self.line.cut_from = self._cut_from
        self.ssh = folder / "ssh"
        self.ssh.mkdir(exist_ok=True)
        key = host_key()
        (self.ssh / "known_hosts").write_text(
            f"[127.0.0.1]:{self.server.port} {key.get_name()} {key.get_base64()}\n"
        )
        self.url = f"sftp://{USER}@127.0.0.1:{self.server.port}/published"
        self.options = {"secret": PASSWORD, "ssh": self.ssh}

    def _cut_from(self, number, *, after):
        self.server.asked.clear()
        self.server.fails_from, self.server.after = number, after

    def close(self):
        super().close()
        self.server.close()
