"""An SFTP server on a loopback port over a folder, which hangs up where a test says."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from functools import cache
from pathlib import Path

import paramiko

PASSWORD = "correct horse"
USER = "ada"


@cache
def host_key():
    return paramiko.ECDSAKey.generate()


class SftpServer:
    """One folder for one account.

    Attributes:
        asked: Every operation so far, as (verb, name).
        fails_from: The first operation that fails, from 1; 0 for none.
        after: Whether that one is done before the line is cut.
        renames_over: Whether it can rename over a file, as OpenSSH does.
        renames: False lets the next renaming onto a file's own name fail.
        loses: Whether it keeps only the beginning of what is written.
    """

    def __init__(self, root):
        self.root = Path(root)
        self.asked = []
        self.fails_from, self.after = 0, False
        self.renames_over, self.renames, self.loses = True, True, False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._transports = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with self._lock:
                if self.cut():
                    client.close()
                    continue
                transport = paramiko.Transport(client)
                self._transports.append(transport)
            transport.add_server_key(host_key())
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, self)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=_Door())

    def cut(self):
        return bool(self.fails_from) and len(self.asked) >= self.fails_from

    def ask(self, verb, name, do):
        """Does an operation, or cuts the line before or after it."""
        self.asked.append((verb, name))
        if self.cut():
            first = len(self.asked) == self.fails_from
            if first and self.after and isinstance(found := do(), _Handle):
                found.close()
            self._hang_up()
            return paramiko.SFTP_FAILURE
        try:
            return do()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def _hang_up(self):
        with self._lock:  # whoever comes after is not meant
            for transport in self._transports:
                transport.sock.close()

    def heal(self):
        self.fails_from = 0

    def close(self):
        if self._socket.fileno() < 0:
            return
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for transport in self._transports:
            transport.close()
            transport.join(5)


class _Door(paramiko.ServerInterface):
    def check_auth_password(self, username, password):
        good = (username, password) == (USER, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED

    def get_allowed_auths(self, username):
        return "password"


class _Handle(paramiko.SFTPHandle):
    def __init__(self, server, name, file, flags):
        super().__init__(flags)
        self._server, self._name = server, name
        self.readfile = self.writefile = file

    def write(self, offset, data):
        if self._server.loses and offset > 0:
            return paramiko.SFTP_OK
        return self._server.ask(
            "write", self._name, lambda: super(_Handle, self).write(offset, data)
        )

    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, door, server):
        super().__init__(door)
        self._server = server

    def _path(self, name):
        return self._server.root / self.canonicalize(name).lstrip("/")

    def _ask(self, verb, name, do):
        return self._server.ask(verb, name, do)

    def list_folder(self, path):
        def do():
            real = self._path(path)
            found = []
            for each in real.iterdir():
                attr = paramiko.SFTPAttributes.from_stat(each.stat())
                attr.filename = each.name
                found.append(attr)
            return found

        return self._ask("list", path, do)

    def stat(self, path):
        return self._ask(
            "stat", path, lambda: paramiko.SFTPAttributes.from_stat(self._path(path).stat())
        )

    lstat = stat

    def open(self, path, flags, attr):
        def do():
            file = os.open(self._path(path), flags, 0o666)
            mode = "rb" if not flags & (os.O_WRONLY | os.O_RDWR) else "r+b"
            return _Handle(self._server, path, os.fdopen(file, mode), flags)

        return self._ask("open", path, do)

    def remove(self, path):
        return self._ask("remove", path, lambda: self._path(path).unlink() or paramiko.SFTP_OK)

    def rename(self, old, new):
        def do():
            onto = not self._server.renames and not new.rpartition("/")[2].startswith(".")
            self._server.renames = self._server.renames or onto
            if onto or self._path(new).exists():
                return paramiko.SFTP_FAILURE
            self._path(old).rename(self._path(new))
            return paramiko.SFTP_OK

        return self._ask("rename", new, do)

    def posix_rename(self, old, new):
        if not self._server.renames_over:
            return paramiko.SFTP_OP_UNSUPPORTED
        return self._ask(
            "rename", new, lambda: self._path(old).replace(self._path(new)) and paramiko.SFTP_OK
        )

    def mkdir(self, path, attr):
        return self._ask("mkdir", path, lambda: self._path(path).mkdir() or paramiko.SFTP_OK)
