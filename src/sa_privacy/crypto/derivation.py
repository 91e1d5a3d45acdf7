"""Keys from keys: HKDF-SHA-256 with one label for each use (RFC 5869; docs/spec/cell.md, "Keys")."""

from __future__ import annotations

from enum import Enum

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["KEY_BYTES", "Label", "field_bytes", "frame", "hkdf", "subkey"]

KEY_BYTES = 32
"""Length of an entry secret and of every derived key."""

_FIELD_MAX = 1024


class Label(Enum):
    """What a derived key is for. Two labels never give the same key."""

    SEAL = b"sa_privacy/v1/seal"
    LOOKUP = b"sa_privacy/v1/lookup"
    PSEUDONYM = b"sa_privacy/v1/pseudonym"
    WRAP = b"sa_privacy/v1/wrap"
    SUBJECT = b"sa_privacy/v1/subject"


def frame(part: bytes) -> bytes:
    """The part with its length in front, 4 bytes big-endian, so that joined parts cannot be read in two ways."""
    return len(part).to_bytes(4, "big") + part


def hkdf(secret: bytes, info: bytes, *, salt: bytes = b"", length: int = KEY_BYTES) -> bytes:
    """HKDF-SHA-256, extract and expand.

    :param secret: input keying material.
    :param info: what the key is for.
    :param salt: not secret; empty in this library, since entry secrets are uniform (RFC 5869, section 3.1).
    :param length: bytes to return, at most 8,160.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def subkey(secret: bytes, label: Label, scope: bytes = b"") -> bytes:
    """The 32-byte key for one use.

    :param secret: the entry secret, 32 bytes.
    :param label: the use.
    :param scope: the field id in UTF-8; empty for pseudonyms.
    """
    return hkdf(secret, frame(label.value) + frame(scope))


def field_bytes(field: str) -> bytes:
    """The field id in UTF-8.

    :raises TypeError: the field id is not a str.
    :raises ValueError: it is empty, longer than 1,024 bytes, or not valid Unicode.
    """
    if not isinstance(field, str):
        raise TypeError(f"a field id is a str, not {type(field).__name__}")
    try:
        encoded = field.encode()
    except UnicodeEncodeError:
        encoded = b""
    if not 1 <= len(encoded) <= _FIELD_MAX:
        raise ValueError(f"a field id is 1 to {_FIELD_MAX} bytes of valid UTF-8")
    return encoded
