"""A place over ssh, by the SFTP protocol (draft-ietf-secsh-filexfer-02, what OpenSSH speaks).

fsspec takes any key that a server shows; here the server must be known by its key, as `ssh` wants
it.  Host aliases of the ssh configuration work, agents and key files too.
"""

from __future__ import annotations

import contextlib
import logging
import posixpath
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from prophet_hub.errors import HubError
from prophet_hub.peers.place_fsspec import FsspecPlace
from prophet_hub.peers.place_words import TIMEOUT, needed

__all__ = ["SftpPlace"]

_IN_FLIGHT: Final = 64
"""Read requests under way at once; more overflow the windows of some servers."""


class SftpPlace(FsspecPlace):
    """Files below a folder of another machine; see `Place`.

    Args:
        root: The folder; below the account's home where it is relative.
        url: As people wrote it.
        host, port, user: None takes what the ssh configuration says, or the defaults.
        secret: The password, or what a key file is locked with.
        ssh: The folder of `config`, `known_hosts` and key files; None for the user's own.
    """

    connects = True

    def __init__(
        self, root: str, url: str, *, host: str, port: int | None, user: str | None,
        secret: str | None, ssh: Path | None, clock: Callable[[], float],
        sleep: Callable[[float], None], tell: Callable[[str], None],
    ) -> None:  # fmt: skip
        super().__init__(root, url, clock=clock, sleep=sleep, tell=tell)
        self._host, self._port, self._user, self._secret = host, port, user, secret
        self._ssh = ssh
        self._made: set[str] = set()

    # --- the connection ---

    def _connect(self) -> Any:
        paramiko = needed("paramiko", "sftp", "sftp:")
        kind = needed("fsspec.implementations.sftp", "sftp", "sftp:").SFTPFileSystem
        self._outages = (OSError, EOFError, paramiko.SSHException)
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it prints what is told as errors
        folder = self._ssh or Path.home() / ".ssh"
        said = _configured(paramiko, folder, self._host)
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        for file in (folder / "known_hosts", Path("/etc/ssh/ssh_known_hosts")):
            with contextlib.suppress(OSError):
                client.load_system_host_keys(str(file))
        host = said.get("hostname", self._host)
        port = self._port or int(said.get("port", 22))
        keys = [str(Path(key).expanduser()) for key in said.get("identityfile", ())]
        try:
            client.connect(
                host,
                port=port,
                username=self._user or said.get("user"),
                password=self._secret,
                key_filename=[key for key in keys if Path(key).exists()] or None,
                look_for_keys=self._ssh is None,
                allow_agent=self._ssh is None,
                timeout=TIMEOUT,
                banner_timeout=TIMEOUT,
                auth_timeout=TIMEOUT,
                channel_timeout=TIMEOUT,
            )
            ftp = client.open_sftp()
            ftp.get_channel().settimeout(TIMEOUT)
        except BaseException as error:
            client.close()
            told = self._refused(paramiko, error, host, port)
            if told is None:
                raise
            raise told from error
        fs = _connected(kind, client, ftp)
        fs.host = host
        return fs

    def _refused(
        self, paramiko: Any, error: BaseException, host: str, port: int
    ) -> HubError | None:
        where = host if port == 22 else f"-p {port} {host}"  # noqa: PLR2004 - the port of ssh
        if isinstance(error, paramiko.BadHostKeyException):
            return HubError(
                f"{self.url} shows another key than the one it is known by: somebody may stand "
                "between.",
                hint=f"If its key was changed rightly, run ssh-keygen -R for {host}, then ssh {where}.",
            )
        if isinstance(error, paramiko.AuthenticationException | paramiko.PasswordRequiredException):
            return HubError(
                f"{self.url} refuses this account.",
                hint="Look at the user in the address, and at its key or password.",
            )
        if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
            return HubError(
                f"The key of {self.url} is not known, so it is not trusted.",
                hint=f"Run ssh {where} once, compare the key it shows, and accept it.",
            )
        return None

    def _disconnect(self, fs: Any) -> None:
        self._made.clear()
        fs.ftp.close()
        fs.client.close()

    # --- files ---

    def _chunk(self, fs: Any, path: str, start: int, size: int) -> bytes:
        with fs.ftp.open(path, "rb") as file:
            end = min(file.stat().st_size or 0, start + size)
            if end <= start:
                return b""
            file.seek(start)
            file.prefetch(end, _IN_FLIGHT)
            return bytes(file.read(end - start))

    def _put(self, fs: Any, path: str, pieces: Iterable[bytes]) -> None:
        self._make_folder(fs, posixpath.dirname(path))
        fresh, size = self._unfinished(), 0
        try:
            with fs.ftp.open(fresh, "wx") as file:
                file.set_pipelined(True)
                for piece in pieces:
                    file.write(piece)
                    size += len(piece)
            self._check_whole(fs.ftp.stat(fresh).st_size, size)
            _rename(fs.ftp, fresh, path, self._unfinished())
        except BaseException:
            with contextlib.suppress(Exception):
                fs.ftp.remove(fresh)
            raise

    def _check_whole(self, there: int | None, size: int) -> None:
        """Refuses what is shorter: writes that are not waited for tell no error of their own."""
        if there != size:
            raise HubError(
                f"{self.url} kept only a part of what was written.",
                hint="Look whether its disk is full, then run again.",
            )

    def _make(self, fs: Any, path: str, data: bytes) -> None:
        self._make_folder(fs, posixpath.dirname(path))
        try:
            file = fs.ftp.open(path, "wx")
        except OSError as error:
            if error.errno is None and _stands(fs.ftp, path):  # SFTP 3 has no code for it
                raise FileExistsError(path) from error
            raise
        with file:
            file.write(data)

    def _make_folder(self, fs: Any, folder: str) -> None:
        if folder and folder not in self._made:
            fs.makedirs(folder, exist_ok=True)
            self._made.add(folder)

    def _find(self, fs: Any, path: str) -> list[str]:
        return list(fs.find(path, on_error="raise"))  # else what fails is passed over

    def _told(self, error: BaseException, what: str) -> HubError:
        plain = type(error) is OSError and error.errno is None  # a "Failure" of the protocol
        if plain and self._fs is not None and not self._fs.ftp.get_channel().closed:
            return HubError(
                f"{what} could not be written or read there.",
                hint="Look at the rights and the room on that machine, then run again.",
            )
        return super()._told(error, what)


