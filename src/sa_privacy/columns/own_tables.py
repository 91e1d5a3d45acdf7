"""The library's own tables: ledgers about people and staff, in the application's database.

They are tables of the catalogue like any other, of a category that no policy can name: so no purpose covers them, and the
gate lets nobody at them but the library's own desk (:mod:`sa_privacy.ledger`) and maintenance.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from sqlalchemy import DDL, Column, MetaData
from sqlalchemy.types import TypeEngine

from sa_privacy.columns.annotation import Annotation
from sa_privacy.columns.sealed import Encrypted
from sa_privacy.policy import OWN_CATEGORY

__all__ = [
    "GUARD_PREFIX",
    "HOLD_MARK",
    "OWN_CATEGORY",
    "OWN_PREFIX",
    "OWN_TABLES",
    "OwnDDL",
    "guard_name",
    "is_guard",
    "is_own_trigger",
    "own_column",
]

OWN_PREFIX: Final = "sa_privacy_"
"""How the names of the library's own tables begin, and no others."""
GUARD_PREFIX: Final = f"{OWN_PREFIX}hold_"
"""How the names of triggers begin that keep held rows."""
HOLD_MARK: Final = "sa_privacy hold: "
"""What PostgreSQL's error about a held row calls the constraint, before the number of the case."""
OWN_TABLES: Final = MetaData()
"""All tables of the library itself."""


class OwnDDL(DDL):
    """DDL of the library itself, which the gate knows to read no rows of anybody."""


def own_column(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], *args: Any, **kwargs: Any) -> Column[Any]:
    """A column of one of the library's own tables, which only its desk reads and writes.

    :param kind: ``Encrypted(..., category=OWN_CATEGORY)`` where the value is sealed.
    """
    column: Column[Any] = Column(name, kind, *args, **kwargs)
    if not isinstance(kind, Encrypted):
        column.info["sa_privacy"] = Annotation(OWN_CATEGORY, None, False)
    return column


def guard_name(table: str) -> str:
    """What the triggers that keep a table's held rows are called, or begin with.

    :param table: its name, without a schema.
    """
    readable = "".join(one if one.isalnum() and one.isascii() else "_" for one in table.lower())[:24]
    return f"{GUARD_PREFIX}{readable}_{sha256(table.encode()).hexdigest()[:6]}"


def is_guard(name: str, table: str) -> bool:
    """Whether a trigger, or a trigger's function, of a table is one that keeps its held rows.

    :param name: as the database says it, with its schema or without.
    """
    own, name = guard_name(table), name.rpartition(".")[2]
    return name == own or name.startswith(own + "_")


def is_own_trigger(name: str) -> bool:
    """Whether a trigger is one that the library put on an application's table. On PostgreSQL its names sort last: ``zz_``."""
    return name.removeprefix("zz_").startswith(OWN_PREFIX)
