"""Lookup digests: what makes a sealed column searchable, and unique (docs/spec/cell.md, "Lookup slots").

Equal values have equal digests, so the database can compare them. A cell has room for two, so that a lookup key can be
replaced while every row stays found and unique: see "Rotation of the lookup key" in docs/spec/keyring.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from sa_privacy.crypto.derivation import Label, field_bytes, subkey
from sa_privacy.crypto.ring import Ring
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.errors import KeyUnavailable

__all__ = ["EMPTY_SLOT", "EMPTY_SLOTS", "SLOT_BYTES", "LookupDigests"]

SLOT_BYTES = 20
"""A key id in 4 bytes, a digest in 16."""
EMPTY_SLOT = bytes(SLOT_BYTES)
EMPTY_SLOTS = bytes(2 * SLOT_BYTES)
_DIGEST_BYTES = 16


class _Key(Unportable):
    """The lookup key of one entry for one field, and the id as it stands in a slot."""

    __slots__ = ("_keyed", "name")

    def __init__(self, key_id: int, secret: bytes) -> None:
        self.name = key_id.to_bytes(4, "big")
        self._keyed = HMAC(secret, SHA256())  # copied for each digest: the key is taken in once

    def slot(self, normalised: bytes) -> bytes:
        """The 20 bytes of a slot."""
        keyed = self._keyed.copy()
        keyed.update(normalised)
        return self.name + keyed.finalize()[:_DIGEST_BYTES]

    def __repr__(self) -> str:
        return f"<lookup key {self.name.hex()}>"


class _Now(NamedTuple):
    """What fills each slot, and what searches use. One object, so that nobody sees half a rotation."""

    first: _Key | None
    second: _Key | None
    search: _Key
    search_slot: int


class LookupDigests(Unportable):
    """Makes the lookup digests of one lookup field. Made by :meth:`Keyring.digests`, or enrolled in a ring; follows it
    from one phase of a rotation to the next.

    :param field: the lookup field id; columns that can be compared with each other share it.
    :param keyless: makes the error for digests that have no keys, from the field and ``"read"`` or ``"written"``.
    """

    __slots__ = ("__weakref__", "_field", "_field_bytes", "_keyless", "_keys", "_now")

    empty = EMPTY_SLOTS
    """The slots of a value that has no digest."""

    def __init__(self, field: str, *, keyless: Callable[[str, str], KeyUnavailable] | None = None) -> None:
        self._field = field
        self._field_bytes = field_bytes(field)
        self._keyless = keyless or _keyless
        self._keys: dict[int, _Key] = {}
        self._now: _Now | None = None

    def adopt(self, ring: Ring) -> None:
        """Takes over the ring's lookup keys. For :class:`Keyring`, which calls it under its lock."""
        used = [entry for entry in ring.entries if entry.id in ring.lookup.slots]
        self._keys = {
            entry.id: self._keys.get(entry.id) or _Key(entry.id, subkey(entry.secret, Label.LOOKUP, self._field_bytes))
            for entry in used
        }
        first, second = (None if key_id is None else self._keys[key_id] for key_id in ring.lookup.slots)
        self._now = _Now(first, second, self._keys[ring.lookup.search], ring.lookup.search_slot)

    def forget(self) -> None:
        """Lets go of all keys. For :class:`Keyring`, which calls it under its lock."""
        self._now = None
        self._keys = {}

    @property
    def field(self) -> str:
        """The lookup field id."""
        return self._field

    def __repr__(self) -> str:
        return f"<LookupDigests {self._field!r}>"

    def slots(self, normalised: bytes) -> bytes:
        """The 40 bytes of both slots, for a cell that is written now.

        :param normalised: the value after the column's normaliser, in the encoding of its type.
        :raises KeyUnavailable: there are no keys.
        """
        now = self._now
        if now is None:
            raise self._keyless(self._field, "written")
        first, second, _, _ = now
        return (EMPTY_SLOT if first is None else first.slot(normalised)) + (
            EMPTY_SLOT if second is None else second.slot(normalised)
        )

    @property
    def search_slot(self) -> int:
        """Which slot searches compare: 0 (A, bytes 6-25 of a cell) or 1 (B, bytes 26-45).

        :raises KeyUnavailable: there are no keys.
        """
        return self._state().search_slot

    def search(self, normalised: bytes) -> bytes:
        """The 20 bytes that a search compares with :attr:`search_slot`.

        Where SQL that names a slot is kept, ask :meth:`slot` for that very slot instead.

        :raises KeyUnavailable: there are no keys.
        """
        return self._state().search.slot(normalised)

    def slot(self, index: int, normalised: bytes) -> bytes | None:
        """The 20 bytes of one slot, or None where no key fills it now.

        :param index: 0 (A) or 1 (B).
        :raises KeyUnavailable: there are no keys.
        """
        now = self._state()
        key = now.second if index else now.first
        return None if key is None else key.slot(normalised)

    def _state(self) -> _Now:
        now = self._now
        if now is None:
            raise self._keyless(self._field, "read")
        return now


def _keyless(field: str, verb: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"{field} cannot be {verb}: its lookup has no keys.", hint="enrol it in a keyring.", columns=(field,)
    )
