"""A wrapping key of one's own, in a file or an environment variable: AES-256-GCM (docs/spec/keyring.md, "Wrapping")."""

from __future__ import annotations

import os
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sa_privacy.crypto import privatefile
from sa_privacy.crypto.derivation import KEY_BYTES, frame
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["LocalKey"]

_DOMAIN = frame(b"sa_privacy/wrap/v1")
_NONCE_BYTES = 12


class LocalKey(Unportable):
    """A key service without a service: a 32-byte key that is kept apart from the keyring file.

    It is worth what the separation is worth: another disk, a secret of the orchestrator, a removable medium.
    """

    __slots__ = ("_aead", "name")

    name: str

    def __init__(self, key: bytes, name: str = "local") -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"a wrapping key is {KEY_BYTES} bytes")
        self._aead = AESGCM(key)
        self.name = name

    @classmethod
    def generate_file(cls, path: str | os.PathLike[str]) -> LocalKey:
        """Makes a random wrapping key and writes it, in base64, to a new file with mode 0600.

        :raises KeyUnavailable: something is there already, or the file cannot be written.
        """
        path, key = os.fspath(path), secrets.token_bytes(KEY_BYTES)
        privatefile.replace(path, b64encode(key) + b"\n", _WHAT, check=_refuse_to_replace)
        return cls(key)

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> LocalKey:
        """Reads the wrapping key from a file: 32 bytes in base64.

        :raises KeyUnavailable: the file is missing, holds no key, or can be read by group or others (POSIX).
        """
        path = os.fspath(path)
        return cls(_key(privatefile.read(path, _WHAT, missing=_MAKE_ONE), f"{_WHAT} {path}"))

    @classmethod
    def from_env(cls, name: str) -> LocalKey:
        """Reads the wrapping key from an environment variable: 32 bytes in base64.

        :raises KeyUnavailable: the variable is not set, or holds no key.
        """
        return cls(_key(os.environ.get(name, "").encode("utf-8", "replace"), f"the environment variable {name}"))

    def wrap(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, secret, _bound(context))

    def unwrap(self, wrapped: bytes, context: Mapping[str, str]) -> bytes:
        with suppress(InvalidTag, ValueError):
            return self._aead.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _bound(context))
        raise KeyUnavailable(
            "it was wrapped under another key, for another policy or key id, or was changed",
            hint="Give the wrapping key that the ring was saved with.",
        )

    def __repr__(self) -> str:
        return f"<LocalKey {self.name!r}>"


_WHAT = "the wrapping key file"
_MAKE_ONE = "Make one: LocalKey.generate_file(path)."


def _bound(context: Mapping[str, str]) -> bytes:
    return _DOMAIN + b"".join(frame(name.encode()) + frame(context[name].encode()) for name in sorted(context))


def _key(text: bytes, source: str) -> bytes:
    key = b""
    with suppress(ValueError):
        key = b64decode(text.strip(), validate=True)
    if len(key) == KEY_BYTES:
        return key
    key = text = b""  # tracebacks keep the locals of this frame
    raise KeyUnavailable(f"{source} does not hold {KEY_BYTES} bytes in base64.", hint=_MAKE_ONE)


def _refuse_to_replace(path: str) -> None:
    raise KeyUnavailable(f"{path} is there already.", hint="A wrapping key is never replaced: choose another name.")
