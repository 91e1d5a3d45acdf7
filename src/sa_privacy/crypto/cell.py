"""Cells: one value sealed under one field's key (docs/spec/cell.md).

A :class:`FieldCipher` seals and opens the cells of one field. ``opener()`` and ``sealer()`` return closures for the
hot path: one Python frame, one dictionary look-up on the header, one AEAD call. Whatever goes wrong there is found out
again slowly, outside the ``except`` clause, so that no error carries another one that holds a plaintext.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from os import urandom
from typing import Any, NoReturn, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sa_privacy.crypto.codec import Unrepresentable, WrongType
from sa_privacy.crypto.derivation import Label, field_bytes, frame, subkey
from sa_privacy.crypto.erased import ERASED
from sa_privacy.crypto.lookup import EMPTY_SLOTS
from sa_privacy.crypto.ring import Ring, key_name
from sa_privacy.crypto.secrecy import Unportable
from sa_privacy.crypto.subject_key import KEY_ID_BYTES
from sa_privacy.errors import CellRejected, KeyUnavailable, PrivacyError

__all__ = [
    "DOMAIN",
    "HEADER",
    "NONCE_BYTES",
    "SHORTEST",
    "SLOTS_BYTES",
    "SUITE_PLAIN",
    "SUITE_SLOTS",
    "SUITE_SUBJECT",
    "SUITE_SUBJECT_SLOTS",
    "TAG_BYTES",
    "VERSION",
    "FieldCipher",
    "PlainReaders",
    "is_cell",
]

VERSION = 1
SUITE_PLAIN = 1
"""AES-256-GCM."""
SUITE_SLOTS = 2
"""AES-256-GCM with two lookup slots in front of the nonce."""
SUITE_SUBJECT = 3
"""AES-256-GCM under a person's key."""
SUITE_SUBJECT_SLOTS = 4
"""AES-256-GCM under a person's key, with two lookup slots."""
SLOTS_BYTES = len(EMPTY_SLOTS)
NONCE_BYTES = 12
TAG_BYTES = 16

DOMAIN = frame(b"sa_privacy/cell/v1")
_PREFIX = 6
_HEADER = {SUITE_PLAIN: _PREFIX, SUITE_SLOTS: _PREFIX + SLOTS_BYTES}
HEADER = {**_HEADER, **{suite + 2: header + KEY_ID_BYTES for suite, header in _HEADER.items()}}
"""Bytes in front of the nonce, by suite."""
SHORTEST = {suite: header + NONCE_BYTES + TAG_BYTES for suite, header in HEADER.items()}
"""Bytes of the shortest cell of each suite: that of an empty plaintext."""
# Where things are in a cell. Made once: a Python before 3.12 makes a slice anew each time one is written out.
_START = slice(_PREFIX)
_NONCE, _SEALED = slice(6, 18), slice(18, None)
_SLOTTED_HEADER, _SLOTTED_NONCE, _SLOTTED_SEALED = slice(46), slice(46, 58), slice(58, None)

_Aead: TypeAlias = Callable[[bytes, bytes, bytes | None], bytes]
PlainReaders: TypeAlias = Callable[[], tuple[Callable[[Any], Any], bool] | None]
"""How to read a value that was never sealed, and whether such values are bytes that may look like a cell; None: not."""


def is_cell(value: object) -> bool:
    """Whether a stored value has the form of a cell: bytes, a known version and suite, no shorter than the least cell."""
    if not isinstance(value, (bytes, bytearray, memoryview)) or len(value) < _PREFIX:
        return False
    least = SHORTEST.get(value[1])
    return value[0] == VERSION and least is not None and len(value) >= least


def _encode_erased() -> NoReturn:
    raise WrongType("an erased value cannot be stored")


def _plaintext(_value: Any, plaintext: bytes) -> bytes:
    return plaintext


