"""The private key of whoever works here: made once, kept in a file of its own, never in a database.

`PROPHET_HUB_SIGNING_KEY` names it in the words of the job file's secrets (`env:`, `file:`,
`keyring:`, `command:`); without it, it is the file in the platform's config folder, if there is one.
Set and empty, nothing is signed.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from prophet_hub.errors import StoreError, UsageError
from prophet_hub.store.disk import sync_folder

__all__ = ["VARIABLE", "Signer", "create", "default_file", "signer"]

VARIABLE: Final = "PROPHET_HUB_SIGNING_KEY"
_FILE: Final = "signing.key"
_PREFIX: Final = "prophet-hub-signing-key:"  # so that a scanner for secrets can know one
_SECRET = re.compile(f"{_PREFIX}([0-9a-f]{{64}})(?: (.+))?").fullmatch
_MINE: Final = 0o600
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class Signer:
    """Signs with the key behind a reference, which is read when the first message comes."""

    def __init__(self, reference: str) -> None:
        self.reference = reference
        self._read: tuple[bytes, str] | None = None

    def __call__(self, message: bytes) -> bytes:
        """Returns the seal of a message.

        Raises:
            UsageError: The key cannot be had; what was to be signed is not recorded.
        """
        from prophet_hub.model.seals import made  # noqa: PLC0415 - lazy

        return made(self._key()[0], message)

    def public(self) -> bytes:
        """Returns the public key; raises as a call does."""
        from prophet_hub.model.seals import key_of  # noqa: PLC0415 - lazy

        return key_of(self._key()[0])

    def owner(self) -> str:
        """Returns whose key it is, "" if it was not told; raises as a call does."""
        return self._key()[1]

    def _key(self) -> tuple[bytes, str]:
        if self._read is None:
            self._read = _read(self.reference)
        return self._read


def default_file() -> Path:
    """Returns where the key is kept if nobody says otherwise."""
    from platformdirs import user_config_path  # noqa: PLC0415 - lazy

    return user_config_path("prophet-hub", appauthor=False) / _FILE


def signer(environment: Mapping[str, str]) -> Signer | None:
    """Returns who signs here, None where nobody has a key; reads no key yet."""
    reference = environment.get(VARIABLE)
    if reference is None:
        path = default_file()
        reference = f"file:{path}" if path.exists() else ""
    return Signer(reference) if reference else None


def create(path: Path, owner: str) -> bytes:
    """Makes a key in a new file that only its owner may read; returns the public one.

    Raises:
        UsageError: There is a file already; no key is ever written over.
        StoreError: The file cannot be written.
    """
    from prophet_hub.model.seals import SEED, key_of  # noqa: PLC0415 - lazy

    seed = os.urandom(SEED)
    key = key_of(seed)  # first, for it says if the library is missing
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MINE)
    except FileExistsError as error:
        raise UsageError(
            f"There is a key already: {path}.", hint="See it with prophet-hub keys show."
        ) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(f"{_PREFIX}{seed.hex()} {owner}\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            path.unlink()
        raise _unwritable(path, error) from error
    return key


def _read(reference: str) -> tuple[bytes, str]:
    from prophet_hub.jobs import secrets  # noqa: PLC0415 - lazy: plugins

    scheme, _, rest = reference.partition(":")
    if scheme == "file":
        _private(Path(rest).expanduser())
    elif scheme not in secrets.SCHEMES:
        ways = ", ".join(f"{one}:" for one in secrets.SCHEMES)
        raise UsageError(f"{VARIABLE} names no secret.", hint=f"Write one of {ways}.")
    found = _SECRET(secrets.resolve(reference, folder=Path(), ask=lambda *_: None).strip())
    if found is None:
        raise UsageError(
            f"What {scheme}: leads to is no signing key.",
            hint="Make one with prophet-hub keys create.",
        )
    return bytes.fromhex(found[1]), found[2] or ""


def _private(path: Path) -> None:
    """Looks whether a key's file is its owner's alone."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return  # whoever reads it says so
    if mode & _OTHERS:
        raise UsageError(
            f"The signing key {path} may be read by others of this machine.",
            hint=f"Run chmod 600 {path}; if somebody may have read it, make another key.",
        )


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The key cannot be written to {path}: {error.strerror or error}.",
        hint="Name another place with --file.",
    )
