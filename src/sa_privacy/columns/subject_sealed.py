"""The sealed type of a column whose cells are under people's keys: ``Encrypted(..., key="subject")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import ColumnElement

from sa_privacy.columns.binding import keys_of
from sa_privacy.columns.pending import PendingCell
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.columns.subject_frame import SubjectFrame
from sa_privacy.crypto import SubjectCipher

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = ["SubjectEncrypted"]


class SubjectEncrypted(Encrypted):
    """What ``Encrypted(..., key="subject")`` makes. Its values are read with the key that came along
    (:class:`~sa_privacy.columns.subject_frame.SubjectFrame`), and leave as :class:`~sa_privacy.columns.pending.PendingCell`,
    which the gate seals once it knows whose row it is.
    """

    cache_ok = True
    key: ClassVar[str | None] = "subject"

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return SubjectFrame(column)

    def sealer(self, dialect: Dialect, *, join: Callable[[Iterable[bytes]], bytes] = b"".join) -> Callable[[Any], Any]:
        """From a value to its cell, which waits for a key."""
        if self.field is None:
            return self._fieldless
        cipher, encode, normalise = self._subject_cipher(dialect), self._encode, self._normalise
        slots = None if normalise is None else keys_of(dialect).digests(self.lookup_field or self.field).slots

        def pending(value: Any) -> PendingCell | None:
            plaintext = encode(value)
            if plaintext is None:
                return None
            cipher.require_keys()
            if slots is None or normalise is None:
                return PendingCell(cipher, plaintext, join=join)
            return PendingCell(cipher, plaintext, slots(normalise(value, plaintext)), join)

        return self._guarded(pending)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        if self.field is None:
            return self._fieldless
        return self._subject_cipher(dialect).opener(self._decode)

    def _subject_cipher(self, dialect: Dialect) -> SubjectCipher:
        return keys_of(dialect).subject_cipher(str(self.field), slots=self.lookup is not None)


Encrypted.kinds["subject"] = SubjectEncrypted
