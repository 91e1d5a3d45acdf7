"""How a sealed column may be searched: what counts as equal, and as which bytes it is digested.

A cell differs each time the same value is sealed. What can be compared is the digest in front of it, in the cell's
lookup slots (docs/spec/cell.md): a keyed hash of the value, after a normaliser has made what shall count as equal the
same.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sa_privacy.errors import PolicyError

__all__ = ["Lookup", "LookupSpec", "Normaliser", "as_lookup", "casefold", "normaliser"]

Normaliser = Callable[[Any], str]

#: Types whose equal values have one encoding, so that their digests are equal where they are.
_EXACT: Final = ("str", "bytes", "bool", "int", "date", "timedelta", "UUID")


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a sealed column is searched, for columns that are to be compared with each other.

    :param by: ``"exact"``, ``"casefold"`` or a callable; see :func:`sa_privacy.pii_column`.
    :param shared: a name of your own choice. Columns that share it have equal digests for equal values: they can be
        joined, and whoever sees the database sees which rows belong together. None: the column's own.
    """

    by: str | Normaliser
    shared: str | None = None

    def __post_init__(self) -> None:
        if not (callable(self.by) or self.by in ("exact", "casefold")):
            raise PolicyError(f"lookup={self.by!r} is not known.", hint='"exact", "casefold", a callable, or None.')
        if self.shared == "":
            raise PolicyError("Lookup(shared=...) is a name.", hint='write Lookup("casefold", shared="email").')


LookupSpec = str | Normaliser | Lookup | None


def as_lookup(given: LookupSpec) -> Lookup | None:
    """What ``lookup=`` says.

    :raises PolicyError: nothing that is known.
    """
    return given if given is None or isinstance(given, Lookup) else Lookup(given)


def casefold(text: str) -> str:
    """The form that strings share which differ in case alone: a canonical caseless match (Unicode, 3.13, D145).

    Composed and decomposed letters are the same, and so are ``ß`` and ``ss``; full-width letters and ``a`` are not.
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFD", folded)


def normaliser(lookup: Lookup, stored: type | None) -> Callable[[Any, bytes], bytes]:
    """From a value, and the plaintext that its cell holds, to the bytes that are digested.

    :param stored: the Python type whose encoding the plaintext is in; None where equal values may differ there.
    :raises PolicyError: values of the type cannot be compared that way.
    """
    if callable(lookup.by):
        by = lookup.by
        return lambda value, _plaintext: _text(by(value)).encode()
    if lookup.by == "casefold" and stored is str:
        return lambda _value, plaintext: casefold(plaintext.decode()).encode()
    if lookup.by == "exact" and stored is not None and stored.__name__ in _EXACT:
        return lambda _value, plaintext: plaintext
    values = "values of this column's type" if stored is None else f"{stored.__name__} values"
    raise PolicyError(
        f'lookup="{lookup.by}" cannot compare {values}.',
        hint='"casefold" is for text; "exact" for text, bytes, whole numbers, dates, UUID and Enum. For others give a '
        "callable that makes a str of a value, the same one for values that count as equal.",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a normaliser returns a str")
    return value
