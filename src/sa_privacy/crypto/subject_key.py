"""Keys of people: each person's cells are sealed under a key of their own (docs/spec/cell.md, "Keys of people").

The key stands in the database, wrapped by the keyring. Once it is destroyed there, every copy of the person's cells is
noise, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Callable
from os import urandom
from threading import Lock
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sa_privacy.crypto.derivation import KEY_BYTES, Label, frame, hkdf, subkey
from sa_privacy.crypto.ring import Ring, key_name
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import CellRejected, KeyUnavailable

__all__ = ["KEY_ID_BYTES", "WRAPPED", "WRAPPED_BYTES", "SubjectKey", "SubjectKeys"]

KEY_ID_BYTES: Final = 16
WRAPPED: Final = 0xF1
"""The first byte of a wrapped key: format 1. Never the first byte of a cell."""
_NONCE_BYTES: Final = 12
_HEADER_BYTES: Final = 5
WRAPPED_BYTES: Final = _HEADER_BYTES + _NONCE_BYTES + KEY_BYTES + 16
"""Length of a wrapped key: format, id of the wrapping key, nonce, the secret sealed."""

_DOMAIN = frame(b"sa_privacy/subject-key/v1")
_REMEMBERED = 16_384
_RESTORE = "Restore the table of people's keys from its own backup, and look into who changed it."


class SubjectKey(Unportable):
    """The key of one person. It shows nothing: its id leads to the person.

    :param id: 16 random bytes, as they stand in the person's cells.
    :param secret: 32 random bytes.
    """

    __slots__ = ("decrypt", "encrypt", "id", "secret")

    def __init__(self, id: bytes, secret: bytes) -> None:  # noqa: A002 - the format's own word
        if len(id) != KEY_ID_BYTES or len(secret) != KEY_BYTES:
            raise ValueError(f"a subject key has an id of {KEY_ID_BYTES} bytes and a secret of {KEY_BYTES}")
        self.id = id
        self.secret = secret
        aead = AESGCM(hkdf(secret, frame(Label.SUBJECT.value) + frame(id)))
        self.encrypt: Callable[[bytes, bytes, bytes | None], bytes] = aead.encrypt
        self.decrypt: Callable[[bytes, bytes, bytes | None], bytes] = aead.decrypt

    @classmethod
    def new(cls) -> SubjectKey:
        """A random key for a person who has none."""
        return cls(urandom(KEY_ID_BYTES), urandom(KEY_BYTES))

    def __repr__(self) -> str:
        return "<SubjectKey>"


class SubjectKeys(Unportable):
    """Wraps and unwraps people's keys with the keys of a ring. Made by :meth:`Keyring.subject_keys`, or enrolled in a
    ring; follows it when it rotates.

    The 16,384 keys unwrapped last are remembered, by their wrapped bytes: what is not handed in is not found, so a key
    that was destroyed in the database opens nothing here either. Safe to share between threads.

    :param keyless: makes the error for one that has no keys, from what is asked for and ``"read"`` or ``"written"``.
    """

    __slots__ = ("__weakref__", "_aeads", "_keyless", "_lock", "_primary", "known")

    def __init__(self, *, keyless: Callable[[str, str], KeyUnavailable] | None = None) -> None:
        self._keyless = keyless or _keyless
        self._lock = Lock()
        self._aeads: dict[int, AESGCM] = {}
        self._primary: int | None = None
        #: The remembered keys, by their wrapped bytes; for openers, which ask it on the hot path.
        self.known: dict[bytes, SubjectKey] = {}

    def adopt(self, ring: Ring) -> None:
        """Takes the ring's keys over. For :class:`Keyring`, which calls it under its lock."""
        kept = {
            entry.id: self._aeads.get(entry.id) or AESGCM(subkey(entry.secret, Label.WRAP)) for entry in ring.entries
        }
        with self._lock:
            if self._aeads.keys() - kept.keys():
                self.known.clear()
            self._aeads, self._primary = kept, ring.primary

    def forget(self) -> None:
        """Lets go of all keys. For :class:`Keyring`, which calls it under its lock."""
        with self._lock:
            self._aeads, self._primary = {}, None
            self.known.clear()

    def __repr__(self) -> str:
        return "<SubjectKeys>"

    def wrap(self, key: SubjectKey) -> bytes:
        """The key as it may stand in the database: 65 bytes, bound to its id, wrapped by the ring's primary key.

        :raises KeyUnavailable: there are no keys.
        """
        with self._lock:
            primary, aead = self._primary, self._aeads.get(self._primary or 0)
        if primary is None or aead is None:
            raise self._keyless("a person's key", "written")
        header = bytes((WRAPPED,)) + primary.to_bytes(4, "big")
        nonce = urandom(_NONCE_BYTES)
        return header + nonce + aead.encrypt(nonce, key.secret, _aad(header, key.id))

    def unwrap(self, key_id: bytes, wrapped: bytes) -> SubjectKey:
        """The key that was wrapped.

        :param key_id: the id that it was wrapped with.
        :raises KeyUnavailable: the ring does not hold the wrapping key, or there are no keys.
        :raises CellRejected: it was changed, cut off, is another person's, or is of an unknown format.
        """
        key = self.known.get(wrapped)
        if key is not None and key.id == key_id:
            return key
        if len(wrapped) != WRAPPED_BYTES or wrapped[0] != WRAPPED:
            raise _rejected("is of an unknown format, or cut off")
        wrapping = int.from_bytes(wrapped[1:_HEADER_BYTES], "big")
        aead = self._aeads.get(wrapping)
        if aead is None:
            if not self._aeads:
                raise self._keyless("a person's key", "read")
            raise KeyUnavailable(
                f"a person's key is wrapped under key {key_name(wrapping)}, which the keyring does not hold.",
                hint="Load the keyring file that has this key, the one saved by the latest rotation or a backup of it.",
            )
        nonce = wrapped[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES]
        try:
            secret = aead.decrypt(nonce, wrapped[_HEADER_BYTES + _NONCE_BYTES :], _aad(wrapped[:_HEADER_BYTES], key_id))
        except InvalidTag:
            secret = b""
        if len(secret) != KEY_BYTES:
            raise _rejected("does not open: it was changed, or is another person's")
        key = SubjectKey(key_id, secret)
        with self._lock:
            if wrapping in self._aeads:  # nothing is remembered that a rotation has just let go of
                self._remember(bytes(wrapped), key)
        return key

    def rewrap(self, key_id: bytes, wrapped: bytes) -> bytes | None:
        """The same key under the ring's primary key, or None where that wraps it already.

        :raises KeyUnavailable: as :meth:`unwrap`.
        :raises CellRejected: as :meth:`unwrap`.
        """
        key = self.unwrap(key_id, wrapped)
        primary = self._primary
        if primary is not None and int.from_bytes(wrapped[1:_HEADER_BYTES], "big") == primary:
            return None
        return self.wrap(key)

    def drop(self, wrapped: bytes) -> None:
        """Forgets one remembered key: it was destroyed."""
        with self._lock:
            self.known.pop(wrapped, None)

    def _remember(self, wrapped: bytes, key: SubjectKey) -> None:
        if len(self.known) >= _REMEMBERED:
            for oldest in list(self.known)[: _REMEMBERED // 4]:
                del self.known[oldest]
        self.known[wrapped] = key


def _aad(header: bytes, key_id: bytes) -> bytes:
    return _DOMAIN + frame(header) + frame(key_id)


def _rejected(what: str) -> CellRejected:
    return CellRejected(f"a person's key {what}.", hint=_RESTORE)


def _keyless(what: str, verb: str) -> KeyUnavailable:
    return KeyUnavailable(f"{what} cannot be {verb}: there is no keyring.", hint="enrol it in a keyring.")
