"""Answers of the right kind and another shape: told as garbled, never as a fault of the program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prophet_hub.errors import Garbled

__all__ = ["shaped"]


@contextmanager
def shaped(remote: str, product: str) -> Iterator[None]:
    """Takes an answer that lacks what it should have for a garbled one.

    Raises:
        Garbled: Reading raised what Python raises on missing keys and wrong types.
    """
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise Garbled(
            f"{remote} sent an answer of another shape than {product}'s ({error!r}).",
            hint=f"Check that `url` of remote {remote} names {product}.",
            remote=remote,
        ) from error
