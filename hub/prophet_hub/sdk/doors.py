"""What is not promised is refused before any request: one door for each kind of write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prophet_hub.errors import Unsupported
from prophet_hub.sdk.messages import ATTACHMENT, Create, Operation, Receipt, Ref
from prophet_hub.sdk.promises import Capabilities

__all__ = ["Doors", "keyed", "through"]

Doors = Mapping[tuple[str, str], Callable[[Any], Receipt]]
"""(verb, kind), as in `Capabilities.writes` -> what sends such an operation."""


def through(doors: Doors, operation: Operation, capabilities: Capabilities, remote: str) -> Receipt:
    """Sends an operation through its door.

    Raises:
        Unsupported: The verb and kind are not declared, a private item would be shown to everybody,
            or a file is above the limit; no request was sent.
    """
    verb, kind = type(operation).__name__.lower(), operation.ref.kind
    if (verb, kind) not in capabilities.writes:
        raise Unsupported(f"{remote} cannot {verb} a {kind}.")
    if isinstance(operation, Create):
        if operation.private and not capabilities.private_comments:
            raise Unsupported(f"{remote} keeps no {kind} private.")
        limit = capabilities.attachment_limit
        if kind == ATTACHMENT and limit is not None and operation.size > limit:
            raise Unsupported(f"{remote} takes no file above {limit:,} bytes.")
    return doors[verb, kind](operation)


def keyed(ref: Ref, capabilities: Capabilities, remote: str) -> None:
    """Refuses to look for the key of what carries none.

    Raises:
        Unsupported: Items of this kind have no key there.
    """
    if ref.kind not in capabilities.keys:
        raise Unsupported(f"{remote} carries no key in a {ref.kind}.")
