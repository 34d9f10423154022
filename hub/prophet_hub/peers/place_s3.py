"""A place in object storage that speaks S3.

An object appears whole or not at all: small ones by one PUT, longer ones when their multipart upload
is completed.  The lock is a PUT with `If-None-Match: *`, which AWS, MinIO, Ceph and R2 keep (the
conditional writes of the S3 API); a server that ignores it is found out by reading back.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from prophet_hub.errors import HubError
from prophet_hub.peers.place_fsspec import CHUNK, FsspecPlace
from prophet_hub.peers.place_words import TIMEOUT, needed

__all__ = ["S3Place"]

_ATTEMPTS: Final = 2
"""By botocore and by s3fs each; what a place reads it tries again itself."""

_RANGES: Final = frozenset({"InvalidRange", "416"})


class S3Place(FsspecPlace):
    """Objects below a prefix of a bucket; see `Place`.

    Args:
        root: Bucket and prefix.
        url: As people wrote it.
        key, secret: None takes them from where AWS tools look: environment, files, roles.
        endpoint: Of a server other than Amazon's, None for that or what `AWS_ENDPOINT_URL` says.
    """

    def __init__(
        self, root: str, url: str, *, key: str | None, secret: str | None, endpoint: str | None,
        clock: Callable[[], float], sleep: Callable[[float], None], tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(root, url, clock=clock, sleep=sleep, tell=tell)
        self._account = {"key": key, "secret": secret, "endpoint_url": endpoint}

    def _connect(self) -> Any:
        s3fs = needed("s3fs", "s3", "s3:")
        errors = needed("botocore.exceptions", "s3", "s3:")
        self._outages = (OSError, errors.BotoCoreError, errors.ClientError)
        fs = s3fs.S3FileSystem(
            **self._account,
            config_kwargs={
                "connect_timeout": TIMEOUT,
                "read_timeout": TIMEOUT,
                "retries": {"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            },
            skip_instance_cache=True,
            use_listings_cache=False,
        )
        fs.retries = _ATTEMPTS
        return fs

    def _disconnect(self, fs: Any) -> None:
        client = fs._s3  # noqa: SLF001 - s3fs has no public way to close
        if client is not None:
            fs._s3 = None  # noqa: SLF001 - as above
            fs.close_session(fs.loop, client)

    def _chunk(self, fs: Any, path: str, start: int, size: int) -> bytes:
        try:
            return bytes(fs.cat_file(path, start=start, end=start + size))
        except OSError as error:
            if _code(error) in _RANGES:
                return b""
            raise

    def _stands(self, fs: Any, path: str) -> bool:
        bucket, key, _ = fs.split_path(path)
        fs.call_s3("head_object", Bucket=bucket, Key=key)
        return True

    def _put(self, fs: Any, path: str, pieces: Iterable[bytes]) -> None:
        parts = _parts(pieces)
        first = next(parts, b"")
        second = next(parts, b"")
        if not second:
            fs.pipe_file(path, first)
            return
        file = fs.open(path, "wb", block_size=CHUNK, autocommit=False)
        try:
            for part in (first, second, *parts):
                file.write(part)
            file.close()
        except BaseException:
            file.closed = True  # else it would complete what is torn
            file.discard()
            raise
        file.commit()

    def _make(self, fs: Any, path: str, data: bytes) -> None:
        try:
            fs.pipe_file(path, data, mode="create")
        except OSError as error:
            if _code(error) in {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}:
                raise FileExistsError(path) from error
            if error.errno == errno.ENOSYS:
                raise HubError(
                    f"{self.url} cannot keep two writers apart: it knows no conditional writes.",
                    hint="Write to a folder or over sftp, and copy from there.",
                ) from error
            raise

    def _told(self, error: BaseException, what: str) -> HubError:
        if "Credentials" in type(error).__name__:  # botocore has several of them
            return HubError(
                f"{self.url} needs credentials, and none were found.",
                hint="Name the key as user and give its secret, or set up those of the AWS tools.",
            )
        return super()._told(error, what)

    def _remove(self, path: str) -> None:
        with self._opened(path) as fs:
            fs.rm_file(path)


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the pieces in parts of an upload, all but the last of the same size."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


def _code(error: BaseException) -> str:
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
