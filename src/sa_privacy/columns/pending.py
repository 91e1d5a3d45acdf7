"""Cells that wait for a key: what a column sealed under people's keys makes of a value before it is known whose it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sa_privacy.crypto import SubjectCipher, SubjectKey
from sa_privacy.crypto.secrecy import Unportable

__all__ = ["PendingCell"]


class PendingCell(Unportable):
    """A value on its way into the database, encoded and not yet sealed.

    Stands among a statement's parameters until the gate, which knows whose each row is, finishes it. No driver takes one:
    what nobody finished does not reach the database.

    :param cipher: of the column.
    :param plaintext: the encoded value.
    :param slots: the lookup slots of the value; None where the column has none.
    :param join: puts the parts of the cell together.
    """

    __slots__ = ("_join", "_plaintext", "_slots", "cell", "cipher")

    def __init__(
        self,
        cipher: SubjectCipher,
        plaintext: bytes,
        slots: bytes | None = None,
        join: Callable[[Iterable[bytes]], bytes] = b"".join,
    ) -> None:
        self.cipher = cipher
        self._plaintext = plaintext
        self._slots = slots
        self._join = join
        #: The finished cell; None as long as it is not known whose it is.
        self.cell: bytes | None = None

    @property
    def field(self) -> str:
        """The field that the cell will be bound to."""
        return self.cipher.field

    @property
    def slots(self) -> bytes | None:
        """The lookup slots that the cell will have."""
        return self._slots

    def sealed(self, key: SubjectKey) -> bytes:
        """The cell, under a person's key."""
        return self.cipher.seal(self._plaintext, key, self._slots, self._join)

    def __repr__(self) -> str:
        return f"<PendingCell of {self.field}>"
