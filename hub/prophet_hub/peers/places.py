"""From an address to the place there: which transport, and what it is told.

An address never carries a password: addresses are shown, logged and kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from prophet_hub.errors import UsageError
from prophet_hub.peers.place import Place

__all__ = ["SCHEMES", "open_place"]

SCHEMES: Final = ("file", "http", "https", "s3", "sftp", "ssh", "memory")
"""What an address may begin with; a plain path needs nothing."""


def open_place(
    url: str,
    *,
    secret: str | None = None,
    endpoint: str | None = None,
    ssh: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    tell: Callable[[str], None] = lambda _: None,
) -> Place:
    """Returns the place at an address; nothing is asked of it yet.

    Args:
        url: A plain path, or an address that begins with one of `SCHEMES`.
        secret: The password of the user in the address, the token or secret key.
        endpoint: The server of an `s3:` address, None for Amazon's or what `AWS_ENDPOINT_URL` says.
        ssh: The folder of `known_hosts`, `config` and keys, None for the user's own.
        clock: Gives seconds that only grow.
        sleep: Passes seconds.
        tell: Is told in a sentence why something takes a while.

    Raises:
        UsageError: It is no address that can be used.
    """
    scheme, colon, _ = url.partition(":")
    if not colon or scheme.lower() not in SCHEMES:
        _refuse_unknown(url)
        return _folder(Path(url).expanduser(), url, clock, sleep, tell)
    parts = _split(url)
    path = unquote(parts.path)
    match parts.scheme:
        case "file":
            if parts.netloc not in {"", "localhost"}:
                raise UsageError(f"{url} names another machine.", hint="Use sftp: for that.")
            return _folder(Path(path), url, clock, sleep, tell)
        case "memory":
            from prophet_hub.peers.place_fsspec import MemoryPlace  # noqa: PLC0415 - fsspec is slow

            root = "/" + f"{parts.netloc}{path}".strip("/")
            return MemoryPlace(root, url, clock=clock, sleep=sleep, tell=tell)
        case "http" | "https":
            from prophet_hub.peers.place_http import HttpPlace  # noqa: PLC0415 - requests is slow

            user = unquote(parts.username) if parts.username else None
            return HttpPlace(url.rstrip("/"), user=user, secret=secret, sleep=sleep)
        case "s3":
            from prophet_hub.peers.place_s3 import S3Place  # noqa: PLC0415 - as fsspec

            return S3Place(
                f"{parts.hostname}{path}".rstrip("/"), url.rstrip("/"),
                key=unquote(parts.username) if parts.username else None, secret=secret,
                endpoint=endpoint, clock=clock, sleep=sleep, tell=tell,
            )  # fmt: skip
        case _:
            from prophet_hub.peers.place_sftp import SftpPlace  # noqa: PLC0415 - as fsspec

            root = path.removeprefix("/~/") if path.startswith("/~/") else path
            return SftpPlace(
                root.rstrip("/") or "/", url.rstrip("/"), host=parts.hostname or "",
                port=parts.port, user=unquote(parts.username) if parts.username else None,
                secret=secret, ssh=ssh, clock=clock, sleep=sleep, tell=tell,
            )  # fmt: skip


def _folder(
    path: Path, url: str, clock: Callable[[], float], sleep: Callable[[float], None],
    tell: Callable[[str], None],
) -> Place:  # fmt: skip
    from prophet_hub.peers.place_folder import FolderPlace  # noqa: PLC0415 - one transport of many

    if path.is_file():
        raise UsageError(f"{url} is a file, and a published replica is a folder.")
    return FolderPlace(path, url.rstrip("/") or "/", clock=clock, sleep=sleep, tell=tell)


def _refuse_unknown(url: str) -> None:
    scheme, found, _ = url.partition("://")
    if not url.strip():
        raise UsageError("An empty address names no place.")
    if found:
        raise UsageError(
            f"Addresses with {scheme[:20]}: are not known.",
            hint=f"Known are a plain path, {', '.join(f'{each}:' for each in SCHEMES)}.",
        )


def _split(url: str) -> SplitResult:
    """Returns the parts of an address.

    Raises:
        UsageError: A part is off; the sentence shows no password.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UsageError("The address cannot be read.", hint="Look at its host and port.") from None
    if parts.password is not None:
        shown = f"{parts.scheme}://{parts.username}@{parts.hostname}"
        raise UsageError(
            f"The address {shown} carries a password, which would be shown and kept.",
            hint="Leave it out, and give the password as a secret.",
        )
    bare = parts.scheme in {"http", "https", "s3", "sftp", "ssh"} and not parts.hostname
    if bare or parts.query or parts.fragment:
        raise UsageError(
            f"{url.partition('?')[0].partition('#')[0]} is no address of a place.",
            hint="An address has a host and a path, and nothing after `?` or `#`.",
        )
    return parts
