"""Signatures: Ed25519 (RFC 8032), one key pair in two PEM files (docs/spec/log.md, "Keys")."""

from __future__ import annotations

import os
from enum import Enum
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sa_privacy.crypto import privatefile
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["SIGNATURE_BYTES", "Document", "SigningKey", "VerifyingKey"]

SIGNATURE_BYTES = 64
_WHAT = "the signing key file"
_MAKE = "Make a pair: sa-privacy log keygen."


class Document(Enum):
    """What is signed. A signature under one is none under another: the name is signed too."""

    CHECKPOINT = b"sa_privacy/v1/checkpoint"
    ERASURE = b"sa_privacy/v1/erasure"


def _signed(document: Document, message: bytes) -> bytes:
    return document.value + b"\n" + message


class VerifyingKey:
    """The public half: who has it can check signatures, and make none.

    :ivar id: the first 16 hex digits of the SHA-256 of the 32 raw bytes.
    """

    __slots__ = ("_key", "id")

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self.id = sha256(raw).hexdigest()[:16]

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> VerifyingKey:
        """The key in a PEM file.

        :raises KeyUnavailable: the file cannot be read, or holds something else.
        """
        try:
            with Path(path).open("rb") as file:
                content = file.read(privatefile.MAX_BYTES)
        except OSError as error:
            raise KeyUnavailable(f"the public key file {path} cannot be read ({error.strerror}).", hint=_MAKE) from None
        return cls.from_pem(content, f"the public key file {path}")

    @classmethod
    def from_pem(cls, pem: bytes, source: str = "the text") -> VerifyingKey:
        """The key in a PEM text (SubjectPublicKeyInfo, RFC 8410).

        :raises KeyUnavailable: it is another thing.
        """
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise KeyUnavailable(
                f"{source} holds no Ed25519 public key.", hint="Give the public PEM file that keygen wrote."
            )
        return cls(key.public_bytes_raw())

    def pem(self) -> bytes:
        """The key as PEM text; it may be shown to anybody."""
        return self._key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def verify(self, document: Document, message: bytes, signature: bytes) -> bool:
        """Whether the signature was made with this pair, over this message as this kind of document."""
        try:
            self._key.verify(signature, _signed(document, message))
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyingKey) and self._key.public_bytes_raw() == other._key.public_bytes_raw()

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<VerifyingKey {self.id}>"


class SigningKey(Unportable):
    """The private half, and with it the public one. Shows nothing but its id.

    :ivar id: that of the public half.
    :ivar public: the public half.
    """

    __slots__ = ("_key", "id", "public")

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = VerifyingKey(key.public_key().public_bytes_raw())
        self.id = self.public.id

    @classmethod
    def generate(cls) -> SigningKey:
        """A new pair."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SigningKey:
        """The key in a PEM file that nobody else can read.

        :raises KeyUnavailable: it is missing, open to group or others, or holds something else.
        """
        source = os.fspath(path)
        try:
            key = load_pem_private_key(privatefile.read(source, _WHAT, missing=_MAKE), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is encrypted
            key = None
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyUnavailable(
                f"{_WHAT} {source} holds no Ed25519 key in PKCS8 PEM without a password.",
                hint="Restore the file from a backup, or make a pair: sa-privacy log keygen.",
            )
        return cls(key)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the key as PKCS8 PEM, mode 0600. Never over a file that is there.

        :raises KeyUnavailable: there is a file, or it cannot be written.
        """
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        try:
            privatefile.replace(os.fspath(path), pem, _WHAT, check=_refuse)
        finally:
            pem = b""  # tracebacks keep the locals of this frame

    def sign(self, document: Document, message: bytes) -> bytes:
        """The signature, 64 bytes; the same for the same message (RFC 8032)."""
        return self._key.sign(_signed(document, message))

    def __repr__(self) -> str:
        return f"<SigningKey {self.id}>"


def _refuse(path: str) -> None:
    raise KeyUnavailable(
        f"{_WHAT} {path} exists already. Nothing was saved.",
        hint="Name another file: what the old key signed can only be checked with its public half.",
    )
