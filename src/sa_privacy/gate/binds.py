"""Whose gate stands before a database, and which database a session would ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapper, Session

__all__ = ["dialect_of", "governs", "owner_of_dialect"]


def owner_of_dialect(dialect: Dialect) -> Any:
    """The gate on the engine of `dialect`; None where there is none."""
    return getattr(dialect.statement_compiler, "sa_privacy_owner", None)


def dialect_of(session: Session, mapper: Mapper[Any]) -> Dialect | None:
    """The dialect of the engine that `session` uses for a class; None where that depends on more than the class."""
    try:
        return session.get_bind(mapper).dialect
    except Exception:  # noqa: BLE001 - a session without a bind, or an application's way to choose one, may raise any
        return None


def governs(gate: object, session: Session, mapper: Mapper[Any]) -> bool:
    """Whether a gate stands before the engine that `session` uses for a class."""
    dialect = dialect_of(session, mapper)
    return dialect is not None and owner_of_dialect(dialect) is gate
