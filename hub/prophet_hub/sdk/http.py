"""One remote over HTTP: sessions, retries, pauses, redirects, and errors in the hub's words.

A connector holds an `Http` (`self.http`) and never sees requests.  What may be repeated follows
RFC 9110, section 9.2.2: reads always; PUT and DELETE unless told otherwise; POST only where the
server said that it did nothing.  A write whose answer did not come ends in `Unsure`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus, urljoin, urlsplit

from prophet_hub.errors import Garbled, RateLimited, Rejected
from prophet_hub.sdk.answers import Answer, Lost, error_of
from prophet_hub.sdk.auth import Auth
from prophet_hub.sdk.connector import Context
from prophet_hub.sdk.pace import SYSTEM, Bucket, Clock, Woken, pause_asked
from prophet_hub.sdk.wire import (
    body_of,
    cookies_in,
    is_public,
    lost,
    new_session,
    opener,
    origin_of,
    pieces_of,
    with_type,
)

if TYPE_CHECKING:
    import requests
    import tenacity

__all__ = ["Answer", "Http"]

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE: Final = READS | {"PUT", "DELETE"}
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
BUSY: Final = frozenset({429, 502, 503, 504})
FEWEST_SECRET: Final = 3
"""Shorter secrets are not scrubbed: every other word would be."""
HOPS: Final = 5
ERRORS: Final = 400
FAILURES: Final = 500
TOO_MANY: Final = 429
UNTOUCHED: Final = frozenset({429, 503})
"""By these a server says that it did nothing: 429 always, 503 where it says when to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request as asked for, before anything is sent."""

    method: str
    url: str
    params: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Callable[[], Any] | None = None
    repeat: bool
    follow: bool
    signed: bool = True
    keep: bool = False


class Http:
    """A remote's HTTP service.  Threads share it: each request borrows a session of its own.

    Args:
        base_url: What paths are relative to; `https` certificates are always verified.
        context: Names the remote in errors, and brings a session or a clock in tests.
        auth: Proves who we are; None sends nothing.
        headers: Sent with every request.
        timeout: Seconds to connect, and between two bytes of an answer.
        limit: The most bytes that an answer may have in memory; `stream` has no such limit.
        rate, burst: At most so many requests a second, None for no bound.
        attempts: How often one request is sent at most.
        patience: Seconds; a server that asks for a longer pause ends in `RateLimited`, and so does
            whatever is asked before its time.  None is for the context's.
        hosts: Other hosts that a read may be redirected to; they get no credentials.  One that
            begins with a dot stands for all below it.
        secrets: More texts never to be shown.

    Attributes:
        requests: How many requests went out, log-ins among them.
        logins: How many of these were log-ins.
        clock: By which pauses are kept.
        pace: How fast it is asked, and what was seen of the server's own limit.
    """

    def __init__(
        self,
        base_url: str,
        context: Context,
        *,
        auth: Auth | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        limit: int = 64 << 20,
        rate: float | None = None,
        burst: int = 1,
        attempts: int = 4,
        patience: float | None = None,
        hosts: frozenset[str] = frozenset(),
        secrets: Iterable[str] = (),
    ) -> None:
        self.remote = context.remote
        self.base_url = base_url.rstrip("/")
        self.requests = 0
        self._tally = context.tally
        self.logins = 0
        self.clock: Clock = context.clock or SYSTEM
        self.pace = Bucket(self.clock, rate, burst)
        self._auth = auth
        self._headers = {"User-Agent": "prophet-hub", "Accept": "*/*", **(headers or {})}
        self._timeout = timeout
        self._limit = limit
        self._attempts = attempts
        self._patience = context.patience if patience is None else patience
        self._hosts = hosts
        self._secrets = tuple(secrets)
        self._given = context.session
        self._free: list[requests.Session] = []
        self._lent = threading.local()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<Http of {self.remote}>"

    # What connectors call ------------------------------------------------------------------------

    def get(self, path: str, **options: Any) -> Answer:
        """Reads; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """Sends once; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """Replaces; see `request`."""
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Deletes; see `request`."""
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Any = None,
        body: Callable[[], Any] | bytes | None = None,
        repeat: bool | None = None,
        follow: bool | None = None,
        passing: frozenset[int] = frozenset(),
        reading: bool = False,
    ) -> Answer:
        """Returns the answer, whole, with a status below 400 or one of `passing`.

        The path is below the base URL, or an absolute URL of the same host.  Of `json`, `form` and
        `body` at most one is sent; `body` opens anew for each attempt and may be a stream with a
        length (`upload.Multipart`).

        `repeat` says whether it may be sent again after an answer that did not come; by default
        all but POST and PATCH may.  `follow` says whether redirects are followed; by default those
        of reads are.  Else a redirect is returned like any answer: some trackers say by it that a
        write went well.  `reading` says that a POST writes nothing, as procedure calls that ask: it
        may be sent again, and its failures are those of a read.

        Raises:
            RemoteError: One of its kinds, in the hub's words.
        """
        call = _Call(
            method=method,
            url=self.url(path),
            params=params,
            headers=with_type(headers, json=json, form=form),
            body=opener(json, form, body),
            repeat=reading or method in REPEATABLE if repeat is None else repeat,
            follow=method in READS if follow is None else follow,
        )
        answer = self._send(call)
        if isinstance(answer, Answer) and (answer.status < ERRORS or answer.status in passing):
            return answer
        raise error_of(self, "GET" if reading else method, call.url, answer)

    def stream(self, path: str, *, params: Any = None, limit: int | None = None) -> Iterator[bytes]:
        """Yields the bytes of a resource as they come, in pieces of at most 64 kB.

        Raises:
            Garbled: It broke off, or is longer than `limit`.
        """
        call = _Call(
            method="GET", url=self.url(path), params=params, repeat=True, follow=True, keep=True
        )
        with self._session() as session:
            opened = self._send_by(session, call)
            if not hasattr(opened, "iter_content"):
                raise error_of(self, "GET", call.url, opened)
            with closing(opened):
                yield from pieces_of(opened, limit, self.remote)

    def login(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Posts a log-in form, without credentials and following nothing; for `Auth` alone."""
        self.logins += 1
        call = _Call(
            method="POST",
            url=self.url(path),
            headers=with_type(headers, json=None, form=form),
            body=opener(None, form, None),
            repeat=True,
            follow=False,
            signed=False,
        )
        answer = self._send(call)
        if isinstance(answer, Answer) and answer.status < FAILURES and answer.status != TOO_MANY:
            return answer
        raise error_of(self, "GET", call.url, answer)

    def url(self, path: str) -> str:
        """Returns the URL of a path.

        Raises:
            Rejected: The path is a URL of another host, which is not asked.
        """
        if "://" not in path.split("?", 1)[0]:
            return f"{self.base_url}/{path.lstrip('/')}"
        if origin_of(path) != origin_of(self.base_url):
            raise Rejected(
                f"{self.remote} names an address outside of itself.",
                hint=f"Check `url` of remote {self.remote}.",
                remote=self.remote,
            )
        return path

    def scrub(self, text: str) -> str:
        """Returns the text without any of the secrets, whatever way they are quoted."""
        secrets = {*self._secrets, *(self._auth.secrets if self._auth else ())}
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= FEWEST_SECRET:
                for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                    text = text.replace(form, "***")
        return text

    def close(self) -> None:
        """Closes the idle sessions; the second time does nothing."""
        with self._lock:
            free, self._free = self._free, []
        for session in free:
            session.close()

    # Sending -------------------------------------------------------------------------------------

    def _send(self, call: _Call) -> Any:
        with self._session() as session:
            return self._send_by(session, call)

    def _send_by(self, session: requests.Session, call: _Call) -> Any:
        """Returns an Answer, an open response where `call.keep`, or Lost; logs in again if due."""
        if self._auth is None or not call.signed:
            return self._insist(call, session, {})
        proof = self._proof(self._auth, session)
        answer = self._insist(call, session, proof)
        if isinstance(answer, Answer) and self._auth.renew(answer, proof):
            answer = self._insist(call, session, self._proof(self._auth, session))
        return answer

    def _proof(self, auth: Auth, session: requests.Session) -> Mapping[str, str]:
        """Returns the credentials; a log-in goes over the session that is about to need it.

        Servers that fork keep a worker busy per open connection: a second one may wait for it.
        """
        self._lent.session = session
        try:
            return auth.headers(self)
        finally:
            self._lent.session = None

    def _insist(self, call: _Call, session: requests.Session, proof: Mapping[str, str]) -> Any:
        """Sends until an answer stands, the attempts are used up or the server wants a long rest."""
        import tenacity  # noqa: PLC0415 - 30 ms, off the path of commands that send nothing

        last: list[Any] = []

        def wait(state: tenacity.RetryCallState) -> float:
            return self._pause(state.attempt_number, last[-1])

        def enough(state: tenacity.RetryCallState) -> bool:
            return state.attempt_number >= self._attempts or state.upcoming_sleep > self._patience

        def once() -> Any:
            last[:] = [self._once(call, session, proof)]
            return last[0]

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda outcome: _again(call, outcome)),
            wait=wait,
            stop=enough,
            sleep=self.clock.sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        try:
            return retrying(once)
        except Woken:
            if last:  # what it came to up to now
                return last[0]
            raise self._held() from None

    def _held(self) -> RateLimited:
        """Returns the error for what is not sent, because the server wants a pause."""
        until = self.clock.now() + timedelta(seconds=self.pace.held)
        return RateLimited(
            f"{self.remote} asks for a pause.",
            until=until,
            hint=f"Go on after {until:%Y-%m-%d %H:%M:%S} UTC.",
            remote=self.remote,
        )

    def _pause(self, attempt: int, outcome: object) -> float:
        """Returns the seconds to wait before the next attempt; all threads wait where told to."""
        if isinstance(outcome, Answer):
            now = self.clock.now()
            until = pause_asked(outcome.headers, now)
            if until is not None and until >= now:  # what is over says nothing
                seconds = (until - now).total_seconds()
                # a limit holds also where it is not waited for; a 503 may be about one question alone
                if outcome.status == TOO_MANY or seconds <= self._patience:
                    self.pace.hold(seconds)
                return seconds
        return float(min(0.5 * 2 ** (attempt - 1), 8.0))

    def _once(self, call: _Call, session: requests.Session, proof: Mapping[str, str]) -> Any:
        """Sends one request, and follows where it may; nothing is raised for what the wire did."""
        url, params = call.url, call.params
        for _ in range(HOPS):
            if self.pace.held > self._patience:
                raise self._held()
            self.pace.take()
            with self._lock:
                self.requests += 1
            self._tally.one()
            began = self.clock.monotonic()
            outcome = self._exchange(call, session, url, params, proof)
            self._watch(outcome, self.clock.monotonic() - began)
            if not isinstance(outcome, Answer) or outcome.status not in REDIRECTS:
                return outcome
            target = outcome.headers.get("Location")
            if not call.follow or not target or self._auth_wants(outcome, proof):
                return outcome
            url, params = urljoin(url, target), None
            if origin_of(url) != origin_of(call.url):
                self._check_elsewhere(call.url, url)
                proof = proof if urlsplit(url).hostname == urlsplit(call.url).hostname else {}
        raise Garbled(
            f"{self.remote} redirects in a circle.",
            hint=f"Check `url` of remote {self.remote}.",
            remote=self.remote,
        )

    def _watch(self, outcome: Any, seconds: float) -> None:
        """Learns the server's limit from whatever came of a request."""
        status = getattr(outcome, "status", None) or getattr(outcome, "status_code", 0)
        headers = getattr(outcome, "headers", {})
        self.pace.answered(headers, seconds, taken=status != TOO_MANY)

    def _auth_wants(self, answer: Answer, proof: Mapping[str, str]) -> bool:
        """A redirect may be how a stale cookie is refused: then it is not followed."""
        return self._auth is not None and bool(proof) and self._auth.renew(answer, proof)

    def _exchange(
        self,
        call: _Call,
        session: requests.Session,
        url: str,
        params: Any,
        proof: Mapping[str, str],
    ) -> Any:
        import requests  # noqa: PLC0415 - 80 ms, off the path of commands that send nothing

        try:
            response = session.request(
                call.method,
                url,
                params=params,
                headers={**self._headers, **call.headers, **proof},
                data=call.body() if call.body else None,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            return lost(error)
        if call.keep and response.ok and response.status_code not in REDIRECTS:
            return response
        with closing(response):
            body = body_of(response, self._limit)
        if isinstance(body, Lost):
            return body
        return Answer(
            status=response.status_code,
            headers=response.headers,
            body=body,
            remote=self.remote,
            cookies=cookies_in(response),
        )

    def _check_elsewhere(self, asked: str, url: str) -> None:
        """Refuses a redirect to a host nobody named, to a private address, or out of TLS."""
        parts, before = urlsplit(url), urlsplit(asked)
        host = parts.hostname or ""
        if parts.scheme == "https" and host == before.hostname and before.scheme == "http":
            return
        secure = parts.scheme in ("https", before.scheme)
        named = host in self._hosts or any(h[0] == "." and host.endswith(h) for h in self._hosts)
        if secure and named and is_public(host):
            return
        raise Rejected(
            f"{self.remote} redirects to another place ({self.scrub(host)}), which is not followed.",
            hint=f"If it has moved, change `url` of remote {self.remote}.",
            remote=self.remote,
        )

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        """Lends a session to one thread; connections stay open between requests."""
        lent = self._given or getattr(self._lent, "session", None)
        if lent is not None:
            yield lent
            return
        with self._lock:
            session = self._free.pop() if self._free else None
        session = session or new_session()
        try:
            yield session
        finally:
            with self._lock:
                self._free.append(session)


def _again(call: _Call, outcome: object) -> bool:
    """Tells whether one more attempt does no harm and may do good."""
    if isinstance(outcome, Lost):
        return outcome.how == "unreached" or (call.repeat and outcome.how != "long")
    if not isinstance(outcome, Answer) or outcome.status not in BUSY:
        return False
    told = outcome.status == TOO_MANY or "Retry-After" in outcome.headers
    return call.repeat or (told and outcome.status in UNTOUCHED)
