"""A place on a web server: a published replica is plain files, read by plain requests.

requests does this rather than fsspec's HTTP: it is here anyway, keeps its connection, verifies
certificates, and lets this module decide about every redirect.  Ranges are those of RFC 9110,
section 14; a server that does not know them sends more, and what is not wanted is passed over.
"""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from prophet_hub.errors import HubError, Invalid
from prophet_hub.peers.place import Absent, Unreachable
from prophet_hub.peers.place_words import TIMEOUT, TRIES, checked, gathered, pause
from prophet_hub.sdk.wire import CHUNK, is_public, lost, new_session, origin_of

if TYPE_CHECKING:
    import requests

__all__ = ["HttpPlace"]

_HOPS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PARTIAL: Final = 206
_PAST_THE_END: Final = 416
_ABSENT: Final = frozenset({404, 410})
_REFUSED: Final = frozenset({401, 403, 407})
_LATER: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")
_LONGEST_PAUSE: Final = 60.0


class HttpPlace:
    """Files below an address of a web server; see `Place`.  Connections are kept open, one per thread.

    Args:
        url: The address; what follows is relative to it.
        user, secret: Sent to this very server alone: both as basic authentication, a secret without
            a user as a bearer token.
    """

    writable = False

    def __init__(
        self, url: str, *, user: str | None, secret: str | None, sleep: Callable[[float], None]
    ) -> None:
        self.url = url
        parts = urlsplit(url)
        bare = parts.netloc.rpartition("@")[2]
        self._base = parts._replace(netloc=bare).geturl().rstrip("/") + "/"
        self._proof = _proof(user, secret)
        self._sleep = sleep
        self._session: requests.Session | None = None
        self._opening = threading.Lock()

    def read(self, name: str, start: int = 0, *, limit: int) -> bytes:
        """See `Place`."""
        return gathered(self._stream(checked(name), start, limit), name, limit, self.url)

    def pieces(self, name: str, start: int = 0) -> Iterator[bytes]:
        """See `Place`."""
        return self._stream(checked(name), start, None)

    def has(self, name: str) -> bool:
        """See `Place`."""
        try:
            with closing(self._answer("HEAD", checked(name), {})):
                return True
        except Absent:
            return False

    def names(self, folder: str = "") -> Iterator[str]:
        """See `Place`; a web server lists nothing.

        Raises:
            HubError: Always.
        """
        del folder
        raise HubError(f"{self.url} cannot be listed: it is a web server.")

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """See `Place`; it cannot be written."""
        del name, pieces
        raise self._read_only()

    def remove(self, name: str) -> None:
        """See `Place`; it cannot be written."""
        del name
        raise self._read_only()

    def lock(self, holder: str) -> AbstractContextManager[None]:
        """See `Place`; it cannot be written."""
        del holder
        raise self._read_only()

    def _read_only(self) -> HubError:
        return HubError(
            f"{self.url} is a web server and can only be read.",
            hint="Publish to the folder that it serves, by path, sftp: or s3:.",
        )

    def close(self) -> None:
        """See `Place`."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    # --- a file, with as many requests as it takes ---

    def _stream(self, name: str, at: int, limit: int | None) -> Iterator[bytes]:
        begun, failed, tag = at, 0, ""
        while True:
            fresh = at
            with closing(self._asked(name, at, tag)) as answer:
                tag = self._same(name, answer, tag, resumed=at > begun)
                _check_length(answer, limit, f"{self.url}/{name}")
                try:
                    for piece in self._body(name, answer, at):
                        at += len(piece)
                        yield piece
                except Unreachable:
                    failed = 1 if at - fresh >= CHUNK else failed + 1
                    if failed >= TRIES:
                        raise
                else:
                    return
            self._sleep(pause(failed))

    def _asked(self, name: str, at: int, tag: str) -> requests.Response:
        headers = {"Range": f"bytes={at}-"} if at else {}
        if at and tag:
            headers["If-Range"] = tag
        return self._answer("GET", name, headers)

    def _same(self, name: str, answer: requests.Response, tag: str, *, resumed: bool) -> str:
        """Returns the entity tag; a file that was replaced while it is read is not pieced together."""
        now = answer.headers.get("ETag", "")
        now = now if now.startswith('"') else ""  # a weak one says nothing of bytes
        if resumed and answer.status_code != _PAST_THE_END and now != tag:
            raise HubError(f"{self.url}/{name} was changed while it was read.", hint="Run again.")
        return now

    def _body(self, name: str, answer: requests.Response, at: int) -> Iterator[bytes]:
        """Yields the bytes from `at` on, whatever part the server sent."""
        import urllib3  # noqa: PLC0415 - with requests, off the path of commands that send nothing

        skip = 0
        if answer.status_code == _PAST_THE_END:
            return
        if answer.status_code == _PARTIAL:
            part = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
            if not part or int(part[1]) != at:
                raise self._broken(name, "another part than was asked for")
        else:
            skip = at
        pieces = answer.raw.stream(CHUNK, decode_content=False)
        while True:
            try:
                piece = next(pieces, b"")
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise self._broken(name, type(error).__name__) from None
            if not piece:
                return
            if skip < len(piece):
                yield bytes(piece[skip:])
            skip = max(0, skip - len(piece))

    def _broken(self, name: str, why: str) -> Unreachable:
        return Unreachable(
            f"{self.url}/{name} broke off ({why}).", hint="Run again: what came is kept."
        )

    # --- one request ---

    def _answer(self, method: str, name: str, headers: dict[str, str]) -> requests.Response:
        """Returns an open answer of status 200, 206 or 416; asks again where that may help."""
        for tried in range(1, TRIES + 1):
            try:
                answer = self._followed(method, name, headers)
            except Unreachable:
                if tried == TRIES:
                    raise
                self._sleep(pause(tried))
                continue
            status = answer.status_code
            if status in {200, _PARTIAL, _PAST_THE_END}:
                return self._plain(answer, name)
            asked = answer.headers.get("Retry-After", "")
            answer.close()
            if status in _ABSENT:
                raise Absent(f"There is no {self.url}/{name}.")
            if status in _REFUSED:
                raise HubError(
                    f"{self.url}/{name} may not be read by this account ({status}).",
                    hint="Look at the user in the address, and at its password.",
                )
            if status not in _LATER:
                raise HubError(f"{self.url}/{name} answers with status {status}.")
            wait = float(asked) if asked.isdigit() else pause(tried)
            if tried == TRIES or wait > _LONGEST_PAUSE:
                break
            self._sleep(wait)
        raise Unreachable(
            f"{self.url} is out of order or busy ({status}).", hint="Run again later."
        )

    def _plain(self, answer: requests.Response, name: str) -> requests.Response:
        coding = answer.headers.get("Content-Encoding", "identity").lower()
        if coding != "identity":
            answer.close()
            raise HubError(
                f"{self.url}/{name} comes compressed by the server, which hides its bytes.",
                hint="Let the server send these files as they are.",
            )
        return answer

    def _followed(self, method: str, name: str, headers: dict[str, str]) -> requests.Response:
        url = urljoin(self._base, name)
        for _ in range(_HOPS):
            answer = self._sent(method, url, headers)
            target = answer.headers.get("Location")
            if answer.status_code not in _REDIRECTS or not target:
                return answer
            answer.close()
            before, url = url, urljoin(url, target)
            self._check_elsewhere(before, url)
        raise HubError(f"{self.url} redirects in a circle.", hint="Look at the address.")

    def _check_elsewhere(self, before: str, url: str) -> None:
        """Refuses a redirect to a private address, which this machine may see and its sender not,
        and one out of TLS.
        """
        parts, last = urlsplit(url), urlsplit(before)
        if origin_of(url) == origin_of(before) == origin_of(self._base):
            return
        secure = parts.scheme == "https" or parts.scheme == last.scheme == "http"
        if not secure or not is_public(parts.hostname or ""):
            raise HubError(
                f"{self.url} redirects to {parts.hostname or 'nowhere'}, which is not followed.",
                hint="If it has moved, use its new address.",
            )

    def _sent(self, method: str, url: str, headers: dict[str, str]) -> requests.Response:
        import requests  # noqa: PLC0415 - 80 ms, off the path of commands that send nothing

        with self._opening:
            session = self._session = self._session or new_session()
        own = origin_of(url) == origin_of(self._base)
        try:
            return session.request(
                method,
                url,
                headers={
                    "User-Agent": "prophet-hub",
                    "Accept-Encoding": "identity",
                    **headers,
                    **(self._proof if own else {}),
                },
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            found = lost(error)
        if found.how == "untrusted":
            raise HubError(
                f"{self.url} shows no certificate to be trusted ({found.why}).",
                hint="Look at the address, and at the clock of this machine.",
            )
        if found.how == "address":
            raise HubError(f"{self.url} is no address to be asked.", hint="Look at its spelling.")
        raise Unreachable(
            f"{self.url} cannot be reached ({found.why}).",
            hint="Nothing is lost: run again when it answers.",
        )


def _check_length(answer: requests.Response, limit: int | None, what: str) -> None:
    """Refuses what is announced as too long before a byte of it comes."""
    length = answer.headers.get("Content-Length", "")
    partial = answer.status_code == _PARTIAL
    if limit is not None and partial and length.isdigit() and int(length) > limit:
        raise Invalid(f"{what} is longer than the {limit:,} bytes allowed.")


def _proof(user: str | None, secret: str | None) -> dict[str, Any]:
    if secret is None:
        return {}
    if user is None:
        return {"Authorization": f"Bearer {secret}"}
    return {"Authorization": "Basic " + b64encode(f"{user}:{secret}".encode()).decode()}
