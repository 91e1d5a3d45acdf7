"""Cells under people's keys, and the frames in which they are read (docs/spec/cell.md, "Frames").

A cell of suite 0x03 or 0x04 names its person's key, and does not hold it. What a query delivers is a *frame*: the wrapped
key in front of the cell, or one byte that says why there is none. So one query brings all that is needed, and a key that
was destroyed a moment ago opens nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import urandom
from typing import Any, Final

from cryptography.exceptions import InvalidTag

from sa_privacy.crypto.cell import (
    DOMAIN,
    HEADER,
    SHORTEST,
    SLOTS_BYTES,
    SUITE_PLAIN,
    SUITE_SLOTS,
    SUITE_SUBJECT,
    SUITE_SUBJECT_SLOTS,
    VERSION,
    FieldCipher,
)
from sa_privacy.crypto.derivation import field_bytes, frame
from sa_privacy.crypto.erased import ERASED
from sa_privacy.crypto.lookup import EMPTY_SLOTS
from sa_privacy.crypto.ring import Ring
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.crypto.subject_key import KEY_ID_BYTES, WRAPPED, WRAPPED_BYTES, SubjectKey, SubjectKeys
from sa_privacy.errors import CellRejected, KeyUnavailable

__all__ = ["DESTROYED", "MISSING", "SubjectCipher", "key_id_of"]

MISSING: Final = 0xF0
"""First byte of a frame: the key table has no such key."""
DESTROYED: Final = 0xF2
"""First byte of a frame: the key was there, and was destroyed."""

_START: Final = bytes((VERSION, SUITE_SUBJECT, 0, 0, 0, 0))
_SLOTTED_START: Final = bytes((VERSION, SUITE_SUBJECT_SLOTS, 0, 0, 0, 0))
# Where things are in a frame with its key. Made once, as in cell.py.
_HERE: Final = WRAPPED_BYTES
_WRAPPED: Final = slice(_HERE)


def _places(header: int) -> tuple[slice, slice, slice]:
    """Header, nonce and ciphertext of the cell in a frame with its key."""
    return slice(_HERE, _HERE + header), slice(_HERE + header, _HERE + header + 12), slice(_HERE + header + 12, None)


class SubjectCipher(Unportable):
    """Seals and opens the cells of one field whose values are sealed under their people's keys. Made by
    :meth:`Keyring.subject_cipher`, or enrolled in a ring.

    It opens cells under the keyring's own keys, too: a column may be on its way from those to people's.

    :param field: the logical field id; every cell is bound to it.
    :param keys: unwraps people's keys; it follows the same ring.
    :param slots: new cells get two lookup slots, suite 0x04. Cells of every suite are opened in any case.
    :param keyless: as for :class:`FieldCipher`.
    """

    __slots__ = ("__weakref__", "_aad_start", "_aad_tail", "_field", "_keys", "_plain", "_slots")

    def __init__(
        self,
        field: str,
        keys: SubjectKeys,
        *,
        slots: bool = False,
        keyless: Callable[[str, str], KeyUnavailable] | None = None,
    ) -> None:
        self._field = field
        self._keys = keys
        self._slots = slots
        self._aad_start = DOMAIN + HEADER[SUITE_SUBJECT_SLOTS if slots else SUITE_SUBJECT].to_bytes(4, "big")
        self._aad_tail = frame(field_bytes(field))
        self._plain = FieldCipher(field, slots=slots, keyless=keyless)

    def adopt(self, ring: Ring) -> None:
        """Takes the ring's keys over. For :class:`Keyring`, which calls it under its lock."""
        self._plain.adopt(ring)

    def forget(self) -> None:
        """Lets go of all keys. For :class:`Keyring`, which calls it under its lock."""
        self._plain.forget()

    @property
    def field(self) -> str:
        """The logical field id."""
        return self._field

    @property
    def slots(self) -> bool:
        """Whether new cells have lookup slots."""
        return self._slots

    def __repr__(self) -> str:
        return f"<SubjectCipher {self._field!r}>"

    def require_keys(self) -> None:
        """Makes sure, before a value is taken in, that it can be sealed.

        :raises KeyUnavailable: there are no keys.
        """
        self._plain.require_keys()

    def seal(
        self,
        plaintext: bytes,
        key: SubjectKey,
        slots: bytes | None = None,
        join: Callable[[Iterable[bytes]], bytes] = b"".join,
    ) -> bytes:
        """Seals under a person's key, with a new random nonce. The empty plaintext is sealed too.

        :param key: the person's, of :meth:`SubjectKeys.unwrap` or :meth:`SubjectKey.new`.
        :param slots: the 40 bytes of :meth:`LookupDigests.slots`, for a cipher with slots; both empty where left out.
        :param join: puts the parts of the cell together, in the type that the driver takes.
        :raises TypeError: the plaintext is not bytes.
        :raises ValueError: the slots are not 40 bytes, or the cipher's cells have none.
        """
        if not isinstance(plaintext, bytes):
            raise TypeError(f"{self._field}: a plaintext is bytes, not {type(plaintext).__name__}")
        if slots is not None and (not self._slots or len(slots) != SLOTS_BYTES):
            raise ValueError(f"{self._field}: slots are {SLOTS_BYTES} bytes, and only for a cipher made with slots")
        header = _SLOTTED_START + (slots or EMPTY_SLOTS) + key.id if self._slots else _START + key.id
        nonce = urandom(12)
        return join((header, nonce, key.encrypt(nonce, plaintext, self._aad_start + header + self._aad_tail)))

    def open(self, framed: bytes | bytearray | memoryview) -> Any:
        """The plaintext of a frame, or :data:`ERASED`.

        :raises CellRejected: the cell or its key was changed, cut off, moved from another field or person, or is of an
            unknown version or suite.
        :raises KeyUnavailable: the key is not there, or the ring does not hold what wraps it.
        """
        return self._open(framed)

    def opener(self, decode: Callable[[bytes], Any]) -> Callable[[Any], Any]:
        """A function that opens a frame and decodes its plaintext, in one frame of Python. None (NULL) stays None; where
        the person's key was destroyed it gives :data:`ERASED`.

        :param decode: a codec's ``decode``. What it raises becomes :class:`CellRejected`.
        """
        known, reopen = self._keys.known, self._reopen
        header_at, nonce_at, sealed_at = _places(HEADER[SUITE_SUBJECT_SLOTS if self._slots else SUITE_SUBJECT])
        start, tail = self._aad_start, self._aad_tail

        def open_frame(framed: bytes | None) -> Any:
            if framed is None:
                return None
            try:
                decrypt = known[framed[_WRAPPED]].decrypt
                return decode(decrypt(framed[nonce_at], framed[sealed_at], start + framed[header_at] + tail))
            except Exception:  # noqa: BLE001, S110 - whatever decode raised may hold the plaintext: judged again below
                pass
            return reopen(framed, decode)

        return open_frame

    def _aad(self, header: bytes) -> bytes:
        return DOMAIN + frame(header) + self._aad_tail

    def _open(self, framed: Any) -> Any:
        """Opens step by step, in the order of the spec, and says which step failed."""
        if not isinstance(framed, (bytes, bytearray, memoryview)):
            return self._plain.open(framed)  # says what it is, and what to do
        framed = bytes(framed)
        if not framed:
            raise self._rejected("the cell is empty")
        marker = framed[0]
        if marker == WRAPPED:
            wrapped, cell = framed[_WRAPPED], framed[_HERE:]
        elif marker in {MISSING, DESTROYED}:
            wrapped, cell = b"", framed[1:]
        else:
            wrapped, cell = b"", framed
        if cell[:1] != bytes((VERSION,)) or cell[1:2] in {bytes((SUITE_PLAIN,)), bytes((SUITE_SLOTS,))}:
            return self._plain.open(cell)
        suite = cell[1] if len(cell) > 1 else None
        if suite is not None and suite not in HEADER:
            raise self._rejected(f"suite {suite} of the cell format is unknown", hint="Upgrade, or restore the row.")
        if suite is None or len(cell) < SHORTEST[suite]:
            raise self._rejected("the cell is cut off")
        if marker == DESTROYED:
            return ERASED
        if marker == MISSING:
            raise KeyUnavailable(
                f"{self._field}: the cell is sealed under a person's key that the database does not have.",
                hint="Restore the table sa_privacy_subject_keys from its own backup.",
                columns=(self._field,),
            )
        if not wrapped:
            raise KeyUnavailable(
                f"{self._field}: the cell is sealed under a person's key, and came without it.",
                hint="Read the column through its model or table, not as text: the key then comes along.",
                columns=(self._field,),
            )
        size = HEADER[suite]
        key = self._keys.unwrap(cell[size - KEY_ID_BYTES : size], wrapped)
        try:
            return key.decrypt(cell[size : size + 12], cell[size + 12 :], self._aad(cell[:size]))
        except InvalidTag:
            pass
        raise self._rejected(
            "the cell does not open: it was changed, moved from another field, or sealed under another key"
        )

    def _reopen(self, framed: Any, decode: Callable[[bytes], Any]) -> Any:
        plaintext = self._open(framed)
        framed = None  # tracebacks keep the locals of this frame
        if plaintext is ERASED:
            return ERASED
        try:
            return decode(plaintext)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever decode raised may hold the plaintext
            pass
        plaintext = b""  # tracebacks keep the locals of this frame
        raise self._rejected(
            "the cell opens, but does not hold a value of the column's type",
            hint="Was the type changed after sealing? Give the column a new field id. Named zones need tzdata.",
        )

    def _rejected(self, what: str, *, hint: str | None = None) -> CellRejected:
        hint = hint or "Restore the row from a backup, and look into who changed it."
        return CellRejected(f"{self._field}: {what}.", hint=hint, columns=(self._field,))


def key_id_of(cell: object) -> bytes | None:
    """The id of the person's key that a stored cell names; None where it is no cell of suites 0x03 and 0x04."""
    if not isinstance(cell, (bytes, bytearray, memoryview)) or len(cell) < 2 or cell[0] != VERSION:
        return None
    if cell[1] not in {SUITE_SUBJECT, SUITE_SUBJECT_SLOTS} or len(cell) < SHORTEST[cell[1]]:
        return None
    size = HEADER[cell[1]]
    return bytes(cell[size - KEY_ID_BYTES : size])