class FieldCipher(Unportable):
    """Seals and opens the cells of one field. Made by :meth:`Keyring.sealer`, or enrolled in a ring; follows it when it
    rotates.

    :param field: the logical field id; every cell is bound to it.
    :param slots: new cells get two lookup slots, suite 0x02. Cells of both suites are opened in any case.
    :param keyless: makes the error for a cipher that has no keys, from the field and ``"read"`` or ``"written"``.
    """

    __slots__ = (
        "__weakref__",
        "_aad_tail",
        "_aeads",
        "_field",
        "_field_bytes",
        "_keyless",
        "_plain",
        "_primary",
        "_slots",
        "_slotted",
        "_slotted_start",
    )

    def __init__(
        self, field: str, *, slots: bool = False, keyless: Callable[[str, str], KeyUnavailable] | None = None
    ) -> None:
        self._field = field
        self._keyless = keyless or _keyless
        self._field_bytes = field_bytes(field)
        self._slots = slots
        self._slotted_start = DOMAIN + _HEADER[SUITE_SLOTS].to_bytes(4, "big")
        self._aad_tail = frame(self._field_bytes)
        self._aeads: dict[int, AESGCM] = {}
        # Both keyed by the first 6 bytes of a cell. A plain header is always the same, so its associated data is kept.
        self._plain: dict[bytes, tuple[_Aead, bytes]] = {}
        self._slotted: dict[bytes, _Aead] = {}
        # header, encrypt, associated data. In a list, so that closures handed out earlier see a rotation.
        self._primary: list[tuple[bytes, _Aead, bytes]] = []

    def adopt(self, ring: Ring) -> None:
        """Takes the ring's keys over, and lets go of those that it has no more. For :class:`Keyring`, which calls it
        under its lock.
        """
        for entry in ring.entries:
            if entry.id not in self._aeads:
                aead = AESGCM(subkey(entry.secret, Label.SEAL, self._field_bytes))
                plain = _prefix(SUITE_PLAIN, entry.id)
                self._plain[plain] = (aead.decrypt, self._aad(plain))
                self._slotted[_prefix(SUITE_SLOTS, entry.id)] = aead.decrypt
                self._aeads[entry.id] = aead
        header = _prefix(SUITE_SLOTS, ring.primary) + EMPTY_SLOTS if self._slots else _prefix(SUITE_PLAIN, ring.primary)
        self._primary[:] = [(header, self._aeads[ring.primary].encrypt, self._aad(header))]
        for gone in self._aeads.keys() - set(ring.ids):
            del self._plain[_prefix(SUITE_PLAIN, gone)], self._slotted[_prefix(SUITE_SLOTS, gone)], self._aeads[gone]

    def forget(self) -> None:
        """Lets go of all keys. For :class:`Keyring`, which calls it under its lock."""
        self._primary.clear()
        self._plain.clear()
        self._slotted.clear()
        self._aeads.clear()

    @property
    def field(self) -> str:
        """The logical field id."""
        return self._field

    @property
    def slots(self) -> bool:
        """Whether new cells have lookup slots."""
        return self._slots

    def __repr__(self) -> str:
        return f"<FieldCipher {self._field!r}>"

    def require_keys(self) -> None:
        """Makes sure that there are keys to seal with.

        :raises KeyUnavailable: the cipher has no keys.
        """
        if not self._primary:
            raise self._keyless(self._field, "written")

    def seal(self, plaintext: bytes, slots: bytes | None = None) -> bytes:
        """Seals under the ring's primary key, with a new random nonce. The empty plaintext is sealed too.

        :param slots: the 40 bytes of :meth:`LookupDigests.slots`, for a cipher with slots; both empty where left out.
        :raises TypeError: the plaintext is not bytes.
        :raises ValueError: the slots are not 40 bytes, or the cipher's cells have none.
        :raises KeyUnavailable: the cipher has no keys.
        """
        if not isinstance(plaintext, bytes):
            raise TypeError(f"{self._field}: a plaintext is bytes, not {type(plaintext).__name__}")
        self.require_keys()
        header, encrypt, aad = self._primary[0]
        if slots is not None:
            if not self._slots or len(slots) != SLOTS_BYTES:
                raise ValueError(f"{self._field}: slots are {SLOTS_BYTES} bytes, and only for a cipher made with slots")
            header = header[_START] + slots
            aad = self._slotted_start + header + self._aad_tail
        nonce = urandom(12)
        return header + nonce + encrypt(nonce, plaintext, aad)

    def open(self, cell: bytes) -> bytes:
        """Opens a cell of this field with the key that it names, and with no other.

        :raises CellRejected: it was changed, cut off, moved from another field, or is of an unknown version or suite.
        :raises KeyUnavailable: the ring does not hold its key.
        """
        try:
            if self._slots:
                aad = self._slotted_start + cell[:46] + self._aad_tail
                return self._slotted[cell[:6]](cell[46:58], cell[58:], aad)
            decrypt, aad = self._plain[cell[:6]]
            return decrypt(cell[6:18], cell[18:], aad)
        except (KeyError, InvalidTag, ValueError, TypeError):
            pass
        return self._open(cell)

    def opener(self, decode: Callable[[bytes], Any], otherwise: PlainReaders | None = None) -> Callable[[Any], Any]:
        """A function that opens a cell and decodes its plaintext, in one frame. None (NULL) stays None.

        :param decode: a codec's ``decode``. What it raises becomes :class:`CellRejected`.
        :param otherwise: asked, for what could not be opened, how to read a value that is no cell. What that raises becomes
            :class:`CellRejected`, too.
        """
        reopen = self._reopen if otherwise is None else partial(self._reopen, otherwise=otherwise)
        if self._slots:
            slotted, start, tail = self._slotted, self._slotted_start, self._aad_tail

            def open_slotted(cell: bytes | None) -> Any:
                if cell is None:
                    return None
                try:
                    aad = start + cell[_SLOTTED_HEADER] + tail
                    return decode(slotted[cell[_START]](cell[_SLOTTED_NONCE], cell[_SLOTTED_SEALED], aad))
                except Exception:  # noqa: BLE001, S110 - whatever decode raised may hold the plaintext: judged again below
                    pass
                return reopen(cell, decode)

            return open_slotted
        plain = self._plain

        def open_plain(cell: bytes | None) -> Any:
            if cell is None:
                return None
            try:
                decrypt, aad = plain[cell[_START]]
                return decode(decrypt(cell[_NONCE], cell[_SEALED], aad))
            except Exception:  # noqa: BLE001, S110 - whatever decode raised may hold the plaintext: judged again below
                pass
            return reopen(cell, decode)

        return open_plain

    def sealer(
        self,
        encode: Callable[[Any], bytes | None],
        *,
        slots: Callable[[bytes], bytes] | None = None,
        normalise: Callable[[Any, bytes], bytes] = _plaintext,
        refuse: Callable[[Any], Exception] | None = None,
        join: Callable[[Iterable[bytes]], bytes] = b"".join,
    ) -> Callable[[Any], bytes | None]:
        """A function that encodes a value and seals it, in one frame. None stays None (NULL), and so does what is encoded
        to None.

        :param encode: a codec's ``encode``.
        :param slots: :meth:`LookupDigests.slots`, for a cipher with slots; both empty where left out.
        :param normalise: from a value and its plaintext to what is digested.
        :param refuse: makes the error for a value that `encode` or `normalise` fails for, and for :data:`ERASED`; where
            left out it is a TypeError or ValueError that names the field. What they raised may hold the value, and is
            dropped.
        :param join: puts the parts of a cell together, in the type that the driver takes.
        """
        primary, start, tail = self._primary, self._slotted_start, self._aad_tail
        refusal = partial(self._refusal, refuse=refuse)

        def seal_value(value: Any) -> bytes | None:
            if value is None:
                return None
            try:
                plaintext = encode(value) if value is not ERASED else _encode_erased()
                if plaintext is None:
                    return None
                header, encrypt, aad = primary[0]
                if slots is not None:
                    header = header[_START] + slots(normalise(value, plaintext))
                    aad = start + header + tail
                nonce = urandom(12)
                return join((header, nonce, encrypt(nonce, plaintext, aad)))
            except Exception as error:  # noqa: BLE001 - whatever encode raised may hold the value
                refused = refusal(error, value)
            raise refused

        return seal_value

    def _aad(self, header: bytes) -> bytes:
        return DOMAIN + frame(header) + self._aad_tail

    def _open(self, cell: bytes) -> bytes:
        """Opens step by step, in the order of the spec, and says which step failed."""
        if not isinstance(cell, bytes):
            if not isinstance(cell, (bytearray, memoryview)):
                raise self._rejected(
                    f"the stored value is {type(cell).__name__}, not a cell",
                    hint="The column holds values that were never sealed. Seal them (sa-privacy seal), or declare it with "
                    "encrypt=False.",
                )
            cell = bytes(cell)
        if not cell:
            raise self._rejected("the cell is empty")
        if cell[0] != VERSION:
            raise self._rejected(
                f"version {cell[0]} of the cell format is unknown",
                hint="The column holds values that were never sealed, or cells of a newer release.",
            )
        suite = cell[1] if len(cell) > 1 else None
        if suite in {SUITE_SUBJECT, SUITE_SUBJECT_SLOTS}:
            raise self._rejected(
                "the cell is sealed under a person's key, and the column under the keyring's",
                hint='Annotate the column with key="subject", or reseal it (sa-privacy reseal).',
            )
        if suite is not None and suite not in _HEADER:
            raise self._rejected(f"suite {suite} of the cell format is unknown", hint="Upgrade, or restore the row.")
        if suite is None or len(cell) < _HEADER[suite] + NONCE_BYTES + TAG_BYTES:
            raise self._rejected("the cell is cut off")
        key_id = int.from_bytes(cell[2:6], "big")
        if not key_id:
            raise self._rejected("the cell names no key")
        aead = self._aeads.get(key_id)
        if aead is None:
            if not self._aeads:
                raise self._keyless(self._field, "read")
            raise KeyUnavailable(
                f"{self._field}: the cell is sealed under key {key_name(key_id)}, which the keyring does not hold.",
                hint="Load the keyring file that has this key, the one saved by the latest rotation or a backup of it.",
                columns=(self._field,),
            )
        size = _HEADER[suite]
        try:
            return aead.decrypt(cell[size : size + 12], cell[size + 12 :], self._aad(cell[:size]))
        except InvalidTag:
            pass
        raise self._rejected(
            "the cell does not open: it was changed, moved from another field, or sealed under another key"
        )

    def _reopen(self, cell: Any, decode: Callable[[bytes], Any], otherwise: PlainReaders | None = None) -> Any:
        reader = otherwise() if otherwise is not None else None
        if reader is not None and self._may_be_plain(cell, mistakable=reader[1]):
            decode, plaintext, what = reader[0], cell, "a plain value was read, but it is no value of the column's type"
        else:
            plaintext, what = self._open(cell), "the cell opens, but does not hold a value of the column's type"
        cell = None  # tracebacks keep the locals of this frame
        try:
            return decode(plaintext)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001, S110 - whatever decode raised may hold the plaintext
            pass
        plaintext = b""  # tracebacks keep the locals of this frame
        raise self._rejected(
            what,
            hint="Was the type changed after sealing? Give the column a new field id. Named zones need tzdata.",
        )

    def _may_be_plain(self, value: Any, *, mistakable: bool) -> bool:
        """Whether a stored value may be one that was never sealed.

        :param mistakable: such values are random bytes themselves: a cell is what names a key of the ring.
        """
        if not is_cell(value):
            return True
        return mistakable and int.from_bytes(value[2:6], "big") not in self._aeads

    def _rejected(self, what: str, *, hint: str | None = None) -> CellRejected:
        hint = hint or "Restore the row from a backup, and look into who changed it."
        return CellRejected(f"{self._field}: {what}.", hint=hint, columns=(self._field,))

    def _refusal(self, error: Exception, value: Any, *, refuse: Callable[[Any], Exception] | None) -> Exception:
        """What may be said of an error that happened while a value was being sealed."""
        if isinstance(error, (MemoryError, PrivacyError)):
            return error
        if not self._primary:
            return self._keyless(self._field, "written")
        if refuse is not None:
            return refuse(value)
        if isinstance(error, WrongType):
            return WrongType(f"{self._field}: {error}")
        if isinstance(error, Unrepresentable):
            return Unrepresentable(f"{self._field}: {error}")
        return ValueError(f"{self._field}: the value cannot be encoded ({type(error).__name__})")


def _prefix(suite: int, key_id: int) -> bytes:
    return bytes((VERSION, suite)) + key_id.to_bytes(4, "big")


def _keyless(field: str, verb: str) -> KeyUnavailable:
    return KeyUnavailable(
        f"{field} cannot be {verb}: its cipher has no keys.", hint="enrol it in a keyring.", columns=(field,)
    )
