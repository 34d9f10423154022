"""What `Http` does not decide: how requests is set up, read, and understood when nothing came."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from prophet_hub.errors import Garbled
from prophet_hub.sdk.answers import Lost
from prophet_hub.sdk.auth import cookies_of

if TYPE_CHECKING:
    import requests

__all__ = [
    "CHUNK",
    "body_of",
    "cookies_in",
    "is_public",
    "lost",
    "new_session",
    "opener",
    "origin_of",
    "pieces_of",
    "with_type",
]

CHUNK: Final = 1 << 16


def new_session() -> requests.Session:
    """Returns a session that keeps no cookies and reads no .netrc.

    Proxies and certificates are taken from the environment as requests does, but once for each
    host: looking them up for every request is a sixth of what a request costs.
    """
    from http.cookiejar import DefaultCookiePolicy  # noqa: PLC0415 - as requests

    import requests  # noqa: PLC0415 - 80 ms, off the path of commands that send nothing

    class Session(requests.Session):
        def merge_environment_settings(self, url: Any, *given: Any) -> Any:
            origin = origin_of(str(url))
            if origin not in settled:
                settled[origin] = super().merge_environment_settings(url, *given)
            return settled[origin]

    settled: dict[tuple[str, str | None, int | None], Any] = {}
    session = Session()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = lambda request: request  # else a .netrc would speak for us
    return session


def opener(data: Any, form: Any, body: Any) -> Callable[[], Any] | None:
    """Returns what opens a request's body anew for each attempt, None for no body."""
    if data is not None:
        raw = json.dumps(data).encode()
        return lambda: raw
    if form is not None:
        return lambda: form
    return body if body is None or callable(body) else lambda: body


def with_type(headers: Mapping[str, str] | None, *, json: Any, form: Any) -> dict[str, str]:
    """Returns the headers with the content type of the body."""
    kinds = {"Content-Type": "application/json"} if json is not None else {}
    if form is not None:
        kinds = {"Content-Type": "application/x-www-form-urlencoded"}
    return {**kinds, **(headers or {})}


def body_of(response: requests.Response, limit: int) -> bytes | Lost:
    """Returns a body, whole."""
    import requests  # noqa: PLC0415 - as above

    pieces, size = [], 0
    try:
        for piece in response.iter_content(CHUNK):
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                return Lost(how="long", why=f"more than {limit} bytes")
    except requests.RequestException as error:
        timed_out = "timed out" in str(error)
        return Lost(how="unanswered" if timed_out else "truncated", why=type(error).__name__)
    return b"".join(pieces)


def pieces_of(response: requests.Response, limit: int | None, remote: str) -> Iterator[bytes]:
    """Yields a body; raises outside of requests' own error, which would show the address.

    Raises:
        Garbled: It broke off, or is longer than `limit`.
    """
    import requests  # noqa: PLC0415 - as above

    size = 0
    pieces = response.iter_content(CHUNK)
    broken = ""
    while not broken:
        try:
            piece = next(pieces, b"")
        except requests.RequestException:
            broken = f"{remote} broke off in the midst of a file."
            continue
        if not piece:
            return
        size += len(piece)
        if limit is not None and size > limit:
            broken = f"{remote} sends a file longer than the {limit} bytes allowed."
            continue
        yield piece
    raise Garbled(broken, remote=remote)


def lost(error: requests.RequestException) -> Lost:
    """Returns what is known of a request that brought no answer; never the error's own text,
    which shows the address with whatever stands in it.
    """
    import requests  # noqa: PLC0415 - as above

    inner: Any = error.args[0] if error.args else None
    reason = type(getattr(inner, "reason", inner)).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return Lost(how="untrusted", why=reason)
    if isinstance(error, ValueError) and not isinstance(error, requests.ConnectionError):
        return Lost(how="address", why=reason)
    opened = isinstance(error, requests.ConnectTimeout | requests.exceptions.ProxyError)
    if opened or reason in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError"):
        return Lost(how="unreached", why=reason)
    return Lost(how="unanswered", why=reason)


def cookies_in(response: requests.Response) -> dict[str, str]:
    """Returns the cookies that an answer sets."""
    raw: Any = getattr(response.raw, "headers", None)
    lines = raw.getlist("Set-Cookie") if hasattr(raw, "getlist") else []
    return cookies_of(lines)


def origin_of(url: str) -> tuple[str, str | None, int | None]:
    """Returns scheme, host and port, the scheme's own port where none is named."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def is_public(host: str) -> bool:
    """Tells whether every address of the host is a public one."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(a[4][0]).split("%")[0]).is_global for a in found)
