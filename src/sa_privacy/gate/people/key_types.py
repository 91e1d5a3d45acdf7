"""Keys of people as the application knows them, where the database holds or reads other values: ``"cus_7"``, ``"07"`` for 7.

Events name people by the keys that the application uses: it asks by them, and holds them in its objects. The rows of a
cursor come as the driver makes them.
"""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from sqlalchemy import BindParameter, Dialect, Uuid
from sqlalchemy.types import TypeEngine

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.crypto.pseudonym import canonical

__all__ = ["SPELLED", "Told", "as_own_type", "is_as_told", "spelled", "told_keys"]

_NUMERIC: Final = re.compile(
    r"\s*[+-]?(?:0[xob][\da-f_]+|\.?\d[\d_]*\.?[\d_]*(?:e[+-]?\d+)?)\s*", re.ASCII | re.IGNORECASE
)
_LONGEST: Final = 400  # characters
SPELLED: Final = (str, float, Decimal)
"""Of what types a key may be for which the database finds the row of another one."""

#: By kind of person, what makes the application's key of the database's.
Told = Mapping[str, Callable[[Any], Any]]


def told_keys(catalogue: Catalogue, dialect: Dialect) -> Told:
    """How the keys of each kind of person are to be read, for those kinds where they differ."""
    found = {}
    for kind, known in catalogue.key_types.items():
        process = None if isinstance(known, Uuid) else known.dialect_impl(dialect).result_processor(dialect, None)
        if process is not None:  # a UUID has one pseudonym, however it is written
            found[kind] = _reader(process)
    return found


def _reader(process: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def told(key: Any) -> Any:
        try:
            found = process(key)
        except Exception:  # noqa: BLE001 - it may be the application's own code, and quote the key
            raise ValueError from None
        try:
            canonical(found)
        except (TypeError, ValueError):  # an object of its own: people are asked for by what it stands for
            return key
        return found

    return told


def as_own_type(key: Any, known: TypeEngine[Any]) -> Any:
    """A key as a value of its column's type, since applications often hold keys as text; as it is, where it is none."""
    try:
        kind = known.python_type
    except NotImplementedError:
        return key
    if isinstance(key, str) and kind is int and key.isdecimal():
        return int(key)
    if isinstance(key, str) and kind is uuid.UUID:
        with contextlib.suppress(ValueError):
            return uuid.UUID(key)
    if isinstance(key, (int, uuid.UUID)) and kind is str:
        return str(key)
    return key


def is_as_told(bind: BindParameter[Any] | None, known: TypeEngine[Any] | None) -> bool:
    """Whether a parameter holds keys as the application knows them: SQLAlchemy turns them into those of the database."""
    return bind is not None and known is not None and isinstance(bind.type, type(known))


def spelled(keys: Iterable[Any]) -> Iterable[Any]:
    """The keys; where the database may take a text for a number, that number, too: SQLite finds 7 by ``"07"``.

    :raises ValueError: whom it finds by one of them cannot be told: a cast may round it.
    """
    for key in keys:
        if key is None:
            continue
        yield key
        if isinstance(key, str):
            number = _number(key)
            if number is not None and str(number) != key:
                yield number
        elif isinstance(key, (float, Decimal)) and key != int(key):
            raise ValueError


def _number(text: str) -> int | None:
    """The whole number that a database may read in a text: ``" 7.0 "``, ``"0.7e1"``, ``"0x7"``."""
    if len(text) > _LONGEST:  # nobody's key, and matching takes its square
        raise ValueError
    if _NUMERIC.fullmatch(text) is None:
        return None
    try:
        return int(text, 0)
    except ValueError:
        pass
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return int(number) if abs(number.adjusted()) < _LONGEST and number == int(number) else None
