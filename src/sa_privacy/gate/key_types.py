"""Keys of people as the application knows them, where the database holds other values: ``"cus_7"`` for 7.

Events name people by the keys that the application uses: it asks by them, and holds them in its objects. The rows of a
cursor come as the driver makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import BindParameter, Dialect, Uuid
from sqlalchemy.types import TypeEngine

from sa_privacy.columns.catalogue import Catalogue
from sa_privacy.crypto.pseudonym import canonical

__all__ = ["Told", "is_as_told", "told_keys"]

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


def is_as_told(bind: BindParameter[Any] | None, known: TypeEngine[Any] | None) -> bool:
    """Whether a parameter holds keys as the application knows them: SQLAlchemy turns them into those of the database."""
    return bind is not None and known is not None and isinstance(bind.type, type(known))
