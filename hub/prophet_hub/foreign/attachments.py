"""Attachments: streamed through the content-addressed store, capped, and never trusted by name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from prophet_hub.errors import Garbled, HubError, Rejected
from prophet_hub.foreign.guard import Guarded
from prophet_hub.sdk import Attachment, Ticket
from prophet_hub.store.blobs import Blobs
from prophet_hub.values import Stored

__all__ = ["Contents", "fetch", "safe_name"]

Contents = Mapping[str, Stored | HubError]
"""By attachment id: where its bytes are, or why they are not here."""

_UNSAFE: Final = re.compile(r'[\\/:*?"<>|\x00-\x1f\x7f]+')
_LONGEST: Final = 200  # file systems and trackers take 255 bytes; most letters take one
_BYTES: Final = 255


def safe_name(name: str) -> str:
    """Returns a file name without folders, control characters and tricks; never empty."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(c for c in plain if unicodedata.category(c) not in {"Cf", "Cc", "Cs"})
    clean = _UNSAFE.sub("_", shown).strip(" .")
    stem, dot, ending = clean.rpartition(".")
    if len(clean) > _LONGEST:
        clean = f"{stem[: _LONGEST - len(ending) - 1]}{dot}{ending}" if dot else clean[:_LONGEST]
        clean = clean[:_LONGEST]
    while len(clean.encode()) > _BYTES:
        clean = clean[1:]
    return clean or "attachment"


def fetch(
    connector: Guarded, blobs: Blobs, ticket: Ticket, known: Collection[str], limit: int | None
) -> Contents:
    """Streams the attachments of a ticket that are not known into the store.

    One that is too large is refused before it is read, where the tracker tells its size; else while
    it is read.  What concerns one attachment alone is returned in its place, other errors rise.
    """
    found: dict[str, Stored | HubError] = {}
    for attachment in ticket.attachments:
        if attachment.ref.id in known:
            continue
        try:
            if limit is not None and (attachment.size or 0) > limit:
                raise _too_large(attachment, limit)
            found[attachment.ref.id] = blobs.put(_capped(connector, attachment, limit))
        except HubError as error:
            if not getattr(error, "alone", False):
                raise
            found[attachment.ref.id] = error
    return found


def _capped(connector: Guarded, attachment: Attachment, limit: int | None) -> Iterator[bytes]:
    size = 0
    for piece in connector.content(attachment.ref):
        size += len(piece)
        if limit is not None and size > limit:
            raise _too_large(attachment, limit)
        yield piece
    if attachment.size is not None and size != attachment.size:
        raise Garbled(
            f"{safe_name(attachment.name)} came with {size:,} bytes in place of {attachment.size:,}.",
            hint="The next run reads it again.",
        )


def _too_large(attachment: Attachment, limit: int) -> Rejected:
    return Rejected(
        f"The attachment {safe_name(attachment.name)} is larger than {limit:,} bytes.",
        hint="It is carried once the job's `attachments: {limit: ...}` or the remote's attachment_limit allows it.",
    )
