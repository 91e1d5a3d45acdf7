"""Private SQLAlchemy touches of this room, one function each; ``tests/test_sqlalchemy_private.py`` watches them."""

from __future__ import annotations

from sqlalchemy import Connection

__all__ = ["savepoint_in_force"]


def savepoint_in_force(connection: Connection) -> str | None:
    """The name of the innermost savepoint. ``get_nested_transaction()`` is public, and what the event
    ``rollback_savepoint`` calls it is not.
    """
    nested = connection.get_nested_transaction()
    return None if nested is None else nested._savepoint
