"""Seals: Ed25519 signatures (RFC 8032) over the running hash of an entry.

The running hash names an entry together with all that it follows in its branch, so one signature
vouches for the branch up to there (docs/design/006-trust.md).  A seal is the public key (32 bytes)
and the signature (64 bytes).  The library is imported when something is signed or looked at: who
neither signs nor demands it needs none.
"""

from __future__ import annotations

import re
from typing import Any, Final

from prophet_hub.errors import UsageError

__all__ = ["KEY", "SEAL", "SEED", "genuine", "key_of", "made", "named", "parsed", "short", "words"]

KEY: Final = 32
SEED: Final = 32
SEAL: Final = 96
"""Bytes of a public key, of the seed that is the private one, and of a seal."""

_PREFIX: Final = b"prophet-hub seal 1\n"  # what is signed here is nowhere else a message
_NAME: Final = "ed25519:"
_DIGITS = re.compile(r"(?:ed25519:)?([0-9a-fA-F]{64})").fullmatch


def words(running: bytes) -> bytes:
    """Returns what is signed for the entry with the running hash (32 bytes).

    No database is named in it: families may be joined, and the seals stay good.
    """
    return _PREFIX + running


def made(seed: bytes, message: bytes) -> bytes:
    """Returns the seal of a message under a private key."""
    key = _library().Ed25519PrivateKey.from_private_bytes(seed)
    seal: bytes = key.public_key().public_bytes_raw() + key.sign(message)
    return seal


def key_of(seed: bytes) -> bytes:
    """Returns the public key of a private one."""
    key: bytes = (
        _library().Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    )
    return key


def genuine(seal: bytes, message: bytes) -> bool:
    """Tells whether the key in the seal has signed the message."""
    if len(seal) != SEAL:
        return False
    library = _library()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - an extra

    try:
        library.Ed25519PublicKey.from_public_bytes(seal[:KEY]).verify(seal[KEY:], message)
    except (InvalidSignature, ValueError):
        return False
    return True


def named(key: bytes) -> str:
    """Returns a public key as people hand it on."""
    return f"{_NAME}{key.hex()}"


def short(key: bytes) -> str:
    """Returns the beginning of a public key: enough to tell keys apart, not to trust one."""
    return key.hex()[:16]


def parsed(text: str) -> bytes:
    """Returns the public key that a text names.

    Raises:
        UsageError: It names none.
    """
    found = _DIGITS(text.strip())
    if found is None:
        raise UsageError(
            f"{text[:80]!r} is no public key.",
            hint="A key is ed25519: and 64 hexadecimal digits, as prophet-hub keys show tells it.",
        )
    return bytes.fromhex(found[1])


def _library() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "Signatures need the package cryptography.",
            hint="Install it: pip install 'prophet-hub[signing]'",
        ) from error
    return ed25519
