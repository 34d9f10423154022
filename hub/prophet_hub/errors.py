"""Every error of the hub: one sentence, what to do next, and the exit code it leads to.

Connectors raise the ones under `RemoteError`; `cli/` alone turns them into text.  Data travels as
attributes, never only inside the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

__all__ = [
    "AuthFailed",
    "Brake",
    "Busy",
    "ConfigError",
    "Fault",
    "Garbled",
    "HubError",
    "Invalid",
    "NotFound",
    "RateLimited",
    "Rejected",
    "RemoteError",
    "Stale",
    "StoreError",
    "Transient",
    "Unfit",
    "Unsupported",
    "Unsure",
    "UsageError",
]


class HubError(Exception):
    """Base of all: a sentence and a remedy.

    Attributes:
        hint: What to do next, one sentence; empty where the sentence says it.
        exit_code: What a command that ends with this error returns to the shell.
    """

    exit_code = 1

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()


class UsageError(HubError):
    """The words of a command are off: an unknown ticket, job or field."""

    exit_code = 2


class Fault(HubError):
    """One fault of a configuration file. Collected, never raised alone."""

    exit_code = 2

    def __init__(self, sentence: str, *, line: int = 0, path: str = "", hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.line = line
        self.path = path


class ConfigError(HubError):
    """A job file with all of its faults at once."""

    exit_code = 2

    def __init__(self, sentence: str, *, faults: Sequence[Fault] = (), hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.faults = tuple(faults)


class Unfit(ConfigError):
    """A record, a setting or a form with all of its faults at once; nothing was written."""


class Brake(HubError):
    """A run would close, delete or create more than it may without a word from a person."""

    exit_code = 4


class Busy(HubError):
    """Another run holds the remote or the database; `holder` names it."""

    exit_code = 5

    def __init__(self, sentence: str, *, holder: str = "", hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.holder = holder


class StoreError(HubError):
    """The database cannot be read or written: disk full, locked, damaged, of a newer version."""


class Invalid(HubError):
    """An entry breaks the rules of the log (schema, size, gap, hash); it goes into quarantine."""


class RemoteError(HubError):
    """Something that a tracker said, or did not say.

    Attributes:
        remote: The remote's name; the hub fills it in, a connector need not.
        retryable: Whether the same request may be sent again as it is.
        alone: Whether this concerns one ticket alone, so that the rest of the run goes on.
    """

    retryable = False
    alone = True

    def __init__(self, sentence: str, *, hint: str = "", remote: str = "", status: int = 0) -> None:
        super().__init__(sentence, hint=hint)
        self.remote = remote
        self.status = status


class AuthFailed(RemoteError):
    """The credentials were refused, or do not suffice: a person has to change the configuration."""

    alone = False
    exit_code = 2


class NotFound(RemoteError):
    """No such item, or one that this account may not see: never taken for a deletion."""


class Stale(RemoteError):
    """The item is not at the version that the request named; nothing was done."""


class Rejected(RemoteError):
    """The tracker refused the request for what it says; nothing was done."""


class Unsupported(RemoteError):
    """The connector does not declare this; raised before any request."""


class RateLimited(RemoteError):
    """The tracker asks for a pause; `until` says for how long, in aware UTC, if it told."""

    retryable = True
    alone = False

    def __init__(self, sentence: str, *, until: datetime | None = None, hint: str = "",
                 remote: str = "", status: int = 429) -> None:  # fmt: skip
        super().__init__(sentence, hint=hint, remote=remote, status=status)
        self.until = until


class Transient(RemoteError):
    """The tracker was not reached or failed for a moment; nothing was done, try later."""

    retryable = True
    alone = False


class Unsure(RemoteError):
    """A write was sent and no answer came: look before sending it again."""


class Garbled(RemoteError):
    """The answer is not what the protocol says: truncated, no JSON, of another shape."""