def _connected(kind: Any, client: Any, ftp: Any) -> Any:
    """Returns fsspec's file system over a connection of ours."""

    class Connected(kind):  # type: ignore[misc] # fsspec is not typed
        cachable = False

        def _connect(self) -> None:
            self.client, self.ftp = client, ftp

    return Connected("")


def _configured(paramiko: Any, folder: Path, host: str) -> Any:
    """Returns what the ssh configuration says of a host."""
    try:
        return paramiko.SSHConfig.from_path(str(folder / "config")).lookup(host)
    except OSError:
        return {}


def _stands(ftp: Any, path: str) -> bool:
    try:
        ftp.stat(path)
    except OSError:
        return False
    return True


def _rename(ftp: Any, fresh: str, path: str, aside: str) -> None:
    """Puts a file in the place of another; servers without OpenSSH's extension need two steps."""
    try:
        ftp.posix_rename(fresh, path)
    except OSError as error:
        if error.errno is not None:
            raise
    else:
        return
    with contextlib.suppress(FileNotFoundError):
        ftp.rename(path, aside)
    try:
        ftp.rename(fresh, path)
    except OSError:
        with contextlib.suppress(OSError):
            ftp.rename(aside, path)
        raise
    with contextlib.suppress(OSError):
        ftp.remove(aside)
