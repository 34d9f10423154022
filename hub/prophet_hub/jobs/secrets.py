"""Secrets stand in the job file as references; here they become words, when work starts.

What was resolved goes to the connector and nowhere else: no sentence of this module repeats a
secret, nor a reference that could be one.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from prophet_hub import plugins
from prophet_hub.errors import UsageError
from prophet_hub.hookspecs import PLUGINS

__all__ = ["SCHEMES", "is_reference", "remedy", "resolve"]

SCHEMES = ("env", "file", "keyring", "command")
_SECONDS = 30.0

Ask = Callable[[str, str], str | None]


def is_reference(value: str) -> bool:
    """Tells whether a value is a reference, so far as one can tell without resolving it.

    Other schemes than the hub's own count only where a plugin is installed that might answer them.
    """
    scheme, colon, rest = value.partition(":")
    if not (colon and rest):
        return False
    if scheme in SCHEMES:
        return True
    return bool(re.fullmatch(r"[a-z][a-z0-9-]+", scheme) and plugins.installed(PLUGINS))


def remedy(remote: str, key: str, *, where: str = "in the tracker") -> str:
    """Returns the hint for a secret in clear text."""
    name = re.sub(r"\W", "_", f"{remote}_{key}").upper()
    return f"Change it {where}, and write env:{name}, file:PATH or keyring:{remote}/USER."


def resolve(reference: str, *, folder: Path, ask: Ask) -> str:
    """Returns the secret behind a reference.

    Args:
        reference: As it stands in the job file.
        folder: Relative paths count from it: the job file's.
        ask: A plugin's answer for other schemes, None where there is none.

    Raises:
        UsageError: It leads nowhere; says how to give it.
    """
    scheme, _, rest = reference.partition(":")
    match scheme:
        case "env":
            secret = os.environ.get(rest, "")
            if not secret:
                raise UsageError(f"The environment variable {rest} is not set.",
                                 hint=f"Set it: export {rest}=...")  # fmt: skip
        case "file":
            secret = _file(folder / Path(rest).expanduser())
        case "keyring":
            secret = _keyring(rest)
        case "command":
            secret = _command(rest)
        case _:
            answer = ask(scheme, rest)
            if answer is None:
                raise UsageError("No plugin answers this kind of secret.",
                                 hint=f"Write one of {', '.join(f'{s}:' for s in SCHEMES)}.")  # fmt: skip
            secret = answer
    return secret


def _file(path: Path) -> str:
    try:
        secret = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise UsageError(f"The secret's file {path} cannot be read: {reason}.") from error
    return _told(secret, f"The secret's file {path} is empty.")


def _keyring(rest: str) -> str:
    service, _, user = rest.rpartition("/")
    if not (service and user):
        raise UsageError("A keyring reference is keyring:SERVICE/USER.")
    try:
        import keyring  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError("The keyring is not installed.",
                         hint="Install it: pip install 'prophet-hub[keyring]'") from error  # fmt: skip
    try:
        secret = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise UsageError(f"The keyring does not answer: {type(error).__name__}.",
                         hint="Unlock it, or use env: or file: where nobody is logged in.") from error  # fmt: skip
    return _told(secret or "", f"The keyring has nothing under {service} for {user}.")


def _command(rest: str) -> str:
    words = shlex.split(rest)
    try:
        ran = subprocess.run(words, check=False, capture_output=True, timeout=_SECONDS)  # noqa: S603 - the administrator's own command, no shell
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = getattr(error, "strerror", None) or f"no answer in {_SECONDS:.0f} seconds"
        raise UsageError(f'The secret\'s command "{words[0]}" fails: {reason}.') from error
    if ran.returncode:
        raise UsageError(f'The secret\'s command "{words[0]}" ends with {ran.returncode}.')
    told = ran.stdout.decode("utf-8", "replace")
    return _told(told, f'The secret\'s command "{words[0]}" prints nothing.')


def _told(secret: str, otherwise: str) -> str:
    secret = secret.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise UsageError(otherwise)
    return secret
