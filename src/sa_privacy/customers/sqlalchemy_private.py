"""Private SQLAlchemy touches of this room, one function each; ``tests/test_sqlalchemy_private.py`` watches them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.orm import RelationshipProperty

__all__ = ["pairs_of_relationship", "savepoint_in_force"]


def savepoint_in_force(connection: Connection) -> str | None:
    """The name of the innermost savepoint. ``get_nested_transaction()`` is public, and what the event
    ``rollback_savepoint`` calls it is not.
    """
    nested = connection.get_nested_transaction()
    return None if nested is None else nested._savepoint


def pairs_of_relationship(relationship: RelationshipProperty[Any]) -> list[list[tuple[Any, Any]]]:
    """What a relationship keeps in step: the column referred to and the column that refers, for each table that refers.
    ``local_remote_pairs`` is public, and does not tell which of the two refers.
    """
    if relationship.viewonly:
        return []
    if relationship.secondary is not None:
        return [list(relationship.synchronize_pairs), list(relationship.secondary_synchronize_pairs or ())]
    return [list(relationship.synchronize_pairs)]
